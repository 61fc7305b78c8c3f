//! The use cases of a logged-in user: profile, avatar, phone number, encrypted data, session key, deletion. Time is an argument.

mod avatar;
mod deletion;
mod encrypted;
mod error;
mod identities;
mod phone;
mod profile;
mod session_key;
mod unionids;

pub use avatar::Avatars;
pub use deletion::{Deletion, erase};
pub use encrypted::Decryption;
pub use error::Error;
pub use identities::{Identities, Identity};
pub use phone::{KeptPhoneNumber, KeptPhoneNumbers, PhoneNumbers};
pub use profile::{AvatarUrl, Malformed, Nickname, Profiles};
pub use session_key::SessionKeys;
pub use unionids::UnionIds;
