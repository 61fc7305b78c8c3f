//! The guard for a live session, and the extractors that give a handler what it found.
//!
//! Knows the Authorization header and that no token, an unknown, an ended and an expired one are answered alike.
//! Never knows which URLs it guards, or how sessions are kept.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::identity::{AppId, UserId};
use crate::session::Token;
use crate::sessions::{CurrentSession, CurrentUser, Sessions};

/// Lets a request through that carries the token of a live session, and refuses any other.
///
/// Goes around a route as `.wrap(from_fn(session::require))`; the handler then takes [`CurrentUser`].
///
/// # Errors
/// None of its own: a refusal is a reply, so that the middleware outside sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    match caller(&request).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.call(request)
                .await
                .map(ServiceResponse::map_into_left_body)
        }
        Err(refusal) => Ok(request.error_response(refusal).map_into_right_body()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
async fn caller(request: &ServiceRequest) -> Result<CurrentUser, ApiError> {
    let token = bearer(request.request()).and_then(Token::parse);
    let token = token.ok_or(ErrorCode::SessionRequired)?;
    let Some(sessions) = request.app_data::<web::Data<Sessions>>() else {
        return Err(ApiError::from(ErrorCode::Internal).because("the app has no `Sessions`"));
    };
    let caller = sessions.check(&token, Timestamp::now()).await?;
    Ok(caller.ok_or(ErrorCode::SessionRequired)?)
}

/// The text after `Bearer` in the Authorization header. The scheme's case does not matter (RFC 9110, 11.1).
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let credentials = request.headers().get(AUTHORIZATION)?.as_bytes();
    let (scheme, token) = credentials.split_at_checked(b"bearer ".len())?;
    let token = scheme.eq_ignore_ascii_case(b"bearer ").then_some(token)?;
    std::str::from_utf8(token).ok().map(str::trim)
}

impl FromRequest for CurrentUser {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let unguarded = || {
            let cause = "the handler takes `CurrentUser`, but its route is not guarded";
            ApiError::from(ErrorCode::Internal).because(cause)
        };
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(unguarded),
        )
    }
}

/// What the guard refuses with, which stands in front of every handler that takes it.
impl Refuses for CurrentUser {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::SessionRequired, ErrorCode::StoreUnavailable]
    }
}

impl FromRequest for CurrentSession {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let current = CurrentUser::from_request(request, payload);
        let sessions = web::Data::<Sessions>::extract(request);
        Box::pin(async move {
            let (current, sessions) = (current.await?, sessions.await);
            let sessions = sessions
                .map_err(|error| ApiError::from(ErrorCode::Internal).because(error.to_string()))?;
            let live = sessions.load(&current).await?;
            Ok(live.ok_or(ErrorCode::SessionRequired)?)
        })
    }
}

impl Refuses for CurrentSession {
    fn refusals() -> Vec<ErrorCode> {
        CurrentUser::refusals()
    }
}

/// Who a request turned out to act for, for the log. The guard's finding counts by itself; a login leaves this in the
/// request's extensions.
#[derive(Debug, Clone)]
pub struct Acting {
    /// The mini program.
    pub app: AppId,
    /// The user.
    pub user: UserId,
}

/// How many digits of a user's id are logged. Our choice: enough to follow somebody through a log, too few to name them.
const SHORTENED: usize = 8;

impl Acting {
    /// Who it is, by what is left in a request's extensions.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let caller = extensions.get::<CurrentUser>().map(|caller| Self {
            app: caller.app().id().clone(),
            user: caller.id(),
        });
        caller.or_else(|| extensions.get::<Self>().cloned())
    }

    /// The beginning of the user's id.
    pub(super) fn shortened(&self) -> String {
        self.user.to_string().chars().take(SHORTENED).collect()
    }
}

/// A token as it was presented, live or not. `None` in it if it cannot be one. Without any, `session_required`.
pub struct PresentedToken(pub Option<Token>);

impl FromRequest for PresentedToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let presented = bearer(request).map(|text| Self(Token::parse(text)));
        ready(presented.ok_or_else(|| ErrorCode::SessionRequired.into()))
    }
}

impl Refuses for PresentedToken {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::SessionRequired]
    }
}
