//! The table of errors.

use actix_web::http::StatusCode;

use crate::error::definition::ErrorDefinition;

/// Defines [`ErrorCode`] from rows `Variant: STATUS, name, sentence`.
macro_rules! table {
    ($($(#[$doc:meta])+ $code:ident: $status:ident, $name:literal, $message:literal;)+) => {
        /// An error of the API. Each has a status, a stable name and a sentence.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[$doc])+ $code,)+
        }

        impl ErrorCode {
            /// Every error of the table.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// Returns the status, name and sentence.
            pub const fn definition(self) -> ErrorDefinition {
                match self {
                    $(Self::$code => ErrorDefinition::new(StatusCode::$status, $name, $message),)+
                }
            }
        }
    };
}

table! {
    /// The body is not a JSON object or array.
    MalformedJson: BAD_REQUEST, "malformed_json",
        "The body is not a JSON object or array: send JSON.stringify(data).";
    /// The body could not be inflated or read.
    MalformedBody: BAD_REQUEST, "malformed_body",
        "The body could not be read: check Content-Length and Content-Encoding.";
    /// The body is JSON, but does not have the fields that the handler takes.
    UnexpectedBody: BAD_REQUEST, "unexpected_body",
        "The body is JSON, but its fields are not what this route takes.";
    /// The request is invalid for a reason that has no code of its own.
    BadRequest: BAD_REQUEST, "bad_request",
        "The request is invalid: check its path, query and headers.";
    /// The settings have no mini program of this name or AppID, nor of the Referer's.
    AppUnknown: BAD_REQUEST, "app_unknown",
        "The server does not know which mini program this login is for, and its log lists those that it knows: send the name or AppID of one as app.";
    /// The body has no `code`.
    CodeMissing: BAD_REQUEST, "code_missing",
        "The code is missing: send {\"code\": …} as application/json, with the code from wx.login or the phone number button.";
    /// `code` is not a string, or cannot be a code, such as `undefined`.
    CodeMalformed: BAD_REQUEST, "code_malformed",
        "This cannot be a code: send the string that wx.login or the phone number button returns, unchanged, and no converted value such as undefined.";
    /// The `Idempotency-Key` header is malformed.
    IdempotencyKeyMalformed: BAD_REQUEST, "idempotency_key_malformed",
        "The Idempotency-Key must be a single value of 1 to 255 visible ASCII characters.";
    /// The body of a profile update has no field to change.
    ProfileMissing: BAD_REQUEST, "profile_missing",
        "Nothing was changed: send nickname or avatar_url, or WeChat's nickName or avatarUrl, as application/json.";
    /// `nickname` is not a string of one line, or is too long.
    NicknameMalformed: BAD_REQUEST, "nickname_malformed",
        "The nickname must be a string of at most 64 characters without line breaks and control characters, or null.";
    /// `avatar_url` is not an `https` URL, or is too long.
    AvatarUrlMalformed: BAD_REQUEST, "avatar_url_malformed",
        "The avatar_url must be an https URL of at most 2048 bytes, or null: upload the picture first.";
    /// WeChat does not accept the code (40029).
    LoginCodeInvalid: UNAUTHORIZED, "login_code_invalid",
        "WeChat does not accept this login code: call wx.login again and send the new code.";
    /// WeChat has seen the code before (40163).
    LoginCodeUsed: UNAUTHORIZED, "login_code_used",
        "This login code was used before and works only once: call wx.login again.";
    /// The client sent a login code in place of a phone number code.
    LoginCodeInsteadOfPhoneCode: BAD_REQUEST, "login_code_instead_of_phone_code",
        "This is a code from wx.login: send e.detail.code of the phone number button's event.";
    /// WeChat does not accept the phone number code (40029).
    PhoneCodeInvalid: BAD_REQUEST, "phone_code_invalid",
        "WeChat does not accept this phone number code, which works once within 5 minutes of the tap: let the user tap the button again.";
    /// The phone number code belongs to another mini program (40013).
    PhoneCodeOfAnotherApp: BAD_REQUEST, "phone_code_of_another_app",
        "This phone number code is not from the mini program of this session: compare the AppIDs.";
    /// The phone number code was sent to WeChat before, and the response was lost.
    PhoneCodeSpent: CONFLICT, "phone_code_spent",
        "This phone number code was sent to WeChat before and the response was lost: let the user tap the button again.";
    /// The body has no encrypted data, or not all of its fields.
    EncryptedDataMissing: BAD_REQUEST, "encrypted_data_missing",
        "Send encryptedData and iv, and rawData only together with its signature, as the event returns them, as application/json.";
    /// The base64 of the encrypted data or its `iv` is damaged.
    EncryptedDataMalformed: BAD_REQUEST, "encrypted_data_malformed",
        "The encryptedData or the iv is damaged: send both unchanged, as the event returns them.";
    /// The encrypted data does not decrypt, or the session key is no longer valid at WeChat.
    SessionKeyStale: CONFLICT, "session_key_stale",
        "The session key does not match: first call wx.login and POST the code to /login, then repeat the event and send its new data.";
    /// The login code does not prove that the request comes from the user of the session.
    ProofCodeInvalid: BAD_REQUEST, "proof_code_invalid",
        "The code does not prove who you are: call wx.login as the user of this session, and send the new code.";
    /// The token is missing, unknown, revoked or expired.
    SessionRequired: UNAUTHORIZED, "session_required",
        "There is no live session: call wx.login, POST the code to /login, and send the token as Authorization: Bearer.";
    /// The service key is missing or not in the settings.
    ServiceKeyRequired: UNAUTHORIZED, "service_key_required",
        "A valid service key is required: send one of gateway.service_keys as Authorization: Bearer.";
    /// The settings have no service key, so introspection is off.
    IntrospectionOff: FORBIDDEN, "introspection_off",
        "Introspection is off: set gateway.service_keys in the server's settings, then send one of them.";
    /// The body has no `token`, or is neither a form nor JSON.
    TokenMissing: BAD_REQUEST, "token_missing",
        "The token is missing: send token=… as application/x-www-form-urlencoded, or {\"token\": …} as application/json.";
    /// While WeChat is simulated, the request has a foreign `Host`, `Origin` or `Sec-Fetch-Site`.
    ForeignRequest: FORBIDDEN, "foreign_request",
        "While WeChat is simulated, requests of other sites are rejected: add the host name to server.allowed_hosts.";
    /// WeChat has blocked this user (40226).
    UserBlocked: FORBIDDEN, "user_blocked",
        "WeChat has blocked this user's login: do not try again.";
    /// The path does not exist.
    NotFound: NOT_FOUND, "not_found",
        "There is nothing at this path: check the URL.";
    /// The path exists, but not for this method.
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed",
        "This path does not take this method: see the Allow header.";
    /// The body did not arrive in time.
    BodyTimeout: REQUEST_TIMEOUT, "body_timeout",
        "The body did not arrive in time: send it again.";
    /// The body exceeds the size limit.
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body_too_large",
        "The body exceeds the size limit: send less.";
    /// The Content-Type of the body is not `application/json`.
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type",
        "The body must be JSON: send the header Content-Type: application/json.";
    /// The charset of the body is not a Unicode one.
    UnsupportedCharset: UNSUPPORTED_MEDIA_TYPE, "unsupported_charset",
        "The body's charset is not supported: send UTF-8.";
    /// The Content-Encoding of the body is not supported.
    UnsupportedEncoding: UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding",
        "The body's Content-Encoding is not supported: send it plain, or as gzip, deflate or br.";
    /// The quota of the platform for this minute is used up (WeChat: 45011).
    TooManyRequests: TOO_MANY_REQUESTS, "too_many_requests",
        "WeChat's limit for this minute is reached: wait as Retry-After says.";
    /// A limit of this server is reached.
    RateLimited: TOO_MANY_REQUESTS, "rate_limited",
        "Too many rejected logins or too many calls: wait as Retry-After says, and send each code only once.";
    /// A panic or a bug.
    Internal: INTERNAL_SERVER_ERROR, "internal",
        "The server failed to handle this request: its log has the cause.";
    /// The platform rejects the server's settings (WeChat: 40013, 40125, 40164, 40243 and similar).
    PlatformMisconfigured: SERVICE_UNAVAILABLE, "platform_misconfigured",
        "WeChat rejects the server's settings: the server's log names the one to change.";
    /// The platform is busy or unreachable, or its daily quota is used up (WeChat: -1, 45009).
    PlatformBusy: SERVICE_UNAVAILABLE, "platform_busy",
        "WeChat is not available at the moment: wait as Retry-After says, then try again; a login needs a new code from wx.login.";
    /// The response of the platform is invalid.
    PlatformUnintelligible: BAD_GATEWAY, "platform_unintelligible",
        "WeChat sent an invalid response, and the code may be used up: try again with a new one.";
    /// The platform did not respond in time.
    PlatformTimedOut: GATEWAY_TIMEOUT, "platform_timed_out",
        "WeChat did not respond in time, and the code may be used up: try again with a new one.";
    /// The store does not respond.
    StoreUnavailable: SERVICE_UNAVAILABLE, "store_unavailable",
        "The session store does not respond: try again as Retry-After says; all sessions are kept.";
    /// The server is shutting down.
    Draining: SERVICE_UNAVAILABLE, "draining",
        "The server is shutting down: try again as Retry-After says.";
}

impl ErrorCode {
    /// Returns the HTTP status.
    pub const fn status(self) -> StatusCode {
        self.definition().status
    }

    /// Returns the stable name that clients compare.
    pub const fn name(self) -> &'static str {
        self.definition().name
    }
}

impl From<ErrorCode> for ErrorDefinition {
    fn from(code: ErrorCode) -> Self {
        code.definition()
    }
}
