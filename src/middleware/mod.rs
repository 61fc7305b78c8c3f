//! What holds for many URLs: how a body is read, the access log, what a client says about itself, the request's name, the guards, panics, paths,
//! counting, the way out.
//!
//! Knows requests and replies as such. Never knows which URLs there are, or any handler.

pub mod access_log;
pub mod client;
pub mod closing;
pub mod json;
pub mod panics;
pub mod paths;
pub mod request_id;
pub mod request_metrics;
pub mod service_key;
pub mod session;

/// How many inputs each property of a parser sees: a million and more on demand.
#[cfg(test)]
fn fuzz_inputs() -> proptest::test_runner::Config {
    let inputs = std::env::var("FUZZ_INPUTS").ok();
    proptest::test_runner::Config {
        cases: inputs.and_then(|inputs| inputs.parse().ok()).unwrap_or(256),
        failure_persistence: None,
        ..proptest::test_runner::Config::default()
    }
}
