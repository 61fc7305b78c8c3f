//! `/admin/conflicts`: lists and decides conflicts between users who are probably one person.

use actix_web::{Error, Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::administration::{Administration, ConflictCursor, ConflictSearch, Conflicts, MAX_PAGE};
use crate::error::{ApiError, ErrorCode};
use crate::handlers::admin::conflict::AdminConflict;
use crate::handlers::admin::user::EndedSessionsData;
use crate::handlers::reply::{Envelope, Success};
use crate::identity::UserId;
use crate::middleware::admin_key::{Action, Operator};
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::store::Decision;

/// Number of conflicts on a page, unless the request names another.
const PAGE: u8 = 50;

/// The filters. All are optional.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListConflictsQuery {
    /// `true` for conflicts without a decision only.
    #[param(required = false)]
    open: Option<bool>,
    /// The id of a user: the conflicts of this user, and of all who were merged into the same one.
    #[param(required = false)]
    user: Option<String>,
    /// `next` of the previous page.
    #[param(required = false)]
    cursor: Option<String>,
    /// Maximum number of conflicts on the page; 50 if it is absent.
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// The decision. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
pub struct DecideConflictRequest {
    /// `merge` makes the two one user, `apart` keeps them as they are, and `reopen` withdraws the last decision.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^(merge|apart|reopen)$", examples("merge"))]
    decision: StringField,
}

/// A page of conflicts, the newest first.
#[derive(Serialize, ToSchema)]
struct ConflictListData {
    conflicts: Vec<AdminConflict>,
    /// The `cursor` of the next page. `null` on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// Lists the conflicts between users who are probably one person, the newest first.
///
/// # Errors
/// `conflict_query_malformed`; `store_unavailable`.
#[utoipa::path(
    get,
    path = "/admin/conflicts",
    params(ListConflictsQuery),
    responses((status = 200, body = Envelope<ConflictListData>)),
)]
pub async fn list_conflicts(
    administration: web::Data<Administration>,
    query: Result<web::Query<ListConflictsQuery>, Error>,
) -> Result<impl Responder, ApiError> {
    let malformed =
        |cause: String| ApiError::from(ErrorCode::ConflictQueryMalformed).with_cause(cause);
    let query = query.map_err(|error| malformed(error.to_string()))?;
    let search = query.search().map_err(malformed)?;
    let Conflicts { conflicts, next } = administration.conflicts(search).await?;
    Ok(Success(ConflictListData {
        conflicts: conflicts.iter().map(AdminConflict::new).collect(),
        next: next.map(|cursor| cursor.to_string()),
    }))
}

/// Decides a conflict between two users.
///
/// A merge makes `other` a part of `kept`: the sessions of `other` end, and the next login gives `kept`. Another decision, or
/// `reopen`, undoes a merge.
///
/// # Errors
/// `decision_malformed`; `not_found` if the two have no conflict; `conflict_of_blocked_user`;
/// `conflict_has_later_merge` if another merge must be undone first; `store_unavailable`.
#[utoipa::path(
    post,
    path = "/admin/conflicts/{kept}/{other}",
    params(
        ("kept" = String, Path, description = "The id of the user that stays after a merge."),
        ("other" = String, Path, description = "The id of the other user."),
    ),
    request_body = DecideConflictRequest,
    responses((status = 200, body = Envelope<EndedSessionsData>)),
)]
pub async fn decide_conflict(
    operator: Operator,
    administration: web::Data<Administration>,
    ids: web::Path<(String, String)>,
    RequestTime(now): RequestTime,
    Json(request): Json<DecideConflictRequest>,
) -> Result<impl Responder, ApiError> {
    let id = |text: &str| UserId::parse(text).ok_or(ErrorCode::NotFound);
    let users = [id(&ids.0)?, id(&ids.1)?];
    let (action, decision) = request.decision().ok_or(ErrorCode::DecisionMalformed)?;
    let decided = administration.resolve(users, decision, now).await;
    let ended_sessions = operator.audit_conflict(action, users, decided)?;
    Ok(Success(EndedSessionsData { ended_sessions }))
}

impl ListConflictsQuery {
    fn search(&self) -> Result<ConflictSearch, String> {
        let user = self.user.as_deref().map(UserId::parse);
        let after = self.cursor.as_deref().map(ConflictCursor::parse);
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err("a limit out of its range".to_owned());
        }
        Ok(ConflictSearch {
            user: user.map(|id| id.ok_or("a malformed user id")).transpose()?,
            only_open: self.open.unwrap_or(false),
            after: after
                .map(|cursor| cursor.ok_or("a malformed cursor"))
                .transpose()?,
            limit,
        })
    }
}

impl DecideConflictRequest {
    fn decision(&self) -> Option<(Action, Option<Decision>)> {
        let StringField::String(text) = &self.decision else {
            return None;
        };
        match text.as_str() {
            "merge" => Some((Action::MergeUsers, Some(Decision::Merged))),
            "apart" => Some((Action::KeepUsersApart, Some(Decision::Apart))),
            "reopen" => Some((Action::ReopenConflict, None)),
            _ => None,
        }
    }
}
