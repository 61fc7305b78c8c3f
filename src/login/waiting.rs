//! Work that goes on without its caller, and how its answer is waited for.
//!
//! Knows tasks and pauses. Never knows what is worked on.

use std::panic::resume_unwind;
use std::time::Duration;

use tokio::time::sleep;

use crate::store;

/// How soon one who waits looks for an answer, and how seldom in the end. Our choice: a look costs microseconds, and most
/// answers come within a tenth of a second.
const FIRST_PAUSE: Duration = Duration::from_millis(20);
const LAST_PAUSE: Duration = Duration::from_millis(320);

/// The pauses between looks for an answer: each twice as long as the one before, up to a bound.
pub(crate) struct Pauses(Duration);

impl Pauses {
    pub(crate) fn new() -> Self {
        Self(FIRST_PAUSE)
    }

    /// Waits until the next look is due.
    pub(crate) async fn pause(&mut self) {
        sleep(self.0).await;
        self.0 = LAST_PAUSE.min(2 * self.0);
    }
}

/// Runs a task to its end, whether its caller still waits for it or not.
pub(crate) async fn to_its_end<T: 'static, E: From<store::Error> + 'static>(
    task: impl Future<Output = Result<T, E>> + 'static,
) -> Result<T, E> {
    match actix_rt::spawn(task).await {
        Ok(outcome) => outcome,
        Err(failure) => match failure.try_into_panic() {
            Ok(panic) => resume_unwind(panic),
            Err(_cancelled) => Err(store::Error::Closed.into()),
        },
    }
}
