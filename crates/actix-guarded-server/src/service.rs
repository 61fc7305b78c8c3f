//! The service between the HTTP implementation and the App. It marks the beginning and the end of requests and replies in the state of
//! their connection.

use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::header::{HeaderName, HeaderValue};
use actix_http::{
    BoxedPayloadStream, ConnectionType, HttpMessage as _, Payload, Request, Response,
};
use actix_service::{Service, ServiceFactory};
use actix_web::Error;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use futures_util::future::LocalBoxFuture;

use crate::body::{GuardedPayload, ReplyBody, ReplyEnd};
use crate::connection::Connection;
use crate::decisions::UnreadBody;

/// Makes the services of a worker.
pub(crate) struct Guarded<S, B> {
    inner: S,
    /// Value of the `Keep-Alive` header.
    keep_alive: HeaderValue,
    body: PhantomData<B>,
}

impl<S, B> Guarded<S, B> {
    pub(crate) fn new(inner: S, keep_alive: HeaderValue) -> Self {
        let body = PhantomData;
        Self {
            inner,
            keep_alive,
            body,
        }
    }
}

/// The service of a worker.
pub(crate) struct GuardedService<S, B> {
    inner: S,
    keep_alive: HeaderValue,
    body: PhantomData<B>,
}

impl<S, B> ServiceFactory<Request> for Guarded<S, B>
where
    S: ServiceFactory<Request, Config = ()>,
    S::Future: 'static,
    S::Service: 'static,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody + 'static,
{
    type Response = Response<ReplyBody<EitherBody<B>>>;
    type Error = Response<BoxBody>;
    type Config = ();
    type Service = GuardedService<S::Service, B>;
    type InitError = S::InitError;
    type Future = LocalBoxFuture<'static, Result<Self::Service, Self::InitError>>;

    fn new_service(&self, (): ()) -> Self::Future {
        let (inner, keep_alive) = (self.inner.new_service(()), self.keep_alive.clone());
        Box::pin(async move {
            let inner = inner.await?;
            Ok(GuardedService {
                inner,
                keep_alive,
                body: PhantomData,
            })
        })
    }
}

impl<S, B> Service<Request> for GuardedService<S, B>
where
    S: Service<Request>,
    S::Error: Into<Error>,
    S::Response: Into<Response<B>>,
    B: MessageBody,
{
    type Response = Response<ReplyBody<EitherBody<B>>>;
    type Error = Response<BoxBody>;
    type Future = Reply<S::Future, B>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        let ready = self.inner.poll_ready(cx);
        ready.map_err(|error| error.into().error_response().into())
    }

    fn call(&self, mut request: Request) -> Self::Future {
        let connection = request.conn_data::<Rc<Connection>>().cloned();
        let last = request.head().connection_type() == ConnectionType::Close;
        let mut chunked = false;
        if let Some(connection) = &connection {
            let payload = match request.take_payload() {
                Payload::H1 { payload } => {
                    chunked = request.chunked().unwrap_or(false);
                    let payload = GuardedPayload::new(payload, Rc::clone(connection));
                    let payload: BoxedPayloadStream = Box::pin(payload);
                    Payload::Stream { payload }
                }
                other @ (Payload::None | Payload::Stream { .. }) => other,
            };
            connection.request_started(!matches!(payload, Payload::None), last);
            *request.payload() = payload;
        }
        Reply {
            // Inside the connection, it would take its memory while the connection is idle.
            future: Box::pin(self.inner.call(request)),
            connection,
            chunked,
            keep_alive: (!last).then(|| self.keep_alive.clone()),
            body: PhantomData,
        }
    }
}

/// The reply of the App.
pub(crate) struct Reply<F, B> {
    future: Pin<Box<F>>,
    connection: Option<Rc<Connection>>,
    chunked: bool,
    keep_alive: Option<HeaderValue>,
    body: PhantomData<fn() -> B>,
}

impl<F, R, E, B> Future for Reply<F, B>
where
    F: Future<Output = Result<R, E>>,
    R: Into<Response<B>>,
    E: Into<Error>,
    B: MessageBody,
{
    type Output = Result<Response<ReplyBody<EitherBody<B>>>, Response<BoxBody>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let mut response = match ready!(this.future.as_mut().poll(cx)) {
            Ok(response) => response.into().map_body(|_, body| EitherBody::left(body)),
            Err(error) => {
                let response: Response<BoxBody> = error.into().error_response().into();
                response.map_body(|_, body| EitherBody::right(body))
            }
        };
        let Some(connection) = this.connection.take() else {
            return Poll::Ready(Ok(response.map_body(|_, body| ReplyBody::new(body, None))));
        };
        let unread = match (connection.awaits_body(), this.chunked) {
            (false, _) => UnreadBody::None,
            (true, false) => UnreadBody::OfKnownLength,
            (true, true) => UnreadBody::Chunked,
        };
        let head = response.head_mut();
        if head.connection_type() == ConnectionType::Close {
            connection.set_last_reply();
        } else if unread == UnreadBody::None
            && let Some(keep_alive) = this.keep_alive.take()
        {
            let name = HeaderName::from_static("keep-alive");
            head.headers_mut().insert(name, keep_alive);
        }
        let end = ReplyEnd::new(connection, unread);
        Poll::Ready(Ok(
            response.map_body(|_, body| ReplyBody::new(body, Some(end)))
        ))
    }
}
