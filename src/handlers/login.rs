//! `POST /login`: exchanges a login code for a token.

use std::sync::Arc;

use actix_web::{HttpMessage as _, HttpRequest, Responder, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::account::PhoneNumbers;
use crate::error::{ApiError, ErrorCode, ErrorReply};
use crate::handlers::phone::PhoneNumberData;
use crate::handlers::real_projects::RealProjects;
use crate::handlers::reply::{Envelope, Success};
use crate::handlers::{code_field, console_log};
use crate::identity::{LoginCode, PhoneCode};
use crate::login::{Grant, IdempotencyKey, LoginAttempt, Logins};
use crate::middleware::client::Client;
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::middleware::language;
use crate::middleware::session::RequestUser;
use crate::platforms::wechat::MOCK_CODE;
use crate::sessions::Sessions;

/// The request. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "code": MOCK_CODE })))]
pub struct LoginRequest {
    /// The code of `wx.login`.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^(the code is a mock one|[0-9A-Za-z_-]{1,128})$")]
    code: StringField,
    /// The mini program, by its name in the settings or its AppID. Without it, or if it is empty or `null`, the Referer
    /// names the mini program, or it is the only one.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false)]
    app: Option<StringField>,
    /// `e.detail.code` of a `getPhoneNumber` button, to get the phone number with the same request. An empty one or `null`
    /// counts as none. If it is invalid, the login succeeds, and the reply has a `phone_error`.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false)]
    phone_code: Option<StringField>,
}

/// The token and the user.
#[derive(Serialize, ToSchema)]
pub(super) struct LoginData {
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
    /// The phone number, if the request has a `phone_code`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone: Option<PhoneNumberData>,
    /// The error of `POST /user/phone`, if there is no phone number. The login stands.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = ErrorReply<'static>, required = false)]
    phone_error: Option<Box<RawValue>>,
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
    http: HttpRequest,
    RequestTime(now): RequestTime,
    Json(request): Json<LoginRequest>,
) -> Result<impl Responder, ApiError> {
    console_log::log(&http);
    let request_id = client.request_id.clone();
    let (attempt, key) = request.attempt(client)?;
    if let Some(real_projects) = http.app_data::<web::Data<RealProjects>>() {
        real_projects.adopt(&attempt.code, attempt.from.as_ref(), &attempt.device);
    }
    // Boxed, because a request whose body is incomplete has room for the handler's future already.
    let grant = match key {
        Some(key) => Box::pin(logins.into_inner().log_in_once(attempt, key, now)).await?,
        None => Box::pin(logins.log_in(&attempt, now)).await?,
    };
    http.extensions_mut().insert(RequestUser {
        app: grant.app.clone(),
        user: grant.user.id,
    });
    let phone = match request.phone_code() {
        Some(code) => Some(Box::pin(phone_number(&http, &grant, code, now)).await),
        None => None,
    };
    Ok(Success(LoginData::new(&grant, now).with_phone(
        phone,
        &http,
        &request_id,
    )))
}

/// Exchanges the phone number code of a login that has succeeded.
async fn phone_number(
    http: &HttpRequest,
    grant: &Grant,
    code: &StringField,
    now: Timestamp,
) -> Result<PhoneNumberData, ApiError> {
    let code = code_field::parse(code, PhoneCode::parse)?;
    let sessions = http.app_data::<web::Data<Sessions>>();
    let phones = http.app_data::<web::Data<PhoneNumbers>>();
    let (Some(sessions), Some(phones)) = (sessions, phones) else {
        return Err(ErrorCode::Internal.into());
    };
    let session = sessions.peek(&grant.token, now).await?;
    let session = session.ok_or(ErrorCode::SessionRequired)?;
    let phones = Arc::clone(phones);
    Ok(phones.exchange(session, code, now).await?.into())
}

impl LoginRequest {
    fn attempt(&self, client: Client) -> Result<(LoginAttempt, Option<IdempotencyKey>), ApiError> {
        let attempt = LoginAttempt {
            app: named_app(self.app.as_ref())?.map(str::to_owned),
            code: code_field::parse(&self.code, LoginCode::parse)?,
            from: client.referer,
            address: client.address,
            device: client.device,
            previous: client.token,
        };
        Ok((attempt, client.idempotency_key))
    }

    fn phone_code(&self) -> Option<&StringField> {
        self.phone_code.as_ref().filter(|code| match code {
            StringField::Missing => false,
            StringField::String(code) => !code.is_empty(),
            StringField::OtherType => true,
        })
    }
}

/// Returns the app that a request names. An empty name counts as none.
pub(super) fn named_app(field: Option<&StringField>) -> Result<Option<&str>, ErrorCode> {
    match field {
        None | Some(StringField::Missing) => Ok(None),
        Some(StringField::String(app)) => Ok(Some(app.as_str()).filter(|app| !app.is_empty())),
        Some(StringField::OtherType) => Err(ErrorCode::AppUnknown),
    }
}

impl LoginData {
    pub(super) fn new(grant: &Grant, now: Timestamp) -> Self {
        Self {
            token: grant.token.expose().to_string(),
            expires_in: seconds_until(grant.expires_at, now),
            idle_expires_in: seconds_until(grant.ends_at, now),
            user: LoginUser {
                id: grant.user.id.to_string(),
                is_new: grant.is_new,
            },
            phone: None,
            phone_error: None,
        }
    }

    /// Adds the phone number, or its error in the shape of every error. The error is logged, as no response has it as its own.
    fn with_phone(
        self,
        phone: Option<Result<PhoneNumberData, ApiError>>,
        http: &HttpRequest,
        request_id: &str,
    ) -> Self {
        let (phone, error) = match phone {
            Some(Ok(phone)) => (Some(phone), None),
            Some(Err(error)) => (None, Some(error)),
            None => (None, None),
        };
        let phone_error = error.map(|error| {
            log::warn!("a login has no phone number: {error} (request {request_id})");
            error.body(language::preferred(http), Some(request_id))
        });
        Self {
            phone,
            phone_error: phone_error.and_then(|body| RawValue::from_string(body).ok()),
            ..self
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
