//! `/simulator/requests`: what was asked of WeChat.
//!
//! Knows the JSON of a request, without secrets.
//! Never knows what was answered.

use serde_json::{Value, json};

use super::order::{Complaint, Order};
use crate::asked::RecordedRequest;
use crate::masked;
use crate::state::State;

pub(super) fn requests(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "GET" => {
            let asked = state.record().to_vec();
            let path = order.parameter("path");
            let asked = asked
                .iter()
                .filter(|asked| path.is_none_or(|path| path == asked.path));
            let requests: Vec<Value> = asked.map(one).collect();
            Ok(json!({"requests": requests}))
        }
        "DELETE" => {
            state.record().clear();
            Ok(json!({}))
        }
        _ => Err(Complaint::method("GET, DELETE")),
    }
}

fn one(asked: &RecordedRequest) -> Value {
    json!({
        "method": asked.method,
        "path": asked.path,
        "query": masked::query(asked),
        "body": masked::body(&asked.body),
    })
}
