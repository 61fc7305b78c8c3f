//! `GET /session` and `DELETE /session`: who am I, and log me out.
//!
//! Knows the members of the reply. Never knows how a session is found.

use actix_web::{Responder, web};
use serde::Serialize;
use serde_json::json;

use crate::error::ApiError;
use crate::handlers::{Success, rfc3339};
use crate::login::Sessions;
use crate::middleware::session::{CurrentUser, PresentedToken};

/// The live session and its user.
#[derive(Serialize)]
struct SessionReply {
    session: SessionTimes,
    user: UserReply,
}

/// All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize)]
#[expect(
    clippy::struct_field_names,
    reason = "times are called something_at, here as in the store"
)]
struct SessionTimes {
    created_at: String,
    /// When the session ends if it is not used again.
    ends_at: String,
    /// When it ends at the latest.
    expires_at: String,
}

#[derive(Serialize)]
struct UserReply {
    id: String,
    /// When the user first logged in.
    created_at: String,
}

/// Shows the session that the token opens.
pub async fn show(current: CurrentUser) -> impl Responder {
    let session = current.session();
    Success(SessionReply {
        session: SessionTimes {
            created_at: rfc3339(session.created_at),
            ends_at: rfc3339(current.ends_at()),
            expires_at: rfc3339(session.expires_at),
        },
        user: UserReply {
            id: current.id().to_string(),
            created_at: rfc3339(session.user_created_at),
        },
    })
}

/// Ends the session that the token opens. A token that opens none is as good as logged out.
///
/// # Errors
/// `session_required` without a token; `store_unavailable` if the session may still be live.
pub async fn end(
    sessions: web::Data<Sessions>,
    PresentedToken(token): PresentedToken,
) -> Result<impl Responder, ApiError> {
    if let Some(token) = token {
        sessions.end(&token).await?;
    }
    Ok(Success(json!({})))
}
