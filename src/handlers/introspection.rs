//! `POST /introspect`: tells another service about a token (RFC 7662).
//!
//! Knows the members of the request and of the reply, which are the RFC's and not the envelope's.
//! Never knows how the service proved who it is.

use std::fmt;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode, JSON, Refuses};
use crate::identity::Disclosure;
use crate::session::Token;
use crate::sessions::{CurrentUser, Sessions};

/// What the service sends, as a form. `token_type_hint` and other members are ignored: there is one type.
#[derive(Deserialize, ToSchema)]
#[schema(as = IntrospectionRequest)]
pub struct Question {
    #[serde(default)]
    #[schema(required = true, min_length = 1, examples("wxs_6Fq…"))]
    token: String,
}

impl Refuses for Question {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::TokenMissing]
    }
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(***)")
    }
}

/// What the service is told of a live session.
#[derive(Serialize, ToSchema)]
#[schema(as = LiveToken)]
struct Live {
    active: bool,
    /// The user's id: the same at every login of this user in this mini program.
    sub: String,
    /// The mini program's AppID.
    client_id: String,
    token_type: &'static str,
    /// When the login happened, in Unix seconds.
    iat: i64,
    /// When the session ends if it is not used again, in Unix seconds: until then an answer may be remembered.
    exp: i64,
    /// Only if the settings disclose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    openid: Option<String>,
}

/// All that is told of any other token.
#[derive(Serialize, ToSchema)]
#[schema(as = InactiveToken)]
struct Inactive {
    active: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
#[schema(as = IntrospectionReply)]
enum Answer {
    Live(Live),
    Inactive(Inactive),
}

/// Tells whether a token opens a live session, and whose. Counts as a use of the session: behind a service that asks here
/// nobody else would note that the user is there.
///
/// # Errors
/// `token_missing`; `store_unavailable`, because a session that cannot be looked at is not inactive.
#[utoipa::path(
    post,
    path = "/introspect",
    request_body(content = Question, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = Answer)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn tell(
    sessions: web::Data<Sessions>,
    disclosure: web::Data<Disclosure>,
    form: Result<web::Form<Question>, actix_web::Error>,
) -> Result<impl Responder, ApiError> {
    let web::Form(question) = form.map_err(|error| {
        let status = error.as_response_error().status_code();
        ApiError::foreign(status).because(error.to_string())
    })?;
    if question.token.is_empty() {
        return Err(ErrorCode::TokenMissing.into());
    }
    let caller = match Token::parse(&question.token) {
        Some(token) => sessions.check(&token, Timestamp::now()).await?,
        None => None,
    };
    let live = match (caller, disclosure.openid) {
        (Some(caller), true) => Live::with_openid(&sessions, &caller).await?,
        (Some(caller), false) => Some(Live::of(&caller)),
        (None, _) => None,
    };
    let mut reply = HttpResponse::Ok();
    reply
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type(JSON);
    let inactive = Answer::Inactive(Inactive { active: false });
    Ok(reply.json(live.map_or(inactive, Answer::Live)))
}

impl Live {
    fn of(caller: &CurrentUser) -> Self {
        Self {
            active: true,
            sub: caller.id().to_string(),
            client_id: caller.app().id().to_string(),
            token_type: "Bearer",
            iat: caller.session().created_at.as_second(),
            exp: caller.ends_at().as_second(),
            openid: None,
        }
    }

    /// `None` if the openid cannot be opened: `GET /auth` refuses such a session too.
    async fn with_openid(
        sessions: &Sessions,
        caller: &CurrentUser,
    ) -> Result<Option<Self>, ApiError> {
        let live = sessions.load(caller).await?;
        let openid = live.and_then(|live| live.openid());
        Ok(openid.map(|openid| Self {
            openid: Some(openid.expose().to_owned()),
            ..Self::of(caller)
        }))
    }
}
