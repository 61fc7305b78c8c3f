//! `/simulator/clock`: what the time is, and moving it forward.
//!
//! Knows the JSON of a moment.
//! Never knows what the time is for.

use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Complaint, Order};
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Movement {
    advance_seconds: u64,
}

pub(super) fn clock(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "GET" => {}
        "POST" => {
            let Movement { advance_seconds } = order.body()?;
            state.clock.advance(Duration::from_secs(advance_seconds));
        }
        _ => return Err(Complaint::method("GET, POST")),
    }
    Ok(json!({"now": state.clock.now().as_secs()}))
}
