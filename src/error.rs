//! Everything that can go wrong, as a status, a stable name and a sentence: one closed table.
//!
//! Knows the envelope of a refusal, and which errors of the floors below become which row.
//! Never knows where an error happened: the cause is carried for the log, and never sent.

use std::error::Error as Cause;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;

use crate::account::{self, access_token};
use crate::login;
use crate::readiness::NotReady;
use crate::wechat;

/// The rows of the table. A new row does not compile until it has a status, a name and a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorCode {
    /// The body is no JSON object or array.
    MalformedJson,
    /// The body could not be inflated or read.
    MalformedBody,
    /// The body is JSON, but not what the handler takes.
    UnexpectedBody,
    /// The request cannot be used, for a reason that has no row of its own.
    BadRequest,
    /// The login names no mini program that the settings know.
    AppUnknown,
    /// There is no `code` in the body.
    CodeMissing,
    /// `code` is no text, or empty, or too long.
    CodeMalformed,
    /// The header `Idempotency-Key` is no key.
    IdempotencyKeyMalformed,
    /// `nickname` is too long, or no text that can stand in one line.
    NicknameMalformed,
    /// `avatar_url` is no address that a picture can have.
    AvatarUrlMalformed,
    /// WeChat does not know the code (40029).
    LoginCodeInvalid,
    /// WeChat has seen the code before (40163).
    LoginCodeUsed,
    /// A login code came where a phone number code belongs.
    LoginCodeInsteadOfPhoneCode,
    /// WeChat does not know the phone number code (40029).
    PhoneCodeInvalid,
    /// The phone number code is another mini program's (40013).
    PhoneCodeOfAnotherApp,
    /// WeChat was asked about the phone number code before, and its answer was lost.
    PhoneCodeSpent,
    /// There is no encrypted data in the body, or not all that belongs to it.
    EncryptedDataMissing,
    /// Encrypted data does not open, or WeChat honours the session key no longer.
    SessionKeyStale,
    /// No token, or one that is unknown, ended or expired.
    SessionRequired,
    /// WeChat blocks this user (40226).
    UserBlocked,
    /// No such path.
    NotFound,
    /// The path exists, but not for this method.
    MethodNotAllowed,
    /// The body did not arrive in time.
    BodyTimeout,
    /// The body is over the limit.
    BodyTooLarge,
    /// The body's type is not `application/json`.
    UnsupportedMediaType,
    /// The body's charset is not a Unicode one.
    UnsupportedCharset,
    /// The body's content coding is not known.
    UnsupportedEncoding,
    /// WeChat's quota for a minute is spent (45011).
    TooManyRequests,
    /// A panic or a bug.
    Internal,
    /// WeChat refuses our settings (40013, 40125, 40164, 40243 and their like).
    WechatMisconfigured,
    /// WeChat is busy, out of reach, or its quota for the day is spent (-1, 45009).
    WechatBusy,
    /// WeChat's answer makes no sense.
    WechatUnintelligible,
    /// WeChat did not answer in time.
    WechatTimedOut,
    /// The store does not answer.
    StoreUnavailable,
    /// The server is shutting down.
    Draining,
}

