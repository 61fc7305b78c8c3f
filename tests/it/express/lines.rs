//! Replays 21 recorded requests and compares the access log with morgan's, in its five formats.

use std::net::SocketAddr;

use super::capture::Lines;
use super::case::log_cases;
use super::served;
use super::wire::{Response, exchange};

/// Replays every recorded request and compares its line with morgan's.
pub(crate) fn replay(address: SocketAddr, lines: &Lines, format: &str) {
    for case in log_cases() {
        let responses = exchange(address, &case.script());
        let got = lines.take(1);
        let expected = fill_in(&case.lines[format][0], &responses[0], format);
        let name = &case.name;
        assert!(
            got.len() == 1 && matches(&expected, &got[0]),
            "{name}:\n{expected:?}\n{got:?}"
        );
    }
}

/// Puts the status and the length of our response into morgan's line.
fn fill_in(line: &str, response: &Response, format: &str) -> String {
    let status = response.status;
    let length = response.header("content-length").unwrap_or("-");
    match format {
        "dev" => {
            let colour = [0, 0, 32, 36, 33, 31][usize::from(status / 100)];
            let (head, _) = line.split_once(" \u{1b}[3").unwrap();
            format!("{head} \u{1b}[{colour}m{status}\u{1b}[0m <T> ms - {length}\u{1b}[0m")
        }
        "combined" => {
            let place = line.find(" HTTP/1.").unwrap() + " HTTP/1.1\" ".len();
            let (head, tail) = line.split_at(place);
            let quotes = tail.splitn(3, ' ').nth(2).unwrap();
            format!("{head}{status} {length} {quotes}")
        }
        _ => {
            let (line, tail) = match line.strip_suffix(" - <T> ms") {
                Some(line) => (line, " - <T> ms"),
                None => (line, ""),
            };
            let head = line.rsplitn(3, ' ').nth(2).unwrap();
            format!("{head} {status} {length}{tail}")
        }
    }
}

/// Returns `true` if the line is the expected one, with any valid value for `<T>`, `<CLF>` and `<IP>`.
fn matches(expected: &str, line: &str) -> bool {
    let Some((literal, rest)) = expected.split_once('<') else {
        return expected == line;
    };
    let Some((mask, expected)) = rest.split_once('>') else {
        return expected == line;
    };
    let Some(line) = line.strip_prefix(literal) else {
        return false;
    };
    let end = match mask {
        "T" => line.find(" ms"),
        "CLF" => line.find(']'),
        "IP" => line.find(' '),
        _ => return false,
    };
    let (value, line) = line.split_at(end.unwrap_or(line.len()));
    let shape: String = value
        .chars()
        .map(|letter| match letter {
            '0'..='9' => '0',
            'a'..='z' | 'A'..='Z' => 'a',
            other => other,
        })
        .collect();
    let fits = match mask {
        "T" => shape.trim_start_matches('0') == ".000" && shape != ".000",
        "CLF" => shape == "00/aaa/0000:00:00:00 +0000",
        _ => value == "127.0.0.1",
    };
    fits && matches(expected, line)
}

#[track_caller]
fn check(format: &str) {
    let (address, lines) = served::serve(format, &[]);
    replay(address, &lines, format);
}

#[test]
fn dev_lines_equal_morgans() {
    check("dev");
}

#[test]
fn combined_lines_equal_morgans() {
    check("combined");
}

#[test]
fn common_lines_equal_morgans() {
    check("common");
}

#[test]
fn short_lines_equal_morgans() {
    check("short");
}

#[test]
fn tiny_lines_equal_morgans() {
    check("tiny");
}
