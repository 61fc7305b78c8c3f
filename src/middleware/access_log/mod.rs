//! One line for each request, as morgan writes it.
//!
//! Knows how a format becomes actix's `Logger`. Never knows where lines are printed.

mod asked;
mod chain;
mod escape;
mod headers;
mod record;
mod template;

use std::fmt::Write;
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
use crate::middleware::access_log::template::{Piece, Template};

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
        })
    }

    /// Actix's `Logger`, with one label for each token.
    fn logger(&self) -> Logger {
        if self.template.waits_for_the_end() {
            // Logger fixes every value when the head is ready, so it cannot tell a total time in
            // morgan's digits. It is left idle, and `chain::Ending` writes the line.
            return Logger::new("").exclude_regex("");
        }
        let mut format = String::new();
        for (place, piece) in self.template.pieces.iter().enumerate() {
            // Writing into a String cannot fail.
            match piece {
                Piece::Literal(text) => write!(format, "{}", text.replace('%', "%%")),
                Piece::Asked(_) => write!(format, "%{{{place}}}xi"),
                Piece::Answered(_) => write!(format, "%{{{place}}}xo"),
            }
            .ok();
        }
        let mut logger = Logger::new(&format).log_target(TARGET);
        for (place, piece) in self.template.pieces.iter().enumerate() {
            let label = place.to_string();
            logger = match piece.clone() {
                Piece::Literal(_) => logger,
                Piece::Asked(_) => logger.custom_request_replace(&label, move |request| {
                    let record = record_in(request);
                    record.map_or_else(nothing, |record| record.asked(place).to_owned())
                }),
                Piece::Answered(token) => logger.custom_response_replace(&label, move |response| {
                    let answer = Answer {
                        status: response.status(),
                        headers: response.headers(),
                    };
                    let record = record_in(response.request());
                    record.map_or_else(nothing, |record| record.value(&token, Some(answer)))
                }),
            };
        }
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
