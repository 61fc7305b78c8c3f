//! `GET /login/oauth/url` and `POST /login/oauth`: logins of websites and official accounts.

use actix_web::{HttpMessage as _, HttpRequest, Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::error::ApiError;
use crate::handlers::code_field;
use crate::handlers::login::{LoginData, named_app};
use crate::handlers::reply::{Envelope, Success};
use crate::identity::LoginCode;
use crate::login::{LoginAttempt, Logins, PageRequest, PresentedState};
use crate::middleware::client::Client;
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::middleware::session::RequestUser;

/// The wanted login page.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct LoginPageQuery {
    /// The website or official account, by its name in the settings or its AppID. Not needed if there is only one.
    #[serde(default)]
    #[param(nullable = false)]
    app: Option<String>,
    /// The page to which the login returns: one of `apps.<name>.redirects`. Not needed if there is only one.
    #[serde(default)]
    #[param(nullable = false)]
    redirect: Option<String>,
    /// Set for an official account that needs the unionid: the user is asked for consent.
    #[serde(default)]
    consent: bool,
}

/// The login page, and what the page of the app keeps until the user returns.
#[derive(Serialize, ToSchema)]
struct LoginPageData {
    /// The address to open.
    #[schema(examples("https://open.weixin.qq.com/connect/qrconnect?appid=wx0123456789abcdef"))]
    url: String,
    /// The state that the redirect will have.
    state: String,
    /// Keep it in `sessionStorage`, and send it with the code: it proves that the login began in this browser.
    nonce: String,
    /// Seconds until the state expires.
    #[schema(examples(600))]
    expires_in: i64,
}

/// The request. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
pub struct OauthRequest {
    /// The code of the redirect.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^[0-9A-Za-z_-]{1,128}$")]
    code: StringField,
    /// The website or official account, as for the login page.
    #[serde(default)]
    #[schema(value_type = Option<String>, required = false)]
    app: Option<StringField>,
    /// The state of the redirect.
    #[serde(default)]
    #[schema(value_type = String, required = true)]
    state: StringField,
    /// The nonce of the login page.
    #[serde(default)]
    #[schema(value_type = String, required = true)]
    nonce: StringField,
}

/// Returns the page on which the user of a website or official account logs in.
///
/// # Errors
/// `app_unknown`, `app_of_another_kind`, `redirect_not_allowed`.
#[utoipa::path(
    get,
    path = "/login/oauth/url",
    tag = "login",
    params(LoginPageQuery),
    responses((status = 200, body = Envelope<LoginPageData>)),
)]
pub async fn get_login_page(
    logins: web::Data<Logins>,
    RequestTime(now): RequestTime,
    query: web::Query<LoginPageQuery>,
) -> Result<impl Responder, ApiError> {
    let request = PageRequest {
        app: query.app.as_deref().filter(|app| !app.is_empty()),
        redirect: query.redirect.as_deref(),
        with_consent: query.consent,
    };
    let page = logins.login_page(&request, now)?;
    Ok(Success(LoginPageData {
        url: page.url,
        state: page.state,
        nonce: page.nonce,
        expires_in: page.expires_in.as_secs(),
    }))
}

/// Logs a user of a website or official account in, with the code of the login page.
///
/// The session has no session key. A state works once, for ten minutes, in the browser that has the nonce.
///
/// # Errors
/// `code_missing`, `code_malformed`, `app_unknown`, `app_of_another_kind` and `state_invalid` before the call to WeChat; then
/// the errors of the call and of the store.
#[utoipa::path(
    post,
    path = "/login/oauth",
    tag = "login",
    request_body = OauthRequest,
    responses((status = 200, body = Envelope<LoginData>)),
)]
pub async fn log_in_on_page(
    logins: web::Data<Logins>,
    client: Client,
    http: HttpRequest,
    RequestTime(now): RequestTime,
    Json(request): Json<OauthRequest>,
) -> Result<impl Responder, ApiError> {
    let attempt = LoginAttempt {
        app: named_app(request.app.as_ref())?.map(str::to_owned),
        code: code_field::parse(&request.code, LoginCode::parse)?,
        from: None,
        address: client.address,
        device: client.device,
        previous: client.token,
    };
    let presented = PresentedState {
        state: text(&request.state),
        nonce: text(&request.nonce),
    };
    let grant = logins.log_in_on_page(attempt, &presented, now).await?;
    http.extensions_mut().insert(RequestUser {
        app: grant.app.clone(),
        user: grant.user.id,
    });
    Ok(Success(LoginData::new(&grant, now)))
}

/// Returns a text. Any other value is no valid state.
fn text(field: &StringField) -> &str {
    match field {
        StringField::String(text) => text,
        StringField::Missing | StringField::OtherType => "",
    }
}
