//! A stream that ends when its client is too slow or sends too much.

use std::io;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use crate::connection::Connection;
use crate::connections::Cutoff;
use crate::decisions::{Expiry, Permission};

/// Replies to heads that are never passed on, as actix writes its own.
const HEAD_TIMEOUT: &[u8] =
    b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
const HEAD_TOO_LARGE: &[u8] =
    b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// Interval at which a connection that waits for memory looks again.
const MEMORY_POLL: Duration = Duration::from_millis(100);

/// Maximum number of bytes that are read at once. After so many, actix processes them before it reads more: by itself, it
/// reads all that has arrived, up to 128 KB and more.
const LARGEST_READ: usize = 8 * 1024;

/// A stream with the limits of its connection.
///
/// To the HTTP implementation, an expired deadline looks as if the client had closed its side: it finishes what it writes, and
/// closes.
pub(crate) struct GuardedStream<T> {
    io: T,
    connection: Rc<Connection>,
    /// Fires at the next deadline, or earlier: it is only moved when it would be late.
    timer: Pin<Box<Sleep>>,
    reading: Reading,
    /// Set if there may be more to read, because the last read returned as much as it might.
    may_have_more: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    Open,
    /// The caller gets the end of the stream.
    Ended,
    /// The same. A reply was written that the client may not have read: its bytes are discarded before the connection closes.
    Rejected,
}

impl<T> GuardedStream<T> {
    pub(crate) fn new(io: T, connection: Connection) -> Self {
        let first = connection.deadline().unwrap_or_else(Instant::now);
        Self {
            io,
            connection: Rc::new(connection),
            timer: Box::pin(sleep_until(first)),
            reading: Reading::Open,
            may_have_more: false,
        }
    }

