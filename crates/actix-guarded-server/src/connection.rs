//! The state of one connection, shared by its stream, which sees the bytes, and by the service, which sees the requests.

use std::cell::{Cell, RefCell};
use std::task::Waker;

use tokio::time::Instant;

use crate::connections::{Connections, Cutoff};
use crate::decisions::{Expiry, Permission, Phase, UnreadBody};
use crate::limits::Limits;

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    limits: Limits,
    connections: Connections,
    phase: Cell<Phase>,
    /// Begin of the phase, or of the interval in which a body must bring its minimum.
    since: Cell<Instant>,
    /// Bytes received since then.
    received: Cell<usize>,
    /// Set if the bytes of a head may be the rest of a body, which has no limit here.
    may_be_body: Cell<bool>,
    /// Set after the parser was asked to look at a head that has reached its maximum size.
    parser_was_asked: Cell<bool>,
    /// Set while the client has not sent the bytes that were asked for.
    waits_for_client: Cell<bool>,
    /// Set if the connection ends with the current reply.
    last_reply: Cell<bool>,
    /// Begin of the interval in which a slow reader must take its minimum, and the bytes that it took.
    slow_reader: Cell<Option<(Instant, usize)>>,
    /// Set while the client does not take more bytes.
    write_is_blocked: Cell<bool>,
    /// Bytes received since the last reply.
    unanswered: Cell<usize>,
    /// Set if they count for `Limits::large_requests`.
    is_large: Cell<bool>,
    /// The task, while it must not read until the reply ends or the client reads.
    paused: RefCell<Option<Waker>>,
}

impl Connection {
    pub(crate) fn new(limits: Limits, connections: Connections, now: Instant) -> Self {
        connections.opened();
        Self {
            limits,
            connections,
            phase: Cell::new(Phase::Head),
            since: Cell::new(now),
            received: Cell::new(0),
            may_be_body: Cell::new(false),
            parser_was_asked: Cell::new(false),
            waits_for_client: Cell::new(false),
            last_reply: Cell::new(false),
            slow_reader: Cell::new(None),
            write_is_blocked: Cell::new(false),
            unanswered: Cell::new(0),
            is_large: Cell::new(false),
            paused: RefCell::new(None),
        }
    }

    /// Returns how much may be read.
    pub(crate) fn permission(&self) -> Permission {
        if self.write_is_blocked.get() {
            return Permission::Wait;
        }
        let received = self.received.get();
        let rest_of_head = self.limits.head_bytes.saturating_sub(received);
        let allowed = match self.phase.get() {
            Phase::Head if self.may_be_body.get() => usize::MAX,
            Phase::Head if rest_of_head > 0 => rest_of_head,
            Phase::Head if self.parser_was_asked.replace(true) => return Permission::TooLarge,
            Phase::Head => return Permission::Parse,
            // The beginning of the next head: the client need not wait for the reply.
            Phase::Reply if rest_of_head == 0 => return Permission::Wait,
            Phase::Idle | Phase::Reply => rest_of_head,
            Phase::Body | Phase::Linger => usize::MAX,
        };
        if self.is_large.get() || self.connections.large_requests() < self.limits.large_requests {
            return Permission::Read(allowed);
        }
        let small = self.limits.small_request;
        match small.saturating_sub(self.unanswered.get()) {
            0 => Permission::WaitForMemory,
            rest => Permission::Read(rest.min(allowed)),
        }
    }

    /// Records bytes from the client.
    pub(crate) fn received(&self, bytes: usize) {
        self.waits_for_client.set(false);
        if self.phase.get() == Phase::Idle {
            self.begin(Phase::Head);
        }
        self.received.set(self.received.get().saturating_add(bytes));
        if self.phase.get() == Phase::Linger {
            return;
        }
        let unanswered = self.unanswered.get().saturating_add(bytes);
        self.unanswered.set(unanswered);
        if unanswered > self.limits.small_request && !self.is_large.replace(true) {
            self.connections.large_request_began();
        }
    }

    /// Records that the client has sent nothing more, or that its request is too large at the moment.
    pub(crate) fn waits_for_client(&self) {
        self.waits_for_client.set(true);
    }

    /// Records that the task must be woken when it may read again.
    pub(crate) fn pause(&self, task: &Waker) {
        let mut paused = self.paused.borrow_mut();
        if !paused.as_ref().is_some_and(|other| other.will_wake(task)) {
            *paused = Some(task.clone());
        }
    }

    /// Records the outcome of a write: the bytes that the client took, or `None` if it takes no more.
    pub(crate) fn written(&self, bytes: Option<usize>) {
        match bytes {
            Some(bytes) => {
                if let Some((since, taken)) = self.slow_reader.get() {
                    let taken = taken.saturating_add(bytes);
                    self.slow_reader.set(Some((since, taken)));
                }
                if self.write_is_blocked.replace(false) {
                    // The idle time begins when the client has the whole reply.
                    if self.phase.get() == Phase::Idle {
                        self.since.set(Instant::now());
                    }
                    self.resume();
                }
            }
            None if self.write_is_blocked.replace(true) => {}
            None => {
                let now = Instant::now();
                let window = self.limits.reply_window;
                // An interval that ended while the client was not slow is not continued.
                let current = self.slow_reader.get();
                let current = current.filter(|(since, _)| now < *since + window);
                self.slow_reader.set(current.or(Some((now, 0))));
            }
        }
    }

