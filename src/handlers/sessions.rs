//! `GET /sessions`, `DELETE /sessions/{id}` and `DELETE /sessions`: lists and revokes the user's sessions.

use actix_web::{HttpRequest, Responder, web};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode};
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::middleware::clock::RequestTime;
use crate::session::SessionId;
use crate::sessions::{CurrentUser, Sessions};
use crate::time::rfc3339;

/// The user's live sessions, latest login first.
#[derive(Serialize, ToSchema)]
struct SessionsData {
    sessions: Vec<ListedSession>,
}

/// All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
struct ListedSession {
    #[schema(examples("5f0e9d1c7b3a48260f1e2d3c4b5a6978"))]
    id: String,
    /// `true` for the session of this request.
    #[schema(examples(true))]
    current: bool,
    /// The device of the login.
    #[schema(examples("iPhone · WeChat 8.0.50 · iOS 17.1"))]
    device: String,
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// The time of the last use, to the hour.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    last_seen: String,
    /// The time at which it expires if it is not used again.
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
    responses((status = 200, body = Envelope<SessionsData>)),
)]
pub async fn list_sessions(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    let live = sessions.list(current.id(), now).await?;
    let listed = live.iter().map(|session| ListedSession {
        id: session.id.to_string(),
        current: session.digest == current.digest(),
        device: session.device.as_str().to_owned(),
        created_at: rfc3339(session.created_at),
        last_seen: rfc3339(session.last_seen),
        ends_at: rfc3339(sessions.ends_at(session)),
    });
    Ok(Success(SessionsData {
        sessions: listed.collect(),
    }))
}

/// Revokes one of the user's sessions.
///
/// # Errors
/// `not_found` for an id that the user's sessions do not have; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/sessions/{id}",
    params(("id" = String, Path, example = "5f0e9d1c7b3a48260f1e2d3c4b5a6978",
        description = "The session's id, from the list.")),
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn revoke_session(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    RequestTime(now): RequestTime,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = SessionId::parse(&id).ok_or(ErrorCode::NotFound)?;
    if !sessions.revoke(current.id(), id, now).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(Success(EmptyData {}))
}

/// Revokes all other sessions of the user; with `?all`, this one too.
///
/// # Errors
/// `bad_request` for an ambiguous value of `all`; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/sessions",
    params(("all" = Option<String>, Query, pattern = "^(1|true)?$",
        description = "Revokes this session too, as `?all`, `?all=1` or `?all=true`.")),
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn revoke_sessions(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    if wants_all(request.query_string())? {
        sessions.revoke_all(current.id()).await?;
    } else {
        sessions.revoke_others(&current).await?;
    }
    Ok(Success(EmptyData {}))
}

/// Returns `true` if the query has `all`. Other values, such as `all=false`, are errors.
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