    /// Returns the state, for the service.
    pub(crate) fn connection(&self) -> Rc<Connection> {
        Rc::clone(&self.connection)
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> GuardedStream<T> {
    /// Returns when a deadline has expired.
    fn poll_deadline(&mut self, cx: &mut Context<'_>, retry: Option<Instant>) -> Poll<Expiry> {
        loop {
            let deadline = self.connection.deadline();
            let next = [deadline, retry].into_iter().flatten().min();
            if let Some(next) = next
                && next < self.timer.deadline()
            {
                self.timer.as_mut().reset(next);
            }
            ready!(self.timer.as_mut().poll(cx));
            let now = Instant::now();
            match self.connection.expire(now) {
                Expiry::None if retry.is_some_and(|retry| retry <= now) => {
                    cx.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Expiry::None => {}
                expired @ (Expiry::Idle | Expiry::TooSlow(..)) => return Poll::Ready(expired),
            }
            let Some(next) = self.connection.deadline() else {
                // No deadline: the timer is set when the next phase begins.
                return Poll::Pending;
            };
            self.timer.as_mut().reset(next);
        }
    }

    /// Makes the timer fire at the next deadline, or earlier. To be called after a phase has begun.
    fn arm(&mut self, cx: &mut Context<'_>) {
        let Some(deadline) = self.connection.deadline() else {
            return;
        };
        if deadline < self.timer.deadline() || self.timer.is_elapsed() {
            self.timer.as_mut().reset(deadline);
            // When it fires, the task reads, and sees what has expired.
            if self.timer.as_mut().poll(cx).is_ready() {
                cx.waker().wake_by_ref();
            }
        }
    }

    /// Waits for the client, or ends the reading at the deadline.
    fn wait(&mut self, cx: &mut Context<'_>, retry: Option<Instant>) -> Poll<io::Result<()>> {
        let (reason, reply) = match ready!(self.poll_deadline(cx, retry)) {
            Expiry::TooSlow(Cutoff::SlowReader, _) => return Poll::Ready(Err(self.slow_reader())),
            Expiry::None | Expiry::Idle => (None, None),
            Expiry::TooSlow(reason, false) => (Some(reason), None),
            Expiry::TooSlow(reason, true) => (Some(reason), Some(HEAD_TIMEOUT)),
        };
        self.end_reading(cx, reason, reply);
        Poll::Ready(Ok(()))
    }

    fn end_reading(
        &mut self,
        cx: &mut Context<'_>,
        reason: Option<Cutoff>,
        reply: Option<&'static [u8]>,
    ) {
        if let Some(reason) = reason {
            self.connection.cut_off(reason);
        }
        self.reading = Reading::Ended;
        if let Some(reply) = reply {
            // No other reply is being written, so there is room. If the client is gone, it needs none.
            drop(Pin::new(&mut self.io).poll_write(cx, reply));
            self.reading = Reading::Rejected;
            self.connection.reject();
        }
    }

    fn slow_reader(&self) -> io::Error {
        self.connection.cut_off(Cutoff::SlowReader);
        io::ErrorKind::TimedOut.into()
    }

    /// Reads at most `limit` bytes.
    fn read(
        &mut self,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
        limit: usize,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let size = limit.min(LARGEST_READ).min(buffer.remaining());
        if size == buffer.remaining() {
            ready!(Pin::new(&mut self.io).poll_read(cx, buffer))?;
        } else {
            let mut bytes = [0; LARGEST_READ];
            let mut part = ReadBuf::new(bytes.get_mut(..size).unwrap_or_default());
            ready!(Pin::new(&mut self.io).poll_read(cx, &mut part))?;
            buffer.put_slice(part.filled());
        }
        let received = buffer.filled().len() - before;
        self.may_have_more = received == size;
        self.connection.received(received);
        Poll::Ready(Ok(()))
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncRead for GuardedStream<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.reading != Reading::Open {
            return Poll::Ready(Ok(()));
        }
        match this.connection.permission() {
            Permission::Read(_) if mem::take(&mut this.may_have_more) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Permission::Read(limit) => match this.read(cx, buffer, limit) {
                Poll::Pending => {
                    this.connection.waits_for_client();
                    this.wait(cx, None)
                }
                read @ Poll::Ready(_) => read,
            },
            Permission::Wait => {
                this.connection.pause(cx.waker());
                this.wait(cx, None)
            }
            Permission::WaitForMemory => {
                this.connection.waits_for_client();
                this.wait(cx, Some(Instant::now() + MEMORY_POLL))
            }
            Permission::Parse => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Permission::TooLarge => {
                this.end_reading(cx, Some(Cutoff::LargeHead), Some(HEAD_TOO_LARGE));
                Poll::Ready(Ok(()))
            }
        }
    }
}

impl<T: AsyncRead + AsyncWrite + Unpin> AsyncWrite for GuardedStream<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        match Pin::new(&mut this.io).poll_write(cx, bytes) {
            Poll::Ready(outcome) => {
                this.connection.written(outcome.as_ref().ok().copied());
                Poll::Ready(outcome)
            }
            Poll::Pending => {
                this.connection.written(None);
                match ready!(this.poll_deadline(cx, None)) {
                    Expiry::TooSlow(..) => Poll::Ready(Err(this.slow_reader())),
                    Expiry::None | Expiry::Idle => Poll::Pending,
                }
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.reading == Reading::Open {
            this.arm(cx);
        }
        Pin::new(&mut this.io).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        ready!(Pin::new(&mut this.io).poll_shutdown(cx))?;
        // Unread bytes at the close would reset the connection, and the client might lose the reply.
        let mut bytes = [0; LARGEST_READ];
        while this.reading == Reading::Rejected {
            let mut discarded = ReadBuf::new(&mut bytes);
            let read = Pin::new(&mut this.io).poll_read(cx, &mut discarded);
            match read {
                Poll::Ready(Ok(())) if !discarded.filled().is_empty() => {}
                Poll::Ready(_) => this.reading = Reading::Ended,
                Poll::Pending => {
                    ready!(this.poll_deadline(cx, None));
                    this.reading = Reading::Ended;
                }
            }
        }
        Poll::Ready(Ok(()))
    }
}
