//! `POST /login`: a login code in, a token out.
//!
//! Knows the members of the request and of the reply. Never knows who is asked, or what is kept.

use actix_web::{HttpMessage as _, HttpRequest, Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::handlers::console_log::ConsoleLog;
use crate::handlers::{Envelope, Success};
use crate::identity::{LoginCode, MOCK_CODE};
use crate::login::{Grant, LoginAttempt, Logins};
use crate::middleware::client::Client;
use crate::middleware::json::{Json, StringField};
use crate::middleware::session::Acting;

/// What the mini program sends. Members that are not listed here are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": MOCK_CODE })))]
pub struct LoginRequest {
    /// What `wx.login` gave: 1 to 512 bytes.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 512)]
    code: StringField,
    /// The mini program, by its name in the settings or its AppID. May be left out where there is one.
    #[serde(default)]
    #[schema(value_type = String)]
    app: StringField,
}

/// What the mini program keeps after logging in.
#[derive(Serialize, ToSchema)]
struct LoginReply {
    /// Opaque; comes back as `Authorization: Bearer <token>`.
    #[schema(examples("wxs_6FqJ0aXnZs1vWm3oGxkq5pYb7TtR2uCd8LhEiKf9BNQAAAAA"))]
    token: String,
    /// Seconds from now until the token stops working at the latest.
    #[schema(minimum = 1, examples(604_800))]
    expires_in: i64,
    user: UserReply,
}

#[derive(Serialize, ToSchema)]
#[schema(as = LoginUser)]
struct UserReply {
    /// The same at every login of this user in this mini program.
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// Whether this was the user's first login.
    #[schema(examples(true))]
    is_new: bool,
}

/// Logs a user in.
///
/// A request that shows the token of the session before, as `Authorization: Bearer`, gets that session's keys too.
///
/// # Errors
/// `code_missing`, `code_malformed`, `idempotency_key_malformed` and `app_unknown` before WeChat is asked; then what
/// WeChat and the store said.
#[utoipa::path(
    post,
    path = "/login",
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[!-~]{1,255}$",
        description = "1 to 255 visible ASCII characters, new for each code: the same code and key get the same answer again, for five minutes.")),
    request_body = LoginRequest,
    responses((status = 200, body = Envelope<LoginReply>)),
)]
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the request arrives"
)]
pub async fn log_in(
    logins: web::Data<Logins>,
    console: web::Data<ConsoleLog>,
    client: Client,
    http: HttpRequest,
    Json(request): Json<LoginRequest>,
) -> Result<impl Responder, ApiError> {
    console.log(&http);
    let attempt = LoginAttempt {
        app: request.app()?.map(str::to_owned),
        code: request.code()?,
        from: client.referer,
        device: client.device,
        previous: client.token,
    };
    let (logins, now) = (logins.into_inner(), Timestamp::now());
    let grant = match client.idempotency_key {
        Some(key) => logins.log_in_once(attempt, key, now).await?,
        None => logins.log_in(&attempt, now).await?,
    };
    http.extensions_mut().insert(Acting {
        app: grant.app.clone(),
        user: grant.user.id,
    });
    Ok(Success(LoginReply::from(grant)))
}

impl Refuses for LoginRequest {
    fn refusals() -> Vec<ErrorCode> {
        vec![
            ErrorCode::CodeMissing,
            ErrorCode::CodeMalformed,
            ErrorCode::AppUnknown,
        ]
    }
}

impl LoginRequest {
    fn code(&self) -> Result<LoginCode, ErrorCode> {
        match &self.code {
            StringField::Missing => Err(ErrorCode::CodeMissing),
            StringField::String(code) => {
                LoginCode::parse(code).map_err(|_malformed| ErrorCode::CodeMalformed)
            }
            StringField::OtherType => Err(ErrorCode::CodeMalformed),
        }
    }

    fn app(&self) -> Result<Option<&str>, ErrorCode> {
        match &self.app {
            StringField::Missing => Ok(None),
            StringField::String(app) => Ok(Some(app)),
            StringField::OtherType => Err(ErrorCode::AppUnknown),
        }
    }
}

impl From<Grant> for LoginReply {
    fn from(grant: Grant) -> Self {
        Self {
            token: grant.token.expose().to_string(),
            expires_in: grant.lifetime.as_secs(),
            user: UserReply {
                id: grant.user.id.to_string(),
                is_new: grant.is_new,
            },
        }
    }
}
