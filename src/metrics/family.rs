//! Series of one name, told apart by labels: counts and times.
//!
//! Knows how a number is kept without one thread waiting for another, and how all threads' numbers become one.
//! Never knows which names there are.

use std::borrow::Cow;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use prometheus::proto::{Bucket, Counter, Histogram, LabelPair, Metric, MetricFamily, MetricType};
use thread_local::ThreadLocal;

/// What tells the series of one family apart.
///
/// Each different value is a series for as long as the process runs, so the values must come from closed sets: never from
/// what somebody sent.
pub trait Labels: Copy + PartialEq + Send + 'static {
    /// The labels' names.
    const NAMES: &'static [&'static str];

    /// Their values, in the same order.
    fn values(&self) -> Vec<Cow<'static, str>>;
}

/// How often something happened, by labels.
pub struct Counts<L: Send>(Family<L, u64>);

/// How often something happened and how long it took, by labels.
pub struct Times<L: Send> {
    family: Family<L, Cell>,
    bounds: &'static [Duration],
}

/// The most buckets that a family may have beside the last one, which has no bound.
pub(super) const MAX_BOUNDS: usize = 15;

/// The times of one series.
#[derive(Default)]
struct Cell {
    /// How many there were in each bucket, and not in an earlier one; the one after the last bound is for all longer ones.
    buckets: [u64; MAX_BOUNDS + 1],
    sum: Duration,
}

impl<L: Labels> Counts<L> {
    pub(super) const fn new(name: &'static str, help: &'static str) -> Self {
        Self(Family::new(name, help))
    }

    /// Counts one.
    pub fn add(&self, labels: L) {
        self.0.change(labels, |count| *count += 1);
    }

    pub(super) fn told(&self) -> MetricFamily {
        let merge = |sum: &mut u64, count: &u64| *sum += count;
        self.0.told(MetricType::COUNTER, merge, |count, metric| {
            metric.set_counter(counter(*count));
        })
    }
}

impl<L: Labels> Times<L> {
    /// `bounds` are the upper ends of the buckets, the shortest first; [`MAX_BOUNDS`] at most.
    pub(super) const fn new(
        name: &'static str,
        help: &'static str,
        bounds: &'static [Duration],
    ) -> Self {
        Self {
            family: Family::new(name, help),
            bounds,
        }
    }

    /// Counts one that took so long.
    pub fn add(&self, labels: L, took: Duration) {
        let bucket = self.bounds.iter().take_while(|bound| took > **bound);
        let bucket = bucket.count();
        self.family.change(labels, |cell| {
            cell.sum += took;
            if let Some(count) = cell.buckets.get_mut(bucket) {
                *count += 1;
            }
        });
    }

    pub(super) fn told(&self) -> MetricFamily {
        let merge = |sum: &mut Cell, cell: &Cell| {
            sum.sum += cell.sum;
            for (all, some) in sum.buckets.iter_mut().zip(&cell.buckets) {
                *all += some;
            }
        };
        self.family
            .told(MetricType::HISTOGRAM, merge, |cell, metric| {
                metric.set_histogram(self.histogram(cell));
            })
    }

    fn histogram(&self, cell: &Cell) -> Histogram {
        let mut count = 0;
        let mut buckets = Vec::new();
        for (bound, some) in self.bounds.iter().zip(&cell.buckets) {
            count += some;
            let mut bucket = Bucket::default();
            bucket.set_upper_bound(bound.as_secs_f64());
            bucket.set_cumulative_count(count);
            buckets.push(bucket);
        }
        let mut histogram = Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(cell.buckets.iter().sum());
        histogram.set_sample_sum(cell.sum.as_secs_f64());
        histogram
    }
}

pub(super) fn counter(count: u64) -> Counter {
    let mut counter = Counter::default();
    counter.set_value(float(count));
    counter
}

/// Prometheus counts in floating point numbers, which are exact up to 2^53.
#[expect(
    clippy::as_conversions,
    clippy::cast_precision_loss,
    reason = "the format has no other numbers"
)]
pub(super) fn float(count: u64) -> f64 {
    count as f64
}

/// The cells of one name: each thread has its own, behind a lock that only a scrape ever wants as well.
struct Family<L: Send, C: Send> {
    name: &'static str,
    help: &'static str,
    threads: ThreadLocal<Mutex<Series<L, C>>>,
}

/// One thread's numbers. The labels lie together, because they are looked through from the first on.
struct Series<L, C> {
    labels: Vec<L>,
    cells: Vec<C>,
}

impl<L, C> Default for Series<L, C> {
    fn default() -> Self {
        Self {
            labels: Vec::new(),
            cells: Vec::new(),
        }
    }
}

impl<L: Labels, C: Default> Series<L, C> {
    fn change(&mut self, labels: L, change: impl FnOnce(&mut C)) {
        let place = self.labels.iter().position(|known| *known == labels);
        if let Some(cell) = place.and_then(|place| self.cells.get_mut(place)) {
            return change(cell);
        }
        let mut cell = C::default();
        change(&mut cell);
        self.labels.push(labels);
        self.cells.push(cell);
    }
}

impl<L: Labels, C: Default + Send> Family<L, C> {
    const fn new(name: &'static str, help: &'static str) -> Self {
        Self {
            name,
            help,
            threads: ThreadLocal::new(),
        }
    }

    fn change(&self, labels: L, change: impl FnOnce(&mut C)) {
        lock(self.threads.get_or_default()).change(labels, change);
    }

    /// The family with all threads' cells together, in the order of the labels' values.
    fn told(
        &self,
        kind: MetricType,
        merge: impl Fn(&mut C, &C),
        tell: impl Fn(&C, &mut Metric),
    ) -> MetricFamily {
        let mut merged = Series::<L, C>::default();
        for thread in &self.threads {
            let thread = lock(thread);
            for (labels, cell) in thread.labels.iter().zip(&thread.cells) {
                merged.change(*labels, |sum| merge(sum, cell));
            }
        }
        let values = merged.labels.iter().map(Labels::values);
        let mut series: Vec<_> = values.zip(&merged.cells).collect();
        series.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        let metric = |(values, cell): (Vec<_>, &C)| {
            let mut metric = Metric::from_label(pairs(L::NAMES.iter().copied().zip(values)));
            tell(cell, &mut metric);
            metric
        };
        family(self.name, self.help, kind, series.into_iter().map(metric))
    }
}

pub(super) fn family(
    name: &str,
    help: &str,
    kind: MetricType,
    metrics: impl Iterator<Item = Metric>,
) -> MetricFamily {
    let mut family = MetricFamily::default();
    family.set_name(name.to_owned());
    family.set_help(help.to_owned());
    family.set_field_type(kind);
    family.set_metric(metrics.collect());
    family
}

pub(super) fn pairs<'a>(
    labels: impl Iterator<Item = (&'a str, Cow<'static, str>)>,
) -> Vec<LabelPair> {
    let pair = |(name, value): (&str, Cow<'static, str>)| {
        let mut pair = LabelPair::default();
        pair.set_name(name.to_owned());
        pair.set_value(value.into_owned());
        pair
    };
    labels.map(pair).collect()
}

fn lock<T>(cells: &Mutex<T>) -> MutexGuard<'_, T> {
    // Numbers cannot be left half done.
    cells.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<L: Send> fmt::Debug for Counts<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Counts({})", self.0.name)
    }
}

impl<L: Send> fmt::Debug for Times<L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Times({})", self.family.name)
    }
}
