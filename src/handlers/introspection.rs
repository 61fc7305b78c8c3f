//! `POST /introspect`: tells another service about a token (RFC 7662).
//!
//! Knows the members of the request and of the reply, which are the RFC's and not the envelope's.
//! Never knows how the service proved who it is.

use std::fmt;

use actix_web::http::header::CACHE_CONTROL;
use actix_web::{HttpResponse, Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::error::{ApiError, ErrorCode, JSON};
use crate::identity::Disclosure;
use crate::login::{LiveSession, Sessions};
use crate::session::Token;

/// What the service sends, as a form. `token_type_hint` and other members are ignored: there is one type.
#[derive(Deserialize)]
pub struct Question {
    #[serde(default)]
    token: String,
}

impl fmt::Debug for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Question(***)")
    }
}

/// What the service is told of a live session.
#[derive(Serialize)]
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
    openid: Option<String>,
}

/// All that is told of any other token.
#[derive(Serialize)]
struct Inactive {
    active: bool,
}

/// Tells whether a token opens a live session, and whose. Counts as a use of the session: behind a service that asks here
/// nobody else would note that the user is there.
///
/// # Errors
/// `token_missing`; `store_unavailable`, because a session that cannot be looked at is not inactive.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn tell(
    sessions: web::Data<Sessions>,
    disclosure: web::Data<Disclosure>,
    web::Form(question): web::Form<Question>,
) -> Result<impl Responder, ApiError> {
    if question.token.is_empty() {
        return Err(ErrorCode::TokenMissing.into());
    }
    let live = match Token::parse(&question.token) {
        Some(token) => sessions.check(&token, Timestamp::now()).await?,
        None => None,
    };
    let live = live.and_then(|session| Live::of(&session, **disclosure));
    let mut reply = HttpResponse::Ok();
    reply
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type(JSON);
    Ok(match live {
        Some(live) => reply.json(live),
        None => reply.json(Inactive { active: false }),
    })
}

impl Live {
    /// `None` if the openid is to be told and cannot be opened: `GET /auth` refuses such a session too.
    fn of(session: &LiveSession, disclosure: Disclosure) -> Option<Self> {
        let openid = match disclosure.openid {
            true => Some(session.openid()?.expose().to_owned()),
            false => None,
        };
        Some(Self {
            active: true,
            sub: session.user().id.to_string(),
            client_id: session.app().id().to_string(),
            token_type: "Bearer",
            iat: session.session().created_at.as_second(),
            exp: session.ends_at().as_second(),
            openid,
        })
    }
}
