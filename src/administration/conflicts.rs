//! Searches for conflicts between users, and their results.

use crate::administration::cursor::ConflictCursor;
use crate::identity::UserId;
use crate::store::UserConflict;

/// A search for conflicts. An absent field selects all.
#[derive(Debug, Clone, Copy, Default)]
pub struct ConflictSearch {
    /// One of the two users.
    pub user: Option<UserId>,
    /// If `true`, selects conflicts without a decision only.
    pub only_open: bool,
    /// The end of the previous page.
    pub after: Option<ConflictCursor>,
    /// Number of conflicts on the page, at most [`MAX_PAGE`](crate::administration::MAX_PAGE).
    pub limit: u8,
}

/// A page of conflicts, the newest first.
#[derive(Debug, Clone)]
pub struct Conflicts {
    /// The conflicts.
    pub conflicts: Vec<UserConflict>,
    /// The position of the next page. `None` on the last page.
    pub next: Option<ConflictCursor>,
}
