//! `/simulator/faults` and `/simulator/limits`: injected faults, and call limits.

use hyper::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::control::request::{ControlError, ControlRequest, is_control_path};
use crate::endpoint::{Endpoint, Limits};
use crate::faults::{Fault, Faults, MAX_QUEUED};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewFault {
    endpoint: String,
    fault: Map<String, Value>,
    /// Number of replies; 1 by default.
    times: Option<usize>,
    #[serde(default)]
    always: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewLimits {
    endpoint: String,
    per_minute: Option<u32>,
    per_day: Option<u32>,
}

pub(super) fn faults(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    match request.method {
        "GET" => return Ok(json!({"faults": request.shared.lock().faults.list()})),
        "POST" => add(request)?,
        "DELETE" => {
            let faults = &mut request.shared.lock().faults;
            match request.parameter("endpoint") {
                Some(path) => faults.clear(wechat_path(path)?),
                None => *faults = Faults::default(),
            }
        }
        _ => return Err(ControlError::method("GET, POST, DELETE")),
    }
    Ok(json!({}))
}

pub(super) fn limits(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let mut state = request.shared.lock();
    match request.method {
        "GET" => {
            let limits = state.quotas.own_limits().map(|(endpoint, limits)| {
                let Limits {
                    per_minute,
                    per_day,
                } = limits;
                json!({"endpoint": endpoint.path(), "per_minute": per_minute, "per_day": per_day})
            });
            return Ok(json!({"limits": limits.collect::<Vec<_>>()}));
        }
        "PUT" => {
            let new: NewLimits = request.body()?;
            let limits = Limits {
                per_minute: new.per_minute,
                per_day: new.per_day,
            };
            state
                .quotas
                .set_limits(endpoint(&new.endpoint)?, Some(limits));
        }
        "DELETE" => {
            for endpoint in Endpoint::ALL {
                state.quotas.set_limits(*endpoint, None);
            }
        }
        _ => return Err(ControlError::method("GET, PUT, DELETE")),
    }
    Ok(json!({}))
}

fn add(request: &ControlRequest<'_>) -> Result<(), ControlError> {
    let new: NewFault = request.body()?;
    let path = wechat_path(&new.endpoint)?;
    let fault = fault(new.fault)?;
    let faults = &mut request.shared.lock().faults;
    let is_added = match (new.always, new.times) {
        (true, None) => faults.set_permanent(path, fault),
        (false, None) => faults.queue(path, 1, &fault),
        (false, Some(times)) if times <= MAX_QUEUED => faults.queue(path, times, &fault),
        _ => {
            return Err(ControlError::invalid(format!(
                "a fault takes either `always` or `times`, which is at most {MAX_QUEUED}"
            )));
        }
    };
    if is_added {
        Ok(())
    } else {
        Err(ControlError::invalid("too many paths have faults already"))
    }
}

/// Returns a path that may have a fault: any but those of the control API.
fn wechat_path(path: &str) -> Result<&str, ControlError> {
    if path.starts_with('/') && !is_control_path(path) {
        Ok(path)
    } else {
        let message = "`endpoint` must be a path of WeChat, such as `/sns/jscode2session`";
        Err(ControlError::invalid(message))
    }
}

fn fault(fields: Map<String, Value>) -> Result<Fault, ControlError> {
    let field_count = fields.len();
    let fault: Fault = serde_json::from_value(fields.into())
        .map_err(|error| ControlError::invalid(format!("invalid `fault`: {error}")))?;
    match &fault {
        Fault::Raw {
            status,
            content_type,
            ..
        } => {
            if !(200..600).contains(status) {
                return Err(ControlError::invalid("`status` must be from 200 to 599"));
            }
            check_header(content_type.as_deref().unwrap_or_default())?;
        }
        Fault::ContentType { content_type } => check_header(content_type)?,
        Fault::Redirect { location } => check_header(location)?,
        Fault::Errcode { .. } | Fault::Delay { .. } => {}
        // Serde accepts unknown fields in a variant without fields.
        Fault::IpNotAllowed
        | Fault::InvalidateAccessTokens
        | Fault::Truncate
        | Fault::Silence
        | Fault::ResetBefore
        | Fault::ResetAfter
        | Fault::BadGateway => {
            if field_count > 1 {
                return Err(ControlError::invalid(
                    "this kind of `fault` has no other fields",
                ));
            }
        }
    }
    Ok(fault)
}

fn endpoint(path: &str) -> Result<Endpoint, ControlError> {
    Endpoint::at(path).ok_or_else(|| {
        let known: Vec<&str> = Endpoint::ALL.iter().map(|known| known.path()).collect();
        let known = known.join("`, `");
        ControlError::invalid(format!("`endpoint` must be one of `{known}`"))
    })
}

fn check_header(value: &str) -> Result<(), ControlError> {
    match HeaderValue::from_str(value) {
        Ok(_) => Ok(()),
        Err(_) => Err(ControlError::invalid(
            "`content_type` and `location` must be valid header values, without line breaks",
        )),
    }
}
