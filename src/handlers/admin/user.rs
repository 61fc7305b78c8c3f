//! `/admin/users/{id}`: shows, blocks and deletes a user, and ends their sessions.

use actix_web::{Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::administration::{Administration, Reason, UserDetails};
use crate::error::{ApiError, ErrorCode};
use crate::handlers::admin::conflict::AdminConflict;
use crate::handlers::admin::users::AdminUser;
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::handlers::stored_session::StoredSession;
use crate::identity::UserId;
use crate::middleware::admin_key::{Action, Operator};
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::session::SessionId;
use crate::store::UserIdentity;
use crate::time::rfc3339;

/// The block. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
pub struct BlockUserRequest {
    /// The reason, for other operators: at most 200 characters in one line. Never sent to the user.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, max_length = 200, examples("spam"))]
    reason: StringField,
}

/// A user with their live sessions, the latest login first.
#[derive(Serialize, ToSchema)]
struct UserDetailsData {
    user: AdminUser,
    sessions: Vec<StoredSession>,
    /// The user in each app, the first one first. There are several if apps share users.
    identities: Vec<AdminIdentity>,
    /// The conflicts of the user without a decision, the newest first.
    conflicts: Vec<AdminConflict>,
}

/// A user in one app.
#[derive(Serialize, ToSchema)]
struct AdminIdentity {
    /// The AppID. `null` if the last login was before this was recorded.
    #[schema(required = true, examples("wx0123456789abcdef"))]
    app: Option<String>,
    /// The time of the first login in the app.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
}

/// The number of sessions that ended.
#[derive(Serialize, ToSchema)]
pub(super) struct EndedSessionsData {
    /// Expired sessions that had not been removed yet count too.
    #[schema(examples(2))]
    pub(super) ended_sessions: usize,
}

/// Returns a user and their live sessions.
///
/// The id of a user who was merged into another one returns that one.
///
/// # Errors
/// `not_found` for an unknown user; `store_unavailable`.
#[utoipa::path(
    get,
    path = "/admin/users/{id}",
    params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, body = Envelope<UserDetailsData>)),
)]
pub async fn show_user(
    administration: web::Data<Administration>,
    id: web::Path<String>,
    RequestTime(now): RequestTime,
) -> Result<impl Responder, ApiError> {
    let UserDetails {
        user,
        sessions,
        identities,
        conflicts,
    } = administration.show(user_id(&id)?, now).await?;
    let shown = sessions
        .iter()
        .map(|session| StoredSession::new(session, administration.ends_at(session)));
    Ok(Success(UserDetailsData {
        sessions: shown.collect(),
        user: AdminUser::new(&user, &administration),
        identities: identities.iter().map(AdminIdentity::new).collect(),
        conflicts: conflicts.iter().map(AdminConflict::new).collect(),
    }))
}

/// Blocks a user.
///
/// All sessions end at once on all nodes, and each login gets 403 `user_blocked_by_admin`. A repeated block replaces the
/// reason.
///
/// # Errors
/// `reason_malformed`; `not_found` for an unknown user; `store_unavailable`.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/block",
    params(("id" = String, Path, description = "The user's id.")),
    request_body = BlockUserRequest,
    responses((status = 200, body = Envelope<EndedSessionsData>)),
)]
pub async fn block_user(
    operator: Operator,
    administration: web::Data<Administration>,
    id: web::Path<String>,
    RequestTime(now): RequestTime,
    Json(request): Json<BlockUserRequest>,
) -> Result<impl Responder, ApiError> {
    let (id, reason) = (user_id(&id)?, request.reason()?);
    let blocked = administration.block(id, reason, now).await;
    let ended_sessions = operator.audit(Action::BlockUser, id, blocked)?;
    Ok(Success(EndedSessionsData { ended_sessions }))
}

/// Lets a user log in again.
///
/// # Errors
/// `not_found` for an unknown user; `store_unavailable`.
#[utoipa::path(
    post,
    path = "/admin/users/{id}/unblock",
    params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn unblock_user(
    operator: Operator,
    administration: web::Data<Administration>,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = user_id(&id)?;
    let unblocked = administration.unblock(id).await;
    operator.audit(Action::UnblockUser, id, unblocked)?;
    Ok(Success(EmptyData {}))
}

/// Deletes a user with their profile and all sessions.
///
/// A block is deleted too: the next login creates a new user.
///
/// # Errors
/// `not_found` for an unknown user; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/admin/users/{id}",
    params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn remove_user(
    operator: Operator,
    administration: web::Data<Administration>,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = user_id(&id)?;
    let deleted = administration.delete(id).await;
    operator.audit(Action::DeleteUser, id, deleted)?;
    Ok(Success(EmptyData {}))
}

/// Ends all sessions of a user, who can log in again.
///
/// # Errors
/// `not_found` for an unknown user; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/admin/users/{id}/sessions",
    params(("id" = String, Path, description = "The user's id.")),
    responses((status = 200, body = Envelope<EndedSessionsData>)),
)]
pub async fn end_sessions(
    operator: Operator,
    administration: web::Data<Administration>,
    id: web::Path<String>,
) -> Result<impl Responder, ApiError> {
    let id = user_id(&id)?;
    let ended = administration.end_sessions(id).await;
    let ended_sessions = operator.audit(Action::EndSessions, id, ended)?;
    Ok(Success(EndedSessionsData { ended_sessions }))
}

/// Ends a session of a user.
///
/// # Errors
/// `not_found` for an unknown user or session; `store_unavailable`.
#[utoipa::path(
    delete,
    path = "/admin/users/{id}/sessions/{session}",
    params(
        ("id" = String, Path, description = "The user's id."),
        ("session" = String, Path, description = "The session's id."),
    ),
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn end_session(
    operator: Operator,
    administration: web::Data<Administration>,
    ids: web::Path<(String, String)>,
) -> Result<impl Responder, ApiError> {
    let (id, session) = ids.into_inner();
    let id = user_id(&id)?;
    let session = SessionId::parse(&session).ok_or(ErrorCode::NotFound)?;
    let ended = administration.end_session(id, session).await;
    operator.audit(Action::EndSession, id, ended)?;
    Ok(Success(EmptyData {}))
}

fn user_id(text: &str) -> Result<UserId, ErrorCode> {
    UserId::parse(text).ok_or(ErrorCode::NotFound)
}

impl AdminIdentity {
    fn new(identity: &UserIdentity) -> Self {
        Self {
            app: identity.app.as_ref().map(|app| app.as_str().to_owned()),
            created_at: rfc3339(identity.created_at),
        }
    }
}

impl BlockUserRequest {
    fn reason(&self) -> Result<Option<Reason>, ErrorCode> {
        match &self.reason {
            StringField::Missing => Ok(None),
            StringField::String(text) => Reason::parse(text)
                .map(Some)
                .map_err(|_malformed| ErrorCode::ReasonMalformed),
            StringField::OtherType => Err(ErrorCode::ReasonMalformed),
        }
    }
}