impl ErrorCode {
    /// The table itself.
    #[expect(
        clippy::too_many_lines,
        reason = "one closed table reads better than three that must agree"
    )]
    const fn row(self) -> Row {
        use StatusCode as S;
        match self {
            Self::MalformedJson => row(
                S::BAD_REQUEST,
                "malformed_json",
                "The body is not a JSON object or array: send JSON.stringify(data).",
            ),
            Self::MalformedBody => row(
                S::BAD_REQUEST,
                "malformed_body",
                "The body could not be read: check Content-Length and Content-Encoding.",
            ),
            Self::UnexpectedBody => row(
                S::BAD_REQUEST,
                "unexpected_body",
                "The body is JSON, but its members are not what this route takes.",
            ),
            Self::BadRequest => row(
                S::BAD_REQUEST,
                "bad_request",
                "The request cannot be used: check its path, query and headers.",
            ),
            Self::AppUnknown => row(
                S::BAD_REQUEST,
                "app_unknown",
                "The server does not know which mini program this login is for: send its name or AppID as app.",
            ),
            Self::CodeMissing => row(
                S::BAD_REQUEST,
                "code_missing",
                "There is no code: send {\"code\": …} as application/json, with the code that wx.login or the phone number button gave.",
            ),
            Self::CodeMalformed => row(
                S::BAD_REQUEST,
                "code_malformed",
                "The code must be a text of 1 to 512 bytes, as wx.login or the phone number button gives it.",
            ),
            Self::IdempotencyKeyMalformed => row(
                S::BAD_REQUEST,
                "idempotency_key_malformed",
                "The Idempotency-Key must be one text of 1 to 255 visible ASCII characters.",
            ),
            Self::NicknameMalformed => row(
                S::BAD_REQUEST,
                "nickname_malformed",
                "The nickname must be a text of at most 64 characters without line breaks and control characters, or null.",
            ),
            Self::AvatarUrlMalformed => row(
                S::BAD_REQUEST,
                "avatar_url_malformed",
                "The avatar_url must be an https URL of at most 2048 bytes, or null: upload the picture first.",
            ),
            Self::LoginCodeInvalid => row(
                S::UNAUTHORIZED,
                "login_code_invalid",
                "WeChat does not accept this login code: call wx.login again and send the new code.",
            ),
            Self::LoginCodeUsed => row(
                S::UNAUTHORIZED,
                "login_code_used",
                "This login code was used before and works only once: call wx.login again.",
            ),
            Self::LoginCodeInsteadOfPhoneCode => row(
                S::BAD_REQUEST,
                "login_code_instead_of_phone_code",
                "This is a code from wx.login: send e.detail.code of the phone number button's event.",
            ),
            Self::PhoneCodeInvalid => row(
                S::BAD_REQUEST,
                "phone_code_invalid",
                "WeChat does not accept this phone number code, which works once within 5 minutes of the tap: let the user tap the button again.",
            ),
            Self::PhoneCodeOfAnotherApp => row(
                S::BAD_REQUEST,
                "phone_code_of_another_app",
                "This phone number code is not from the mini program of this session: compare the AppIDs.",
            ),
            Self::PhoneCodeSpent => row(
                S::CONFLICT,
                "phone_code_spent",
                "This phone number code was sent to WeChat before and the answer was lost: let the user tap the button again.",
            ),
            Self::EncryptedDataMissing => row(
                S::BAD_REQUEST,
                "encrypted_data_missing",
                "Send encryptedData and iv, and rawData only with its signature, as the event gives them, as application/json.",
            ),
            Self::SessionKeyStale => row(
                S::UNAUTHORIZED,
                "session_key_stale",
                "The session key does not fit: first call wx.login and POST the code to /login, then let the event happen again and send its new data.",
            ),
            Self::SessionRequired => row(
                S::UNAUTHORIZED,
                "session_required",
                "There is no live session: call wx.login, POST the code to /login, and send the token as Authorization: Bearer.",
            ),
            Self::UserBlocked => row(
                S::FORBIDDEN,
                "user_blocked",
                "WeChat has blocked this user's login: do not try again.",
            ),
            Self::NotFound => row(
                S::NOT_FOUND,
                "not_found",
                "There is nothing at this path: check the URL.",
            ),
            Self::MethodNotAllowed => row(
                S::METHOD_NOT_ALLOWED,
                "method_not_allowed",
                "This path does not take this method: see the Allow header.",
            ),
            Self::BodyTimeout => row(
                S::REQUEST_TIMEOUT,
                "body_timeout",
                "The body did not arrive in time: send it again.",
            ),
            Self::BodyTooLarge => row(
                S::PAYLOAD_TOO_LARGE,
                "body_too_large",
                "The body is over the size limit: send less.",
            ),
            Self::UnsupportedMediaType => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_media_type",
                "The body must be JSON: send the header Content-Type: application/json.",
            ),
            Self::UnsupportedCharset => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_charset",
                "The body's charset is not supported: send UTF-8.",
            ),
            Self::UnsupportedEncoding => row(
                S::UNSUPPORTED_MEDIA_TYPE,
                "unsupported_encoding",
                "The body's Content-Encoding is not supported: send it plain, or as gzip, deflate or br.",
            ),
            Self::TooManyRequests => row(
                S::TOO_MANY_REQUESTS,
                "too_many_requests",
                "WeChat's limit for this minute is reached: wait as Retry-After says.",
            ),
            Self::Internal => row(
                S::INTERNAL_SERVER_ERROR,
                "internal",
                "The server failed to handle this request: its log has the cause.",
            ),
            Self::WechatMisconfigured => row(
                S::SERVICE_UNAVAILABLE,
                "wechat_misconfigured",
                "WeChat refuses the server's settings: the server's log names the one to change.",
            ),
            Self::WechatBusy => row(
                S::SERVICE_UNAVAILABLE,
                "wechat_busy",
                "WeChat does not answer at the moment: wait as Retry-After says, then try again; a login takes a new code from wx.login.",
            ),
            Self::WechatUnintelligible => row(
                S::BAD_GATEWAY,
                "wechat_unintelligible",
                "WeChat gave an answer that makes no sense, and a code that was sent may be spent: try again with a new one.",
            ),
            Self::WechatTimedOut => row(
                S::GATEWAY_TIMEOUT,
                "wechat_timed_out",
                "WeChat did not answer in time, and a code that was sent may be spent: try again with a new one.",
            ),
            Self::StoreUnavailable => row(
                S::SERVICE_UNAVAILABLE,
                "store_unavailable",
                "The session store does not answer: try again as Retry-After says; nobody is logged out.",
            ),
            Self::Draining => row(
                S::SERVICE_UNAVAILABLE,
                "draining",
                "The server is shutting down: try again as Retry-After says.",
            ),
        }
    }

    /// The HTTP status that goes with the row.
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// The stable name that clients compare.
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// The sentence for the client's developer: what is wrong and what to do.
    pub const fn message(self) -> &'static str {
        self.row().message
    }
}

