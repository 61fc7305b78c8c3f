//! Data of a session: its token, its lifetime, its user, and the encryption of stored secrets.

mod data_keys;
mod device;
mod record;
mod seal;
mod token;
mod user;

pub use data_keys::DataKeys;
pub use device::{Device, SessionId};
pub use record::{Lifetimes, Session, SessionStatus};
pub(crate) use seal::random_bytes;
pub use seal::{CryptoError, Seal, Sealed};
pub use token::{Token, TokenDigest};
pub use user::{Block, Change, Profile, ProfileChange, User};
