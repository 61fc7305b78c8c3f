//! A session as its user's export and the admin API show it.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::session::Session;
use crate::time::rfc3339;

/// A stored session. Its token is stored as a digest, and its session keys are encrypted under the token.
#[derive(Serialize, ToSchema)]
pub(super) struct StoredSession {
    #[schema(examples("5f0e9d1c7b3a48260f1e2d3c4b5a6978"))]
    id: String,
    /// The AppID of the mini program.
    #[schema(examples("wx0123456789abcdef"))]
    app: String,
    #[schema(examples("iPhone · WeChat 8.0.50 · iOS 17.1"))]
    device: String,
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// The time of the last use, to the hour.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    last_seen: String,
    /// The time at which it expires if it is not used again. Expired sessions are removed a day later.
    #[schema(format = DateTime, examples("2026-11-27T08:30:00.000Z"))]
    ends_at: String,
}

impl StoredSession {
    pub(super) fn new(session: &Session, ends_at: Timestamp) -> Self {
        Self {
            id: session.id.to_string(),
            app: session.app.as_str().to_owned(),
            device: session.device.as_str().to_owned(),
            created_at: rfc3339(session.created_at),
            last_seen: rfc3339(session.last_seen),
            ends_at: rfc3339(ends_at),
        }
    }
}
