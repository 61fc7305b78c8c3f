//! What stands on both sides of actix's `Logger`, so that no request goes without its line.
//!
//! Knows when a line is due: the `Logger` prints none for a request that is dropped before it is
//! answered. Never knows formats.

use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, forward_ready};
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderMap;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use log::Level;
use pin_project_lite::pin_project;

use crate::middleware::access_log::members::Members;
use crate::middleware::access_log::record::{Answer, Record};
use crate::middleware::access_log::template::Template;
use crate::middleware::access_log::{AccessLog, TARGET, record_in};
use crate::middleware::json::ClientDisconnected;

/// Outside of the `Logger`: begins a request's record, and writes the lines that the `Logger`
/// would leave out.
#[derive(Debug)]
pub struct Logged<L> {
    pub(super) inner: L,
    pub(super) log: AccessLog,
}

/// Inside of the `Logger`: notes what of a response the `Logger` does not show.
#[derive(Debug)]
pub struct Noted<S> {
    pub(super) inner: S,
}

impl<L, B> Service<ServiceRequest> for Logged<L>
where
    L: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<BoxBody>;
    type Error = Error;
    type Future = Logging<L::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let due = self.due(&request);
        let answer = self.inner.call(request);
        Logging { answer, due }
    }
}

impl<L> Logged<L> {
    /// Begins the request's record; none if the request is to leave no line.
    fn due(&self, request: &ServiceRequest) -> Option<Due> {
        let log = &self.log;
        if log.skip.iter().any(|path| path == request.path()) {
            return None;
        }
        let record = Rc::new(Record::of(request, &log.template));
        request.extensions_mut().insert(Rc::clone(&record));
        let members = log.for_machines.then(|| {
            let method = request.method().as_str();
            Box::new(Members::of_unanswered(method))
        });
        Some(Due {
            record,
            template: Arc::clone(&log.template),
            by_logger: !log.writes_by_itself(),
            members,
            written: false,
        })
    }
}

pin_project! {
    /// The answer to a request whose line may be due.
    pub struct Logging<F> {
        #[pin]
        answer: F,
        due: Option<Due>,
    }
}

impl<F, B> Future for Logging<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody + 'static,
{
    type Output = Result<ServiceResponse<BoxBody>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.answer.poll(context));
        let answer = answer.map(ServiceResponse::map_into_boxed_body);
        let Some(due) = this.due.take() else {
            return Poll::Ready(answer);
        };
        Poll::Ready(match answer {
            Ok(response) => Ok(due.answered(response)),
            Err(error) => {
                due.failed(&error);
                Err(error)
            }
        })
    }
}

impl<S, B> Service<ServiceRequest> for Noted<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<B>;
    type Error = Error;
    type Future = Noting<S::Future>;

    forward_ready!(inner);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let record = record_in(&request);
        let answer = self.inner.call(request);
        Noting { answer, record }
    }
}

pin_project! {
    /// The answer to a request that has a record.
    pub struct Noting<F> {
        #[pin]
        answer: F,
        record: Option<Rc<Record>>,
    }
}

impl<F, B> Future for Noting<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = ready!(this.answer.poll(context))?;
        // Nobody sees the reply to a client that is gone, so its record stays without one.
        let gone = response
            .request()
            .extensions()
            .contains::<ClientDisconnected>();
        if let Some(record) = this.record.take().filter(|_| !gone) {
            record.answered(length(response.status(), response.response().body()));
        }
        Poll::Ready(Ok(response))
    }
}

/// What the `Content-Length` of the response will say.
fn length(status: StatusCode, body: &impl MessageBody) -> Option<u64> {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED].contains(&status)
        || status.is_informational();
    match body.size() {
        BodySize::Sized(length) if !bodiless => Some(length),
        BodySize::Sized(_) | BodySize::None | BodySize::Stream => None,
    }
}

/// A line that is still to be written. Dropped as it is, it becomes the line of a request that was
/// never answered: its client went away, or its handler panicked.
struct Due {
    record: Rc<Record>,
    template: Arc<Template>,
    /// Whether actix's `Logger` writes the line of a request that is answered.
    by_logger: bool,
    /// For a log that machines read.
    members: Option<Box<Members>>,
    written: bool,
}

impl Due {
    fn answered(mut self, response: ServiceResponse) -> ServiceResponse {
        if self.by_logger {
            self.written = true;
            return response;
        }
        if let Some(members) = &mut self.members {
            **members = Members::of(&response, self.record.response_time());
        }
        let (status, headers) = (response.status(), response.headers().clone());
        response.map_body(|_, body| {
            BoxBody::new(Ending {
                body,
                status,
                headers,
                due: self,
            })
        })
    }

    /// A middleware failed, which becomes a response only further outside.
    fn failed(mut self, error: &Error) {
        let response = error.error_response();
        let status = response.status();
        self.record.answered(length(status, response.body()));
        self.write(Some(Answer {
            status,
            headers: response.headers(),
        }));
    }

    fn write(&mut self, answer: Option<Answer<'_>>) {
        self.written = true;
        let line = self.record.line(&self.template, answer);
        let mut record = log::Record::builder();
        record.target(TARGET).level(Level::Info);
        if let Some(members) = &self.members {
            record.key_values(members);
        }
        log::logger().log(&record.args(format_args!("{line}")).build());
    }
}

impl Drop for Due {
    fn drop(&mut self) {
        if !self.written {
            self.write(None);
        }
    }
}

/// The body of a response whose line is written when the body has finished.
struct Ending {
    body: BoxBody,
    status: StatusCode,
    headers: HeaderMap,
    due: Due,
}

impl MessageBody for Ending {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        Pin::new(&mut self.body).poll_next(context)
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        self.due.write(Some(Answer {
            status: self.status,
            headers: &self.headers,
        }));
    }
}
