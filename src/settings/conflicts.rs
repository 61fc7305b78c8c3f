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
        let rule = "must be an https URL: http sends the AppSecret unencrypted";
        let hint = "if no foreign network is in between, set WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true";
        conflicts.add(&["wechat.base_url"], rule, hint);
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
            let rule = "must be false in the production profile, which has no console";
            let hint = "remove it, or set WEAPP_PROFILE=development on a development machine";
            self.add(&["console.enabled"], rule, hint);
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
                let rule = format!("is the same as `{first}`");
                self.add(&[&id], &rule, "remove one of the two apps");
            }
        }
    }

    /// Adds a conflict if a setting is set, but not the one that it needs. The hint begins with the variable of the latter.
    fn require(&mut self, key: &str, state: &str, needed: &str, hint: &str) {
        if !self.is_set(key) || self.is_set(needed) {
            return;
        }
        let needed_value = self.values.get(needed).map(|value| &value.kind);
        let is_list = matches!(needed_value, Some(ValueKind::Array(_)));
        let lack = if is_list { "empty" } else { "not" };
        let name = variable(needed);
        let mut hint = format!("set {name}{hint}");
        if is_secret(needed) {
            hint.extend([", or ", &name, "_FILE to the path of a file that holds it"]);
        }
        let rule = format!("is {state}, but `{needed}` is {lack}");
        self.add(&[key, needed], &rule, &hint);
    }

    /// Adds a conflict if a duration exceeds another one.
    fn limit(&mut self, short: &str, relation: &str, long: &str) {
        let [value, limit] = [short, long].map(|key| self.number(key));
        if value > limit || value == limit && relation == "less than" {
            let origin = self.origin(long);
            let rule = format!("must be {relation} `{long}` ({limit}, {origin}), got {value}");
            self.add(&[short, long], &rule, "");
        }
    }

    /// Adds a conflict: the first of these settings breaks a rule.
    fn add(&mut self, keys: &[&str], rule: &str, hint: &str) {
        let key = keys.first().copied().unwrap_or_default();
        let message = format!("{}: `{key}` {rule}", self.origin(key));
        self.problems.push(Problem::new(keys, message).hint(hint));
    }

    fn origin(&self, key: &str) -> &str {
        origin(self.values.get(key))
    }

    fn number(&self, key: &str) -> i64 {
        let value = self.values.get(key).cloned();
        value
            .and_then(|value| value.into_int().ok())
            .unwrap_or_default()
    }

    /// Returns `false` for the values that mean that a setting is off or not set.
    fn is_set(&self, key: &str) -> bool {
        self.values.get(key).is_some_and(|value| {
            let is_empty = matches!(&value.kind, ValueKind::Array(items) if items.is_empty());
            !is_empty && !matches!(&*value.to_string(), "" | "0" | "false")
        })
    }
}
