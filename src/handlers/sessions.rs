//! `GET /sessions`, `DELETE /sessions/{id}` and `DELETE /sessions`: where the user is logged in, and ending that.
//!
//! Knows the members of the reply. Never knows how a session is found.

use actix_web::{HttpRequest, Responder, web};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;

use crate::account::Devices;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::{Success, rfc3339};
use crate::middleware::session::CurrentUser;
use crate::session::SessionId;

/// The user's live sessions, the latest login first.
#[derive(Serialize)]
struct SessionsReply {
    sessions: Vec<SessionReply>,
}

/// All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize)]
struct SessionReply {
    id: String,
    /// Whether it is the one that this request came with.
    current: bool,
    /// What it was opened on.
    device: String,
    created_at: String,
    /// When it was last used, to the hour.
    last_seen: String,
    /// When it ends if it is not used again.
    ends_at: String,
}

/// Lists the user's sessions.
///
/// # Errors
/// `store_unavailable`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn list(
    current: CurrentUser,
    devices: web::Data<Devices>,
) -> Result<impl Responder, ApiError> {
    let sessions = devices.of(current.id(), Timestamp::now()).await?;
    let shown = sessions.iter().map(|session| SessionReply {
        id: session.id.to_string(),
        current: session.id == current.session().id,
        device: session.device.as_str().to_owned(),
        created_at: rfc3339(session.created_at),
        last_seen: rfc3339(session.last_seen),
        ends_at: rfc3339(devices.ends_at(session)),
    });
    Ok(Success(SessionsReply {
        sessions: shown.collect(),
    }))
}

/// Ends one of the user's sessions.
///
/// # Errors
/// `not_found` for what is none of theirs; `store_unavailable`.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn end(
    current: CurrentUser,
    devices: web::Data<Devices>,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = SessionId::parse(&id).ok_or(ErrorCode::NotFound)?;
    if !devices.end(current.id(), id, Timestamp::now()).await? {
        return Err(ErrorCode::NotFound.into());
    }
    Ok(Success(json!({})))
}

/// Ends all of the user's sessions but this one; with `?all`, this one too.
///
/// # Errors
/// `bad_request` for an `all` with a value that could mean no; `store_unavailable`.
pub async fn end_many(
    current: CurrentUser,
    devices: web::Data<Devices>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    if wants_all(request.query_string())? {
        devices.end_all(current.id()).await?;
    } else {
        devices.end_others(&current).await?;
    }
    Ok(Success(json!({})))
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
