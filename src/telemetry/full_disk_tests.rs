//! Tests of the log's thread on a stream that is full for a time.

use std::io::{self, ErrorKind, Write};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use crate::telemetry::writer::{LogWriter, MAX_QUEUED_BYTES};

const TIMEOUT: Duration = Duration::from_secs(10);

/// A stream that takes at most 40 bytes at a time, and fails for a time whenever the test says so.
#[derive(Clone, Default)]
struct Disk(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    written: Vec<u8>,
    /// Number of bytes until the next failure.
    room: usize,
    failure: Option<ErrorKind>,
}

impl Write for Disk {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.0.lock().unwrap();
        let State { room, failure, .. } = *state;
        let taken = bytes.len().min(40).min(match failure {
            Some(_) => room,
            None => bytes.len(),
        });
        match failure {
            Some(failure) if taken == 0 => Err(failure.into()),
            _ => {
                state.room = room.saturating_sub(taken);
                state.written.extend(bytes.iter().take(taken));
                Ok(taken)
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Disk {
    /// Starts a writer for a stream with this much room until it fails. As in a process, a report is a line of the log.
    fn start(&self, room: usize, failure: ErrorKind) -> (LogWriter, Receiver<u64>) {
        self.fail_after(room, failure);
        let (reporter, reports) = channel();
        let shared = Arc::<OnceLock<LogWriter>>::default();
        let log = Arc::clone(&shared);
        let report = move |lines| {
            let mut writer = log.get().unwrap().clone();
            writer.write_all(report_of(lines).as_bytes()).unwrap();
            reporter.send(lines).unwrap_or_default();
        };
        let writer = LogWriter::start(self.clone(), report).unwrap();
        shared.get_or_init(|| writer.clone());
        (writer, reports)
    }

    fn fail_after(&self, room: usize, failure: ErrorKind) {
        let mut state = self.0.lock().unwrap();
        (state.room, state.failure) = (room, Some(failure));
    }

    fn recover(&self) {
        self.0.lock().unwrap().failure = None;
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().written.clone()).unwrap()
    }
}

fn report_of(lines: u64) -> String {
    format!("{lines} lines were lost\n")
}

fn line(number: usize) -> String {
    format!("line {number:05} {}\n", "x".repeat(88))
}

fn write_lines(writer: &mut LogWriter, numbers: std::ops::Range<usize>) {
    for number in numbers {
        writer.write_all(line(number).as_bytes()).unwrap();
    }
}

#[test]
fn a_full_disk_loses_no_line_that_fits_into_the_queue() {
    for failure in [
        ErrorKind::StorageFull,
        ErrorKind::QuotaExceeded,
        ErrorKind::WouldBlock,
    ] {
        let disk = Disk::default();
        let (mut writer, _reports) = disk.start(250, failure);
        write_lines(&mut writer, 0..100);
        let stuck = writer.flush_within(Duration::from_millis(300)).unwrap_err();
        assert_eq!(stuck.kind(), failure);
        let is_slow = failure == ErrorKind::WouldBlock;
        assert_eq!(writer.is_failing(), !is_slow);
        assert_eq!(disk.text().len(), 250);
        write_lines(&mut writer, 100..200);
        disk.recover();
        writer.flush_within(TIMEOUT).unwrap();
        assert_eq!(disk.text(), (0..200).map(line).collect::<String>());
        assert_eq!((writer.dropped(), writer.is_failing()), (0, false));
    }
}

#[test]
fn lines_lost_while_the_disk_is_full_are_counted_and_reported_when_it_is_not() {
    let disk = Disk::default();
    let (mut writer, reports) = disk.start(250, ErrorKind::StorageFull);
    let all = 3 * MAX_QUEUED_BYTES / line(0).len();
    write_lines(&mut writer, 0..all);
    let lost = writer.dropped();
    assert!(lost > 0, "the queue has room for all lines");
    reports
        .recv_timeout(Duration::from_millis(300))
        .unwrap_err();
    disk.recover();
    assert_eq!(reports.recv_timeout(TIMEOUT), Ok(lost));
    writer.flush_within(TIMEOUT).unwrap();
    let text = disk.text();
    assert!(text.contains(&report_of(lost)), "the report is lost");
    let text = text.replace(&report_of(lost), "");
    let number = |text: &str| text.split(' ').nth(1).unwrap().parse().unwrap();
    let is_whole = |text: &str| line(number(text)).trim_end() == text;
    assert!(text.lines().all(is_whole), "a line was cut");
    assert_eq!(text.lines().count(), all - usize::try_from(lost).unwrap());
    assert_eq!(writer.dropped(), lost);
}

#[test]
fn a_line_that_an_error_cut_is_not_joined_with_the_next() {
    let disk = Disk::default();
    let (mut writer, reports) = disk.start(250, ErrorKind::Other);
    write_lines(&mut writer, 0..4);
    writer.flush_within(TIMEOUT).unwrap();
    assert_eq!(writer.dropped(), 2);
    disk.recover();
    write_lines(&mut writer, 4..5);
    assert_eq!(reports.recv_timeout(TIMEOUT), Ok(2));
    writer.flush_within(TIMEOUT).unwrap();
    let cut = line(2).split_at(50).0.to_owned() + "\n";
    assert_eq!(
        disk.text(),
        [line(0), line(1), cut, line(4), report_of(2)].concat()
    );
}
