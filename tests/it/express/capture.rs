//! Catches the lines of the access log, each server's for itself.
//!
//! Knows that a server's line is written by a thread of that server: a test that starts one tells
//! its workers where their lines belong. Lines of other threads are let go.

use std::cell::RefCell;
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use log::{LevelFilter, Log, Metadata, Record};
use weapp_login::telemetry::ACCESS;

/// The lines of one server.
#[derive(Clone, Default)]
pub(crate) struct Lines(Arc<Mutex<Vec<String>>>);

thread_local! {
    static OURS: RefCell<Option<Lines>> = const { RefCell::new(None) };
}

impl Lines {
    /// Makes this thread's lines ours. To be called where a worker builds its `App`.
    pub(crate) fn catch(&self) {
        static INSTALLED: Once = Once::new();
        INSTALLED.call_once(|| {
            log::set_logger(&Catcher).unwrap();
            log::set_max_level(LevelFilter::Info);
        });
        OURS.set(Some(self.clone()));
    }

    /// Takes the lines out as soon as there are so many, or after two seconds.
    pub(crate) fn take(&self, expected: usize) -> Vec<String> {
        let end = Instant::now() + Duration::from_secs(2);
        while self.0.lock().unwrap().len() < expected && Instant::now() < end {
            std::thread::sleep(Duration::from_millis(2));
        }
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

struct Catcher;

impl Log for Catcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == ACCESS
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            let line = record.args().to_string();
            OURS.with_borrow(|ours| {
                if let Some(Lines(lines)) = ours {
                    lines.lock().unwrap().push(line);
                }
            });
        }
    }

    fn flush(&self) {}
}
