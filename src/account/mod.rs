//! The use cases of somebody who is logged in: what they show of themselves, and where they are logged in.
//!
//! Knows what a profile may hold, and which sessions a user sees and ends. Time is an argument.
//! Never knows HTTP, JSON, SQL, or how somebody logged in.

mod devices;
mod profile;

pub use devices::Devices;
pub use profile::{AvatarUrl, Malformed, Nickname, Profiles};

use crate::store;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store gave none.
    #[error("could not reach what is kept of the user")]
    Store(#[from] store::Error),
    /// The user is not there any more.
    #[error("the user is not kept any more")]
    UserGone,
}
