//! Finds values that are valid by themselves, but not together.

use std::collections::BTreeMap;

use crate::settings::app::App;
use crate::settings::data::Settings;
use crate::settings::derived::AvatarStore;
use crate::settings::error::Problem;
use crate::settings::keys::variable;
use crate::settings::rules;
use crate::settings::values::Profile;

/// Returns all conflicts. `origin` returns the origin of a key's value.
pub(super) fn find<'a>(settings: &Settings, origin: impl Fn(&str) -> &'a str) -> Vec<Problem> {
    let (mut conflicts, mut ids) = (durations(settings, &origin), BTreeMap::new());
    for (name, app) in &settings.apps {
        let [id, secret] = ["app_id", "app_secret"].map(|key| format!("apps.{name}.{key}"));
        let has_id = !app.app_id.as_str().is_empty();
        if has_id == app.app_secret.expose().is_empty() {
            let (set, missing) = if has_id {
                (&id, &secret)
            } else {
                (&secret, &id)
            };
            let message = format!("{}: `{set}` is set, but `{missing}` is not", origin(set));
            let hint = match variable(missing) {
                name if has_id => {
                    format!("set {name}, or {name}_FILE to the path of a file that holds it")
                }
                name => format!("set {name}"),
            };
            conflicts.push(Problem::new(&[set, missing], message).hint(&hint));
        }
        // A login could not be assigned to one of two apps with the same AppID.
        if has_id && let Some(first) = ids.insert(app.app_id.as_str(), id.clone()) {
            let message = format!("{}: `{id}` is the same as `{first}`", origin(&id));
            conflicts.push(Problem::new(&[&id], message).hint("remove one of the two apps"));
        }
    }
    conflicts.extend(avatars(settings, &origin));
    conflicts.extend(redirects(settings, &origin));
    let (url, wechat) = ("wechat.base_url", &settings.wechat);
    if rules::is_plain_http(&wechat.base_url) && !wechat.allow_plain_http {
        let message = format!(
            "{}: `{url}` must be an https URL: http sends the AppSecret unencrypted",
            origin(url)
        );
        let hint = "if no foreign network is in between, set WEAPP_WECHAT__ALLOW_PLAIN_HTTP=true";
        conflicts.push(Problem::new(&[url], message).hint(hint));
    }
    conflicts.extend(missing_keys(settings, &origin));
    conflicts.extend(events_without_secret(settings, &origin));
    if settings.profile == Profile::Production && ids.is_empty() {
        let message = "the production profile needs a mini program: set WEAPP_APPS__MAIN__APP_ID, and \
            WEAPP_APPS__MAIN__APP_SECRET or WEAPP_APPS__MAIN__APP_SECRET_FILE";
        conflicts.push(Problem::new(&["apps"], message));
    }
    conflicts
}

/// Returns the settings that need a key which is not set.
fn missing_keys<'a>(settings: &Settings, origin: impl Fn(&str) -> &'a str) -> Vec<Problem> {
    let mut missing = Vec::new();
    let (port, keys) = ("admin.port", "admin.keys");
    if settings.admin.port != 0 && settings.admin.keys.is_empty() {
        let message = format!("{}: `{port}` is set, but `{keys}` is empty", origin(port));
        let hint = "set WEAPP_ADMIN__KEYS=name:key, with a key as printed by `openssl rand -hex 32`, or WEAPP_ADMIN__KEYS_FILE to \
            the path of a file with one name:key per line";
        missing.push(Problem::new(&[port, keys], message).hint(hint));
    }
    let (keeps, keys) = ("user.keep_phone_number", "user.data_keys");
    if settings.user.keep_phone_number && settings.user.data_keys.is_empty() {
        let message = format!(
            "{}: `{keeps}` needs a key in `{keys}`, under which the phone numbers are encrypted",
            origin(keeps)
        );
        let hint = "set WEAPP_USER__DATA_KEYS to the output of `openssl rand -hex 32`, and keep it: without it, the phone numbers are lost";
        missing.push(Problem::new(&[keeps, keys], message).hint(hint));
    }
    missing
}

