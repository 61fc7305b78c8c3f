//! `/simulator/faults` and `/simulator/limits`: what is to go wrong, and how often an app may call.
//!
//! Knows the JSON of a fault and of limits.
//! Never knows how a fault is carried out.

use std::time::Duration;

use actix_web::http::StatusCode;
use actix_web::http::header::HeaderValue;
use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Complaint, Order};
use crate::endpoint::Endpoint;
use crate::faults::{Fault, MOST_QUEUED};
use crate::quotas::Limits;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Ordered {
    endpoint: String,
    fault: Kind,
    /// How many answers; one, if this is absent.
    times: Option<usize>,
    #[serde(default)]
    always: bool,
}

#[derive(Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum Kind {
    AddressRefused {},
    BadGateway {},
    Clobber {},
    ContentType {
        content_type: String,
    },
    Delay {
        milliseconds: u64,
    },
    Errcode {
        errcode: i64,
        errmsg: Option<String>,
    },
    Raw {
        #[serde(default = "ok")]
        status: u16,
        #[serde(default = "plain_text")]
        content_type: String,
        body: String,
    },
    Redirect {
        location: String,
    },
    ResetAfter {},
    ResetBefore {},
    Silence {},
    Truncate {},
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Limited {
    endpoint: String,
    per_minute: Option<u32>,
    per_day: Option<u32>,
}

pub(super) fn faults(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "POST" => befall(state, order.body()?)?,
        "DELETE" => {
            let named = order.parameter("endpoint").map(endpoint).transpose()?;
            let cleared = Endpoint::ALL.into_iter();
            cleared
                .filter(|known| named.is_none_or(|named| named == *known))
                .for_each(|known| state.faults().clear(known));
        }
        _ => return Err(Complaint::method("POST, DELETE")),
    }
    Ok(json!({}))
}

pub(super) fn limits(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "PUT" => {
            let limited: Limited = order.body()?;
            let limits = Limits {
                per_minute: limited.per_minute,
                per_day: limited.per_day,
            };
            let endpoint = endpoint(&limited.endpoint)?;
            state.world().quotas.limit(endpoint, Some(limits));
        }
        "DELETE" => {
            let mut world = state.world();
            for known in Endpoint::ALL {
                world.quotas.limit(known, None);
            }
        }
        _ => return Err(Complaint::method("PUT, DELETE")),
    }
    Ok(json!({}))
}

fn befall(state: &State, ordered: Ordered) -> Result<(), Complaint> {
    let endpoint = endpoint(&ordered.endpoint)?;
    let fault = fault(ordered.fault)?;
    match (ordered.always, ordered.times) {
        (true, None) => state.faults().stand(endpoint, fault),
        (false, times) if times.is_none_or(|times| times <= MOST_QUEUED) => {
            let times = times.unwrap_or(1);
            state.faults().queue(endpoint, times, &fault);
        }
        _ => {
            return Err(Complaint::malformed(format!(
                "a fault befalls answers either `always` or so many `times`, {MOST_QUEUED} at most"
            )));
        }
    }
    Ok(())
}

fn fault(kind: Kind) -> Result<Fault, Complaint> {
    Ok(match kind {
        Kind::AddressRefused {} => Fault::AddressRefused,
        Kind::BadGateway {} => Fault::bad_gateway(),
        Kind::Clobber {} => Fault::Clobber,
        Kind::ContentType { content_type } => Fault::ContentType(header(content_type)?),
        Kind::Delay { milliseconds } => Fault::Delay(Duration::from_millis(milliseconds)),
        Kind::Errcode {
            errcode,
            errmsg: None,
        } => Fault::errcode(errcode),
        Kind::Errcode {
            errcode,
            errmsg: Some(errmsg),
        } => Fault::Refuse { errcode, errmsg },
        Kind::Raw {
            status,
            content_type,
            body,
        } => Fault::Raw {
            status: answerable(status)?,
            content_type: header(content_type)?,
            body: body.into_bytes(),
        },
        Kind::Redirect { location } => Fault::Redirect(header(location)?),
        Kind::ResetAfter {} => Fault::ResetAfter,
        Kind::ResetBefore {} => Fault::ResetBefore,
        Kind::Silence {} => Fault::Silence,
        Kind::Truncate {} => Fault::Truncate,
    })
}

fn endpoint(path: &str) -> Result<Endpoint, Complaint> {
    Endpoint::at(path).ok_or_else(|| {
        let known = Endpoint::ALL.map(Endpoint::path).join("`, `");
        Complaint::malformed(format!("`endpoint` is one of `{known}`"))
    })
}

fn answerable(status: u16) -> Result<StatusCode, Complaint> {
    let status = StatusCode::from_u16(status).ok();
    let status = status.filter(|status| (200..600).contains(&status.as_u16()));
    status.ok_or_else(|| Complaint::malformed("`status` is from 200 to 599"))
}

fn header(value: String) -> Result<String, Complaint> {
    if HeaderValue::from_str(&value).is_ok() {
        Ok(value)
    } else {
        Err(Complaint::malformed(
            "`content_type` and `location` are header values, of one line",
        ))
    }
}

fn ok() -> u16 {
    200
}

fn plain_text() -> String {
    "text/plain".to_owned()
}
