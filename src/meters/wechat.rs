//! The calls to WeChat, by endpoint, outcome and errcode.

use std::sync::Arc;

use crate::metrics::{Errcode, Metrics, WechatCall};
use crate::platforms::wechat::{Call, Error, Observer, errcode as table};

/// What is to be told of each call so that it is counted.
pub fn watch(metrics: Arc<Metrics>) -> Observer {
    Arc::new(move |call: &Call<'_>| {
        let labels = WechatCall {
            endpoint: call.endpoint,
            outcome: outcome(call.failure),
            errcode: match call.failure {
                None => Errcode::Known(0),
                Some(error) => errcode(error.refusal().map(|refusal| refusal.errcode)),
            },
        };
        metrics.wechat_calls.add(labels, call.took);
    })
}

/// The label for a number that WeChat refused with. One that is not documented gets no label of its own: whoever answers
/// in WeChat's place could make any number of them.
pub fn errcode(errcode: Option<i64>) -> Errcode {
    match errcode {
        None => Errcode::None,
        Some(errcode) if table::explain(errcode).is_some() => Errcode::Known(errcode),
        Some(_undocumented) => Errcode::Other,
    }
}

fn outcome(failure: Option<&Error>) -> &'static str {
    match failure {
        None => "success",
        Some(Error::Refused(_)) => "refused",
        Some(Error::Unintelligible { .. }) => "unintelligible",
        Some(Error::TimedOut) => "timed_out",
        Some(Error::Unreachable(_)) => "unreachable",
        Some(Error::ConnectionLost) => "connection_lost",
        Some(Error::CircuitOpen { .. }) => "circuit_open",
        Some(Error::Overloaded) => "overloaded",
    }
}
