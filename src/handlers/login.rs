//! `POST /login`: exchanges a login code for a token.

use actix_web::{HttpMessage as _, HttpRequest, Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode};
use crate::handlers::console_log;
use crate::handlers::reply::{Envelope, Success};
use crate::identity::LoginCode;
use crate::login::{Grant, IdempotencyKey, LoginAttempt, Logins};
use crate::middleware::client::Client;
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::middleware::session::RequestUser;
use crate::platforms::wechat::MOCK_CODE;

/// The request. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": MOCK_CODE })))]
pub struct LoginRequest {
    /// The code of `wx.login`: 1 to 512 bytes.
    #[serde(default)]
    #[schema(value_type = String, required = true, min_length = 1, max_length = 512)]
    code: StringField,
    /// The mini program, by its name in the settings or its AppID. Optional if the settings have one mini program.
    #[serde(default)]
    #[schema(value_type = String)]
    app: StringField,
}

/// The token and the user.
#[derive(Serialize, ToSchema)]
struct LoginData {
    /// Opaque; send it as `Authorization: Bearer <token>`.
    #[schema(examples("wxs_6FqJ0aXnZs1vWm3oGxkq5pYb7TtR2uCd8LhEiKf9BNQAAAAA"))]
    token: String,
    /// Maximum lifetime of the token, in seconds from now.
    #[schema(minimum = 1, examples(604_800))]
    expires_in: i64,
    user: LoginUser,
}

/// The user who logged in.
#[derive(Serialize, ToSchema)]
struct LoginUser {
    /// The same at every login of this user in this mini program.
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// `true` for the user's first login.
    #[schema(examples(true))]
    is_new: bool,
}

/// Logs a user in.
///
/// If the request has the token of the user's previous session, as `Authorization: Bearer`, the new session replaces that
/// one and keeps its keys as well.
///
/// # Errors
/// `code_missing`, `code_malformed`, `idempotency_key_malformed` and `app_unknown` before the call to WeChat; then the errors
/// of the call and of the store.
#[utoipa::path(
    post,
    path = "/login",
    params(("Idempotency-Key" = Option<String>, Header, nullable = false, pattern = "^[!-~]{1,255}$",
        description = "1 to 255 visible ASCII characters, new for each code. The same code and key get the same response for five minutes.")),
    request_body = LoginRequest,
    responses((status = 200, body = Envelope<LoginData>)),
)]
pub async fn log_in(
    logins: web::Data<Logins>,
    client: Client,
    http: HttpRequest,
    RequestTime(now): RequestTime,
    Json(request): Json<LoginRequest>,
) -> Result<impl Responder, ApiError> {
    console_log::log(&http);
    let (attempt, key) = request.attempt(client)?;
    let grant = match key {
        Some(key) => logins.into_inner().log_in_once(attempt, key, now).await?,
        None => logins.log_in(&attempt, now).await?,
    };
    http.extensions_mut().insert(RequestUser {
        app: grant.app.clone(),
        user: grant.user.id,
    });
    Ok(Success(LoginData::from(grant)))
}

impl LoginRequest {
    fn attempt(&self, client: Client) -> Result<(LoginAttempt, Option<IdempotencyKey>), ErrorCode> {
        let attempt = LoginAttempt {
            app: self.app()?.map(str::to_owned),
            code: self.code()?,
            from: client.referer,
            device: client.device,
            previous: client.token,
        };
        Ok((attempt, client.idempotency_key))
    }

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

impl From<Grant> for LoginData {
    fn from(grant: Grant) -> Self {
        Self {
            token: grant.token.expose().to_string(),
            expires_in: grant.lifetime.as_secs(),
            user: LoginUser {
                id: grant.user.id.to_string(),
                is_new: grant.is_new,
            },
        }
    }
}
