//! Tests of the text format and of recording from several threads.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use jiff::Timestamp;

use super::Metrics;

fn metrics() -> Metrics {
    Metrics::new("production").unwrap()
}

/// Returns the lines about a family, except those of its buckets.
fn lines(text: &str, family: &str) -> Vec<String> {
    let lines = text.lines().filter(|line| line.contains(family));
    lines
        .filter(|line| !line.contains("_bucket"))
        .map(str::to_owned)
        .collect()
}

#[test]
fn fresh_metrics_have_exactly_this_text() {
    let metrics = Metrics::new("development").unwrap();
    metrics.watch_log(|| 3);
    metrics.watch_log(|| 4);
    let expected = format!(
        "# HELP weapp_build_info Always 1; the labels show the version and the profile.
# TYPE weapp_build_info gauge
weapp_build_info{{profile=\"development\",version=\"{}\"}} 1
# HELP weapp_http_requests_abandoned_total Requests whose client disconnected before the response; no other series counts them.
# TYPE weapp_http_requests_abandoned_total counter
weapp_http_requests_abandoned_total 0
# HELP weapp_log_lines_dropped_total Log lines dropped because they could not be written in time.
# TYPE weapp_log_lines_dropped_total counter
weapp_log_lines_dropped_total 3
",
        env!("CARGO_PKG_VERSION")
    );
    assert_eq!(metrics.text(), expected);
    assert_eq!(metrics.text(), expected, "a second scrape adds nothing");
}

#[test]
fn each_bucket_includes_the_shorter_times() {
    let metrics = metrics();
    for micros in [50, 51, 900, 20_000_000] {
        metrics.observe_store_operation("find", "done", Duration::from_micros(micros));
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
fn series_of_a_family_are_sorted_by_label_values() {
    let metrics = metrics();
    for errcode in ["other", "40029", "40029"] {
        metrics.count_login("login_code_invalid", errcode);
    }
    let call = ["wechat", "/sns/jscode2session", "timed_out", "none"];
    metrics.observe_platform_call(call, Duration::from_secs(3));
    metrics.count_abandoned();
    assert!(!metrics.text().contains("weapp_sessions"));
    let at = |milliseconds| Timestamp::from_millisecond(milliseconds).unwrap();
    metrics.set_sessions(9, at(1_700_000_000_000));
    metrics.set_sessions(7, at(1_800_000_000_500));
    let text = metrics.text();
    assert_eq!(
        lines(&text, "user_logins")[2..],
        [
            r#"weapp_user_logins_total{errcode="40029",outcome="login_code_invalid"} 2"#,
            r#"weapp_user_logins_total{errcode="other",outcome="login_code_invalid"} 1"#,
        ]
    );
    assert_eq!(
        lines(&text, "platform")[3],
        r#"weapp_platform_call_duration_seconds_count{endpoint="/sns/jscode2session",errcode="none",outcome="timed_out",platform="wechat"} 1"#
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
fn counts_of_all_threads_add_up_including_finished_ones() {
    let metrics = Arc::new(metrics());
    for _ in 0..3 {
        let threads = [(); 4].map(|()| {
            let requests = metrics.requests("/session", "GET", "200");
            thread::spawn(move || {
                for _ in 0..1000 {
                    requests.observe(0.000_009);
                }
            })
        });
        for thread in threads {
            thread.join().unwrap();
        }
    }
    let text = metrics.text();
    let count = r#"weapp_http_request_duration_seconds_count{method="GET",route="/session",status="200"} 12000"#;
    assert!(text.contains(count), "{text}");
}
