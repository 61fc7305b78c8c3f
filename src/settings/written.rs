//! How values are written: the texts that become addresses, files and apps.
//!
//! Knows each such text's form. Never knows which key it stands under.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::identity::{AppId, AppSecret};
use crate::settings::data::App;

/// Takes an IP address, or `localhost` for 127.0.0.1: the name may mean two addresses, and a server listens on one.
pub(super) fn ip_address(text: &str) -> Option<IpAddr> {
    match text {
        "localhost" => Some(Ipv4Addr::LOCALHOST.into()),
        address => address.parse().ok(),
    }
}

/// The file that an `sqlite:` URL names. `sqlite://data/weapp.db` and `sqlite:data/weapp.db` are the same, relative, file.
pub(super) fn sqlite_file(url: &str) -> Option<&str> {
    let rest = url.strip_prefix("sqlite:")?;
    Some(rest.strip_prefix("//").unwrap_or(rest))
}

pub(super) fn host<'de, D: Deserializer<'de>>(deserializer: D) -> Result<IpAddr, D::Error> {
    let text = String::deserialize(deserializer)?;
    ip_address(&text).ok_or_else(|| D::Error::custom("no IP address"))
}

pub(super) fn base_url<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    Ok(text.trim_end_matches('/').into())
}

/// Leaves out the apps that are there in name only, as the shipped file's one is.
pub(super) fn apps<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, App>, D::Error> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Written {
        #[serde(default)]
        app_id: String,
        #[serde(default)]
        app_secret: String,
    }
    let written = BTreeMap::<String, Written>::deserialize(deserializer)?;
    let apps = written
        .into_iter()
        .filter(|(_, app)| !app.app_id.is_empty());
    let app = |app: Written| App {
        app_id: AppId::new(app.app_id),
        app_secret: AppSecret::new(app.app_secret),
    };
    Ok(apps.map(|(name, written)| (name, app(written))).collect())
}
