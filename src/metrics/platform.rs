//! Records platform calls by endpoint, outcome and errcode.

use std::borrow::Cow;
use std::sync::Arc;

use crate::metrics::registry::Metrics;
use crate::platforms::wechat::{Call, Error, Observer, errcode as table};

/// Returns the observer that records every call to WeChat.
pub fn observer(metrics: Arc<Metrics>) -> Observer {
    Arc::new(move |call: &Call<'_>| {
        let errcode = match call.failure {
            None => Cow::Borrowed("0"),
            Some(error) => errcode_label(error.refusal().map(|refusal| refusal.errcode)),
        };
        let labels = ["wechat", call.endpoint, outcome(call.failure), &errcode];
        metrics.observe_platform_call(labels, call.took);
    })
}

/// Returns the label for the errcode of an error: `none` without one, and `other` for an undocumented one, so that no
/// response can create a series.
pub fn errcode_label(errcode: Option<i64>) -> Cow<'static, str> {
    match errcode {
        None => Cow::Borrowed("none"),
        Some(errcode) if table::explain(errcode).is_some() => Cow::Owned(errcode.to_string()),
        Some(_undocumented) => Cow::Borrowed("other"),
    }
}

fn outcome(failure: Option<&Error>) -> &'static str {
    match failure {
        None => "success",
        Some(Error::Refused(_)) => "rejected",
        Some(Error::Unintelligible { .. }) => "unintelligible",
        Some(Error::TimedOut) => "timed_out",
        Some(Error::Unreachable(_)) => "unreachable",
        Some(Error::ConnectionLost) => "connection_lost",
        Some(Error::CircuitOpen { .. }) => "circuit_open",
        Some(Error::Overloaded) => "overloaded",
    }
}
