//! Metrics for Prometheus: every series, and the wrappers that record store operations and platform calls.

mod connections;
mod limits;
mod platform;
mod registry;
mod store;
#[cfg(test)]
mod tests;

pub use limits::limit_observer;
pub use platform::{errcode_label, observer};
pub use registry::{CONTENT_TYPE, Metrics};
pub use store::MeteredStore;
