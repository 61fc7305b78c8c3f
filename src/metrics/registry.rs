//! Every series with its name, labels and buckets.

use std::fmt;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use actix_guarded_server::Connections;
use jiff::Timestamp;
use prometheus::core::Collector;
use prometheus::{
    Error, Gauge, Histogram, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGauge,
    Opts, Registry, TextEncoder,
};

use crate::metrics::connections::ConnectionCounts;

/// Content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// Upper bounds in seconds, for requests and store operations: from a cached session to a call that times out.
const FAST: [f64; 15] = [
    0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0,
    2.5, 10.0,
];

/// Upper bounds in seconds, for platform calls: from the simulator's answer to the longest allowed timeout.
const SLOW: [f64; 12] = [
    0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 3.0, 10.0,
];

/// All metrics of the process, shared by all workers.
///
/// Each label value comes from a closed set, so no client can create a series.
pub struct Metrics {
    registry: Registry,
    requests: HistogramVec,
    requests_abandoned: IntCounter,
    logins: IntCounterVec,
    rate_limited: IntCounterVec,
    platform_calls: HistogramVec,
    store_operations: HistogramVec,
    events: IntCounterVec,
    events_pending: IntGauge,
    sessions_live: IntGauge,
    sessions_counted: Gauge,
    /// Locked while a scrape updates and reads it.
    log_lines_dropped: Mutex<IntCounter>,
    log_lines_dropped_source: OnceLock<Box<dyn Fn() -> u64 + Send + Sync>>,
}

