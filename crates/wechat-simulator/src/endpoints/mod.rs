//! WeChat's endpoints: each takes a call and returns the reply or an error.

mod access_tokens;
mod call;
mod component;
mod login;
mod management;
mod messages;
mod moderation;
mod pictures_and_links;
mod session_keys;
mod user_data;
mod web_login;

use crate::endpoint::{Endpoint, Methods, rid_separator};
use crate::endpoints::call::Call;
use crate::errors::{ApiError, BODY_TOO_LARGE, GET_REQUIRED, INVALID_URL, POST_REQUIRED};
use crate::json::Object;
use crate::request_log::RecordedRequest;
use crate::state::State;
use crate::state::history::ErrorReply;

/// The content of a reply.
pub(crate) enum Content {
    Json(Object),
    Jpeg(Vec<u8>),
    /// A page for a browser.
    Html(String),
    /// A redirect to this URL.
    Redirect(String),
}

impl From<Object> for Content {
    fn from(object: Object) -> Self {
        Self::Json(object)
    }
}

/// Processes a request and returns the reply.
pub(crate) fn process(state: &mut State, request: &RecordedRequest) -> Content {
    let mut call = call(state, request);
    let reply = dispatch(&mut call);
    reply.unwrap_or_else(|ApiError { errcode, errmsg }| error_of(&mut call, errcode, errmsg))
}

/// Returns an error reply without processing the request.
pub(crate) fn error_content(
    state: &mut State,
    request: &RecordedRequest,
    errcode: i64,
    errmsg: &str,
) -> Content {
    error_of(&mut call(state, request), errcode, errmsg)
}

/// Invalidates the access tokens of the app that the request is about.
pub(crate) fn invalidate_access_tokens(state: &mut State, request: &RecordedRequest) {
    let call = call(state, request);
    if let Some(app_id) = call.app_id() {
        call.state.access_tokens.invalidate(&app_id, call.now);
    }
}

fn call<'a>(state: &'a mut State, request: &'a RecordedRequest) -> Call<'a> {
    let now = state.now();
    Call {
        state,
        request,
        now,
    }
}

fn dispatch(call: &mut Call<'_>) -> Result<Content, ApiError> {
    let endpoint = call.request.endpoint.ok_or(INVALID_URL)?;
    match (endpoint.methods(), call.request.method.as_str()) {
        (Methods::Get | Methods::GetOrPost, "GET")
        | (Methods::Post | Methods::GetOrPost, "POST") => {}
        (Methods::Get, _) => return Err(GET_REQUIRED),
        (Methods::Post | Methods::GetOrPost, _) => return Err(POST_REQUIRED),
    }
    if call.request.is_too_large {
        return Err(BODY_TOO_LARGE);
    }
    reply(call, endpoint)
}

fn reply(call: &mut Call<'_>, endpoint: Endpoint) -> Result<Content, ApiError> {
    let object = match endpoint {
        Endpoint::UnlimitedQrCode => return pictures_and_links::unlimited_qr_code(call),
        Endpoint::QrCode => return pictures_and_links::qr_code(call),
        Endpoint::ShortQrCode => return pictures_and_links::short_qr_code(call),
        Endpoint::OauthAuthorize => {
            return web_login::authorize(call, &["snsapi_base", "snsapi_userinfo"]);
        }
        Endpoint::QrConnect => return web_login::authorize(call, &["snsapi_login"]),
        Endpoint::OauthToken => web_login::access_token(call),
        Endpoint::OauthRefresh => web_login::refresh_token(call),
        Endpoint::OauthUserInfo => web_login::user_info(call),
        Endpoint::OauthCheck => web_login::check(call),
        Endpoint::ComponentToken => component::token(call),
        Endpoint::ComponentLogin => component::login(call),
        Endpoint::Code2Session => login::code2session(call),
        Endpoint::CheckSessionKey => session_keys::check(call),
        Endpoint::ResetUserSessionKey => session_keys::reset(call),
        Endpoint::AccessToken => access_tokens::plain(call),
        Endpoint::StableAccessToken => access_tokens::stable(call),
        Endpoint::PhoneNumber => user_data::phone_number(call),
        Endpoint::PaidUnionid => user_data::paid_unionid(call),
        Endpoint::PluginOpenPid => user_data::plugin_openpid(call),
        Endpoint::CheckEncryptedData => user_data::check_encrypted_data(call),
        Endpoint::UserEncryptKey => session_keys::encrypt_keys(call),
        Endpoint::ApiQuota => management::quota(call),
        Endpoint::RidInfo => management::rid_info(call),
        Endpoint::ClearQuota => management::clear_quota(call),
        Endpoint::ClearQuotaBySecret => management::clear_quota_by_secret(call),
        Endpoint::CallbackIp => management::callback_ip(call),
        Endpoint::ApiDomainIp => management::api_domain_ip(call),
        Endpoint::UrlLink => pictures_and_links::url_link(call),
        Endpoint::UrlScheme => pictures_and_links::url_scheme(call),
        Endpoint::ShortLink => pictures_and_links::short_link(call),
        Endpoint::SubscribeMessage => messages::subscribe(call),
        Endpoint::Templates => messages::templates(call),
        Endpoint::AddTemplate => messages::add_template(call),
        Endpoint::DeleteTemplate => messages::delete_template(call),
        Endpoint::CustomMessage => messages::custom(call),
        Endpoint::TextCheck => moderation::check_text(call),
        Endpoint::MediaCheck => moderation::check_media(call),
        Endpoint::UserRisk => moderation::user_risk(call),
    };
    object.map(Content::from)
}

/// Returns an error reply with a new rid, and records it for getRidInfo.
fn error_of(call: &mut Call<'_>, errcode: i64, errmsg: &str) -> Content {
    let (request, at) = (call.request, call.now);
    let app_id = call.app_id();
    let rid = call.state.error_replies.next_rid(at);
    let separator = rid_separator(&request.path);
    let reply = Object::new()
        .with("errcode", errcode)
        .with("errmsg", format!("{errmsg}{separator}{rid}"));
    let body = request.masked_body();
    let client_ip = request.client.map(|ip| ip.to_string());
    call.state.error_replies.push(ErrorReply {
        rid,
        app_id,
        at,
        info: Object::new()
            .with("invoke_time", at.as_secs())
            .with("cost_in_ms", 1)
            .with("request_url", request.masked_url())
            .with(
                "request_body",
                if body.is_null() {
                    String::new()
                } else {
                    body.to_string()
                },
            )
            .with("response_body", reply.to_wire())
            .with("client_ip", client_ip.unwrap_or_default()),
    });
    Content::Json(reply)
}
