//! The error that handlers and middleware return, and its JSON body.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::definition::ErrorDefinition;
use crate::error::table::ErrorCode;
use crate::identity::PlatformName;
use crate::language::Language;
use crate::platforms::{Reason, Rejection};

/// The content type of error responses.
pub const JSON: &str = "application/json; charset=utf-8";

/// An error response: the definition that the client sees, and the cause for the log.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    definition: ErrorDefinition,
    pub(super) retry_after: Option<Duration>,
    /// Boxed, because most errors have none.
    pub(super) rejection: Option<Box<PlatformRejection>>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

/// The platform's rejection of a call. Part of the response, because developers search for these numbers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PlatformRejection {
    /// Name of the platform.
    #[schema(examples("wechat"))]
    pub name: &'static str,
    /// The platform's error number.
    #[schema(examples(40029))]
    pub errcode: i64,
    /// The platform's id of the call, for its support.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("6b04520b-4b029467-76e9956e"))]
    pub rid: Option<String>,
    /// Set if the error number is documented.
    #[serde(skip)]
    #[schema(ignore)]
    pub is_documented: bool,
}

impl From<&Rejection> for PlatformRejection {
    fn from(rejection: &Rejection) -> Self {
        Self {
            name: rejection.platform,
            errcode: rejection.errcode,
            rid: rejection.rid.clone(),
            is_documented: rejection.reason != Reason::Unknown,
        }
    }
}

/// WeChat's rejection under its former name in the response.
#[derive(Serialize, ToSchema)]
pub(crate) struct WechatRejection<'a> {
    /// WeChat's error number.
    #[schema(examples(40029))]
    errcode: i64,
    /// WeChat's id of the call.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("6b04520b-4b029467-76e9956e"))]
    rid: Option<&'a str>,
}

/// The body of every error response.
#[derive(Serialize, ToSchema)]
pub(crate) struct ErrorReply<'a> {
    /// The platform's errcode if there is a `platform`, otherwise the status.
    code: i64,
    /// A stable name, for programs.
    error: &'a str,
    /// The problem and the fix, for developers; the wording may change.
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = PlatformRejection, required = false)]
    platform: Option<&'a PlatformRejection>,
    /// The same as `platform`, for WeChat only. Kept for existing clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = WechatRejection<'static>, required = false)]
    wechat: Option<WechatRejection<'a>>,
    /// Finds the cause in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// Makes an error of a status alone, such as one of the framework: the closest code, with this status.
    pub fn from_status(status: StatusCode) -> Self {
        let code = closest_code(status);
        let definition = ErrorDefinition {
            status,
            ..code.definition()
        };
        Self::new(code, definition)
    }

    fn new(code: ErrorCode, definition: ErrorDefinition) -> Self {
        Self {
            code,
            definition,
            retry_after: None,
            rejection: None,
            cause: None,
        }
    }

    /// Adds the cause, which is logged and never sent. It must hold no secret.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Replaces the code and its definition, and keeps the rest.
    pub(super) fn with_code(mut self, code: ErrorCode) -> Self {
        self.code = code;
        self.definition = code.definition();
        self
    }

    /// Returns the code; for an error of your own, the code that comes closest.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// Returns the stable name that clients compare.
    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// Returns the platform's error number, if the platform rejected the call.
    pub fn errcode(&self) -> Option<i64> {
        self.rejection.as_ref().map(|rejection| rejection.errcode)
    }

    /// Returns the platform's rejection, if that is the cause.
    pub fn rejection(&self) -> Option<&PlatformRejection> {
        self.rejection.as_deref()
    }

    /// Returns the seconds that a client should wait. The defaults are our choice: WeChat's quota per minute is back after
    /// a minute at the latest, and an unavailable service is worth another try after a second.
    fn retry_after_seconds(&self) -> Option<u64> {
        let default = match self.definition.status {
            StatusCode::TOO_MANY_REQUESTS => 60,
            StatusCode::SERVICE_UNAVAILABLE => 1,
            _ => return None,
        };
        let seconds = self.retry_after.map(|wait| wait.as_secs().max(1));
        Some(seconds.unwrap_or(default))
    }

    /// Returns the language of the body for a client that prefers `language`. An error without a Chinese sentence is English.
    pub fn language(&self, preferred: Language) -> Language {
        self.definition.message_in(preferred).1
    }

    /// Returns the body of the response in a language, with the request's id if it is known.
    pub fn body(&self, language: Language, request_id: Option<&str>) -> String {
        let name = self.definition.name;
        let (message, _) = self.definition.message_in(language);
        let texts = [name, message, request_id.unwrap_or_default()];
        if self.rejection.is_none() && texts.into_iter().all(needs_no_escape) {
            return self.plain_body(message, request_id);
        }
        let status = i64::from(self.definition.status.as_u16());
        let rejection = self.rejection.as_deref();
        let reply = ErrorReply {
            code: self.errcode().unwrap_or(status),
            error: name,
            message,
            platform: rejection,
            wechat: rejection
                .filter(|rejection| rejection.name == PlatformName::Wechat.as_str())
                .map(|rejection| WechatRejection {
                    errcode: rejection.errcode,
                    rid: rejection.rid.as_deref(),
                }),
            request_id,
        };
        // Numbers and strings always serialize.
        serde_json::to_string(&reply).unwrap_or_default()
    }

    /// Returns the same body, concatenated from strings that need no escape. Nearly all errors take this path, because a
    /// rejected request must cost less than a served one.
    fn plain_body(&self, message: &str, request_id: Option<&str>) -> String {
        let parts = [
            "{\"code\":",
            self.definition.status.as_str(),
            ",\"error\":\"",
            self.definition.name,
            "\",\"message\":\"",
            message,
            request_id.map_or("", |_| "\",\"request_id\":\""),
            request_id.unwrap_or_default(),
            "\"}",
        ];
        parts.concat()
    }
}

fn closest_code(status: StatusCode) -> ErrorCode {
    match status {
        StatusCode::NOT_FOUND => ErrorCode::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => ErrorCode::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => ErrorCode::BodyTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => ErrorCode::UnsupportedMediaType,
        StatusCode::TOO_MANY_REQUESTS => ErrorCode::TooManyRequests,
        _ if status.is_server_error() => ErrorCode::Internal,
        _ => ErrorCode::BadRequest,
    }
}

/// Returns `true` if the text needs no escape in JSON.
fn needs_no_escape(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\'))
}

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self::new(code, code.definition())
    }
}

impl From<ErrorDefinition> for ApiError {
    fn from(definition: ErrorDefinition) -> Self {
        Self::new(closest_code(definition.status), definition)
    }
}

/// The name and the chain of causes, for the log.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
        let mut next: Option<&dyn Error> = match &self.cause {
            Some(cause) => Some(cause.as_ref()),
            None => None,
        };
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

impl ResponseError for ApiError {
    fn status_code(&self) -> StatusCode {
        self.definition.status
    }

    fn error_response(&self) -> HttpResponse {
        let mut reply = HttpResponse::build(self.definition.status);
        reply
            .content_type(JSON)
            .insert_header((CACHE_CONTROL, "no-store"));
        if let Some(seconds) = self.retry_after_seconds() {
            reply.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        reply.body(self.body(Language::default(), None))
    }
}
