//! The control API under `/simulator`: everything that the Rust API offers, as JSON over HTTP.

mod apps;
mod faults;
mod request;
mod simulation;
mod users;

use std::sync::Arc;

use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use crate::control::request::{ControlError, ControlRequest};
use crate::guard::Guard;
use crate::state::Shared;

/// Returns `true` if the path belongs to the control API.
pub(crate) fn is_control_path(path: &str) -> bool {
    path == "/simulator" || path.starts_with("/simulator/")
}

/// Processes a request and returns the response.
pub(crate) fn respond(
    shared: &Arc<Shared>,
    http: &HttpRequest,
    query: Vec<(String, String)>,
    body: Bytes,
) -> HttpResponse {
    let reply = check(shared, http)
        .and_then(|()| ControlRequest::new(shared, http, query, body))
        .and_then(|request| dispatch(&request));
    match reply {
        Ok(reply) => HttpResponse::Ok().json(reply),
        Err(error) => error.response(),
    }
}

/// Rejects the commands of foreign web pages.
fn check(shared: &Shared, http: &HttpRequest) -> Result<(), ControlError> {
    let guard = Guard::new(&shared.lock().options.allowed_hosts);
    let headers = http.headers().iter();
    let headers = headers.map(|(name, value)| (name.as_str(), value.as_bytes()));
    guard.check(headers).map_err(ControlError::foreign)
}

fn dispatch(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => simulation::overview(request),
        ["apps"] => apps::apps(request),
        ["apps", app_id, "invalidate-access-tokens"] => {
            apps::invalidate_access_tokens(request, app_id)
        }
        ["clock"] => simulation::clock(request),
        ["faults"] => faults::faults(request),
        ["limits"] => faults::limits(request),
        ["requests"] => simulation::requests(request),
        ["reset"] => simulation::reset(request),
        ["session-keys"] => simulation::session_keys(request),
        ["users"] => users::users(request),
        ["users", name] => users::user(request, name),
        ["users", name, "encrypted-data"] => users::encrypted_data(request, name),
        ["users", name, item] => users::create(request, name, item),
        _ => Err(request.path_not_found()),
    }
}
