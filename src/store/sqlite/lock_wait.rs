//! Waits for the lock that another process has on the file.

use std::cell::Cell;
use std::thread;
use std::time::{Duration, Instant};

/// Maximum time that a statement waits for another process's lock. Our choice.
pub(super) const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum time of a write: the wait for the lock, and a second for the commit. Our choice.
pub(super) const WRITE_TIMEOUT: Duration = Duration::from_secs(6);

/// Pause between two attempts. SQLite's own handler soon pauses for 100 ms. A process with many writes is between two of them
/// for a moment only, and the other one missed that moment for several seconds, as during a rolling restart.
const PAUSE: Duration = Duration::from_micros(200);

thread_local! {
    /// Begin of the current wait. A thread waits for one lock at a time.
    static BEGIN: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Pauses before another attempt. Returns `false` after [`BUSY_TIMEOUT`].
///
/// For `Connection::busy_handler`. `attempts` is the number of attempts of this wait so far.
pub(super) fn tries_again(attempts: i32) -> bool {
    if attempts == 0 {
        BEGIN.set(Some(Instant::now()));
    }
    let waited = BEGIN.get().map_or(Duration::ZERO, |begin| begin.elapsed());
    thread::sleep(PAUSE);
    waited < BUSY_TIMEOUT
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use rusqlite::Connection;

    use super::*;
    use crate::store::temporary::Folder;

    #[test]
    fn a_process_with_many_writes_does_not_stop_the_writes_of_another() {
        let folder = Folder::new();
        let file = folder.file("weapp.db");
        let [mut busy, mut other] = [(); 2].map(|()| Connection::open(&file).unwrap());
        busy.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE t (n INTEGER)")
            .unwrap();
        busy.busy_handler(Some(tries_again)).unwrap();
        other.busy_handler(Some(tries_again)).unwrap();
        let (done, started) = (AtomicBool::new(false), Barrier::new(2));
        let slowest = thread::scope(|scope| {
            let (done, started) = (&done, &started);
            scope.spawn(move || {
                started.wait();
                while !done.load(Ordering::Relaxed) {
                    busy.execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (1)")
                        .unwrap();
                    thread::sleep(Duration::from_millis(2));
                    busy.execute_batch("COMMIT").unwrap();
                    // A writer takes about as long to send its replies.
                    let begin = Instant::now();
                    while begin.elapsed() < Duration::from_micros(30) {
                        std::hint::spin_loop();
                    }
                }
            });
            started.wait();
            thread::sleep(Duration::from_millis(20));
            let times = (0..5).map(|_| {
                let begin = Instant::now();
                other
                    .execute_batch("BEGIN IMMEDIATE; INSERT INTO t VALUES (2); COMMIT")
                    .unwrap();
                begin.elapsed()
            });
            let slowest = times.max().unwrap();
            done.store(true, Ordering::Relaxed);
            slowest
        });
        assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    }
}
