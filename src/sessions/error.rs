//! Errors of the session use cases.

use crate::session::CryptoError;
use crate::store;

/// A failed operation on a session.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store failed: the session may be live.
    #[error("the session store failed")]
    Store(#[from] store::Error),
    /// A session key could not be sealed.
    #[error("could not seal a session key")]
    Crypto(#[from] CryptoError),
}
