//! Writes whole lines to a stream that may take a part of a line, or nothing for a time: a full disk, or a full pipe.
//!
//! A write continues where it stopped, so no line is cut or joined with another one.

use std::io::{ErrorKind, Write};
use std::thread;
use std::time::Duration;

/// Pause before the next attempt while a non-blocking stream takes no bytes. Our choice: a pipe of 64 KiB that is emptied each
/// time carries 64 MB/s.
const RETRY: Duration = Duration::from_millis(1);

/// Pause before the next attempt while the disk is full. Our choice: space is freed by people and by scheduled jobs.
const RETRY_FULL: Duration = Duration::from_millis(100);

/// A stream for lines.
pub(super) struct Stream<W> {
    out: W,
    /// Set if the last line was not written to its end.
    is_cut: bool,
}

impl<W: Write> Stream<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, is_cut: false }
    }

    /// Writes all lines, and tries again while the stream takes no bytes for a time. Calls `watch` with the kind of each such
    /// error, and with `None` after a success. Returns the number of lines that are lost to an error that stays.
    pub(super) fn write_lines(&mut self, lines: &[u8], watch: impl Fn(Option<ErrorKind>)) -> u64 {
        let mut rest = lines;
        if !self.is_cut || self.write(b"\n", &watch).is_empty() {
            rest = self.write(lines, &watch);
            let written = lines.strip_suffix(rest).unwrap_or_default();
            self.is_cut = !written.is_empty() && !written.ends_with(b"\n");
        }
        let lost = rest.split(|byte| *byte == b'\n').skip(1).count();
        u64::try_from(lost).unwrap_or(u64::MAX)
    }

    /// Returns the bytes that are lost.
    fn write<'a>(&mut self, mut bytes: &'a [u8], watch: impl Fn(Option<ErrorKind>)) -> &'a [u8] {
        while !bytes.is_empty() {
            let failed = match self.out.write(bytes) {
                Ok(0) => ErrorKind::WriteZero,
                Ok(written) => {
                    bytes = bytes.get(written..).unwrap_or_default();
                    continue;
                }
                Err(error) => error.kind(),
            };
            watch(Some(failed));
            if matches!(failed, ErrorKind::StorageFull | ErrorKind::QuotaExceeded) {
                thread::sleep(RETRY_FULL);
            } else if matches!(failed, ErrorKind::WouldBlock | ErrorKind::Interrupted) {
                thread::sleep(RETRY);
            } else {
                return bytes;
            }
        }
        watch(None);
        bytes
    }
}
