//! `GET /sessions`, `DELETE /sessions/{id}` and `DELETE /sessions`: where the user is logged in, and ending that.
//!
//! Knows the members of the reply. Never knows how a session is found.

use actix_web::{HttpRequest, Responder, web};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode};
use crate::handlers::{Envelope, Nothing, Success, rfc3339};
use crate::session::SessionId;
use crate::sessions::{CurrentUser, Sessions};

/// The user's live sessions, the latest login first.
#[derive(Serialize, ToSchema)]
struct SessionsReply {
    sessions: Vec<SessionReply>,
}

/// All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
struct SessionReply {
    #[schema(examples("5f0e9d1c7b3a48260f1e2d3c4b5a6978"))]
    id: String,
    /// Whether it is the one that this request came with.
    #[schema(examples(true))]
    current: bool,
    /// What it was opened on.
    #[schema(examples("iPhone · WeChat 8.0.50 · iOS 17.1"))]
    device: String,
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// When it was last used, to the hour.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    last_seen: String,
    /// When it ends if it is not used again.
    #[schema(format = DateTime, examples("2026-11-27T08:30:00.000Z"))]
    ends_at: String,
}

/// Lists the user's sessions.
///
/// # Errors
/// `store_unavailable`.
#[utoipa::path(
    get,
    path = "/sessions",
    responses((status = 200, body = Envelope<SessionsReply>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn list(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
) -> Result<impl Responder, ApiError> {
    let live = sessions.list(current.id(), Timestamp::now()).await?;
    let shown = live.iter().map(|session| SessionReply {
        id: session.id.to_string(),
        current: session.digest == current.digest(),
        device: session.device.as_str().to_owned(),
        created_at: rfc3339(session.created_at),
        last_seen: rfc3339(session.last_seen),
        ends_at: rfc3339(sessions.ends_at(session)),
    });
    Ok(Success(SessionsReply {
        sessions: shown.collect(),
    }))
}

/// Ends one of the user's sessions.
///
/// # Errors
/// `not_found` for what is none of theirs; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    params(("id" = String, Path, example = "5f0e9d1c7b3a48260f1e2d3c4b5a6978",
        description = "The session's id, as the list gives it.")),
    responses((status = 200, body = Envelope<Nothing>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn end(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = SessionId::parse(&id).ok_or(ErrorCode::NotFound)?;
    if !sessions.revoke(current.id(), id, Timestamp::now()).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(Success(Nothing {}))
}

/// Ends all of the user's sessions but this one; with `?all`, this one too.
///
/// # Errors
/// `bad_request` for an `all` with a value that could mean no; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/sessions",
    params(("all" = Option<String>, Query, pattern = "^(1|true)?$",
        description = "Ends this session too, as `?all`, `?all=1` or `?all=true`.")),
    responses((status = 200, body = Envelope<Nothing>)),
)]
pub async fn end_many(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    if wants_all(request.query_string())? {
        sessions.revoke_all(current.id()).await?;
    } else {
        sessions.revoke_others(&current).await?;
    }
    Ok(Success(Nothing {}))
}

/// Whether the query has `all`. `all=false` and its like are nothing to guess about.
fn wants_all(query: &str) -> Result<bool, ErrorCode> {
    let all = query
        .split('&')
        .find_map(|pair| match pair.split_once('=') {
            Some(("all", value)) => Some(value),
            None if pair == "all" => Some(""),
            Some(_) | None => None,
        });
    match all {
        None => Ok(false),
        Some("" | "1" | "true") => Ok(true),
        Some(_) => Err(ErrorCode::BadRequest),
    }
}
