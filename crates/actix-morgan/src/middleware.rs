//! The middleware: actix's `Logger` around a service that records what the `Logger` cannot see.

use std::fmt;
use std::future::{Ready, ready};
use std::net::IpAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{self, Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform, forward_ready};
use actix_web::middleware::Logger;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage as _, HttpRequest};
use pin_project_lite::pin_project;

use crate::entry::{Entry, Fields, Options};
use crate::format::Format;

/// The format string of a [`Logger`] that [`Morgan`] fills with its line: `Logger::new(LINE)`.
pub const LINE: &str = "%{morgan}xo";

const LABEL: &str = "morgan";

/// An access log in one of morgan's formats, written by actix's [`Logger`].
///
/// Wrap it around everything else, as the last call of `wrap`, so that it sees each URL as it was sent. The crate's
/// introduction has an example.
pub struct Morgan {
    logger: Logger,
    options: Options,
    skipped: Vec<String>,
}

impl Morgan {
    /// Lets a logger with the format string [`LINE`] write lines in this format.
    pub fn new(logger: Logger, format: Format) -> Self {
        let line = |response: &ServiceResponse| {
            let entry = response.request().extensions().get().cloned();
            entry.map_or_else(String::new, |entry: Rc<Entry>| entry.take_line())
        };
        let morgan = Self {
            logger: logger.custom_response_replace(LABEL, line),
            options: Options {
                uses_logger: !format.has_total_time(),
                format,
                target: "",
                fields: None,
                aborted: |_request| false,
                remote_address: |request| request.peer_addr().map(|peer| peer.ip()),
            },
            skipped: Vec::new(),
        };
        morgan.target(env!("CARGO_CRATE_NAME"))
    }

    /// Sets the target of the log records, which is `actix_morgan` by default.
    #[must_use]
    pub fn target(mut self, target: &'static str) -> Self {
        self.logger = self.logger.log_target(target);
        self.options.target = target;
        self
    }

    /// Writes no line for requests to this path. As in Express's routes, the case of letters and one slash at the end make
    /// no difference.
    #[must_use]
    pub fn exclude(mut self, path: impl Into<String>) -> Self {
        self.skipped.push(path.into());
        self
    }

    /// Adds key-value pairs to the log records, for a structured log. actix's `Logger` has no such pairs, so these records
    /// are written without it.
    #[must_use]
    pub fn fields(mut self, fields: Fields) -> Self {
        self.options.fields = Some(fields);
        self.options.uses_logger = false;
        self
    }

    /// Sets the source of `:remote-addr`, which is the peer by default. Behind a proxy, it is a header of the proxy.
    #[must_use]
    pub fn remote_address(mut self, address: fn(&HttpRequest) -> Option<IpAddr>) -> Self {
        self.options.remote_address = address;
        self
    }

    /// Sets how to recognize a request whose client disconnected although a handler returned a response. Its line has no
    /// status, like that of any other request without a response.
    #[must_use]
    pub fn aborted(mut self, aborted: fn(&HttpRequest) -> bool) -> Self {
        self.options.aborted = aborted;
        self
    }
}

impl fmt::Debug for Morgan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Morgan")
            .field("format", &self.options.format)
            .finish_non_exhaustive()
    }
}

impl<S, B> Transform<S, ServiceRequest> for Morgan
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = <Logger as Transform<Tracker<S>, ServiceRequest>>::Response;
    type Error = Error;
    type Transform = Logged<<Logger as Transform<Tracker<S>, ServiceRequest>>::Transform>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, service: S) -> Self::Future {
        let service = Rc::new(service);
        let tracker = |options| Tracker {
            service: Rc::clone(&service),
            options,
        };
        let silent = Logger::new("").exclude_regex("");
        let options = Rc::new(self.options.clone());
        let logger = if options.uses_logger {
            &self.logger
        } else {
            &silent
        };
        let writing = logger.new_transform(tracker(Some(options))).into_inner();
        let silent = silent.new_transform(tracker(None)).into_inner();
        ready(writing.and_then(|writing| {
            Ok(Logged {
                writing,
                silent: silent?,
                skipped: self.skipped.clone(),
            })
        }))
    }
}

/// The service with its `Logger`, and once more with one that writes nothing, for the excluded paths.
pub struct Logged<L> {
    writing: L,
    silent: L,
    skipped: Vec<String>,
}

impl<L> fmt::Debug for Logged<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logged").finish_non_exhaustive()
    }
}

impl<L: Service<ServiceRequest>> Service<ServiceRequest> for Logged<L> {
    type Response = L::Response;
    type Error = L::Error;
    type Future = L::Future;

    forward_ready!(writing);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let path = request.match_info().as_str();
        if self.skipped.iter().any(|skipped| is_same(skipped, path)) {
            self.silent.call(request)
        } else {
            self.writing.call(request)
        }
    }
}

/// Compares two paths as the routes of Express do.
fn is_same(one: &str, other: &str) -> bool {
    without_slash(one).eq_ignore_ascii_case(without_slash(other))
}

/// Removes one slash at the end, unless the path is a slash.
fn without_slash(path: &str) -> &str {
    let rest = path.strip_suffix('/').filter(|rest| !rest.is_empty());
    rest.unwrap_or(path)
}

/// The service inside of the `Logger`. It creates the entry of each request and gives it the response's body size.
pub struct Tracker<S> {
    service: Rc<S>,
    /// `None` for requests without a line.
    options: Option<Rc<Options>>,
}

impl<S> fmt::Debug for Tracker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker").finish_non_exhaustive()
    }
}

impl<S, B> Service<ServiceRequest> for Tracker<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    type Response = ServiceResponse<Tracked<B>>;
    type Error = Error;
    type Future = Tracking<S::Future>;

    forward_ready!(service);

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let options = self.options.as_ref();
        let entry = options.map(|options| Rc::new(Entry::new(&request, options)));
        if let Some(entry) = &entry {
            request.extensions_mut().insert(Rc::clone(entry));
        }
        Tracking {
            response: self.service.call(request),
            entry,
            by_logger: options.is_some_and(|options| options.uses_logger),
        }
    }
}

pin_project! {
    /// The response to a request with an entry.
    pub struct Tracking<F> {
        #[pin]
        response: F,
        entry: Option<Rc<Entry>>,
        by_logger: bool,
    }
}

impl<F, B> Future for Tracking<F>
where
    F: Future<Output = Result<ServiceResponse<B>, Error>>,
    B: MessageBody,
{
    type Output = Result<ServiceResponse<Tracked<B>>, Error>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let response = task::ready!(this.response.poll(context));
        let entry = this.entry.take();
        Poll::Ready(match response {
            Ok(response) => {
                if let Some(entry) = &entry {
                    entry.answer(response.request(), response.response());
                }
                let entry = entry.filter(|_| !*this.by_logger);
                Ok(response.map_body(|_head, body| Tracked { body, entry }))
            }
            Err(error) => {
                if let Some(entry) = entry {
                    entry.fail(&error);
                }
                Err(error)
            }
        })
    }
}

pin_project! {
    /// A response body that holds the request's entry until the body is finished, if the `Logger` does not write its line.
    pub struct Tracked<B> {
        #[pin]
        body: B,
        entry: Option<Rc<Entry>>,
    }
}

impl<B> fmt::Debug for Tracked<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracked").finish_non_exhaustive()
    }
}

impl<B: MessageBody> MessageBody for Tracked<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        self.project().body.poll_next(context)
    }
}
