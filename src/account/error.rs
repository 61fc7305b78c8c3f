//! Errors of the account use cases.

use crate::limits::Exceeded;
use crate::pictures::{self, Unusable};
use crate::platforms::{self, CallError, DecryptError};
use crate::session::CryptoError;
use crate::sessions;
use crate::store;
use crate::store::once;

/// A failed operation on a user's account.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// The user has been deleted.
    #[error("the user has been deleted")]
    UserGone,
    /// The session has ended meanwhile.
    #[error("the session has ended meanwhile")]
    SessionGone,
    /// The user's openid is sealed under a former AppSecret. The next login seals it again.
    #[error(
        "the AppSecret has changed since this user's last login, so their openid cannot be decrypted"
    )]
    OpenIdSealed,
    /// The code cannot be one of the platform's.
    #[error("the code has characters or a length that no code of the platform has")]
    CodeImpossible,
    /// A limit was reached. Nothing was sent.
    #[error(transparent)]
    Limited(#[from] Exceeded),
    /// The client sent a login code instead of a phone number code.
    #[error("the client sent a login code instead of a phone number code")]
    LoginCodeForPhoneCode,
    /// The code was sent to the platform before, and the reply was lost. A retry cannot succeed.
    #[error("the phone number code was sent to the platform before, and the reply was lost")]
    PhoneCodeSpent,
    /// The platform returned no phone number.
    #[error("could not exchange the phone number code")]
    PhoneNumber(#[source] CallError),
    /// The call to check or reset the session key failed.
    #[error("could not check or reset the session key")]
    SessionKey(#[source] CallError),
    /// The platform returned no unionid for the payment.
    #[error("could not fetch the unionid of a user who has paid")]
    PaidUnionId(#[source] CallError),
    /// The app is a website or an official account, whose sessions have no session key.
    #[error("the session is of a website or an official account, which have no session keys")]
    SessionKeyAbsent,
    /// The platform no longer accepts the session key: the user must log in again.
    #[error("the session key is stale")]
    SessionKeyStale,
    /// The encrypted data has the wrong shape, so no key decrypts it.
    #[error("encrypted data was rejected")]
    EncryptedDataMalformed(#[source] DecryptError),
    /// The encrypted data was rejected for a reason that only the log may have.
    #[error("encrypted data was rejected")]
    NotDecrypted(#[source] DecryptError),
    /// The platform rejected the code that should prove who the user is, or did not reply.
    #[error("could not exchange the login code that proves who the user is")]
    Proof(#[source] platforms::Error),
    /// The code that should prove who the user is belongs to another user.
    #[error("the login code belongs to another user than the session")]
    ProofOfAnotherUser,
    /// A value could not be sealed.
    #[error("could not seal a value for the store")]
    Crypto(#[from] CryptoError),
    /// The settings have no store for avatars.
    #[error("uploads of avatars are off")]
    AvatarOff,
    /// The file cannot become an avatar.
    #[error("could not use the picture")]
    AvatarUnusable(#[from] Unusable),
    /// The folder or bucket of the avatars failed.
    #[error("could not keep the avatar")]
    AvatarStore(#[from] pictures::Error),
    /// The operating system has no random numbers.
    #[error("could not name the avatar")]
    AvatarName(#[source] getrandom::Error),
    /// The session's new key could not be stored.
    #[error("could not store the session's new key")]
    Session(#[source] sessions::Error),
}

impl From<once::Error> for Error {
    fn from(error: once::Error) -> Self {
        match error {
            once::Error::Store(error) => Self::Store(error),
            once::Error::Crypto(error) => Self::Crypto(error),
            once::Error::TimedOut => Self::PhoneNumber(CallError::Overdue),
        }
    }
}
