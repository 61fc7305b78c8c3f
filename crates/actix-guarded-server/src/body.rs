//! The bodies of requests and replies.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use actix_http::error::PayloadError;
use actix_http::h1;
use actix_web::body::{BodySize, MessageBody};
use actix_web::web::Bytes;
use futures_util::Stream;
use pin_project_lite::pin_project;

use crate::connection::Connection;
use crate::decisions::UnreadBody;

/// Maximum size of a part of a reply. The HTTP implementation copies a part before it writes it, and a client that does not read
/// keeps the copy alive.
const PART_BYTES: usize = 1024;

/// The body of a request.
pub(crate) struct GuardedPayload {
    payload: h1::Payload,
    connection: Rc<Connection>,
}

impl GuardedPayload {
    pub(crate) fn new(payload: h1::Payload, connection: Rc<Connection>) -> Self {
        Self {
            payload,
            connection,
        }
    }
}

impl Stream for GuardedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let next = ready!(Pin::new(&mut this.payload).poll_next(cx));
        if next.is_none() {
            this.connection.body_ended();
        }
        Poll::Ready(next)
    }
}

pin_project! {
    /// The body of a reply. It is split into small parts.
    pub(crate) struct ReplyBody<B> {
        #[pin]
        body: B,
        part: Bytes,
        end: Option<ReplyEnd>,
    }
}

impl<B> ReplyBody<B> {
    pub(crate) fn new(body: B, end: Option<ReplyEnd>) -> Self {
        let part = Bytes::new();
        Self { body, part, end }
    }
}

impl<B: MessageBody> MessageBody for ReplyBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let this = self.project();
        if this.part.is_empty() {
            match ready!(this.body.poll_next(cx)) {
                Some(Ok(next)) => *this.part = next,
                other => return Poll::Ready(other),
            }
        }
        let size = this.part.len().min(PART_BYTES);
        Poll::Ready(Some(Ok(this.part.split_to(size))))
    }
}

/// Marks the end of a reply when it is dropped: actix drops a body as soon as it has all of it.
pub(crate) struct ReplyEnd {
    connection: Rc<Connection>,
    unread: UnreadBody,
}

impl ReplyEnd {
    pub(crate) fn new(connection: Rc<Connection>, unread: UnreadBody) -> Self {
        Self { connection, unread }
    }
}

impl Drop for ReplyEnd {
    fn drop(&mut self) {
        self.connection.reply_ended(self.unread);
    }
}
