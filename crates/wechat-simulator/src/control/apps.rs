//! `/simulator/apps`: which mini programs there are.
//!
//! Knows the JSON of an app, its secret included: it is a made-up one.
//! Never knows users or codes.

use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Complaint, Order};
use crate::options::App;
use crate::state::State;

/// An app to be: of a name, from which AppID and AppSecret follow, or of this AppID and this AppSecret.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewApp {
    name: Option<String>,
    app_id: Option<String>,
    app_secret: Option<String>,
    open_platform: Option<String>,
}

pub(super) fn all(state: &State, order: &Order) -> Result<Value, Complaint> {
    match order.method.as_str() {
        "GET" => Ok(json!({"apps": shown(state)})),
        "POST" => add(state, order.body()?),
        _ => Err(Complaint::method("GET, POST")),
    }
}

/// Lets a rival server renew the app's access tokens by force.
pub(super) fn clobber(state: &State, order: &Order, app_id: &str) -> Result<Value, Complaint> {
    order.only("POST")?;
    let mut world = state.world();
    let app = world.app(app_id);
    let app = app.ok_or_else(|| Complaint::missing("there is no app of that AppID"))?;
    world.tokens.clobber(&app.id, state.clock.now());
    Ok(json!({}))
}

pub(super) fn shown(state: &State) -> Value {
    state.world().apps().iter().map(|app| one(app)).collect()
}

fn add(state: &State, new: NewApp) -> Result<Value, Complaint> {
    let seed = state.world().seed();
    let app = match (new.name, new.app_id, new.app_secret) {
        (Some(name), None, None) => App::named(seed, &name),
        (None, Some(id), Some(secret)) if !id.is_empty() && !secret.is_empty() => App {
            id,
            secret,
            open_platform: None,
        },
        _ => {
            return Err(Complaint::malformed(
                "an app has either a `name`, or an `app_id` and an `app_secret`",
            ));
        }
    };
    let app = App {
        open_platform: new.open_platform,
        ..app
    };
    let shown = one(&app);
    if state.world().add_app(app) {
        Ok(shown)
    } else {
        Err(Complaint::malformed("there are too many apps already"))
    }
}

fn one(app: &App) -> Value {
    json!({"app_id": app.id, "app_secret": app.secret, "open_platform": app.open_platform})
}
