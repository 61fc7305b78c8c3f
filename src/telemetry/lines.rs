//! The one thread that writes log lines: whoever logs hands a whole line over and goes on.
//!
//! Knows how many bytes may wait, and that a line is written whole or not at all.
//! Never knows what is in a line.

use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// How many bytes may wait, 1 MiB: some ten thousand lines. Our choice: a stuck terminal costs no more than this, and a
/// disk has a second to catch up.
const WAITING_BYTES: usize = 1024 * 1024;

/// How long the first line waits for others, so that one write takes them all. Our choice: nobody sees it, and a busy
/// server makes a hundred writes a second instead of one for each request.
const LINGER: Duration = Duration::from_millis(10);

/// What tells of a loss: a whole line.
pub(super) type Loss = fn(u64) -> String;

/// The end at which lines are handed over. Each `write` is one line.
#[derive(Clone)]
pub(super) struct Lines(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// For the thread: there is something to do.
    wake: Condvar,
    /// For whoever flushes: everything is written.
    idle: Condvar,
    dropped: AtomicU64,
}

#[derive(Default)]
struct State {
    waiting: Vec<u8>,
    /// Lines that found no room since this was last told.
    untold: u64,
    /// The thread is between taking lines and having written them.
    writing: bool,
    /// The thread has nothing to do and must be woken.
    asleep: bool,
    /// Somebody waits for the lines, or there are many: no lingering.
    hurry: bool,
}

impl Lines {
    /// Starts the thread, which writes to `out` for as long as the process lives. `loss` is the line that tells how many
    /// lines were dropped since it was last told.
    pub(super) fn start(out: impl Write + Send + 'static, loss: Loss) -> io::Result<Self> {
        let lines = Self(Arc::new(Shared {
            state: Mutex::default(),
            wake: Condvar::new(),
            idle: Condvar::new(),
            dropped: AtomicU64::new(0),
        }));
        let shared = Arc::clone(&lines.0);
        thread::Builder::new()
            .name("log-writer".to_owned())
            .spawn(move || shared.run(out, loss))?;
        Ok(lines)
    }

    /// How many lines were never written: they found no room, or the stream was gone.
    pub(super) fn dropped(&self) -> u64 {
        self.0.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all lines handed over so far are with the operating system, but no longer than `patience`.
    ///
    /// # Errors
    /// [`io::ErrorKind::TimedOut`] if the stream takes nothing.
    pub(super) fn flush_within(&self, patience: Duration) -> io::Result<()> {
        let deadline = Instant::now() + patience;
        let Some(mut state) = self.0.lock_until(deadline) else {
            return Err(io::ErrorKind::TimedOut.into());
        };
        while state.has_work() || state.writing {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(io::ErrorKind::TimedOut.into());
            }
            state.hurry = true;
            self.0.wake.notify_one();
            let waited = self.0.idle.wait_timeout(state, left);
            (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        }
        Ok(())
    }
}

impl Write for Lines {
    /// Takes a whole line, or drops it whole if there is no room. Never waits for the stream.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock();
        if state.waiting.len() + line.len() > WAITING_BYTES {
            state.untold += 1;
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        } else {
            state.waiting.extend_from_slice(line);
        }
        let many = state.waiting.len() > WAITING_BYTES / 2 && !state.hurry;
        state.hurry |= many;
        if state.asleep || many {
            state.asleep = false;
            drop(state);
            self.0.wake.notify_one();
        }
        Ok(line.len())
    }

