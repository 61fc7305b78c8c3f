//! Finds values that are valid by themselves, but not together.

use std::collections::BTreeMap;

use config::ValueKind;

use crate::settings::data::Settings;
use crate::settings::derived::AvatarStore;
use crate::settings::error::{Problem, is_secret};
use crate::settings::keys::{Values, variable};
use crate::settings::report::origin;
use crate::settings::rules::is_plain_http;
use crate::settings::values::Profile;

/// Durations, each with the relation to another one that is its limit.
const LIMITS: [[&str; 3]; 3] = [
    [
        "session.idle_seconds",
        "at most",
        "session.lifetime_seconds",
    ],
    ["session.touch_seconds", "less than", "session.idle_seconds"],
    [
        "wechat.connect_timeout_milliseconds",
        "at most",
        "wechat.timeout_milliseconds",
    ],
];

/// Settings that need another one, and the words after its variable in the hint.
const NEEDS: [[&str; 3]; 3] = [
    [
        "admin.port",
        "admin.keys",
        "=name:key, with a key as printed by `openssl rand -hex 32`",
    ],
    ["user.keep_phone_number", "user.data_keys", DATA_KEY],
    [
        "events.url",
        "events.secret",
        " to the output of `echo whsec_$(openssl rand -base64 32)`",
    ],
];
const DATA_KEY: &str = " to the output of `openssl rand -hex 32` (keep it: without it, the encrypted phone numbers are lost)";
const UNIONID_KEY: &str = " to the output of `openssl rand -hex 32` (keep it: without it, no login is linked to a known user)";

/// Settings that avatars in a bucket need.
const BUCKET: [&str; 3] = [
    "avatar.s3_endpoint",
    "avatar.s3_access_key_id",
    "avatar.s3_secret_access_key",
];

/// Returns all conflicts. `values` has the value and the origin of each key.
pub(super) fn find(settings: &Settings, values: &Values) -> Vec<Problem> {
    let in_production = settings.profile == Profile::Production;
    let mut conflicts: Vec<_> = LIMITS
        .iter()
        .filter_map(|limit| exceeded(values, limit))
        .collect();
    let mut require = |key: &str, needed: &str, hint: &str| {
        conflicts.extend(missing(values, key, "set", needed, hint));
    };
    for [key, needed, hint] in NEEDS {
        require(key, needed, hint);
    }
    if in_production {
        require("avatar.store", "avatar.public_url", "");
    }
    if let AvatarStore::Bucket { .. } = settings.avatar.kept_in() {
        for needed in BUCKET {
            require("avatar.store", needed, "");
        }
    }
    conflicts.extend(apps(settings, values));
    let mut reject = |key: &str, rule: &str, hint: &str| {
        let message = format!("{}: `{key}` must be {rule}", origin(values.get(key)));
        conflicts.push(Problem::new(&[key], message).hint(hint));
    };
    if is_plain_http(&settings.wechat.base_url) && !settings.wechat.allow_plain_http {
        let hint = "if no foreign network is in between, set WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true";
        reject(
            "wechat.base_url",
            "an https URL: http sends the AppSecret unencrypted",
            hint,
        );
    }
    if in_production && settings.console.enabled {
        let hint = "remove it, or set WEAPP_PROFILE=development on a development machine";
        reject(
            "console.enabled",
            "false in the production profile, which has no console",
            hint,
        );
    }
    let mut apps = settings.apps.values();
    if in_production && apps.all(|app| app.app_id.as_str().is_empty()) {
        let message = "the production profile needs a mini program: set WEAPP_APPS__MAIN__APP_ID, and \
            WEAPP_APPS__MAIN__APP_SECRET or WEAPP_APPS__MAIN__APP_SECRET_FILE";
        conflicts.push(Problem::new(&["apps"], message));
    }
    conflicts
}

/// Returns the conflicts in and between apps.
fn apps(settings: &Settings, values: &Values) -> Vec<Problem> {
    let (mut conflicts, mut ids) = (Vec::new(), BTreeMap::new());
    for (name, app) in &settings.apps {
        let key = |key| format!("apps.{name}.{key}");
        let [id, secret, kind, redirects] = ["app_id", "app_secret", "kind", "redirects"].map(key);
        conflicts.extend(missing(values, &id, "set", &secret, ""));
        conflicts.extend(missing(values, &secret, "set", &id, ""));
        let account = key("open_platform");
        conflicts.extend(missing(
            values,
            &account,
            "set",
            "user.data_keys",
            UNIONID_KEY,
        ));
        if app.kind.is_web() {
            let pages = " to the URLs of its login pages";
            conflicts.extend(missing(values, &kind, app.kind.name(), &redirects, pages));
        }
        // A login could not be assigned to one of two apps with the same AppID.
        let first = ids.insert(app.app_id.as_str(), id.clone());
        if let Some(first) = first.filter(|_| is_set(values, &id)) {
            let message = format!(
                "{}: `{id}` is the same as `{first}`",
                origin(values.get(&id))
            );
            conflicts.push(Problem::new(&[&id], message).hint("remove one of the two apps"));
        }
    }
    conflicts
}

/// Returns the problem if the key is set, but not the one that it needs.
fn missing(values: &Values, key: &str, state: &str, needed: &str, hint: &str) -> Option<Problem> {
    if !is_set(values, key) || is_set(values, needed) {
        return None;
    }
    let is_list = matches!(values.get(needed)?.kind, ValueKind::Array(_));
    let lack = if is_list { "empty" } else { "not" };
    let origin = origin(values.get(key));
    let message = format!("{origin}: `{key}` is {state}, but `{needed}` is {lack}");
    let name = variable(needed);
    let file = if is_secret(needed) {
        format!(", or {name}_FILE to the path of a file that holds it")
    } else {
        String::new()
    };
    let hint = format!("set {name}{hint}{file}");
    Some(Problem::new(&[key, needed], message).hint(&hint))
}

/// Returns `false` for the values that mean that a setting is off or not set.
fn is_set(values: &Values, key: &str) -> bool {
    values.get(key).is_some_and(|value| {
        if let ValueKind::Array(items) = &value.kind {
            return !items.is_empty();
        }
        !matches!(&*value.kind.to_string(), "" | "0" | "false")
    })
}

/// Returns the problem if a duration exceeds its limit.
fn exceeded(values: &Values, [short, relation, long]: &[&str; 3]) -> Option<Problem> {
    let (value, limit) = (values.get(*short)?, values.get(*long)?);
    let [number, bound] = [value, limit].map(|value| value.clone().into_int().ok());
    if number < bound || number == bound && *relation == "at most" {
        return None;
    }
    let (at, limit_at) = (origin(Some(value)), origin(Some(limit)));
    let message =
        format!("{at}: `{short}` must be {relation} `{long}` ({limit}, {limit_at}), got {value}");
    Some(Problem::new(&[short, long], message))
}
