//! `/simulator/apps`: the mini programs. Their AppSecrets are included, because they are made up.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::app::App;
use crate::control::request::{ControlError, ControlRequest};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    name: Option<String>,
    app_id: Option<String>,
    app_secret: Option<String>,
    open_platform: Option<String>,
}

pub(super) fn apps(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    if request.changes_with("POST")? {
        return add(request);
    }
    let state = request.shared.lock();
    let apps: Vec<_> = state.apps.iter().map(AsRef::as_ref).collect();
    Ok(json!({"apps": apps}))
}

pub(super) fn invalidate_access_tokens(
    request: &ControlRequest<'_>,
    app_id: &str,
) -> Result<Value, ControlError> {
    request.require("POST")?;
    let mut state = request.shared.lock();
    let app = state.app(app_id);
    let app = app.ok_or_else(|| ControlError::not_found("there is no app with this AppID"))?;
    let now = state.now();
    state.access_tokens.invalidate(&app.id, now);
    Ok(json!({}))
}

fn add(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let new: NewApp = request.body()?;
    let mut state = request.shared.lock();
    let mut app = match (new.name, new.app_id, new.app_secret) {
        (Some(name), None, None) => App::named(state.options.seed, &name),
        (None, Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => App {
            id,
            secret,
            open_platform: None,
        },
        _ => {
            return Err(ControlError::invalid(
                "an app has either a `name`, or an `app_id` and an `app_secret`",
            ));
        }
    };
    app.open_platform = new.open_platform;
    let reply = json!(app);
    if state.add_app(app) {
        Ok(reply)
    } else {
        Err(ControlError::invalid("there are too many apps already"))
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unauthorized {
    /// The AppIDs that did not authorize the third-party platform.
    unauthorized: Vec<String>,
}

/// The third-party platform, with the ticket that WeChat would push.
pub(super) fn component(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let component = &mut request.shared.lock().component;
    if request.changes_with("PUT")? {
        let Unauthorized { unauthorized } = request.body()?;
        component.unauthorized = unauthorized;
    }
    Ok(json!(component))
}
