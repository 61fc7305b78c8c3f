//! The text to the letter, all threads together, and what counting costs.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::{Errcode, Login, Metrics, Request, StoreOperation, WechatCall};

const SESSION: Request = Request {
    status: 200,
    method: "GET",
    route: "/session",
};

/// The lines about a family, without those of buckets.
fn lines(text: &str, family: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.contains(family));
    lines
        .filter(|line| !line.contains("_bucket"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn nothing_counted_is_told_to_the_letter() {
    let metrics = Metrics::new("development");
    metrics.watch_log(|| 3);
    metrics.watch_log(|| 4);
    let text = metrics.text();
    let expected = format!(
        "# HELP weapp_http_requests_abandoned_total Requests whose client went away before the reply; they are counted nowhere else.
# TYPE weapp_http_requests_abandoned_total counter
weapp_http_requests_abandoned_total 0
# HELP weapp_log_lines_dropped_total Log lines that were dropped because they could not be written in time.
# TYPE weapp_log_lines_dropped_total counter
weapp_log_lines_dropped_total 3
# HELP weapp_build_info Always 1; the version and the profile are in the labels.
# TYPE weapp_build_info gauge
weapp_build_info{{version=\"{}\",profile=\"development\"}} 1
",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(text, expected);
}

#[test]
fn times_fall_into_buckets_of_which_each_holds_the_shorter_ones() {
    let metrics = Metrics::new("production");
    let find = StoreOperation {
        operation: "find",
        outcome: "done",
    };
    for micros in [50, 51, 900, 20_000_000] {
        metrics
            .store_operations
            .add(find, Duration::from_micros(micros));
    }
    let text = metrics.text();
    let labels = r#"operation="find",outcome="done""#;
    let bucket = |bound: &str, count: u64| {
        format!(
            "weapp_store_operation_duration_seconds_bucket{{{labels},le=\"{bound}\"}} {count}\n"
        )
    };
    for (bound, count) in [
        ("0.00005", 1),
        ("0.0001", 2),
        ("0.0005", 2),
        ("0.001", 3),
        ("10", 3),
        ("+Inf", 4),
    ] {
        assert!(text.contains(&bucket(bound, count)), "{bound}:\n{text}");
    }
    let rest = lines(&text, "store_operation");
    assert_eq!(
        rest[2..],
        [
            format!("weapp_store_operation_duration_seconds_sum{{{labels}}} 20.001001"),
            format!("weapp_store_operation_duration_seconds_count{{{labels}}} 4"),
        ]
    );
}

#[test]
fn labels_are_told_in_order() {
    let metrics = Metrics::new("production");
    for errcode in [Errcode::Other, Errcode::Known(40029), Errcode::Known(40029)] {
        metrics.logins.add(Login {
            outcome: "login_code_invalid",
            errcode,
        });
    }
    let call = WechatCall {
        endpoint: "/sns/jscode2session",
        outcome: "timed_out",
        errcode: Errcode::None,
    };
    metrics.wechat_calls.add(call, Duration::from_secs(3));
    metrics.abandon();
    metrics.note_sessions(7, Timestamp::from_millisecond(1_800_000_000_500).unwrap());
    let text = metrics.text();
    assert_eq!(
        lines(&text, "user_logins")[2..],
        [
            r#"weapp_user_logins_total{outcome="login_code_invalid",errcode="40029"} 2"#,
            r#"weapp_user_logins_total{outcome="login_code_invalid",errcode="other"} 1"#,
        ]
    );
    assert_eq!(
        lines(&text, "wechat")[3],
        r#"weapp_wechat_call_duration_seconds_count{endpoint="/sns/jscode2session",outcome="timed_out",errcode="none"} 1"#
    );
    assert_eq!(
        lines(&text, "abandoned")[2],
        "weapp_http_requests_abandoned_total 1"
    );
    assert_eq!(lines(&text, "sessions_live")[2], "weapp_sessions_live 7");
    assert_eq!(
        lines(&text, "sessions_counted")[2],
        "weapp_sessions_counted_timestamp_seconds 1800000000.5"
    );
}

#[test]
fn all_threads_counts_are_one_also_of_those_that_ended() {
    let metrics = Arc::new(Metrics::new("production"));
    for _ in 0..3 {
        let threads = [(); 4].map(|()| {
            let metrics = Arc::clone(&metrics);
            thread::spawn(move || {
                for _ in 0..1000 {
                    metrics.requests.add(SESSION, Duration::from_micros(9));
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
    let text = metrics.text();
    let count = r#"weapp_http_request_duration_seconds_count{route="/session",method="GET",status="200"} 12000"#;
    assert!(text.contains(count), "{text}");
}

/// Run by hand, as it measures: `cargo test --release --lib what_counting_costs -- --ignored --nocapture`.
#[test]
#[ignore = "it measures, and judges nothing"]
#[expect(clippy::print_stdout, reason = "the measurement is what it is for")]
fn what_counting_costs() {
    const TIMES: u32 = 5_000_000;
    let metrics = Arc::new(Metrics::new("production"));
    for threads in [1, 2] {
        let threads: Vec<_> = (0..threads)
            .map(|_| {
                let metrics = Arc::clone(&metrics);
                thread::spawn(move || {
                    // What a busy server has seen before it is asked for sessions only.
                    for status in 400..430 {
                        metrics
                            .requests
                            .add(Request { status, ..SESSION }, Duration::ZERO);
                    }
                    let start = Instant::now();
                    for _ in 0..TIMES {
                        let arrived = Instant::now();
                        metrics.requests.add(SESSION, arrived.elapsed());
                    }
                    start.elapsed() / TIMES
                })
            })
            .collect();
        for thread in threads {
            println!("{:?} each, with both clocks", thread.join().unwrap());
        }
    }
}
