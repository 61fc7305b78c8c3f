//! `GET /session` and `DELETE /session`: who am I, and log me out.
//!
//! Knows the members of the reply. Never knows how a session is found.

use actix_web::{Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::handlers::{Envelope, Nothing, Success, rfc3339};
use crate::middleware::session::PresentedToken;
use crate::sessions::{CurrentUser, Sessions};

/// The live session and its user.
#[derive(Serialize, ToSchema)]
#[schema(as = CurrentSession)]
struct SessionReply {
    session: SessionTimes,
    user: UserReply,
}

/// All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
#[expect(
    clippy::struct_field_names,
    reason = "times are called something_at, here as in the store"
)]
struct SessionTimes {
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// When the session ends if it is not used again.
    #[schema(format = DateTime, examples("2026-11-27T08:30:00.000Z"))]
    ends_at: String,
    /// When it ends at the latest.
    #[schema(format = DateTime, examples("2026-12-01T08:30:00.000Z"))]
    expires_at: String,
}

#[derive(Serialize, ToSchema)]
#[schema(as = SessionUser)]
struct UserReply {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// When the user first logged in.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
}

/// Shows the session that the token opens.
#[utoipa::path(
    get,
    path = "/session",
    responses((status = 200, body = Envelope<SessionReply>)),
)]
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
#[utoipa::path(
    delete,
    path = "/session",
    responses((status = 200, body = Envelope<Nothing>)),
)]
pub async fn end(
    sessions: web::Data<Sessions>,
    PresentedToken(token): PresentedToken,
) -> Result<impl Responder, ApiError> {
    if let Some(token) = token {
        sessions.end(&token).await?;
    }
    Ok(Success(Nothing {}))
}
