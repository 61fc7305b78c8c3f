//! The retry policy of a call: its time limits, the pauses between attempts, and which failures are retried.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::platforms::error::Error;
use crate::platforms::rejection::{Hint, Reason, Rejection};

/// Time limits of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RetryPolicy {
    /// Limit for establishing one connection, DNS and TLS included.
    pub(crate) connect: Duration,
    /// Limit for the whole call: all attempts, all pauses, and the last byte of the body.
    pub(crate) whole: Duration,
}

/// The pauses between attempts, as fractions of the whole limit: 100, 300 and 900 ms of 3 s. Our choice.
const PAUSES: [f64; 3] = [1.0 / 30.0, 1.0 / 10.0, 3.0 / 10.0];

/// Failures after which a call is retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RetryOn {
    /// No connection, and a busy reply.
    UnsentOrBusy,
    /// No connection only: nothing was sent.
    Unsent,
}

impl RetryPolicy {
    /// Makes an attempt, and retries after a transient failure: no connection, or a busy reply if `retry_on` allows it.
    ///
    /// No other failure is retried, because a code works once and may be spent. The last attempt must leave time to
    /// connect.
    pub(crate) async fn run<T, F>(
        &self,
        retry_on: RetryOn,
        mut attempt: impl FnMut() -> F,
    ) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let deadline = Instant::now() + self.whole;
        let mut pauses = PAUSES.into_iter();
        let mut busy = None;
        loop {
            let outcome = timeout_at(deadline, attempt()).await;
            let error = match outcome.unwrap_or(Err(Error::TimedOut)) {
                Ok(reply) => return Ok(reply),
                Err(error) => after(busy.as_ref(), error),
            };
            let next = pauses
                .next()
                .filter(|_| retry_on.includes(&error))
                .map(|part| Instant::now() + self.whole.mul_f64(part * jitter()))
                .filter(|next| *next + self.connect < deadline);
            let Some(next) = next else {
                return Err(error);
            };
            if let Error::Rejected(rejection) = error {
                busy = Some(rejection);
            }
            sleep_until(next).await;
        }
    }
}

impl RetryOn {
    fn includes(self, error: &Error) -> bool {
        match error {
            Error::Rejected(rejection) => {
                self == Self::UnsentOrBusy && rejection.reason == Reason::Busy
            }
            Error::Unreachable(cause) => cause.is_transient(),
            Error::InvalidReply { .. }
            | Error::TimedOut
            | Error::ConnectionLost
            | Error::CircuitOpen { .. }
            | Error::Overloaded => false,
        }
    }
}

/// Interprets an error that follows a busy reply: the code had been sent, and may have been spent by that.
fn after(busy: Option<&Rejection>, error: Error) -> Error {
    match (busy, error) {
        (Some(_), Error::Rejected(rejection)) if rejection.reason == Reason::CodeUsed => {
            Error::Rejected(Rejection {
                hint: Some(Hint::SentBefore),
                ..rejection
            })
        }
        (Some(busy), Error::Unreachable(_)) => Error::Rejected(busy.clone()),
        (_, error) => error,
    }
}

/// Returns a factor from 0.5 to 1.5, so that clients that failed together do not retry together.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    0.5 + f64::from(random) / f64::from(u32::MAX)
}
