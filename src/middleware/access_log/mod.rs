//! One line for each request, as morgan writes it.
//!
//! Knows how a format becomes actix's `Logger`. Never knows where lines are printed.

mod asked;
mod chain;
mod escape;
mod headers;
mod members;
mod record;
mod template;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::middleware::Logger;
use actix_web::{Error, HttpMessage};
use futures_util::future::LocalBoxFuture;

pub use crate::middleware::access_log::chain::{Logged, Noted};
pub use crate::middleware::access_log::template::FormatError;

use crate::middleware::access_log::record::{Answer, NOTHING, Record};
use crate::middleware::access_log::template::Template;

/// The target of the log's records: whoever prints them gives these no prefix, and keeps their
/// colours.
pub const TARGET: &str = "access";

/// The access log, to be wrapped around everything else: `App::new()….wrap(access_log.clone())`
/// as the last, which is the outermost, so that it sees each URL as it was sent.
///
/// Lines are those of morgan 1.12, with these differences on purpose:
///
/// - the values of `code`, `token`, `secret`, `access_token`, `session_key` and `signature` in a
///   URL print as `***`, and so do `Authorization`, `Cookie` and their like;
/// - the marks that turn the direction of text around are escaped too;
/// - headers that actix adds later, such as `Date` and `Transfer-Encoding`, print as `-`.
#[derive(Debug, Clone)]
pub struct AccessLog {
    template: Arc<Template>,
    skip: Arc<[String]>,
    for_machines: bool,
}

impl AccessLog {
    /// Understands a format: `dev`, `combined`, `common`, `short`, `tiny`, or a template of
    /// morgan's tokens. Requests whose path is one of `skip` leave no line. `no_color` takes the
    /// colours off `dev`.
    ///
    /// # Errors
    /// [`FormatError`] says which word is not known, and which ones are.
    pub fn new(format: &str, skip: &[String], no_color: bool) -> Result<Self, FormatError> {
        Ok(Self {
            template: Arc::new(Template::parse(format, no_color)?),
            skip: skip.into(),
            for_machines: false,
        })
    }

    /// The same lines with members beside their sentence, for a log that machines read.
    #[must_use]
    pub fn for_machines(self) -> Self {
        Self {
            for_machines: true,
            ..self
        }
    }

    /// Whether lines are written here, because actix's `Logger` cannot: it fixes every value when the head is ready, so it
    /// cannot tell a total time in morgan's digits, and it knows no members.
    fn writes_by_itself(&self) -> bool {
        self.for_machines || self.template.waits_for_the_end()
    }

    /// Actix's `Logger`, with one label for the whole line: it is put together once, in one piece of memory.
    fn logger(&self) -> Logger {
        if self.writes_by_itself() {
            return Logger::new("").exclude_regex("");
        }
        let template = Arc::clone(&self.template);
        let logger = Logger::new("%{line}xo")
            .log_target(TARGET)
            .custom_response_replace("line", move |response| {
                let answer = Answer {
                    status: response.status(),
                    headers: response.headers(),
                };
                let record = record_in(response.request());
                record.map_or_else(nothing, |record| record.line(&template, Some(answer)))
            });
        self.skip.iter().fold(logger, Logger::exclude)
    }
}

fn record_in(message: &impl HttpMessage) -> Option<Rc<Record>> {
    message.extensions().get::<Rc<Record>>().cloned()
}

fn nothing() -> String {
    NOTHING.to_owned()
}

/// Each worker has its own `Logger`, made when the worker starts.
impl<S, B> Transform<S, ServiceRequest> for AccessLog
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Transform = Logged<<Logger as Transform<Noted<S>, ServiceRequest>>::Transform>;
    type InitError = ();
    type Future = LocalBoxFuture<'static, Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let log = self.clone();
        Box::pin(async move {
            let noted = Noted { inner: service };
            let inner = log.logger().new_transform(noted).await?;
            Ok(Logged { inner, log })
        })
    }
}

#[cfg(test)]
mod tests;
