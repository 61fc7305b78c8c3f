//! `/simulator/faults` and `/simulator/limits`: injected faults, and call limits.

use actix_web::http::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::order::{Complaint, Order};
use crate::endpoint::Endpoint;
use crate::faults::{Fault, MAX_QUEUED};
use crate::quotas::Limits;
use crate::state::State;

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

pub(super) fn faults(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "POST" => add(state, order.body()?)?,
        "DELETE" => {
            let only = order.parameter("endpoint").map(endpoint).transpose()?;
            for endpoint in Endpoint::ALL {
                if only.is_none_or(|only| only == endpoint) {
                    state.faults().clear(endpoint);
                }
            }
        }
        _ => return Err(Complaint::method("POST, DELETE")),
    }
    Ok(json!({}))
}

pub(super) fn limits(state: &State, order: &Order) -> Result<Value, Complaint> {
    let quotas = &mut state.world().quotas;
    match order.method.as_str() {
        "PUT" => {
            let new: NewLimits = order.body()?;
            let limits = Limits {
                per_minute: new.per_minute,
                per_day: new.per_day,
            };
            quotas.set_limits(endpoint(&new.endpoint)?, Some(limits));
        }
        "DELETE" => {
            for endpoint in Endpoint::ALL {
                quotas.set_limits(endpoint, None);
            }
        }
        _ => return Err(Complaint::method("PUT, DELETE")),
    }
    Ok(json!({}))
}

fn add(state: &State, new: NewFault) -> Result<(), Complaint> {
    let endpoint = endpoint(&new.endpoint)?;
    let fault = fault(new.fault)?;
    match (new.always, new.times.unwrap_or(1)) {
        (true, _) if new.times.is_none() => state.faults().set_permanent(endpoint, fault),
        (false, times) if times <= MAX_QUEUED => state.faults().queue(endpoint, times, &fault),
        _ => {
            return Err(Complaint::malformed(format!(
                "a fault takes either `always` or `times`, which is at most {MAX_QUEUED}"
            )));
        }
    }
    Ok(())
}

fn fault(fields: Map<String, Value>) -> Result<Fault, Complaint> {
    let field_count = fields.len();
    let fault: Fault = serde_json::from_value(fields.into())
        .map_err(|error| Complaint::malformed(format!("`fault` is not valid: {error}")))?;
    match &fault {
        Fault::Raw {
            status,
            content_type,
            ..
        } => {
            if !(200..600).contains(status) {
                return Err(Complaint::malformed("`status` must be from 200 to 599"));
            }
            check_header(content_type)?;
        }
        Fault::ContentType { content_type } => check_header(content_type)?,
        Fault::Redirect { location } => check_header(location)?,
        Fault::Errcode { .. } | Fault::Delay { .. } => {}
        // Serde ignores unknown fields beside the tag of a variant without fields.
        Fault::IpNotAllowed
        | Fault::InvalidateAccessTokens
        | Fault::Truncate
        | Fault::Silence
        | Fault::ResetBefore
        | Fault::ResetAfter
        | Fault::BadGateway => {
            if field_count > 1 {
                return Err(Complaint::malformed(
                    "this kind of `fault` has no other fields",
                ));
            }
        }
    }
    Ok(fault)
}

fn endpoint(path: &str) -> Result<Endpoint, Complaint> {
    Endpoint::at(path).ok_or_else(|| {
        let known = Endpoint::ALL.map(Endpoint::path).join("`, `");
        Complaint::malformed(format!("`endpoint` must be one of `{known}`"))
    })
}

fn check_header(value: &str) -> Result<(), Complaint> {
    match HeaderValue::from_str(value) {
        Ok(_) => Ok(()),
        Err(_) => Err(Complaint::malformed(
            "`content_type` and `location` must be valid header values, without line breaks",
        )),
    }
}
