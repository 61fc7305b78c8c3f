//! The database to open, as the settings describe it.

use std::time::Duration;

use crate::identity::StorePassword;
use crate::settings::{Profile, Settings};

/// A database and how to use it.
#[derive(Debug, Clone)]
pub struct Database {
    /// URL such as `sqlite://data/weapp.db` or `postgres://weapp@db/weapp`. Contains no password, because it is logged.
    pub url: String,
    /// Password of the role; empty if it has none.
    pub password: StorePassword,
    /// Maximum time for which a revocation by another node may be unknown. Only PostgreSQL uses it: with SQLite, a
    /// revocation is effective at once.
    pub max_staleness: Duration,
    /// If `true`, a PostgreSQL server that confirms commits before they are on the disk is rejected.
    pub must_be_durable: bool,
    /// If `true`, changes of users and sessions store events to be delivered.
    pub records_events: bool,
}

impl Database {
    /// The database that the settings name.
    pub fn configured(settings: &Settings) -> Self {
        let store = &settings.store;
        Self {
            url: store.url.clone(),
            password: store.password.clone(),
            max_staleness: Duration::from_millis(store.stale_milliseconds.into()),
            must_be_durable: settings.profile == Profile::Production,
            records_events: !settings.events.url.is_empty(),
        }
    }
}

impl<T: Into<String>> From<T> for Database {
    /// A database without a password, in which each revocation is effective at once.
    fn from(url: T) -> Self {
        Self {
            url: url.into(),
            password: StorePassword::new(""),
            max_staleness: Duration::ZERO,
            must_be_durable: false,
            records_events: false,
        }
    }
}
