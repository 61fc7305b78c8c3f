//! The event of a request to the server.

use std::time::Duration;

use serde::Serialize;

use crate::console::call::milliseconds;

/// A finished request, without secrets.
#[derive(Debug, Default, Serialize)]
pub struct RequestEvent {
    /// The id of the request, which its calls to the platform have too.
    pub request_id: String,
    /// The method.
    pub method: String,
    /// The path and the query, as they were sent.
    pub path: String,
    /// The headers that matter to repeat the request.
    pub headers: Vec<(&'static str, String)>,
    /// The body, if it was JSON; empty if it was none or is not kept.
    pub body: String,
    /// The status.
    pub status: u16,
    /// The body of the reply, if it is JSON.
    pub reply: String,
    /// The name of the error.
    pub error: Option<&'static str>,
    /// The number with which the platform rejected a call.
    pub errcode: Option<i64>,
    /// The cause of the error, as it is logged.
    pub cause: Option<String>,
    /// The AppID in the Referer, if it was a mini program's.
    pub referer_app_id: Option<String>,
    /// The duration until the reply was ready.
    #[serde(serialize_with = "as_milliseconds", rename = "ms")]
    pub took: Duration,
}

fn as_milliseconds<S: serde::Serializer>(
    took: &Duration,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(milliseconds(*took))
}
