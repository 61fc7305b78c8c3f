//! `/simulator/session-keys`: when session keys change, and how long they live.
//!
//! Knows the JSON of those laws.
//! Never knows a key.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::options::{RotateAt, SessionKeyPolicy};
use crate::state::State;

use super::order::{Complaint, Order};

/// What is to change; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    rotate_at: Option<Moment>,
    rotation_percent: Option<u8>,
    lifetime_seconds: Option<u64>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Moment {
    Issue,
    Exchange,
}

pub(super) fn laws(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "GET" => {}
        "PUT" => change(state, &order.body()?),
        _ => return Err(Complaint::method("GET, PUT")),
    }
    let laws = state.world().sessions.laws();
    let rotate_at = match laws.rotate_at {
        RotateAt::Issue => Moment::Issue,
        RotateAt::Exchange => Moment::Exchange,
    };
    Ok(json!({
        "rotate_at": rotate_at,
        "rotation_percent": laws.rotation_percent,
        "lifetime_seconds": laws.lifetime.as_secs(),
    }))
}

fn change(state: &State, change: &Change) {
    let mut world = state.world();
    let laws = world.sessions.laws();
    world.sessions.go_by(SessionKeyPolicy {
        rotate_at: match change.rotate_at {
            Some(Moment::Issue) => RotateAt::Issue,
            Some(Moment::Exchange) => RotateAt::Exchange,
            None => laws.rotate_at,
        },
        rotation_percent: change.rotation_percent.unwrap_or(laws.rotation_percent),
        lifetime: change
            .lifetime_seconds
            .map_or(laws.lifetime, Duration::from_secs),
    });
}
