//! The use cases of an account's life beyond its login: what users show of themselves and where they are logged in, and
//! what this backend asks WeChat for on their behalf.
//!
//! Knows the order of the steps and what must hold between them. Time is an argument.
//! Never knows HTTP, JSON, SQL, WeChat's numbers or where settings came from.

pub mod access_token;
mod encrypted;
mod phone;
mod profile;
mod session_key;

pub use encrypted::Decryption;
pub use phone::Phones;
pub use profile::{AvatarUrl, Malformed, Nickname, Profiles};
pub use session_key::SessionKeys;

use crate::identity::{CodeShape, OpenId};
use crate::session::CryptoError;
use crate::sessions::{self, CurrentSession};
use crate::store;
use crate::store::once;

/// Why there is no answer about a user.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store gave none.
    #[error("could not reach what is kept of the user")]
    Store(#[from] store::Error),
    /// The user is not there any more.
    #[error("the user is not kept any more")]
    UserGone,
    /// The session has ended meanwhile.
    #[error("the session has ended meanwhile")]
    SessionGone,
    /// The user's openid is sealed under another AppSecret than the one of today. The user's next login mends that.
    #[error(
        "the AppSecret has changed since this user's last login, so their openid does not open"
    )]
    OpenIdSealed,
    /// What came for a phone number code is none.
    #[error("what came for a phone number code is {0}")]
    LoginCodeForPhoneCode(CodeShape),
    /// WeChat was asked about this code before, and whatever it answered was lost. Asking again gives nothing.
    #[error("the phone number code was sent to WeChat before, and the answer was lost")]
    PhoneCodeSpent,
    /// WeChat gave no phone number.
    #[error("could not learn the phone number from WeChat")]
    PhoneNumber(#[source] access_token::Error),
    /// WeChat did not say what there is to a session key.
    #[error("could not ask WeChat about the session key")]
    SessionKey(#[source] access_token::Error),
    /// No session key that is known opens the data, or WeChat honours it no longer: it takes a new login.
    #[error("the session key is not the one in force")]
    SessionKeyStale,
    /// Something could not be sealed.
    #[error("could not seal what is to be kept")]
    Crypto(#[from] CryptoError),
    /// The session could not be changed.
    #[error("could not keep the session's new key")]
    Session(#[source] sessions::Error),
}

impl From<once::Error> for Error {
    fn from(error: once::Error) -> Self {
        match error {
            once::Error::Store(error) => Self::Store(error),
            once::Error::Crypto(error) => Self::Crypto(error),
            once::Error::TimedOut => Self::PhoneNumber(access_token::Error::Overdue),
        }
    }
}

/// The user's openid, for a call to WeChat.
fn openid_of(live: &CurrentSession) -> Result<OpenId, Error> {
    live.openid().ok_or(Error::OpenIdSealed)
}