struct Row {
    status: StatusCode,
    name: &'static str,
    message: &'static str,
}

const fn row(status: StatusCode, name: &'static str, message: &'static str) -> Row {
    Row {
        status,
        name,
        message,
    }
}

/// A refusal on its way to a client: a row of the table, and for the log what led to it.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    /// The status where it is not the row's.
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    wechat: Option<WechatRefusal>,
    cause: Option<Box<dyn Cause + Send + Sync>>,
}

/// What WeChat said when it refused. Sent along, because developers search for these numbers.
#[derive(Debug, Clone, Serialize)]
pub struct WechatRefusal {
    /// WeChat's error number.
    pub errcode: i64,
    /// WeChat's name of the call, by which its support can find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rid: Option<String>,
}

#[derive(Serialize)]
struct ErrorReply<'a> {
    code: i64,
    error: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    wechat: Option<&'a WechatRefusal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// Adds the cause, which the log shows and the client never sees. It must hold no secret.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Cause + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// A refusal that is none of ours, such as one of the framework: the row that comes closest, with its own status.
    pub fn foreign(status: StatusCode) -> Self {
        let code = match status {
            StatusCode::NOT_FOUND => ErrorCode::NotFound,
            StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
            StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
            StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
            StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
            _ if status.is_server_error() => ErrorCode::Internal,
            _ => ErrorCode::BadRequest,
        };
        Self {
            status: Some(status),
            ..code.into()
        }
    }

    /// Whether WeChat refused.
    pub fn is_from_wechat(&self) -> bool {
        self.wechat.is_some()
    }

    /// The seconds that a client should wait. Where nothing better is known, our choice: WeChat's minute quota is back
    /// after a minute at the latest, and what is unavailable is worth asking again after a second.
    fn retry_after_seconds(&self) -> Option<u64> {
        let default = match self.status_code() {
            StatusCode::TOO_MANY_REQUESTS => 60,
            StatusCode::SERVICE_UNAVAILABLE => 1,
            _ => return None,
        };
        Some(
            self.retry_after
                .map_or(default, |wait| wait.as_secs().max(1)),
        )
    }

    /// Which row of the table this is.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The body of the reply, with the request's id where one is known.
    pub fn body(&self, request_id: Option<&str>) -> String {
        let status = i64::from(self.status_code().as_u16());
        let reply = ErrorReply {
            code: self.wechat.as_ref().map_or(status, |said| said.errcode),
            error: self.code.name(),
            message: self.code.message(),
            wechat: self.wechat.as_ref(),
            request_id,
        };
        // Numbers and texts always become JSON.
        serde_json::to_string(&reply).unwrap_or_default()
    }
}

