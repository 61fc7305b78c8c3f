//! Everything that can go wrong, as a client sees it.
//!
//! Knows the envelope of a refusal; `table` has the rows, `causes` says which errors of the floors below become which,
//! `refusals` which rows a handler can meet.
//! Never knows where an error happened: the cause is carried for the log, and never sent.

mod causes;
mod refusals;
mod row;
mod table;

use std::error::Error as Cause;
use std::fmt;
use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::{CACHE_CONTROL, RETRY_AFTER};
use actix_web::{HttpResponse, ResponseError};
use serde::Serialize;
use utoipa::ToSchema;

pub use causes::code_of;
pub use refusals::Refuses;
pub use table::ErrorCode;

/// A refusal on its way to a client: a row of the table, and for the log what led to it.
#[derive(Debug)]
pub struct ApiError {
    code: ErrorCode,
    /// The name and the sentence where they are not the row's.
    words: Option<(&'static str, &'static str)>,
    /// The status where it is not the row's.
    status: Option<StatusCode>,
    retry_after: Option<Duration>,
    wechat: Option<WechatRefusal>,
    cause: Option<Box<dyn Cause + Send + Sync>>,
}

/// What WeChat said when it refused. Sent along, because developers search for these numbers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WechatRefusal {
    /// WeChat's error number.
    #[schema(examples(40029))]
    pub errcode: i64,
    /// WeChat's name of the call, by which its support can find it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("6b04520b-4b029467-76e9956e"))]
    pub rid: Option<String>,
}

/// The body of every refusal.
#[derive(Serialize, ToSchema)]
#[schema(as = Refusal)]
pub(crate) struct ErrorReply<'a> {
    /// WeChat's errcode where there is a `wechat`, and else the status.
    code: i64,
    /// A stable name, for programs.
    error: &'a str,
    /// What is wrong and what to do, for developers; its wording may change.
    message: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = WechatRefusal, required = false)]
    wechat: Option<&'a WechatRefusal>,
    /// Finds the cause in the server's log.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = true)]
    request_id: Option<&'a str>,
}

impl ApiError {
    /// WeChat's error number, if WeChat refused.
    pub fn errcode(&self) -> Option<i64> {
        self.wechat.as_ref().map(|refusal| refusal.errcode)
    }

    /// Adds the cause, which the log shows and the client never sees. It must hold no secret.
    #[must_use]
    pub fn because(mut self, cause: impl Into<Box<dyn Cause + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// A refusal of a handler of your own, with the stable name that clients compare, and the sentence that says what to do.
    ///
    /// ```
    /// # use actix_web::http::StatusCode;
    /// # use weapp_login::error::ApiError;
    /// ApiError::own(StatusCode::CONFLICT, "table_taken", "The table is taken: choose another one.");
    /// ```
    pub fn own(status: StatusCode, name: &'static str, message: &'static str) -> Self {
        Self {
            words: Some((name, message)),
            ..Self::foreign(status)
        }
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

    /// The stable name that clients compare.
    pub fn name(&self) -> &'static str {
        self.words.map_or(self.code.name(), |(name, _)| name)
    }

    /// Which row of the table this is; for a refusal of your own, the one that comes closest.
    pub fn code(&self) -> ErrorCode {
        self.code
    }

    /// The sentence for the client's developer.
    fn message(&self) -> &'static str {
        self.words
            .map_or(self.code.message(), |(_, message)| message)
    }

    /// The body of the reply, with the request's id where one is known.
    pub fn body(&self, request_id: Option<&str>) -> String {
        let texts = [self.name(), self.message(), request_id.unwrap_or_default()];
        if self.wechat.is_none() && texts.into_iter().all(needs_no_escape) {
            return self.plain_body(request_id);
        }
        let status = i64::from(self.status_code().as_u16());
        let reply = ErrorReply {
            code: self.wechat.as_ref().map_or(status, |said| said.errcode),
            error: self.name(),
            message: self.message(),
            wechat: self.wechat.as_ref(),
            request_id,
        };
        // Numbers and texts always become JSON.
        serde_json::to_string(&reply).unwrap_or_default()
    }

    /// The same, put together out of texts that stand in JSON as they are, as nearly all are: what is refused must cost less
    /// than what is served.
    fn plain_body(&self, request_id: Option<&str>) -> String {
        let status = self.status_code();
        let parts = [
            "{\"code\":",
            status.as_str(),
            ",\"error\":\"",
            self.name(),
            "\",\"message\":\"",
            self.message(),
            request_id.map_or("", |_| "\",\"request_id\":\""),
            request_id.unwrap_or_default(),
            "\"}",
        ];
        parts.concat()
    }
}

/// Whether a text stands in JSON as it is.
fn needs_no_escape(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte >= b' ' && !matches!(byte, b'"' | b'\\'))
}

/// The content type of every reply.
pub const JSON: &str = "application/json; charset=utf-8";

impl From<ErrorCode> for ApiError {
    fn from(code: ErrorCode) -> Self {
        Self {
            code,
            words: None,
            status: None,
            retry_after: None,
            wechat: None,
            cause: None,
        }
    }
}

/// The name and the chain of causes, for the log.
impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())?;
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
