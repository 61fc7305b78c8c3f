//! `/simulator/messages`, `/simulator/templates` and `/simulator/words`: what was sent, and by which rules.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::control::request::{ControlError, ControlRequest};
use crate::state::messages::Template;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewTemplate {
    template_id: String,
    #[serde(default)]
    title: String,
    /// Lines such as `Order: {{thing1.DATA}}`.
    content: String,
}

/// Returns the messages that were sent.
pub(super) fn messages(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let messages = &mut request.shared.lock().messages;
    match request.method.as_str() {
        "GET" => {
            let sent: Vec<_> = messages.sent.iter().collect();
            Ok(json!({"messages": sent}))
        }
        "DELETE" => {
            messages.sent.clear();
            Ok(json!({}))
        }
        _ => Err(ControlError::method("GET, DELETE")),
    }
}

/// Adds a template to an app, with an id of the caller's choice.
pub(super) fn templates(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let app = request.app()?;
    match request.method.as_str() {
        "GET" => {}
        "POST" => {
            let new: NewTemplate = request.body()?;
            let template = Template {
                id: new.template_id,
                title: new.title,
                content: new.content,
                kind: 2,
            };
            let messages = &mut request.shared.lock().messages;
            if !messages.add_template(app.id(), template) {
                return Err(ControlError::invalid(
                    "there are too many templates already",
                ));
            }
        }
        _ => return Err(ControlError::method("GET, POST")),
    }
    let templates = &request.shared.lock().messages;
    Ok(json!({"templates": templates.templates(app.id())}))
}

/// The words by which `msg_sec_check` judges.
pub(super) fn words(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let words = &mut request.shared.lock().words;
    match request.method.as_str() {
        "GET" => {}
        "PUT" => *words = request.update(words)?,
        _ => return Err(ControlError::method("GET, PUT")),
    }
    Ok(json!(words))
}