/// The content type of every reply.
pub const JSON: &str = "application/json; charset=utf-8";

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            status: None,
            retry_after: None,
            wechat: None,
            cause: None,
        }
    }
}

impl From<login::Error> for ApiError {
    fn from(error: login::Error) -> Self {
        let refusal = match &error {
            login::Error::AppUnknown => ErrorCode::AppUnknown.into(),
            login::Error::CodeUsed => ErrorCode::LoginCodeUsed.into(),
            login::Error::Refused { error, .. } | login::Error::Wechat(error) => {
                Self::from_wechat(error)
            }
            login::Error::Store(_) => ErrorCode::StoreUnavailable.into(),
            login::Error::Crypto(_) => ErrorCode::Internal.into(),
        };
        refusal.because(error)
    }
}

impl From<account::Error> for ApiError {
    fn from(error: account::Error) -> Self {
        use account::Error as E;
        let refusal = match &error {
            E::Store(_) | E::Session(login::Error::Store(_)) => ErrorCode::StoreUnavailable.into(),
            // Each of these is mended by a login, which `session_required` makes a client do by itself.
            E::UserGone | E::SessionGone | E::OpenIdSealed => ErrorCode::SessionRequired.into(),
            E::LoginCodeForPhoneCode(_) => ErrorCode::LoginCodeInsteadOfPhoneCode.into(),
            E::PhoneCodeSpent => ErrorCode::PhoneCodeSpent.into(),
            E::SessionKeyStale => ErrorCode::SessionKeyStale.into(),
            E::PhoneNumber(error) => Self::from_phone(error),
            E::SessionKey(error) => Self::from_access_token(error),
            E::Crypto(_) | E::Session(_) => ErrorCode::Internal.into(),
        };
        refusal.because(error)
    }
}

impl From<access_token::Error> for ApiError {
    fn from(error: access_token::Error) -> Self {
        use access_token::Error;
        let refusal = match &error {
            // Nothing of the client's was sent, so nothing of it can be spent.
            Error::Fetch(
                wechat::Error::TimedOut
                | wechat::Error::ConnectionLost
                | wechat::Error::Unintelligible { .. },
            )
            | Error::Overdue => ErrorCode::WechatBusy.into(),
            Error::Fetch(error) | Error::Call(error) => Self::from_wechat(error),
            Error::Store(_) => ErrorCode::StoreUnavailable.into(),
            Error::Crypto(_) => ErrorCode::Internal.into(),
        };
        refusal.because(error)
    }
}

impl From<NotReady> for ApiError {
    fn from(error: NotReady) -> Self {
        let code = match error {
            NotReady::Draining => ErrorCode::Draining,
            NotReady::Store(_) => ErrorCode::StoreUnavailable,
        };
        Self::from(code).because(error)
    }
}

impl ApiError {
    fn from_access_token(error: &access_token::Error) -> Self {
        use access_token::Error as E;
        match error {
            E::Fetch(error) | E::Call(error) => Self::from_wechat(error),
            E::Store(_) => ErrorCode::StoreUnavailable.into(),
            E::Overdue => ErrorCode::WechatBusy.into(),
            E::Crypto(_) => ErrorCode::Internal.into(),
        }
    }

