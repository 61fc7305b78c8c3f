//! The control API: what a test in any language orders of a running simulator, as JSON under `/simulator`.
//!
//! Knows paths and JSON; all that can be ordered can be ordered through [`Simulator`](super::Simulator) too.
//! Never knows how an order is carried out, or a socket.
//!
#![doc = include_str!("../CONTROL.md")]

mod apps;
mod faults;
mod minting;
mod order;
mod people;
mod requests;
mod time;

use serde_json::{Value, json};

use super::state::State;
pub(super) use order::{Complaint, Order};

/// Whether a path is the control API's.
pub(super) fn is_at(path: &str) -> bool {
    path == "/simulator" || path.starts_with("/simulator/")
}

/// Carries one order out.
pub(super) fn answer(state: &State, order: &Order) -> Result<Value, Complaint> {
    let segments: Vec<&str> = order.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => order.only("GET").map(|()| overview(state)),
        ["apps"] => apps::all(state, order),
        ["apps", app_id, "clobber"] => apps::clobber(state, order, app_id),
        ["clock"] => time::clock(state, order),
        ["faults"] => faults::faults(state, order),
        ["limits"] => faults::limits(state, order),
        ["requests"] => requests::requests(state, order),
        ["reset"] => order.only("POST").map(|()| reset(state)),
        ["users"] => people::all(state, order),
        ["users", name] => people::one(state, order, name),
        ["users", name, "encrypted-data"] => minting::encrypted_data(state, order, name),
        ["users", name, what] => people::give(state, order, name, what),
        _ => Err(order.not_found()),
    }
}

fn overview(state: &State) -> Value {
    json!({
        "now": state.clock.now().as_secs(),
        "apps": apps::shown(state),
        "users": state.world().people.names(),
    })
}

fn reset(state: &State) -> Value {
    state.reset();
    json!({})
}
