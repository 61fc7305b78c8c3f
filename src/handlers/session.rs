//! `GET /session` and `DELETE /session`: the current session, and logout.

use actix_web::{Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::middleware::session::PresentedToken;
use crate::sessions::{CurrentUser, Sessions};
use crate::time::rfc3339;

/// The live session and its user.
#[derive(Serialize, ToSchema)]
struct SessionData {
    session: SessionTimes,
    user: SessionUser,
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
    /// The time at which the session expires if it is not used again.
    #[schema(format = DateTime, examples("2026-11-27T08:30:00.000Z"))]
    ends_at: String,
    /// The time at which it expires at the latest.
    #[schema(format = DateTime, examples("2026-12-01T08:30:00.000Z"))]
    expires_at: String,
}

/// The user of a session.
#[derive(Serialize, ToSchema)]
struct SessionUser {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// The time of the user's first login.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
}

/// Returns the session of the token.
#[utoipa::path(
    get,
    path = "/session",
    responses((status = 200, body = Envelope<SessionData>)),
)]
pub async fn get_session(current: CurrentUser) -> impl Responder {
    let session = current.session();
    Success(SessionData {
        session: SessionTimes {
            created_at: rfc3339(session.created_at),
            ends_at: rfc3339(current.ends_at()),
            expires_at: rfc3339(session.expires_at),
        },
        user: SessionUser {
            id: current.id().to_string(),
            created_at: rfc3339(session.user_created_at),
        },
    })
}

/// Ends the session of the token. Succeeds too if there is none, because the client is logged out then.
///
/// # Errors
/// `session_required` without a token; `store_unavailable` if the session may still be live.
#[utoipa::path(
    delete,
    path = "/session",
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn log_out(
    sessions: web::Data<Sessions>,
    PresentedToken(token): PresentedToken,
) -> Result<impl Responder, ApiError> {
    if let Some(token) = token {
        sessions.end(&token).await?;
    }
    Ok(Success(EmptyData {}))
}
