//! Turns layers into settings, if nothing is wrong with them.
//!
//! Knows which values go together, and the way out where they do not.
//! Never knows where a layer comes from, nor what a single value may be.

use std::collections::{BTreeMap, BTreeSet};

use config::{Config, Value, ValueKind};

use crate::settings::data::{Profile, Settings};
use crate::settings::error::{Error, Place, Problem};
use crate::settings::layers::Layers;

/// Takes the layers over, if there are no problems with them so far and none is found.
///
/// # Errors
/// [`Error`] with all problems.
pub(super) fn settings(layers: &Layers, mut problems: Vec<Problem>) -> Result<Settings, Error> {
    add_hints(layers, &mut problems);
    let effective = Effective {
        values: layers.effective(),
        found: &problems,
    };
    let conflicts = [
        effective.times(),
        effective.halves(),
        effective.twins(),
        effective.no_app(layers.profile),
    ];
    problems.extend(conflicts.into_iter().flatten());
    if problems.is_empty() {
        take_over(layers).map_err(|_unfit| Problem::Unfit.into())
    } else {
        Err(Error { problems })
    }
}

fn take_over(layers: &Layers) -> Result<Settings, config::ConfigError> {
    let layered = layers
        .stack
        .iter()
        .fold(Config::builder(), |builder, layer| {
            builder.add_source(layer.clone())
        });
    layered
        .set_override("profile", layers.profile.name())?
        .build()?
        .try_deserialize()
}

/// Says what to do about wrong values, which may need the default.
fn add_hints(layers: &Layers, problems: &mut [Problem]) {
    let defaults = layers.built_in();
    for problem in problems {
        let Problem::WrongValue {
            place,
            key,
            got,
            hint,
            ..
        } = problem
        else {
            continue;
        };
        let default = defaults.get(key.as_str()).map(|value| &value.kind);
        *hint = match (place, default) {
            _ if key.ends_with(".app_id") && got.starts_with("***") => {
                Some("this looks like an AppSecret: are the two swapped?".into())
            }
            _ if key.ends_with(".app_id") || key.ends_with(".app_secret") => Some(COPY.into()),
            (Place::File(_), Some(default)) => Some(format!(
                "the default is {}; remove the line to use it",
                plain(default)
            )),
            (Place::Variable(_), Some(default)) => Some(format!(
                "the default is {}; unset the variable to use it",
                plain(default)
            )),
            (Place::BuiltIn, _) | (_, None) => None,
        };
    }
}

const COPY: &str = "copy it from mp.weixin.qq.com, 开发管理 (Development), 开发设置 (Settings)";

fn plain(value: &ValueKind) -> String {
    let ValueKind::Array(values) = value else {
        return value.to_string();
    };
    if values.is_empty() {
        return String::from("an empty list");
    }
    let values: Vec<String> = values.iter().map(ToString::to_string).collect();
    values.join(",")
}

/// The values that won. What touches a key that is already complained about is not judged: it would be a second
/// complaint about one mistake.
struct Effective<'a> {
    values: BTreeMap<&'a str, (&'a Value, &'a Place)>,
    found: &'a [Problem],
}