    /// Records that a head is complete.
    pub(crate) fn request_started(&self, has_body: bool, last: bool) {
        self.last_reply.set(last);
        if has_body {
            self.begin(Phase::Body);
        } else {
            self.enter(Phase::Reply);
        }
    }

    /// Records that the body is complete.
    pub(crate) fn body_ended(&self) {
        if self.phase.get() == Phase::Body {
            self.enter(Phase::Reply);
        }
    }

    /// Returns `true` if the body of the request is incomplete.
    pub(crate) fn awaits_body(&self) -> bool {
        self.phase.get() == Phase::Body
    }

    /// Records that the connection ends with the current reply.
    pub(crate) fn set_last_reply(&self) {
        self.last_reply.set(true);
    }

    /// Records that the reply is complete. `unread` is the rest of the request's body.
    pub(crate) fn reply_ended(&self, unread: UnreadBody) {
        self.release();
        self.begin(match unread {
            _ if self.last_reply.get() => Phase::Linger,
            UnreadBody::Chunked => Phase::Linger,
            UnreadBody::None | UnreadBody::OfKnownLength => Phase::Idle,
        });
        self.may_be_body.set(unread == UnreadBody::OfKnownLength);
        self.resume();
    }

    /// Returns the next deadline.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        if let (true, Some((since, _))) = (self.write_is_blocked.get(), self.slow_reader.get()) {
            return Some(since + self.limits.reply_window);
        }
        let time = match self.phase.get() {
            Phase::Head => self.limits.head_timeout,
            Phase::Idle => self.limits.keep_alive + self.limits.keep_alive_margin,
            Phase::Body => self.limits.body_window,
            Phase::Linger => self.limits.linger,
            Phase::Reply => return None,
        };
        Some(self.since.get() + time)
    }

    /// Returns what expires now. Begins the next interval if the client is fast enough.
    pub(crate) fn expire(&self, now: Instant) -> Expiry {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return Expiry::None;
        }
        if self.write_is_blocked.get() {
            return self.expire_reader(now);
        }
        match self.phase.get() {
            Phase::Reply => Expiry::None,
            Phase::Idle => Expiry::Idle,
            Phase::Head => Expiry::TooSlow(Cutoff::SlowHead, self.received.get() > 0),
            Phase::Linger if self.received.get() == 0 => Expiry::Idle,
            Phase::Linger => Expiry::TooSlow(Cutoff::SlowBody, false),
            Phase::Body if self.is_slow_body() => Expiry::TooSlow(Cutoff::SlowBody, false),
            Phase::Body => {
                self.begin(Phase::Body);
                Expiry::None
            }
        }
    }

    /// Counts a connection that is closed for this reason.
    pub(crate) fn cut_off(&self, reason: Cutoff) {
        self.connections.count_cutoff(reason);
    }

    /// Records that the server has rejected a head: the connection ends.
    pub(crate) fn reject(&self) {
        self.unanswered.set(0);
        self.begin(Phase::Linger);
        // It counts as a large request until it is closed, which is at once if there are many of them.
        if self.connections.large_requests() > self.limits.large_requests / 2 {
            self.since.set(Instant::now() - self.limits.linger);
        }
    }

    fn expire_reader(&self, now: Instant) -> Expiry {
        let (_, taken) = self.slow_reader.get().unwrap_or((now, 0));
        if self.limits.is_too_slow(taken, self.limits.reply_window) {
            return Expiry::TooSlow(Cutoff::SlowReader, false);
        }
        self.slow_reader.set(Some((now, 0)));
        Expiry::None
    }

    /// Returns `true` if the client is too slow, and not the handler.
    fn is_slow_body(&self) -> bool {
        let window = self.limits.body_window;
        self.waits_for_client.get() && self.limits.is_too_slow(self.received.get(), window)
    }

    /// Enters a phase with a deadline.
    fn begin(&self, phase: Phase) {
        self.since.set(Instant::now());
        self.enter(phase);
    }

    fn enter(&self, phase: Phase) {
        self.phase.set(phase);
        self.received.set(0);
        self.parser_was_asked.set(false);
        if phase != Phase::Head {
            self.may_be_body.set(false);
        }
    }

    /// Records that no request is incomplete.
    fn release(&self) {
        self.unanswered.set(0);
        if self.is_large.take() {
            self.connections.large_request_ended();
        }
    }

    fn resume(&self) {
        if let Some(task) = self.paused.take() {
            task.wake();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.release();
        self.connections.closed();
    }
}
