//! Captures the log of each server separately, by default its access log.
//!
//! A line is logged on a worker thread of its server, so each worker registers the collection for its lines. Lines of other
//! threads are ignored.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use log::{LevelFilter, Log, Metadata, Record};
use weapp_login::telemetry::ACCESS;

/// The lines of one server with one target.
#[derive(Clone)]
pub(crate) struct Lines {
    target: &'static str,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Default for Lines {
    fn default() -> Self {
        Self::of(ACCESS)
    }
}

thread_local! {
    static OURS: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

impl Lines {
    pub(crate) fn of(target: &'static str) -> Self {
        Self {
            target,
            lines: Arc::default(),
        }
    }

    /// Collects the lines of this thread. Call it where a worker builds its `App`.
    pub(crate) fn catch(&self) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            log::set_logger(&Catcher).unwrap();
            log::set_max_level(LevelFilter::Info);
        });
        OURS.set(Some(self.clone()));
    }

    /// Takes the lines once there are as many as expected, or after two seconds.
    pub(crate) fn take(&self, expected: usize) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(2);
        while self.lines.lock().unwrap().len() < expected && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

struct Catcher;

impl Log for Catcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        OURS.with_borrow(|ours| {
            ours.as_ref()
                .is_some_and(|ours| ours.target == metadata.target())
        })
    }

    fn log(&self, record: &Record<'_>) {
        OURS.with_borrow(|ours| {
            if let Some(ours) = ours.as_ref().filter(|ours| ours.target == record.target()) {
                let line = record.args().to_string();
                ours.lines.lock().unwrap().push(line);
            }
        });
    }

    fn flush(&self) {}
}
