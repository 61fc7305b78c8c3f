//! The guard that requires a live session, and the extractors for its user and session.
//!
//! A missing, unknown, revoked and expired token get the same response.

use std::future::{Ready, ready};

use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Extensions, Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::{AUTHORIZATION, HeaderName};
use actix_web::middleware::Next;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use jiff::Timestamp;

use crate::error::{ApiError, ErrorCode};
use crate::identity::{AppId, UserId};
use crate::session::Token;
use crate::sessions::{CurrentSession, CurrentUser, Sessions};

/// Passes on a request with the token of a live session, and rejects any other.
///
/// Wrap a route with `.wrap(from_fn(session::require))`; its handler can then take [`CurrentUser`].
///
/// # Errors
/// Returns the errors of the inner service. A rejection is a response, so that the outer middleware sees it.
pub async fn require(
    request: ServiceRequest,
    next: Next<impl MessageBody>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody>>, actix_web::Error> {
    match current_user(&request).await {
        Ok(user) => {
            request.extensions_mut().insert(user);
            next.call(request)
                .await
                .map(ServiceResponse::map_into_left_body)
        }
        Err(error) => Ok(request.error_response(error).map_into_right_body()),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
async fn current_user(request: &ServiceRequest) -> Result<CurrentUser, ApiError> {
    let token = presented(request.request()).and_then(Token::parse);
    let token = token.ok_or(ErrorCode::SessionRequired)?;
    let Some(sessions) = request.app_data::<web::Data<Sessions>>() else {
        return Err(ApiError::from(ErrorCode::Internal).with_cause("the app has no `Sessions`"));
    };
    let user = sessions.check(&token, Timestamp::now()).await?;
    Ok(user.ok_or(ErrorCode::SessionRequired)?)
}

/// The header that may have the token, in addition to `Authorization`.
#[derive(Debug, Clone, Default)]
pub struct TokenHeader(Option<HeaderName>);

impl TokenHeader {
    /// Takes the name of the header. Empty means none.
    pub fn named(name: &str) -> Self {
        Self(HeaderName::from_bytes(name.as_bytes()).ok())
    }

    /// Returns the name of the header.
    pub fn name(&self) -> Option<&HeaderName> {
        self.0.as_ref()
    }
}

/// Returns the text that a request presents as its token: after `Bearer` in the Authorization header, without a scheme there
/// if it looks like a token, or in the header of the settings.
pub(super) fn presented(request: &HttpRequest) -> Option<&str> {
    bearer(request)
        .or_else(|| text_of(request, &AUTHORIZATION).filter(|text| Token::is_token_like(text)))
        .or_else(|| {
            let name = request.app_data::<TokenHeader>()?.name()?;
            let text = text_of(request, name)?;
            Some(without_scheme(text).unwrap_or(text))
        })
}

fn text_of<'a>(request: &'a HttpRequest, name: &HeaderName) -> Option<&'a str> {
    let value = request.headers().get(name)?.as_bytes();
    str::from_utf8(value).ok().map(str::trim)
}

/// Returns the text after `Bearer` in the Authorization header. The scheme's case does not matter (RFC 9110, 11.1).
pub(super) fn bearer(request: &HttpRequest) -> Option<&str> {
    without_scheme(text_of(request, &AUTHORIZATION)?)
}

fn without_scheme(credentials: &str) -> Option<&str> {
    let (scheme, token) = credentials.split_at_checked("bearer ".len())?;
    scheme.eq_ignore_ascii_case("bearer ").then(|| token.trim())
}

impl FromRequest for CurrentUser {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let not_guarded = || {
            let cause = "the handler takes `CurrentUser`, but its route is not guarded";
            ApiError::from(ErrorCode::Internal).with_cause(cause)
        };
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(not_guarded),
        )
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
            let sessions = sessions.map_err(|error| {
                ApiError::from(ErrorCode::Internal).with_cause(error.to_string())
            })?;
            let live = sessions.load(&current).await?;
            Ok(live.ok_or(ErrorCode::SessionRequired)?)
        })
    }
}

/// The user that a request acts for, for the log. A login puts it into the request's extensions; for guarded routes it is
/// derived from [`CurrentUser`].
#[derive(Debug, Clone)]
pub struct RequestUser {
    /// The mini program.
    pub app: AppId,
    /// The user.
    pub user: UserId,
}

/// Number of digits of a user's id in the log. Our choice: enough to follow a user through a log, too few to identify them.
const SHORTENED: usize = 8;

impl RequestUser {
    /// Returns the user, from a request's extensions.
    pub(super) fn of(extensions: &Extensions) -> Option<Self> {
        let user = extensions.get::<CurrentUser>().map(|user| Self {
            app: user.app().id().clone(),
            user: user.id(),
        });
        user.or_else(|| extensions.get::<Self>().cloned())
    }

    /// Returns the beginning of the user's id.
    pub(super) fn shortened(&self) -> String {
        self.user.to_string().chars().take(SHORTENED).collect()
    }
}

/// The token of a request, live or not; `None` if it is malformed. A request without one gets `session_required`.
pub struct PresentedToken(pub Option<Token>);

impl FromRequest for PresentedToken {
    type Error = ApiError;
    type Future = Ready<Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let presented = presented(request).map(|text| Self(Token::parse(text)));
        ready(presented.ok_or_else(|| ErrorCode::SessionRequired.into()))
    }
}
