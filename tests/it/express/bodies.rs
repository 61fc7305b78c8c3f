//! Replays 275 recorded requests, most of them to `POST /login`.

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::case::{Case, Script, cases};
use super::contract;
use super::served;
use super::wire::exchange;

/// Replays every recorded request, and panics with a list of the responses that violate the contract.
pub(crate) fn replay(address: SocketAddr) {
    let (cases, next) = (cases(), AtomicUsize::new(0));
    let failed = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(problem) = check(address, case) {
                        failed
                            .lock()
                            .unwrap()
                            .push(format!("{}: {problem}", case.id));
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    let total = cases.len();
    assert!(
        failed.is_empty(),
        "{} of {total} failed:\n{}",
        failed.len(),
        failed.join("\n")
    );
}

fn check(address: SocketAddr, case: &Case) -> Result<(), String> {
    let responses = exchange(address, &case.script());
    let checked = catch_unwind(AssertUnwindSafe(|| contract::check(case, &responses)));
    checked.map_err(|panic| match panic.downcast::<String>() {
        Ok(message) => *message,
        Err(panic) => panic
            .downcast_ref::<&str>()
            .copied()
            .unwrap_or("?")
            .to_owned(),
    })?;
    let alive = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n\
                 Content-Length: 2\r\n\r\n{}";
    let responses = exchange(address, &Script::of("POST", alive.into()));
    match responses.first() {
        Some(response) if response.status == 400 => Ok(()),
        other => Err(format!(
            "the server no longer responses `{{}}` with 400: {other:?}"
        )),
    }
}

#[test]
fn every_recorded_body_is_accepted_or_rejected_as_express_does() {
    replay(served::serve("dev", &[]).0);
}