/// Returns the settings that the store of the avatars needs and that are not set.
fn avatars<'a>(settings: &Settings, origin: impl Fn(&str) -> &'a str) -> Vec<Problem> {
    let (avatar, store) = (&settings.avatar, "avatar.store");
    let in_production = settings.profile == Profile::Production;
    let in_bucket = matches!(avatar.kept_in(), AvatarStore::Bucket { .. });
    let has_secret = !avatar.s3_secret_access_key.expose().is_empty();
    let needed = [
        ("public_url", in_production, !avatar.public_url.is_empty()),
        ("s3_endpoint", in_bucket, !avatar.s3_endpoint.is_empty()),
        (
            "s3_access_key_id",
            in_bucket,
            !avatar.s3_access_key_id.is_empty(),
        ),
        ("s3_secret_access_key", in_bucket, has_secret),
    ];
    let is_missing = |(_, is_needed, is_set): &(&str, bool, bool)| *is_needed && !is_set;
    let missing = needed.into_iter().filter(is_missing);
    let missing = missing.filter(|_| avatar.kept_in() != AvatarStore::None);
    let problem = |(name, ..): (&str, bool, bool)| {
        let key = format!("avatar.{name}");
        let message = format!("{}: `{store}` is set, but `{key}` is not", origin(store));
        Problem::new(&[store, &key], message).hint(&format!("set {}", variable(&key)))
    };
    missing.map(problem).collect()
}

/// Returns the problem if there is a receiver of events, but no secret to sign them with.
fn events_without_secret<'a>(
    settings: &Settings,
    origin: impl Fn(&str) -> &'a str,
) -> Option<Problem> {
    let (url, secret) = ("events.url", "events.secret");
    if settings.events.url.is_empty() || !settings.events.secret.expose().is_empty() {
        return None;
    }
    let message = format!("{}: `{url}` is set, but `{secret}` is not", origin(url));
    let hint = "run echo whsec_$(openssl rand -base64 32), and set WEAPP_EVENTS__SECRET, or WEAPP_EVENTS__SECRET_FILE \
        to the path of a file that holds it";
    Some(Problem::new(&[url, secret], message).hint(hint))
}

/// Returns the websites and official accounts whose logins could return to no page.
fn redirects<'a>(settings: &Settings, origin: impl Fn(&str) -> &'a str) -> Vec<Problem> {
    let apps = settings.apps.iter();
    let without = apps.filter(|(_, app)| app.kind.is_web() && app.redirects.is_empty());
    let problem = |(name, app): (&String, &App)| {
        let [kind, redirects] = ["kind", "redirects"].map(|key| format!("apps.{name}.{key}"));
        let (origin, value) = (origin(&kind), app.kind.name());
        let message = format!("{origin}: `{kind}` is {value}, but `{redirects}` is empty");
        let hint = format!(
            "set {} to the URLs of its login pages",
            variable(&redirects)
        );
        Problem::new(&[&kind, &redirects], message).hint(&hint)
    };
    without.map(problem).collect()
}

/// Returns the durations that exceed another one.
fn durations<'a>(settings: &Settings, origin: impl Fn(&str) -> &'a str) -> Vec<Problem> {
    let (session, wechat) = (&settings.session, &settings.wechat);
    let idle = ("session.idle_seconds", session.idle_seconds);
    let lifetime = ("session.lifetime_seconds", session.lifetime_seconds);
    let touch = ("session.touch_seconds", session.touch_seconds);
    let connect = "wechat.connect_timeout_milliseconds";
    let connect = (connect, wechat.connect_timeout_milliseconds);
    let call = ("wechat.timeout_milliseconds", wechat.timeout_milliseconds);
    let limits = [
        (idle, lifetime, "at most"),
        (touch, idle, "less than"),
        (connect, call, "at most"),
    ];
    let conflict = |((short, value), (long, limit), relation)| {
        let (at, limit_at) = (origin(short), origin(long));
        let message = format!(
            "{at}: `{short}` must be {relation} `{long}` ({limit}, {limit_at}), got {value}"
        );
        let valid = value < limit || value == limit && relation == "at most";
        (!valid).then(|| Problem::new(&[short, long], message))
    };
    limits.into_iter().filter_map(conflict).collect()
}
