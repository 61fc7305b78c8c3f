//! Access tokens: one per app, fetched on demand, renewed in time, and fetched by one process at a time. Time is an argument.
//!
//! A token is looked up in memory, for up to a minute; in the store, where it is sealed for all processes; and at the
//! platform. The last two happen in one background task per app and process.

mod cache;
mod fetch;
#[cfg(test)]
mod tests;
mod tokens;

pub use cache::AccessTokenCache;
pub use fetch::{TokenFuture, TokenSource};
pub use tokens::AccessTokens;
