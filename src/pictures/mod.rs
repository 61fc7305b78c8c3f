//! The uploaded pictures: checks them, encodes them again, and keeps them in a folder or in an S3-compatible bucket.

mod bucket;
mod name;
mod picture;
mod storage;
#[cfg(test)]
mod tests;

pub use name::PictureName;
pub use picture::{Encoder, Unusable};
pub use storage::{ConfigError, Error, Storage};
