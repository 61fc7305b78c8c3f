//! Records platform calls by endpoint, outcome and errcode.

use std::borrow::Cow;
use std::sync::Arc;

use crate::metrics::registry::Metrics;
use crate::platforms::{Call, Error, Observer, Reason};

/// Returns the observer that records every call to a platform.
pub fn observer(metrics: Arc<Metrics>) -> Observer {
    Arc::new(move |call: &Call<'_>| {
        let errcode = match call.failure {
            None => Cow::Borrowed("0"),
            Some(error) => errcode_label(error.rejection().map(|rejection| {
                let is_documented = rejection.reason != Reason::Unknown;
                (rejection.errcode, is_documented)
            })),
        };
        let labels = [
            call.platform,
            call.endpoint,
            outcome(call.failure),
            &errcode,
        ];
        metrics.observe_platform_call(labels, call.took);
    })
}

/// Returns the label for the errcode of an error: `none` without one, and `other` for an undocumented one, so that no
/// response can create a series.
pub fn errcode_label(errcode_and_documented: Option<(i64, bool)>) -> Cow<'static, str> {
    match errcode_and_documented {
        None => Cow::Borrowed("none"),
        Some((errcode, true)) => Cow::Owned(errcode.to_string()),
        Some((_, false)) => Cow::Borrowed("other"),
    }
}

fn outcome(failure: Option<&Error>) -> &'static str {
    match failure {
        None => "success",
        Some(Error::Rejected(_)) => "rejected",
        Some(Error::InvalidReply { .. }) => "unintelligible",
        Some(Error::TimedOut) => "timed_out",
        Some(Error::Unreachable(_)) => "unreachable",
        Some(Error::ConnectionLost) => "connection_lost",
        Some(Error::CircuitOpen { .. }) => "circuit_open",
        Some(Error::Overloaded) => "overloaded",
    }
}
