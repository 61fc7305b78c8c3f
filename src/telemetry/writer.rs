//! Writes log lines on a thread of its own, so that no request waits for the log.
//!
//! Not tracing-appender: its guard prints to standard output at exit, which blocks forever if that stream is stuck, and it counts
//! no failed writes.
//!
//! While a full disk or a full pipe takes no lines, they wait in the queue. Those that find no room are counted, and their number
//! is logged when lines can be written again.

use std::io::{self, ErrorKind, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use crate::telemetry::stream::Stream;

/// Maximum size of the queue: some ten thousand lines. Our choice: little memory, and enough lines for a disk that hangs for
/// a second.
pub(super) const MAX_QUEUED_BYTES: usize = 1024 * 1024;

/// Pause after each write. Our choice: too short to notice, and a busy server makes a hundred writes a second instead of
/// one per request.
const PAUSE: Duration = Duration::from_millis(10);

/// Interval at which [`LogWriter::flush`] looks at the queue.
const POLL_INTERVAL: Duration = Duration::from_millis(1);

/// Queues lines for the writer thread. Each call of `write` is one line.
#[derive(Clone)]
pub(super) struct LogWriter {
    queue: Arc<Mutex<Queue>>,
    thread: Thread,
}

#[derive(Default)]
struct Queue {
    lines: Vec<u8>,
    /// Number of lines that found no room or could not be written.
    dropped: u64,
    /// The error of the last write, if it failed.
    failing: Option<ErrorKind>,
    /// Set while the thread writes lines that it took from the queue.
    writing: bool,
}

impl LogWriter {
    /// Starts the thread, which writes to `out` until the process ends. It calls `report` with the number of lines dropped
    /// since the last call.
    pub(super) fn start(
        out: impl Write + Send + 'static,
        report: impl Fn(u64) + Send + 'static,
    ) -> io::Result<Self> {
        let queue = Arc::<Mutex<Queue>>::default();
        let shared = Arc::clone(&queue);
        let thread = thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || run(&shared, out, report))?;
        Ok(Self {
            queue,
            thread: thread.thread().clone(),
        })
    }

    /// Returns the number of lines that were dropped because the queue was full or the stream failed.
    pub(super) fn dropped(&self) -> u64 {
        lock(&self.queue).dropped
    }

    /// Returns `true` if the last write failed, as on a full disk. A pipe that is read slowly is no failure.
    pub(super) fn is_failing(&self) -> bool {
        let failing = lock(&self.queue).failing;
        failing.is_some_and(|kind| kind != ErrorKind::WouldBlock)
    }

    /// Waits until all queued lines are written.
    ///
    /// # Errors
    /// The kind of the last error if that takes longer than `timeout`; [`ErrorKind::TimedOut`] if there was none.
    pub(super) fn flush_within(&self, timeout: Duration) -> io::Result<()> {
        let deadline = Instant::now() + timeout;
        loop {
            let queue = lock(&self.queue);
            let (is_idle, failing) = (queue.is_idle(), queue.failing);
            drop(queue);
            if is_idle {
                return Ok(());
            }
            if Instant::now() >= deadline {
                return Err(failing.unwrap_or(ErrorKind::TimedOut).into());
            }
            thread::sleep(POLL_INTERVAL);
        }
    }
}

impl Write for LogWriter {
    /// Queues a whole line, or drops it if the queue is full.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut queue = lock(&self.queue);
        let was_empty = queue.lines.is_empty();
        if queue.lines.len() + line.len() > MAX_QUEUED_BYTES {
            queue.dropped += 1;
        } else {
            queue.lines.extend_from_slice(line);
        }
        drop(queue);
        if was_empty {
            self.thread.unpark();
        }
        Ok(line.len())
    }

    /// Does nothing. See [`LogWriter::flush_within`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Queue {
    fn is_idle(&self) -> bool {
        self.lines.is_empty() && !self.writing
    }
}

