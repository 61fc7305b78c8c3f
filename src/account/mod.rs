//! The use cases of an account's life beyond its login: what users show of themselves and where they are logged in, and
//! what this backend asks WeChat for on their behalf.
//!
//! Knows the order of the steps and what must hold between them. Time is an argument.
//! Never knows HTTP, JSON, SQL, WeChat's numbers or where settings came from.

pub mod access_token;
mod devices;
mod profile;

pub use devices::Devices;
pub use profile::{AvatarUrl, Malformed, Nickname, Profiles};

use crate::store;

/// Why there is no answer about a user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store gave none.
    #[error("could not reach what is kept of the user")]
    Store(#[from] store::Error),
    /// The user is not there any more.
    #[error("the user is not kept any more")]
    UserGone,
}
