//! A conflict between two users, as the admin API shows it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::store::{Decision, UserConflict};
use crate::time::rfc3339;

/// Two users with the same unionid. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
pub(super) struct AdminConflict {
    /// The id of the user who had the unionid first. After a merge, the id of the user that both are now.
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    kept: String,
    /// The id of the other user.
    #[schema(examples("7d0a6a1b1c0f4b0d9a3a5be5e7b1f0c2"))]
    other: String,
    /// The time at which the conflict was found.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    found_at: String,
    /// `merged` or `apart`. `null` while the conflict is open.
    #[schema(required = true, examples("merged"))]
    decision: Option<&'static str>,
    /// The time of the decision. `null` while the conflict is open.
    #[schema(required = true, format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    decided_at: Option<String>,
}

impl AdminConflict {
    pub(super) fn new(conflict: &UserConflict) -> Self {
        Self {
            kept: conflict.kept.to_string(),
            other: conflict.other.to_string(),
            found_at: rfc3339(conflict.found_at),
            decision: conflict.decision.map(Decision::as_str),
            decided_at: conflict.decided_at.map(rfc3339),
        }
    }
}
