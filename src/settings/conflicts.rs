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

const ADMIN_KEY: &str = "=name:key, with a key as printed by `openssl rand -hex 32`";
const EVENTS_SECRET: &str = " to the output of `echo whsec_$(openssl rand -base64 32)`";
const PHONE_KEY: &str = " to the output of `openssl rand -hex 32` (keep it: without it, the encrypted phone numbers are lost)";
const UNIONID_KEY: &str = " to the output of `openssl rand -hex 32` (keep it: without it, no login is linked to a known user)";
const LOGIN_PAGES: &str = " to the URLs of its login pages";

/// The value and the origin of each key, and the conflicts that were found.
struct Conflicts<'a> {
    values: &'a Values,
    problems: Vec<Problem>,
}

/// Returns all conflicts. `values` has the value and the origin of each key.
pub(super) fn find(settings: &Settings, values: &Values) -> Vec<Problem> {
    let problems = Vec::new();
    let mut conflicts = Conflicts { values, problems };
    conflicts.limit(
        "session.idle_seconds",
        "at most",
        "session.lifetime_seconds",
    );
    conflicts.limit("session.touch_seconds", "less than", "session.idle_seconds");
    conflicts.limit(
        "wechat.connect_timeout_milliseconds",
        "at most",
        "wechat.timeout_milliseconds",
    );
    conflicts.require("admin.port", "set", "admin.keys", ADMIN_KEY);
    conflicts.require("user.keep_phone_number", "set", "user.data_keys", PHONE_KEY);
    conflicts.require("events.url", "set", "events.secret", EVENTS_SECRET);
    if let AvatarStore::Bucket { .. } = settings.avatar.kept_in() {
        for needed in ["s3_endpoint", "s3_access_key_id", "s3_secret_access_key"] {
            conflicts.require("avatar.store", "set", &format!("avatar.{needed}"), "");
        }
    }
    if is_plain_http(&settings.wechat.base_url) && !settings.wechat.allow_plain_http {
        let rule = "an https URL: http sends the AppSecret unencrypted";
        let hint = "if no foreign network is in between, set WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true";
        conflicts.reject("wechat.base_url", rule, hint);
    }
    if settings.profile == Profile::Production {
        conflicts.find_in_production(settings);
    }
    conflicts.find_in_apps(settings);
    conflicts.problems
}

impl Conflicts<'_> {
    fn find_in_production(&mut self, settings: &Settings) {
        self.require("avatar.store", "set", "avatar.public_url", "");
        if settings.console.enabled {
            let rule = "false in the production profile, which has no console";
            let hint = "remove it, or set WEAPP_PROFILE=development on a development machine";
            self.reject("console.enabled", rule, hint);
        }
        let mut apps = settings.apps.values();
        if apps.all(|app| app.app_id.as_str().is_empty()) {
            let message = "the production profile needs a mini program: set WEAPP_APPS__MAIN__APP_ID, and \
                WEAPP_APPS__MAIN__APP_SECRET or WEAPP_APPS__MAIN__APP_SECRET_FILE";
            self.problems.push(Problem::new(&["apps"], message));
        }
    }

    fn find_in_apps(&mut self, settings: &Settings) {
        let mut ids = BTreeMap::new();
        for (name, app) in &settings.apps {
            let key = |key| format!("apps.{name}.{key}");
            let [id, secret, kind] = ["app_id", "app_secret", "kind"].map(key);
            self.require(&id, "set", &secret, "");
            self.require(&secret, "set", &id, "");
            self.require(&key("open_platform"), "set", "user.data_keys", UNIONID_KEY);
            if app.kind.is_web() {
                self.require(&kind, app.kind.name(), &key("redirects"), LOGIN_PAGES);
            }
            // A login could not be assigned to one of two apps with the same AppID.
            let first = ids.insert(app.app_id.as_str(), id.clone());
            if let Some(first) = first.filter(|_| self.is_set(&id)) {
                let message = format!("{}: `{id}` is the same as `{first}`", self.origin(&id));
                self.problems
                    .push(Problem::new(&[&id], message).hint("remove one of the two apps"));
            }
        }
    }

    /// Adds a conflict if a setting breaks a rule that depends on others.
    fn reject(&mut self, key: &str, rule: &str, hint: &str) {
        let message = format!("{}: `{key}` must be {rule}", self.origin(key));
        self.problems.push(Problem::new(&[key], message).hint(hint));
    }

    /// Adds a conflict if a setting is set, but not the one that it needs. The hint begins with the variable of the latter.
    fn require(&mut self, key: &str, state: &str, needed: &str, hint: &str) {
        if !self.is_set(key) || self.is_set(needed) {
            return;
        }
        let needed_value = self.values.get(needed).map(|value| &value.kind);
        let lack = if matches!(needed_value, Some(ValueKind::Array(_))) {
            "empty"
        } else {
            "not"
        };
        let message = format!(
            "{}: `{key}` is {state}, but `{needed}` is {lack}",
            self.origin(key)
        );
        let name = variable(needed);
        let file = if is_secret(needed) {
            format!(", or {name}_FILE to the path of a file that holds it")
        } else {
            String::new()
        };
        let hint = format!("set {name}{hint}{file}");
        self.problems
            .push(Problem::new(&[key, needed], message).hint(&hint));
    }

    /// Adds a conflict if a duration exceeds another one.
    fn limit(&mut self, short: &str, relation: &str, long: &str) {
        let values = [short, long].map(|key| {
            self.values
                .get(key)
                .cloned()
                .and_then(|value| value.into_int().ok())
        });
        let [Some(value), Some(limit)] = values else {
            return;
        };
        if value > limit || value == limit && relation == "less than" {
            let [at, limit_at] = [short, long].map(|key| self.origin(key));
            let message = format!(
                "{at}: `{short}` must be {relation} `{long}` ({limit}, {limit_at}), got {value}"
            );
            self.problems.push(Problem::new(&[short, long], message));
        }
    }

    fn origin(&self, key: &str) -> &str {
        origin(self.values.get(key))
    }

    /// Returns `false` for the values that mean that a setting is off or not set.
    fn is_set(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| match &value.kind {
            ValueKind::Array(items) => !items.is_empty(),
            kind => !matches!(&*kind.to_string(), "" | "0" | "false"),
        })
    }
}
