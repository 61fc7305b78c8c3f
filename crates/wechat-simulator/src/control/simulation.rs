//! `/simulator`, `/simulator/clock`, `/requests`, `/reset` and `/session-keys`: the simulation as a whole.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::control::request::{ControlError, ControlRequest};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

pub(super) fn overview(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    request.require("GET")?;
    let state = request.shared.lock();
    let apps: Vec<_> = state.apps.iter().map(AsRef::as_ref).collect();
    Ok(json!({"now": state.now().as_secs(), "apps": apps, "users": state.users.names()}))
}

pub(super) fn clock(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let clock = request.shared.lock().options.clock.clone();
    if request.changes_with("POST")? {
        let Advance { advance_seconds } = request.body()?;
        clock.advance(Duration::from_secs(advance_seconds));
    }
    Ok(json!({"now": clock.now().as_secs()}))
}

pub(super) fn requests(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let mut state = request.shared.lock();
    if request.changes_with("DELETE")? {
        state.requests.clear();
        return Ok(json!({}));
    }
    let path = request.parameter("path");
    let recorded = state.requests.iter();
    let requests: Vec<Value> = recorded
        .filter(|recorded| path.is_none_or(|path| path == recorded.path))
        .map(|recorded| {
            json!({
                "method": recorded.method,
                "path": recorded.path,
                "query": recorded.masked_query(),
                "body": recorded.masked_body(),
            })
        })
        .collect();
    Ok(json!({"requests": requests}))
}

pub(super) fn reset(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    request.require("POST")?;
    request.shared.lock().reset();
    Ok(json!({}))
}

/// The accepted codes.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct CodePolicy {
    issued_only: bool,
}

pub(super) fn codes(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let mut state = request.shared.lock();
    if request.changes_with("PUT")? {
        let CodePolicy { issued_only } = request.body()?;
        state.set_issued_codes_only(issued_only);
    }
    let issued_only = state.login_codes.issued_only;
    Ok(json!(CodePolicy { issued_only }))
}

/// Exports the apps and the listed users, or starts again with those of an export.
pub(super) fn state(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let mut state = request.shared.lock();
    if request.changes_with("PUT")? {
        let restored = state.restore(request.body()?);
        restored.map_err(|error| ControlError::invalid(error.to_string()))?;
    }
    Ok(json!(state.saved()))
}

pub(super) fn session_keys(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let mut state = request.shared.lock();
    let policy = &mut state.session_keys.policy;
    if request.changes_with("PUT")? {
        *policy = request.update(policy)?;
    }
    Ok(json!(policy))
}
