//! The guard for a live session, and the extractors that give a handler what it found.
//!
//! Knows the Authorization header and that no token, an unknown, an ended and an expired one are answered alike.
//! Never knows which URLs it guards, or how sessions are kept.

use std::future::{Ready, ready};
use std::ops::Deref;

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use jiff::Timestamp;

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::login::{LiveSession, Sessions};
use crate::session::Token;

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
    match live_session(&request).await {
        Ok(session) => {
            request.extensions_mut().insert(CurrentUser(session));
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
async fn live_session(request: &ServiceRequest) -> Result<LiveSession, ApiError> {
    let token = bearer(request.request()).and_then(Token::parse);
    let token = token.ok_or(ErrorCode::SessionRequired)?;
    let Some(sessions) = request.app_data::<web::Data<Sessions>>() else {
        return Err(ApiError::from(ErrorCode::Internal).because("the app has no `Sessions`"));
    };
    let session = sessions.check(&token, Timestamp::now()).await?;
    Ok(session.ok_or(ErrorCode::SessionRequired)?)
}

/// The text after `Bearer` in the Authorization header. The scheme's case does not matter (RFC 9110, 11.1).
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    let (scheme, token) = request
        .headers()
        .get(AUTHORIZATION)?
        .to_str()
        .ok()?
        .split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Whose request this is: the live session that the guard found. Take it as an argument of a handler behind the guard.
///
/// ```
/// use actix_web::Responder;
/// use weapp_login::handlers::Success;
/// use weapp_login::middleware::session::CurrentUser;
///
/// async fn greet(user: CurrentUser) -> impl Responder {
///     Success(format!("hello, {}", user.user().id))
/// }
/// ```
#[derive(Debug, Clone)]
pub struct CurrentUser(LiveSession);

impl Deref for CurrentUser {
    type Target = LiveSession;

    fn deref(&self) -> &LiveSession {
        &self.0
    }
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
