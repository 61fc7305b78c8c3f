//! Errors of a login.

use crate::apps::UnknownApp;
use crate::identity::UserId;
use crate::limits::Exceeded;
use crate::login::web_state::InvalidState;
use crate::platforms::{self, Reason};
use crate::session::CryptoError;
use crate::sessions;
use crate::settings::AppKind;
use crate::store;
use crate::store::once;

/// A failed login.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The login names a mini program that is not configured, or none where several are configured.
    #[error(transparent)]
    AppUnknown(#[from] UnknownApp),
    /// Apps of this kind log in in another way.
    #[error("the login is for an app of another kind: {}", .0.name())]
    WrongKind(AppKind),
    /// The login page may not redirect to this URL.
    #[error("the redirect is not in the settings of the app")]
    RedirectNotAllowed,
    /// The state of a web login is invalid.
    #[error(transparent)]
    State(#[from] InvalidState),
    /// The login is of the virtual account of a page that is shown as a snapshot.
    #[error("the platform sent the virtual account of a snapshot page")]
    SnapshotUser,
    /// The code cannot be one of the platform's.
    #[error("the code has characters or a length that no code of the platform has")]
    CodeImpossible,
    /// A limit was reached. Nothing was sent.
    #[error(transparent)]
    Limited(#[from] Exceeded),
    /// An operator has blocked the user. Nothing was stored.
    #[error("user {0} is blocked by an operator")]
    UserBlocked(UserId),
    /// The code was exchanged before, and the session of that login has ended.
    #[error("the code was used before, and its session has ended")]
    CodeUsed,
    /// The platform rejected the code.
    #[error("{diagnosis}")]
    Rejected {
        /// The platform's error.
        error: platforms::Error,
        /// Likely cause and fix, derived from the whole login: one line for the log, without secrets.
        diagnosis: String,
    },
    /// The platform did not identify the user.
    #[error("could not exchange the login code")]
    Platform(#[source] platforms::Error),
    /// The store failed.
    #[error("the session store failed")]
    Store(#[from] store::Error),
    /// No token could be generated, or a secret not sealed.
    #[error("could not generate a token")]
    Crypto(#[from] CryptoError),
}

impl Error {
    /// Returns `true` if the platform rejected the code because of the client.
    pub(super) fn is_fault_of_client(&self) -> bool {
        match self {
            Self::Rejected { error, .. } => error.reason().is_some_and(Reason::is_fault_of_client),
            Self::AppUnknown(_)
            | Self::WrongKind(_)
            | Self::RedirectNotAllowed
            | Self::State(_)
            | Self::SnapshotUser
            | Self::CodeImpossible
            | Self::Limited(_)
            | Self::UserBlocked(_)
            | Self::CodeUsed
            | Self::Platform(_)
            | Self::Store(_)
            | Self::Crypto(_) => false,
        }
    }
}

impl From<once::Error> for Error {
    fn from(error: once::Error) -> Self {
        match error {
            once::Error::Store(error) => Self::Store(error),
            once::Error::Crypto(error) => Self::Crypto(error),
            once::Error::TimedOut => Self::Platform(platforms::Error::TimedOut),
        }
    }
}

impl From<sessions::Error> for Error {
    fn from(error: sessions::Error) -> Self {
        match error {
            sessions::Error::Store(error) => Self::Store(error),
            sessions::Error::Crypto(error) => Self::Crypto(error),
        }
    }
}
