//! The options of the extractor.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{Error, HttpRequest, web};

use crate::error::BodyError;

type ErrorHandler = Arc<dyn Fn(BodyError, &HttpRequest) -> Error + Send + Sync>;

/// Options of [`Json`](crate::Json). Add it to the app, a scope or a resource with `app_data`; without it, the defaults apply.
#[derive(Clone, Default)]
pub struct JsonConfig {
    pub(crate) options: Options,
    error_handler: Option<ErrorHandler>,
}

/// The options that decide how a body is read.
#[expect(clippy::struct_excessive_bools, reason = "independent options")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) limit: usize,
    pub(crate) strict: bool,
    pub(crate) reject_other_types: bool,
    pub(crate) inflate: bool,
    pub(crate) timeout: Duration,
    pub(crate) keep_text: bool,
}

impl Options {
    const DEFAULT: Self = Self {
        limit: 102_400,
        strict: true,
        reject_other_types: false,
        inflate: true,
        timeout: Duration::from_secs(10),
        keep_text: false,
    };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl JsonConfig {
    /// Maximum size of a body in bytes, after decompression. 102,400 by default, as in `body-parser`. A body of exactly this
    /// size is accepted.
    #[must_use]
    pub fn limit(mut self, bytes: usize) -> Self {
        self.options.limit = bytes;
        self
    }

    /// If `true`, which is the default, only objects and arrays are accepted.
    #[must_use]
    pub fn strict(mut self, strict: bool) -> Self {
        self.options.strict = strict;
        self
    }

    /// If `true`, a body of another type than `application/json` is rejected with 415. By default it is not read, and the
    /// value is that of `{}`, as in Express 4.
    #[must_use]
    pub fn reject_other_types(mut self, reject: bool) -> Self {
        self.options.reject_other_types = reject;
        self
    }

    /// If `true`, which is the default, gzip, deflate and Brotli bodies are decompressed. If `false`, they are rejected
    /// with 415.
    #[must_use]
    pub fn inflate(mut self, inflate: bool) -> Self {
        self.options.inflate = inflate;
        self
    }

    /// Time within which the whole body must arrive. 10 seconds by default: our choice, ample for 100 KiB over a slow mobile
    /// connection. `body-parser` waits without a limit.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = timeout;
        self
    }

    /// If `true`, the text of an accepted body is left in the request's extensions as [`BodyText`], as Express apps keep
    /// `req.rawBody` with the `verify` option of `body-parser`. `false` by default.
    #[must_use]
    pub fn keep_text(mut self, keep: bool) -> Self {
        self.options.keep_text = keep;
        self
    }

    /// Converts errors into the app's own. Without it, a [`BodyError`] is the response.
    #[must_use]
    pub fn error_handler<F>(mut self, handler: F) -> Self
    where
        F: Fn(BodyError, &HttpRequest) -> Error + Send + Sync + 'static,
    {
        self.error_handler = Some(Arc::new(handler));
        self
    }

    /// Returns the configuration that applies to the request.
    pub(crate) fn of(request: &HttpRequest) -> &Self {
        static DEFAULT: JsonConfig = JsonConfig {
            options: Options::DEFAULT,
            error_handler: None,
        };
        request
            .app_data::<Self>()
            .or_else(|| {
                request
                    .app_data::<web::Data<Self>>()
                    .map(web::Data::get_ref)
            })
            .unwrap_or(&DEFAULT)
    }

    pub(crate) fn convert(&self, error: BodyError, request: &HttpRequest) -> Error {
        match &self.error_handler {
            Some(handler) => handler(error, request),
            None => error.into(),
        }
    }
}

impl fmt::Debug for JsonConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JsonConfig")
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}

/// The text of an accepted body, in the request's extensions if [`JsonConfig::keep_text`] is set. Empty if there was no body,
/// or one of another type.
#[derive(Clone, PartialEq, Eq)]
pub struct BodyText(pub String);

/// Shows the length only: the text may contain a secret.
impl fmt::Debug for BodyText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BodyText({} bytes)", self.0.len())
    }
}