impl Metrics {
    /// Creates the series. `profile` becomes a label of `weapp_build_info`.
    ///
    /// # Errors
    /// [`Error`] if a series is defined wrongly, which a test excludes.
    #[expect(
        clippy::too_many_lines,
        reason = "one list, with a few lines per series"
    )]
    pub fn new(profile: &str) -> Result<Self, Error> {
        let registry = Registry::new();
        register_build_info(&registry, profile)?;
        Ok(Self {
            requests: histogram(
                &registry,
                "weapp_http_request_duration_seconds",
                "Time until the response head was ready, by route pattern, method and status.",
                &FAST,
                &["route", "method", "status"],
            )?,
            requests_abandoned: counter(
                &registry,
                "weapp_http_requests_abandoned_total",
                "Requests whose client disconnected before the response; no other series counts them.",
            )?,
            logins: counters(
                &registry,
                "weapp_user_logins_total",
                "Logins, by outcome (success or the name of the error) and the platform's errcode.",
                &["outcome", "errcode"],
            )?,
            rate_limited: counters(
                &registry,
                "weapp_rate_limited_total",
                "Calls to the platform that a limit rejected, by limit (address, app or user) and call.",
                &["limit", "call"],
            )?,
            platform_calls: histogram(
                &registry,
                "weapp_platform_call_duration_seconds",
                "Time of a platform call including retries, by platform, endpoint, outcome and errcode.",
                &SLOW,
                &["platform", "endpoint", "outcome", "errcode"],
            )?,
            store_operations: histogram(
                &registry,
                "weapp_store_operation_duration_seconds",
                "Time of a store operation, by operation and outcome.",
                &FAST,
                &["operation", "outcome"],
            )?,
            events: counters(
                &registry,
                "weapp_events_total",
                "Deliveries of events, by outcome: delivered, failed (and tried again) or dropped.",
                &["outcome"],
            )?,
            events_pending: IntGauge::new(
                "weapp_events_pending",
                "Events that were not delivered yet, at the last count.",
            )?,
            sessions_live: IntGauge::new(
                "weapp_sessions_live",
                "Sessions at the last count; it may include some that expired since the last sweep.",
            )?,
            sessions_counted: Gauge::new(
                "weapp_sessions_counted_timestamp_seconds",
                "Time of the last session count, in seconds since 1970.",
            )?,
            log_lines_dropped: Mutex::new(counter(
                &registry,
                "weapp_log_lines_dropped_total",
                "Log lines dropped because they could not be written in time.",
            )?),
            log_lines_dropped_source: OnceLock::new(),
            registry,
        })
    }

    /// Returns the histogram of requests with these labels, for a caller that caches it: observing takes no lock.
    pub fn requests(&self, route: &str, method: &str, status: &str) -> Histogram {
        self.requests.with_label_values(&[route, method, status])
    }

    /// Counts a request whose client disconnected before the response.
    pub fn count_abandoned(&self) {
        self.requests_abandoned.inc();
    }

    /// Counts a login. `outcome` is `success` or the name of the error.
    pub fn count_login(&self, outcome: &str, errcode: &str) {
        self.logins.with_label_values(&[outcome, errcode]).inc();
    }

    /// Counts a call that a limit rejected.
    pub fn count_rate_limited(&self, limit: &str, call: &str) {
        self.rate_limited.with_label_values(&[limit, call]).inc();
    }

    /// Records a platform call.
    pub fn observe_platform_call(
        &self,
        [platform, endpoint, outcome, errcode]: [&str; 4],
        took: Duration,
    ) {
        self.platform_calls
            .with_label_values(&[platform, endpoint, outcome, errcode])
            .observe(took.as_secs_f64());
    }

    /// Records a store operation. `outcome` is `done` or `failed`.
    pub fn observe_store_operation(&self, operation: &str, outcome: &str, took: Duration) {
        self.store_operations
            .with_label_values(&[operation, outcome])
            .observe(took.as_secs_f64());
    }

    /// Sets where each scrape reads the number of dropped log lines. Only the first call has an effect.
    pub fn watch_log(&self, dropped: impl Fn() -> u64 + Send + Sync + 'static) {
        self.log_lines_dropped_source
            .get_or_init(|| Box::new(dropped));
    }

    /// Adds the series of a server's connections. Only the first call has an effect.
    pub fn watch_connections(&self, connections: Connections) {
        let counts = ConnectionCounts::new(connections);
        let added = counts.and_then(|counts| self.registry.register(Box::new(counts)));
        // The only possible error is that they were added before.
        added.unwrap_or_default();
    }

    /// Records how many sessions were live at a time. Their two series appear with the first call.
    pub fn set_sessions(&self, count: u64, at: Timestamp) {
        self.sessions_live
            .set(i64::try_from(count).unwrap_or(i64::MAX));
        self.sessions_counted.set(at.as_duration().as_secs_f64());
        let gauges: [Box<dyn Collector>; 2] = [
            Box::new(self.sessions_live.clone()),
            Box::new(self.sessions_counted.clone()),
        ];
        for gauge in gauges {
            // The only possible error is that it is registered already.
            self.registry.register(gauge).unwrap_or_default();
        }
    }

    /// Counts deliveries of events.
    pub fn count_events(&self, outcome: &str, events: usize) {
        let events = u64::try_from(events).unwrap_or(u64::MAX);
        self.events.with_label_values(&[outcome]).inc_by(events);
    }

    /// Records how many events wait for their delivery. The series appears with the first call.
    pub fn set_pending_events(&self, count: u64) {
        self.events_pending
            .set(i64::try_from(count).unwrap_or(i64::MAX));
        let gauge = Box::new(self.events_pending.clone());
        // The only possible error is that it is registered already.
        self.registry.register(gauge).unwrap_or_default();
    }

    /// Returns all series in Prometheus's text format.
    pub fn text(&self) -> String {
        let dropped = self.dropped();
        if let Some(source) = self.log_lines_dropped_source.get() {
            dropped.reset();
            dropped.inc_by(source());
        }
        let families = self.registry.gather();
        let text = TextEncoder::new().encode_to_string(&families);
        debug_assert!(text.is_ok(), "the registry returns no empty family");
        text.unwrap_or_default()
    }

    fn dropped(&self) -> MutexGuard<'_, IntCounter> {
        self.log_lines_dropped
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn histogram(
    registry: &Registry,
    name: &str,
    help: &str,
    buckets: &[f64],
    labels: &[&str],
) -> Result<HistogramVec, Error> {
    let options = HistogramOpts::new(name, help).buckets(buckets.to_vec());
    let histogram = HistogramVec::new(options, labels)?;
    registry.register(Box::new(histogram.clone()))?;
    Ok(histogram)
}

fn counter(registry: &Registry, name: &str, help: &str) -> Result<IntCounter, Error> {
    let counter = IntCounter::new(name, help)?;
    registry.register(Box::new(counter.clone()))?;
    Ok(counter)
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<IntCounterVec, Error> {
    let counters = IntCounterVec::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(counters.clone()))?;
    Ok(counters)
}

fn register_build_info(registry: &Registry, profile: &str) -> Result<(), Error> {
    let options = Opts::new(
        "weapp_build_info",
        "Always 1; the labels show the version and the profile.",
    );
    let build_info = IntGauge::with_opts(
        options
            .const_label("version", env!("CARGO_PKG_VERSION"))
            .const_label("profile", profile),
    )?;
    build_info.set(1);
    registry.register(Box::new(build_info))
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}