impl Effective<'_> {
    /// Times of which one must not exceed the other.
    fn times(&self) -> Vec<Problem> {
        let pairs = [
            ("session.idle_seconds", "session.lifetime_seconds", 0),
            ("session.touch_seconds", "session.idle_seconds", 1),
            (
                "wechat.connect_timeout_milliseconds",
                "wechat.timeout_milliseconds",
                0,
            ),
        ];
        let too_long = |(short, long, gap)| {
            let (value, place) = self.number(short)?;
            let (limit, limit_place) = self.number(long)?;
            let relation = if gap == 0 { "at most" } else { "less than" };
            (value > limit - gap).then(|| Problem::Conflict {
                place: place.clone(),
                key: String::from(short),
                conflict: format!(
                    "must be {relation} `{long}` ({limit}, {limit_place}), got {value}"
                ),
                hint: format!(
                    "set `{short}` to {} or less, or `{long}` to {} or more",
                    limit - gap,
                    value + gap
                ),
            })
        };
        pairs.into_iter().filter_map(too_long).collect()
    }

    /// An AppID without an AppSecret, or the other way round.
    fn halves(&self) -> Vec<Problem> {
        let half = |app| {
            let (id, secret) = (
                format!("apps.{app}.app_id"),
                format!("apps.{app}.app_secret"),
            );
            let (given, missing) = match (self.text(&id), self.text(&secret)) {
                (Some(_), None) => (id, secret),
                (None, Some(_)) => (secret, id),
                (Some(_), Some(_)) | (None, None) => return None,
            };
            let (_, place) = self.values.get(given.as_str())?;
            self.is_clean(&missing).then(|| Problem::Conflict {
                place: Place::clone(place),
                conflict: format!("is set, but `{missing}` is not"),
                hint: format!("set {}", variable(&missing)),
                key: given,
            })
        };
        self.apps().into_iter().filter_map(half).collect()
    }

    /// Two apps with the same AppID: nobody could say whose a login is.
    fn twins(&self) -> Vec<Problem> {
        let mut seen = BTreeMap::new();
        let twin = |app: &str| {
            let key = format!("apps.{app}.app_id");
            let first = seen.insert(self.text(&key)?, key.clone())?;
            let (_, place) = self.values.get(key.as_str())?;
            Some(Problem::Conflict {
                place: Place::clone(place),
                conflict: format!("is the same as `{first}`"),
                hint: String::from("remove one of the two apps"),
                key,
            })
        };
        self.apps().into_iter().filter_map(twin).collect()
    }

    fn no_app(&self, profile: Profile) -> Vec<Problem> {
        let given = |key: &str| key.starts_with("apps.") && self.text(key).is_some();
        let missing = !self.values.keys().any(|key| given(key));
        let judge = profile == Profile::Production && self.is_clean("apps");
        (judge && missing)
            .then_some(Problem::AppMissing)
            .into_iter()
            .collect()
    }

    fn apps(&self) -> BTreeSet<&str> {
        let names = self
            .values
            .keys()
            .filter_map(|key| key.strip_prefix("apps."));
        names.filter_map(|rest| rest.split('.').next()).collect()
    }

    /// A text that is not empty.
    fn text(&self, key: &str) -> Option<&str> {
        if let ValueKind::String(text) = &self.values.get(key)?.0.kind {
            Some(text.as_str()).filter(|text| !text.is_empty())
        } else {
            None
        }
    }

    fn number(&self, key: &str) -> Option<(i64, &Place)> {
        match self.values.get(key)? {
            (
                Value {
                    kind: ValueKind::I64(number),
                    ..
                },
                place,
            ) if self.is_clean(key) => Some((*number, place)),
            _ => None,
        }
    }

    /// Whether no problem found so far may have kept a value of this key, or of one below it, away.
    fn is_clean(&self, key: &str) -> bool {
        self.found.iter().all(|problem| match problem {
            Problem::WrongValue { key: other, .. } | Problem::UnknownKey { key: other, .. } => {
                !other.starts_with(key) && !key.starts_with(other.as_str())
            }
            Problem::UnknownProfile { .. } => true,
            Problem::Unreadable { .. }
            | Problem::UnreadableTarget { .. }
            | Problem::NotText { .. }
            | Problem::Syntax { .. }
            | Problem::Twice { .. }
            | Problem::Conflict { .. }
            | Problem::AppMissing
            | Problem::Unfit => false,
        })
    }
}

/// The variables that set a key of an app.
fn variable(key: &str) -> String {
    let variable = format!("WEAPP_{}", key.replace('.', "__").to_ascii_uppercase());
    if key.ends_with("secret") {
        format!("{variable}, or {variable}_FILE to the path of a file that holds it")
    } else {
        variable
    }
}
