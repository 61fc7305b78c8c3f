//! The guard of the admin API: requires an admin key.

use std::fmt;
use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::error::{ApiError, ErrorCode};
use crate::identity::{AdminKey, UserId};
use crate::limits::Limits;
use crate::middleware::client_address::ClientAddress;
use crate::middleware::request_id::RequestId;
use crate::middleware::session::bearer;
use crate::telemetry::AUDIT;

/// The accepted keys as digests, with their names, and the limit of wrong ones.
pub struct AdminKeys {
    keys: Vec<(Arc<str>, [u8; 32])>,
    limits: Arc<Limits>,
}

/// The operator who sent a request, by the name of the key.
#[derive(Debug, Clone)]
pub struct Operator {
    name: Arc<str>,
    request_id: String,
}

impl AdminKeys {
    /// Takes the keys. Without any, every request is rejected.
    pub fn new(keys: &[AdminKey], limits: Arc<Limits>) -> Self {
        let digest = |key: &AdminKey| {
            let digest = Sha256::digest(key.key.expose()).into();
            (key.name.as_str().into(), digest)
        };
        Self {
            keys: keys.iter().map(digest).collect(),
            limits,
        }
    }

    /// Returns the name of an accepted key. Compares with all keys, so that the time does not depend on the match.
    fn name_of(&self, presented: &str) -> Option<Arc<str>> {
        let presented: [u8; 32] = Sha256::digest(presented).into();
        let matching = |found, (name, key): &(Arc<str>, [u8; 32])| {
            let is_key: bool = key.ct_eq(&presented).into();
            if is_key {
                Some(Arc::clone(name))
            } else {
                found
            }
        };
        self.keys.iter().fold(None, matching)
    }
}

impl fmt::Debug for AdminKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AdminKeys({})", self.keys.len())
    }
}

/// Passes on a request with an admin key, and rejects any other before its body is read.
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    match operator(request.request()) {
        Ok(operator) => {
            request.extensions_mut().insert(operator);
            let response = next.call(request).await;
            response.map(ServiceResponse::map_into_left_body)
        }
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

/// A right key is accepted even if its address has sent too many wrong ones, so that an attacker cannot lock operators out.
fn operator(request: &HttpRequest) -> Result<Operator, ApiError> {
    let required = || ApiError::from(ErrorCode::AdminKeyRequired);
    let keys = request.app_data::<web::Data<AdminKeys>>();
    let keys = keys.ok_or_else(required)?;
    let name = bearer(request).and_then(|presented| keys.name_of(presented));
    let Some(name) = name else {
        let address = ClientAddress::of(request).limited();
        keys.limits.count_wrong_key(address)?;
        return Err(required());
    };
    Ok(Operator::new(name, request))
}

impl FromRequest for Operator {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let operator = request.extensions().get::<Self>().cloned();
        ready(operator.ok_or_else(|| ErrorCode::AdminKeyRequired.into()))
    }
}

impl Operator {
    fn new(name: Arc<str>, request: &HttpRequest) -> Self {
        let extensions = request.extensions();
        let request_id = extensions.get::<RequestId>().map(RequestId::to_string);
        Self {
            name,
            request_id: request_id.unwrap_or_default(),
        }
    }

    /// Returns the operator that a page of the console is in development.
    pub(super) fn of_console(request: &HttpRequest) -> Self {
        Self::new("console".into(), request)
    }

    /// Logs a change of a user, and whether it succeeded. Returns the result.
    ///
    /// # Errors
    /// That of the change.
    pub fn audit<T, E>(&self, action: Action, user: UserId, result: Result<T, E>) -> Result<T, E> {
        let outcome = outcome(&result);
        let (name, action, request_id) = (&*self.name, action.as_str(), &*self.request_id);
        log::info!(
            target: AUDIT,
            operator = name, action = action, user = user.to_string().as_str(), outcome = outcome, request_id = request_id;
            "{action} {outcome}: user {user}, by {name} (request {request_id})"
        );
        result
    }

    /// Logs a decision about two users, and whether it was stored. Returns the result.
    ///
    /// # Errors
    /// That of the decision.
    pub fn audit_conflict<T, E>(
        &self,
        action: Action,
        [kept, other]: [UserId; 2],
        result: Result<T, E>,
    ) -> Result<T, E> {
        let (outcome, [kept, other]) = (outcome(&result), [kept.to_string(), other.to_string()]);
        let (name, action, request_id) = (&*self.name, action.as_str(), &*self.request_id);
        log::info!(
            target: AUDIT,
            operator = name, action = action, user = &*kept, other = &*other, outcome = outcome, request_id = request_id;
            "{action} {outcome}: user {kept} and user {other}, by {name} (request {request_id})"
        );
        result
    }
}

/// Returns the word for the log.
fn outcome<T, E>(result: &Result<T, E>) -> &'static str {
    if result.is_ok() { "done" } else { "failed" }
}

/// A change by an operator.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A user was blocked.
    BlockUser,
    /// A user may log in again.
    UnblockUser,
    /// All sessions of a user were ended.
    EndSessions,
    /// One session of a user was ended.
    EndSession,
    /// A user was deleted.
    DeleteUser,
    /// Two users became one.
    MergeUsers,
    /// Two users stay apart.
    KeepUsersApart,
    /// A conflict between two users was opened again.
    ReopenConflict,
}

impl Action {
    /// Returns the name, for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BlockUser => "block_user",
            Self::UnblockUser => "unblock_user",
            Self::EndSessions => "end_sessions",
            Self::EndSession => "end_session",
            Self::DeleteUser => "delete_user",
            Self::MergeUsers => "merge_users",
            Self::KeepUsersApart => "keep_users_apart",
            Self::ReopenConflict => "reopen_conflict",
        }
    }
}
