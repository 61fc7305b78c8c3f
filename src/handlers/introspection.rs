//! `POST /introspect`: token introspection for other services (RFC 7662).
//!
//! The fields of the request and the response are those of the RFC, without our envelope.

use std::fmt;

use actix_web::dev::{Payload, UrlEncoded};
use actix_web::error::UrlencodedError;
use actix_web::http::header::CACHE_CONTROL;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse, Responder, web};
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode, JSON};
use crate::identity::Disclosure;
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::session::Token;
use crate::sessions::{CurrentUser, Sessions};

/// The request: a form, as in the RFC, or JSON. `token_type_hint` and other fields are ignored, because there is one token
/// type.
#[derive(Deserialize, ToSchema)]
pub struct IntrospectionRequest {
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, examples("wxs_6Fq…"))]
    token: StringField,
}

/// Maximum length of a form, in bytes. Our choice: a token has 52, and services may send other fields.
const MAX_FORM_BYTES: usize = 16 * 1024;

impl FromRequest for IntrospectionRequest {
    type Error = actix_web::Error;
    type Future = LocalBoxFuture<'static, Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if request
            .content_type()
            .eq_ignore_ascii_case("application/json")
        {
            let json = Json::<Self>::from_request(request, payload);
            return Box::pin(async move { Ok(json.await?.0) });
        }
        let form = UrlEncoded::new(request, payload).limit(MAX_FORM_BYTES);
        Box::pin(async move { form.await.map_err(|error| form_error(error).into()) })
    }
}

fn form_error(error: UrlencodedError) -> ApiError {
    let code = if let UrlencodedError::ContentType | UrlencodedError::Parse(_) = error {
        ErrorCode::TokenMissing
    } else if let UrlencodedError::Overflow { .. } = error {
        ErrorCode::BodyTooLarge
    } else {
        ErrorCode::MalformedBody
    };
    ApiError::from(code).with_cause(error.to_string())
}

impl fmt::Debug for IntrospectionRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IntrospectionRequest(***)")
    }
}

/// The token of a live session.
#[derive(Serialize, ToSchema)]
struct ActiveToken {
    active: bool,
    /// The user's id: the same at every login of this user in this mini program.
    sub: String,
    /// The mini program's AppID.
    client_id: String,
    token_type: &'static str,
    /// The time of the login, in Unix seconds.
    iat: i64,
    /// The time at which the session expires if it is not used again, in Unix seconds. A logout can end it earlier, so cache the
    /// response only as long as a logout may take to become effective.
    exp: i64,
    /// Only if the settings disclose it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    openid: Option<String>,
}

/// Any other token.
#[derive(Serialize, ToSchema)]
struct InactiveToken {
    active: bool,
}

#[derive(Serialize, ToSchema)]
#[serde(untagged)]
enum IntrospectionReply {
    Active(ActiveToken),
    Inactive(InactiveToken),
}

/// Returns the user and the times of a token, if its session is live. Counts as a use of the session.
///
/// # Errors
/// `token_missing`; `store_unavailable`, because a session that cannot be checked is not known to be inactive.
#[utoipa::path(
    post,
    path = "/introspect",
    request_body(content(
        (IntrospectionRequest = "application/x-www-form-urlencoded"),
        (IntrospectionRequest = "application/json"),
    )),
    responses((status = 200, body = IntrospectionReply)),
)]
pub async fn introspect(
    sessions: web::Data<Sessions>,
    disclosure: web::Data<Disclosure>,
    RequestTime(now): RequestTime,
    request: IntrospectionRequest,
) -> Result<impl Responder, ApiError> {
    let user = match Token::parse(request.token()?) {
        Some(token) => sessions.check(&token, now).await?,
        None => None,
    };
    let active = match (user, disclosure.openid) {
        (Some(user), true) => ActiveToken::with_openid(&sessions, &user).await?,
        (Some(user), false) => Some(ActiveToken::of(&user)),
        (None, _) => None,
    };
    let inactive = IntrospectionReply::Inactive(InactiveToken { active: false });
    Ok(HttpResponse::Ok()
        .insert_header((CACHE_CONTROL, "no-store"))
        .content_type(JSON)
        .json(active.map_or(inactive, IntrospectionReply::Active)))
}

impl IntrospectionRequest {
    fn token(&self) -> Result<&str, ErrorCode> {
        match &self.token {
            StringField::String(token) if !token.is_empty() => Ok(token),
            StringField::String(_) | StringField::Missing | StringField::OtherType => {
                Err(ErrorCode::TokenMissing)
            }
        }
    }
}

impl ActiveToken {
    fn of(user: &CurrentUser) -> Self {
        Self {
            active: true,
            sub: user.id().to_string(),
            client_id: user.app().id().to_string(),
            token_type: "Bearer",
            iat: user.session().created_at.as_second(),
            exp: user.ends_at().as_second(),
            openid: None,
        }
    }

    /// Returns `None` if the openid does not decrypt. `GET /auth` rejects such a session too.
    async fn with_openid(
        sessions: &Sessions,
        user: &CurrentUser,
    ) -> Result<Option<Self>, ApiError> {
        let live = sessions.load(user).await?;
        let openid = live.and_then(|live| live.openid());
        Ok(openid.map(|openid| Self {
            openid: Some(openid.expose().to_owned()),
            ..Self::of(user)
        }))
    }
}