    /// A phone number code that WeChat refuses is no reason to log in again.
    fn from_phone(error: &access_token::Error) -> Self {
        let refusal = Self::from_access_token(error);
        let code = match (refusal.code, error) {
            (_, access_token::Error::Call(error)) if error.is_app_refused() => {
                ErrorCode::PhoneCodeOfAnotherApp
            }
            (ErrorCode::LoginCodeInvalid | ErrorCode::LoginCodeUsed, _) => {
                ErrorCode::PhoneCodeInvalid
            }
            (code, _) => code,
        };
        Self { code, ..refusal }
    }

    fn from_wechat(error: &wechat::Error) -> Self {
        let code = match error {
            wechat::Error::Refused(refusal) => code_of(refusal.class()),
            // What does not pass by itself is for whoever runs the server to mend: a certificate, a proxy.
            wechat::Error::Unreachable(_) if error.retry_after().is_none() => {
                ErrorCode::WechatMisconfigured
            }
            wechat::Error::Unreachable(_)
            | wechat::Error::CircuitOpen { .. }
            | wechat::Error::Overloaded => ErrorCode::WechatBusy,
            wechat::Error::TimedOut => ErrorCode::WechatTimedOut,
            wechat::Error::Unintelligible { .. } | wechat::Error::ConnectionLost => {
                ErrorCode::WechatUnintelligible
            }
        };
        let wechat = error.refusal().map(|refusal| WechatRefusal {
            errcode: refusal.errcode,
            rid: refusal.rid.as_ref().map(ToString::to_string),
        });
        Self {
            code,
            status: None,
            retry_after: error.retry_after(),
            wechat,
            cause: None,
        }
    }
}

/// Which row a kind of refusal becomes.
pub fn code_of(class: wechat::Class) -> ErrorCode {
    use wechat::Class;
    match class {
        Class::CodeInvalid => ErrorCode::LoginCodeInvalid,
        Class::CodeUsed => ErrorCode::LoginCodeUsed,
        Class::UserBlocked => ErrorCode::UserBlocked,
        Class::TooOften => ErrorCode::TooManyRequests,
        Class::Busy | Class::QuotaSpent => ErrorCode::WechatBusy,
        Class::NotGranted | Class::Misconfigured | Class::TokenRefused => {
            ErrorCode::WechatMisconfigured
        }
        Class::OurBug | Class::Success => ErrorCode::Internal,
        // A login asks nothing that these answer, so WeChat means something that we do not know.
        Class::KeyStale | Class::Unsuitable | Class::Unknown => ErrorCode::WechatUnintelligible,
    }
}

/// The name and the chain of causes, for the log.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code.name())?;
        let mut cause: Option<&dyn Cause> = match &self.cause {
            Some(cause) => Some(cause.as_ref()),
            None => None,
        };
        while let Some(because) = cause {
            write!(f, ": {because}")?;
            cause = because.source();
        }
        Ok(())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.status.unwrap_or(self.code.status())
    }

    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.status_code());
        reply
            .content_type(JSON)
            .insert_header((CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after_seconds() {
            reply.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        reply.body(self.body(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access_token::Error;

    /// What was never sent is not spent, so the client may send the same again; what was sent may be.
    #[test]
    fn a_call_that_lacks_a_token_may_be_made_again() {
        for (error, code) in [
            (Error::Fetch(wechat::Error::TimedOut), ErrorCode::WechatBusy),
            (
                Error::Fetch(wechat::Error::ConnectionLost),
                ErrorCode::WechatBusy,
            ),
            (Error::Overdue, ErrorCode::WechatBusy),
            (
                Error::Call(wechat::Error::TimedOut),
                ErrorCode::WechatTimedOut,
            ),
            (
                Error::Call(wechat::Error::Overloaded),
                ErrorCode::WechatBusy,
            ),
            (
                Error::Store(crate::store::Error::Closed),
                ErrorCode::StoreUnavailable,
            ),
        ] {
            let shown = format!("{error:?}");
            assert_eq!(ApiError::from(error).code(), code, "{shown}");
        }
    }
}
