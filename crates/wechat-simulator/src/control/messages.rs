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
    if request.changes_with("DELETE")? {
        messages.sent.clear();
        return Ok(json!({}));
    }
    let sent: Vec<_> = messages.sent.iter().collect();
    Ok(json!({"messages": sent}))
}

/// Adds a template to an app, with an id of the caller's choice.
pub(super) fn templates(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let app = request.app()?;
    let messages = &mut request.shared.lock().messages;
    if request.changes_with("POST")? {
        let new: NewTemplate = request.body()?;
        let template = Template {
            id: new.template_id,
            title: new.title,
            content: new.content,
            kind: 2,
        };
        if !messages.add_template(app.id(), template) {
            let message = "there are too many templates already";
            return Err(ControlError::invalid(message));
        }
    }
    Ok(json!({"templates": messages.templates(app.id())}))
}

/// The words by which `msg_sec_check` judges.
pub(super) fn words(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let words = &mut request.shared.lock().words;
    if request.changes_with("PUT")? {
        *words = request.update(words)?;
    }
    Ok(json!(words))
}
