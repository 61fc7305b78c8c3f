//! The event of a call to the platform.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;

use crate::console::hub::Hub;
use crate::current_request;
use crate::platforms::{Call, Error, MaskedExchange, Observer};

/// A call to the platform, without secrets.
#[derive(Serialize)]
struct CallEvent {
    request_id: Option<String>,
    platform: &'static str,
    endpoint: &'static str,
    #[serde(flatten)]
    exchange: Option<MaskedExchange>,
    /// 0 for a success; missing if the call failed without a number.
    errcode: Option<i64>,
    /// The sentence for the log.
    error: Option<String>,
    ms: f64,
}

impl CallEvent {
    fn new(call: &Call<'_>) -> Self {
        let rejection = |error: &Error| error.rejection().map(|rejection| rejection.errcode);
        Self {
            request_id: current_request::id().as_deref().map(str::to_owned),
            platform: call.platform,
            endpoint: call.endpoint,
            exchange: call.exchange.masked(),
            errcode: call.failure.map_or(Some(0), rejection),
            error: call.failure.map(ToString::to_string),
            ms: milliseconds(call.took),
        }
    }
}

/// Returns the observer that records every call to a platform while a page is open.
pub fn observer(hub: Arc<Hub>) -> Observer {
    Arc::new(move |call: &Call<'_>| {
        if hub.is_watched() {
            hub.record("call", &CallEvent::new(call));
        }
    })
}

/// Returns a duration in milliseconds, to the microsecond.
pub(super) fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