fn run(queue: &Mutex<Queue>, out: impl Write, report: impl Fn(u64)) {
    let mut stream = Stream::new(out);
    let mut batch = Vec::new();
    let (mut reported, mut lost) = (0, 0);
    loop {
        let mut shared = lock(queue);
        std::mem::swap(&mut shared.lines, &mut batch);
        shared.writing = !batch.is_empty();
        let dropped = shared.dropped;
        drop(shared);
        // The queue has just been emptied, so it has room for the report.
        if dropped > reported && lost == 0 {
            report(dropped - reported);
            reported = dropped;
        }
        if batch.is_empty() {
            thread::park();
            continue;
        }
        lost = stream.write_lines(&batch, |error| lock(queue).failing = error);
        let mut shared = lock(queue);
        shared.dropped += lost;
        shared.writing = false;
        drop(shared);
        batch.clear();
        thread::sleep(PAUSE);
    }
}

fn lock(queue: &Mutex<Queue>) -> MutexGuard<'_, Queue> {
    queue.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};

    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(10);

    /// A stream that blocks each write until the test reads it.
    struct Terminal(SyncSender<Vec<u8>>);

    impl Write for Terminal {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.send(bytes.to_vec()).map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn terminal() -> (LogWriter, Receiver<Vec<u8>>) {
        let (writer, terminal, _reports) = terminal_and_reports();
        (writer, terminal)
    }

    fn terminal_and_reports() -> (LogWriter, Receiver<Vec<u8>>, Receiver<u64>) {
        let (sender, terminal) = sync_channel(0);
        let (reporter, reports) = channel();
        let report = move |lines| reporter.send(lines).unwrap_or_default();
        let writer = LogWriter::start(Terminal(sender), report).unwrap();
        (writer, terminal, reports)
    }

    fn read(terminal: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(terminal.recv_timeout(TIMEOUT).unwrap()).unwrap()
    }

    #[test]
    fn lines_are_written_in_order_and_those_queued_meanwhile_together() {
        let (mut writer, terminal) = terminal();
        writer.write_all(b"a\n").unwrap();
        while !lock(&writer.queue).writing {
            thread::yield_now();
        }
        for line in ["b\n", "c\n"] {
            writer.write_all(line.as_bytes()).unwrap();
        }
        assert_eq!([read(&terminal), read(&terminal)], ["a\n", "b\nc\n"]);
        assert_eq!(writer.dropped(), 0);
    }

    #[test]
    fn a_flush_returns_when_all_is_written() {
        let (mut writer, terminal) = terminal();
        writer.write_all(b"last words\n").unwrap();
        let reading = thread::spawn(move || read(&terminal));
        writer.flush_within(TIMEOUT).unwrap();
        assert_eq!(reading.join().unwrap(), "last words\n");
        writer.flush_within(Duration::ZERO).unwrap();
    }

    #[test]
    fn a_stuck_terminal_blocks_no_caller_and_drops_whole_lines_that_are_counted() {
        let (mut writer, terminal, reports) = terminal_and_reports();
        let line = [[b'x'; 99].as_slice(), b"\n"].concat();
        let all = 3 * MAX_QUEUED_BYTES / line.len();
        for _ in 0..all {
            writer.write_all(&line).unwrap();
        }
        let stuck = writer.flush_within(Duration::from_millis(1)).unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        let dropped = usize::try_from(writer.dropped()).unwrap();
        assert!(0 < dropped && dropped < all);
        let (mut text, mut kept) = (String::new(), 0);
        while kept < all - dropped {
            text += &read(&terminal);
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for line in text.drain(..whole).collect::<String>().lines() {
                assert_eq!(line.len(), 99, "a line was cut");
                kept += 1;
            }
        }
        let mut reported = 0;
        while reported < writer.dropped() {
            reported += reports.recv_timeout(TIMEOUT).unwrap();
        }
        assert_eq!(usize::try_from(reported).unwrap(), dropped);
    }

    #[test]
    fn lines_for_a_closed_stream_count_as_dropped() {
        let (mut writer, terminal) = terminal();
        drop(terminal);
        writer.write_all(b"a\n").unwrap();
        writer.flush_within(TIMEOUT).unwrap();
        assert_eq!(writer.dropped(), 1);
    }
}
