//! Counts calls that a limit rejected.

use std::sync::Arc;

use crate::limits::Observer;
use crate::metrics::registry::Metrics;

/// Returns the observer that counts them.
pub fn limit_observer(metrics: Arc<Metrics>) -> Observer {
    Arc::new(move |limit, call| metrics.count_rate_limited(limit.as_str(), call.as_str()))
}
