//! How long a call may take, and when it is worth another try.
//!
//! Knows the clock, and which failures leave a code unspent.
//! Never knows what is asked, or of whom.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout_at};

use crate::platforms::wechat::errcode::Class;
use crate::platforms::wechat::error::Error;
use crate::platforms::wechat::refusal::{Clue, Refusal};

/// The limits of one call.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// For one connection, name look-up and TLS handshake included.
    pub(crate) connect: Duration,
    /// For the whole call: all tries, all pauses, and the last byte of the body.
    pub(crate) whole: Duration,
}

/// The pauses before another try, as parts of the whole limit: 100, 300 and 900 ms of 3 s. Our choice.
const PAUSES: [f64; 3] = [1.0 / 30.0, 1.0 / 10.0, 3.0 / 10.0];

impl Patience {
    /// Makes an attempt, and another after a failure that may pass: no connection, or errcode -1 if `again` says so.
    ///
    /// Never after anything else, because a code works once and may be spent. The last try must leave time to connect.
    pub(crate) async fn attempt<T, F>(
        &self,
        again: Again,
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
                Ok(answer) => return Ok(answer),
                Err(error) => after(busy.as_ref(), error),
            };
            let next = pauses
                .next()
                .filter(|_| again.is_for(&error))
                .map(|part| Instant::now() + self.whole.mul_f64(part * jitter()))
                .filter(|next| *next + self.connect < deadline);
            let Some(next) = next else {
                return Err(error);
            };
            if let Error::Refused(refusal) = error {
                busy = Some(refusal);
            }
            sleep_until(next).await;
        }
    }
}

/// After which failures a call is worth another try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Again {
    /// After no connection, and after errcode -1.
    AlsoBusy,
    /// After no connection only: nothing was sent.
    OnlyUnsent,
}

impl Again {
    fn is_for(self, error: &Error) -> bool {
        match error {
            Error::Refused(refusal) => self == Self::AlsoBusy && refusal.class() == Class::Busy,
            Error::Unreachable(obstacle) => obstacle.may_pass(),
            Error::Unintelligible { .. }
            | Error::TimedOut
            | Error::ConnectionLost
            | Error::CircuitOpen { .. }
            | Error::Overloaded => false,
        }
    }
}

/// What an error means if WeChat had said that it was busy before: the code was sent, and may be spent by that.
fn after(busy: Option<&Refusal>, error: Error) -> Error {
    match (busy, error) {
        (Some(_), Error::Refused(refusal)) if refusal.class() == Class::CodeUsed => {
            Error::Refused(Refusal {
                clue: Some(Clue::SentBefore),
                ..refusal
            })
        }
        (Some(busy), Error::Unreachable(_)) => Error::Refused(busy.clone()),
        (_, error) => error,
    }
}

/// A factor from 0.5 to 1.5, so that clients that failed together do not come back together.
fn jitter() -> f64 {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    0.5 + f64::from(random) / f64::from(u32::MAX)
}