    /// Does nothing: lines are on their way already. See [`Lines::flush_within`].
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The lock, unless it cannot be had in time: a panic may flush on the very thread that holds it.
    fn lock_until(&self, deadline: Instant) -> Option<MutexGuard<'_, State>> {
        loop {
            if let Ok(state) = self.state.try_lock() {
                return Some(state);
            }
            if Instant::now() >= deadline {
                return None;
            }
            thread::yield_now();
        }
    }

    fn run(&self, mut out: impl Write, loss: Loss) {
        let mut batch = Vec::new();
        loop {
            let untold = self.take(&mut batch);
            let mut written = out.write_all(&batch);
            if untold > 0 && written.is_ok() {
                written = out.write_all(loss(untold).as_bytes());
            }
            if written.and_then(|()| out.flush()).is_err() {
                let lines = batch.split(|byte| *byte == b'\n').skip(1).count();
                let lines = u64::try_from(lines).unwrap_or(u64::MAX);
                self.dropped.fetch_add(lines, Ordering::Relaxed);
            }
            batch.clear();
            self.done();
        }
    }

    /// Waits for lines, and takes all that there are; how many were dropped before them.
    fn take(&self, batch: &mut Vec<u8>) -> u64 {
        let mut state = self.lock();
        while !state.has_work() {
            state.asleep = true;
            state = self
                .wake
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
        state.asleep = false;
        let lingering = self
            .wake
            .wait_timeout_while(state, LINGER, |state| !state.hurry);
        let (mut state, _) = lingering.unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut state.waiting, batch);
        state.writing = true;
        state.hurry = false;
        std::mem::take(&mut state.untold)
    }

    fn done(&self) {
        let mut state = self.lock();
        state.writing = false;
        if !state.has_work() {
            self.idle.notify_all();
        }
    }
}

impl State {
    fn has_work(&self) -> bool {
        !self.waiting.is_empty() || self.untold > 0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use super::*;
    use crate::telemetry::text;

    const PATIENCE: Duration = Duration::from_secs(10);

    /// A stream that passes each write on, and waits until somebody takes it: a terminal that may be stuck.
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

    fn terminal() -> (Lines, Receiver<Vec<u8>>) {
        let (sender, receiver) = sync_channel(0);
        (
            Lines::start(Terminal(sender), text::loss).unwrap(),
            receiver,
        )
    }

    fn read(terminal: &Receiver<Vec<u8>>) -> String {
        String::from_utf8(terminal.recv_timeout(PATIENCE).unwrap()).unwrap()
    }

    #[test]
    fn lines_that_come_together_are_written_together_and_in_order() {
        let (mut lines, terminal) = terminal();
        for line in ["a\n", "b\n", "c\n"] {
            lines.write_all(line.as_bytes()).unwrap();
        }
        let mut text = read(&terminal);
        while text.len() < 6 {
            text += &read(&terminal);
        }
        assert_eq!((text.as_str(), lines.dropped()), ("a\nb\nc\n", 0));
    }

    #[test]
    fn a_flush_comes_back_when_all_is_written() {
        let (mut lines, terminal) = terminal();
        lines.write_all(b"last words\n").unwrap();
        let reading = thread::spawn(move || read(&terminal));
        lines.flush_within(PATIENCE).unwrap();
        assert_eq!(reading.join().unwrap(), "last words\n");
        lines.flush_within(Duration::ZERO).unwrap();
    }

    #[test]
    fn a_stuck_terminal_holds_nobody_up_and_loses_whole_lines_that_are_counted() {
        let (mut lines, terminal) = terminal();
        let line = [[b'x'; 99].as_slice(), b"\n"].concat();
        let all = 3 * WAITING_BYTES / line.len();
        for _ in 0..all {
            lines.write_all(&line).unwrap();
        }
        let stuck = lines.flush_within(Duration::from_millis(1)).unwrap_err();
        assert_eq!(stuck.kind(), io::ErrorKind::TimedOut);
        let dropped = usize::try_from(lines.dropped()).unwrap();
        assert!(0 < dropped && dropped < all);
        let (mut text, mut told, mut kept) = (String::new(), 0, 0);
        while kept + told < all {
            text += &read(&terminal);
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            for line in text.drain(..whole).collect::<String>().lines() {
                if let Some((_, rest)) = line.split_once("telemetry ") {
                    let number = rest.split(' ').next().unwrap();
                    told += number.parse::<usize>().unwrap();
                } else {
                    assert_eq!(line.len(), 99, "a line was cut");
                    kept += 1;
                }
            }
        }
        assert_eq!((told, kept), (dropped, all - dropped));
    }

    #[test]
    fn lines_for_a_stream_that_is_gone_are_counted() {
        let (mut lines, terminal) = terminal();
        drop(terminal);
        lines.write_all(b"a\n").unwrap();
        lines.flush_within(PATIENCE).unwrap();
        assert_eq!(lines.dropped(), 1);
    }
}
