//! What is counted and timed, and how Prometheus is told.
//!
//! Knows every series: its name, labels and buckets. Never knows who counts, or what a number is good for.

mod family;
mod labels;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use prometheus::proto::{Gauge, Metric, MetricFamily, MetricType};
use prometheus::{Encoder as _, TextEncoder};

pub use family::{Counts, Labels, Times};
pub use labels::{Errcode, Login, Request, StoreOperation, WechatCall};

/// The type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All that is counted. Shared by all workers; counting takes no lock that another worker wants.
pub struct Metrics {
    /// Requests that were answered, and how long it took until the head of the reply was ready.
    pub requests: Times<Request>,
    /// Logins, refused ones too.
    pub logins: Counts<Login>,
    /// Calls to WeChat, with all their tries.
    pub wechat_calls: Times<WechatCall>,
    /// What the store was asked.
    pub store_operations: Times<StoreOperation>,
    abandoned: AtomicU64,
    sessions: Mutex<Option<Sessions>>,
    profile: &'static str,
    log_lines_dropped: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
}

/// How many sessions there were, and when.
#[derive(Clone, Copy)]
struct Sessions {
    count: u64,
    at: Timestamp,
}

/// From a look at a session, some microseconds, to WeChat's time limit and a client's patience.
const QUICK: [Duration; family::MAX_BOUNDS] = [
    Duration::from_micros(50),
    Duration::from_micros(100),
    Duration::from_micros(250),
    Duration::from_micros(500),
    Duration::from_millis(1),
    Duration::from_micros(2_500),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_secs(1),
    Duration::from_millis(2_500),
    Duration::from_secs(10),
];

/// From a simulator's answer to the longest that a call may be given.
const SLOW: [Duration; 12] = [
    Duration::from_millis(1),
    Duration::from_millis(5),
    Duration::from_millis(10),
    Duration::from_millis(25),
    Duration::from_millis(50),
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(3),
    Duration::from_secs(10),
];

impl Metrics {
    /// Nothing counted yet. `profile` is told with the build.
    pub fn new(profile: &'static str) -> Self {
        Self {
            requests: Times::new(
                "weapp_http_request_duration_seconds",
                "Time until the head of the reply was ready, by route pattern, method and status.",
                &QUICK,
            ),
            logins: Counts::new(
                "weapp_user_logins_total",
                "Logins, by outcome (success or the name of the error) and WeChat's errcode.",
            ),
            wechat_calls: Times::new(
                "weapp_wechat_call_duration_seconds",
                "Time of a call to WeChat with all its tries, by endpoint, outcome and errcode.",
                &SLOW,
            ),
            store_operations: Times::new(
                "weapp_store_operation_duration_seconds",
                "Time of an operation of the store, by operation and outcome.",
                &QUICK,
            ),
            abandoned: AtomicU64::new(0),
            sessions: Mutex::new(None),
            profile,
            log_lines_dropped: OnceLock::new(),
        }
    }

    /// Counts a request whose client went away before it was answered.
    pub fn abandon(&self) {
        self.abandoned.fetch_add(1, Ordering::Relaxed);
    }

    /// From now on asks this at each scrape how many log lines were dropped; before, and without, none were. The first one
    /// stays.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        self.log_lines_dropped.get_or_init(|| Box::new(dropped));
    }

    /// Notes how many sessions were live at a time.
    pub fn note_sessions(&self, count: u64, at: Timestamp) {
        *self.sessions.lock().unwrap_or_else(PoisonError::into_inner) =
            Some(Sessions { count, at });
    }

    /// All series in Prometheus's text format.
    pub fn text(&self) -> String {
        let mut families = self.families();
        // The encoder takes no family without a series.
        families.retain(|family| !family.get_metric().is_empty());
        let mut text = Vec::new();
        let encoded = TextEncoder::new().encode(&families, &mut text);
        debug_assert!(encoded.is_ok(), "a Vec takes all, and no family is empty");
        String::from_utf8(text).unwrap_or_default()
    }

    fn families(&self) -> Vec<MetricFamily> {
        let mut families = vec![
            self.requests.told(),
            count(
                "weapp_http_requests_abandoned_total",
                "Requests whose client went away before the reply; they are counted nowhere else.",
                self.abandoned.load(Ordering::Relaxed),
            ),
            self.logins.told(),
            self.wechat_calls.told(),
            self.store_operations.told(),
        ];
        families.extend(self.sessions());
        families.push(count(
            "weapp_log_lines_dropped_total",
            "Log lines that were dropped because they could not be written in time.",
            self.log_lines_dropped.get().map_or(0, |dropped| dropped()),
        ));
        families.push(gauge(
            "weapp_build_info",
            "Always 1; the version and the profile are in the labels.",
            &[
                ("version", env!("CARGO_PKG_VERSION")),
                ("profile", self.profile),
            ],
            1.0,
        ));
        families
    }

    fn sessions(&self) -> Vec<MetricFamily> {
        let sessions = *self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(Sessions { count, at }) = sessions else {
            return Vec::new();
        };
        vec![
            gauge(
                "weapp_sessions_live",
                "Kept sessions at the last count, which may include some that ended since the last sweep.",
                &[],
                family::float(count),
            ),
            gauge(
                "weapp_sessions_counted_timestamp_seconds",
                "When the sessions were counted, in seconds since 1970.",
                &[],
                Duration::try_from(at.as_duration()).map_or(0.0, |since| since.as_secs_f64()),
            ),
        ]
    }
}

fn count(name: &'static str, help: &'static str, count: u64) -> MetricFamily {
    let mut metric = Metric::default();
    metric.set_counter(family::counter(count));
    family::family(name, help, MetricType::COUNTER, std::iter::once(metric))
}

fn gauge(
    name: &'static str,
    help: &'static str,
    labels: &[(&'static str, &'static str)],
    value: f64,
) -> MetricFamily {
    let labels = labels
        .iter()
        .map(|(name, value)| (*name, Cow::Borrowed(*value)));
    let mut metric = Metric::from_label(family::pairs(labels));
    let mut gauge = Gauge::default();
    gauge.set_value(value);
    metric.set_gauge(gauge);
    family::family(name, help, MetricType::GAUGE, std::iter::once(metric))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
