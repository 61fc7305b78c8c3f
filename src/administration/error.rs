//! Errors of an operator's use cases.

use crate::pictures;
use crate::store;

/// A failed operation of an operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or bucket of the avatars failed.
    #[error("could not remove the user's avatars")]
    Pictures(#[from] pictures::Error),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] store::Error),
    /// There is no user with this id.
    #[error("there is no such user")]
    UserUnknown,
    /// The two users have no conflict.
    #[error("the two users have no conflict")]
    ConflictUnknown,
    /// One of the two users is blocked, so that a merge would lift the block or spread it.
    #[error("one of the two users is blocked")]
    ConflictBlocked,
    /// A later merge depends on the one that would be undone.
    #[error("a later merge depends on this one")]
    ConflictHasLaterMerge,
    /// The user has no session with this id.
    #[error("the user has no such session")]
    SessionUnknown,
}
