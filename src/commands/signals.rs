//! The signals that stop the process: SIGTERM, Ctrl-C and the end of the terminal (SIGHUP).

use std::fs;
use std::future::pending;
use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A stream of SIGTERM, SIGINT and SIGHUP signals.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    /// `None` if SIGHUP is ignored.
    hangup: Option<Signal>,
}

impl Signals {
    /// Replaces the default action of the signals, which ends the process. A process that was started to ignore SIGHUP, as `nohup`
    /// does, keeps ignoring it.
    pub(crate) fn listen() -> io::Result<Self> {
        let hangup = if ignores_hangup() {
            None
        } else {
            Some(signal(SignalKind::hangup())?)
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup,
        })
    }

    /// Waits for the next signal.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
            () = hangup(self.hangup.as_mut()) => {}
        }
    }
}

/// Waits for the next SIGHUP, or forever if it is ignored.
async fn hangup(signal: Option<&mut Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => pending().await,
    }
}

/// Returns `true` if the process ignores SIGHUP. Only Linux shows it.
fn ignores_hangup() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    // Signal 1 has the lowest bit.
    mask.is_some_and(|mask| mask & 1 == 1)
}
