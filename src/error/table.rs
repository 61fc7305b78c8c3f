//! The closed table: what can go wrong, as a status, a stable name and a sentence.
//!
//! Knows the rows. Never knows which error becomes which of them.

use actix_web::http::StatusCode;

use crate::error::row::{Row, row};

/// The rows of the table. A new row does not compile until it has a status, a name and a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
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
    /// No service key, or one that is not in the settings.
    ServiceKeyRequired,
    /// There is no service key in the settings, so nobody may ask about tokens.
    IntrospectionOff,
    /// There is no token in the form.
    TokenMissing,
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
    PlatformMisconfigured,
    /// WeChat is busy, out of reach, or its quota for the day is spent (-1, 45009).
    PlatformBusy,
    /// WeChat's answer makes no sense.
    PlatformUnintelligible,
    /// WeChat did not answer in time.
    PlatformTimedOut,
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
    pub(super) const fn row(self) -> Row {
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
            Self::ServiceKeyRequired => row(
                S::UNAUTHORIZED,
                "service_key_required",
                "There is no service key that the server knows: send one of gateway.service_keys as Authorization: Bearer.",
            ),
            Self::IntrospectionOff => row(
                S::FORBIDDEN,
                "introspection_off",
                "Nobody may ask about tokens: set gateway.service_keys in the server's settings, then show one of them.",
            ),
            Self::TokenMissing => row(
                S::BAD_REQUEST,
                "token_missing",
                "There is no token: send token=… as application/x-www-form-urlencoded.",
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
            Self::PlatformMisconfigured => row(
                S::SERVICE_UNAVAILABLE,
                "platform_misconfigured",
                "WeChat refuses the server's settings: the server's log names the one to change.",
            ),
            Self::PlatformBusy => row(
                S::SERVICE_UNAVAILABLE,
                "platform_busy",
                "WeChat does not answer at the moment: wait as Retry-After says, then try again; a login takes a new code from wx.login.",
            ),
            Self::PlatformUnintelligible => row(
                S::BAD_GATEWAY,
                "platform_unintelligible",
                "WeChat gave an answer that makes no sense, and a code that was sent may be spent: try again with a new one.",
            ),
            Self::PlatformTimedOut => row(
                S::GATEWAY_TIMEOUT,
                "platform_timed_out",
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
}
