//! `POST /login`: exchanges a login code for a token.

use actix_web::{HttpMessage as _, HttpRequest, Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::error::{ApiError, ErrorCode};
use crate::handlers::real_projects::RealProjects;
use crate::handlers::reply::{Envelope, Success};
use crate::handlers::{code_field, console_log};
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
    /// The mini program, by its name in the settings or its AppID. Without it, or if it is empty or `null`, the Referer
    /// names the mini program, or it is the only one.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false)]
    app: Option<StringField>,
}

/// The token and the user.
#[derive(Serialize, ToSchema)]
struct LoginData {
    /// Opaque; send it as `Authorization: Bearer <token>`.
    #[schema(examples("wxs_6FqJ0aXnZs1vWm3oGxkq5pYb7TtR2uCd8LhEiKf9BNQAAAAA"))]
    token: String,
    /// Seconds from now until the token expires, even if it is used.
    #[schema(minimum = 1, examples(604_800))]
    expires_in: i64,
    /// Seconds from now until the token expires if it is not used. Each use starts this time again, up to `expires_in`.
    #[schema(minimum = 1, examples(259_200))]
    idle_expires_in: i64,
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
        description = "1 to 255 visible ASCII characters, new for each code. The same code and key get the same token for five minutes.")),
    request_body = LoginRequest,
    responses((status = 200, body = Envelope<LoginData>)),
)]
pub async fn log_in(
    logins: web::Data<Logins>,
    client: Client,
    real_projects: web::Data<RealProjects>,
    http: HttpRequest,
    RequestTime(now): RequestTime,
    Json(request): Json<LoginRequest>,
) -> Result<impl Responder, ApiError> {
    console_log::log(&http);
    let (attempt, key) = request.attempt(client)?;
    real_projects.adopt(&attempt.code, attempt.from.as_ref(), &attempt.device);
    let grant = match key {
        Some(key) => logins.into_inner().log_in_once(attempt, key, now).await?,
        None => logins.log_in(&attempt, now).await?,
    };
    http.extensions_mut().insert(RequestUser {
        app: grant.app.clone(),
        user: grant.user.id,
    });
    Ok(Success(LoginData::new(&grant, now)))
}

impl LoginRequest {
    fn attempt(&self, client: Client) -> Result<(LoginAttempt, Option<IdempotencyKey>), ApiError> {
        let attempt = LoginAttempt {
            app: self.app()?.map(str::to_owned),
            code: self.code()?,
            from: client.referer,
            address: client.address,
            device: client.device,
            previous: client.token,
        };
        Ok((attempt, client.idempotency_key))
    }

    fn code(&self) -> Result<LoginCode, ApiError> {
        code_field::parse(&self.code, LoginCode::parse)
    }

    fn app(&self) -> Result<Option<&str>, ErrorCode> {
        match &self.app {
            None | Some(StringField::Missing) => Ok(None),
            Some(StringField::String(app)) => Ok(Some(app.as_str()).filter(|app| !app.is_empty())),
            Some(StringField::OtherType) => Err(ErrorCode::AppUnknown),
        }
    }
}

impl LoginData {
    fn new(grant: &Grant, now: Timestamp) -> Self {
        Self {
            token: grant.token.expose().to_string(),
            expires_in: seconds_until(grant.expires_at, now),
            idle_expires_in: seconds_until(grant.ends_at, now),
            user: LoginUser {
                id: grant.user.id.to_string(),
                is_new: grant.is_new,
            },
        }
    }
}

/// Returns the seconds until `end`, at least 1. Rounds, because the store keeps milliseconds.
fn seconds_until(end: Timestamp, now: Timestamp) -> i64 {
    let milliseconds = end.duration_since(now).as_millis() + 500;
    i64::try_from(milliseconds / 1000)
        .unwrap_or(i64::MAX)
        .max(1)
}
