//! Durations, addresses and defaults that follow from the settings.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::Path;
use std::time::Duration;

use jiff::SignedDuration;

use crate::settings::address::ListenAddress;
use crate::settings::data::{Admin, Json, Metrics, Server, Session, Settings, Store, Wechat};
use crate::settings::rules;
use crate::settings::user::Avatar;
use crate::settings::values::Profile;

impl Settings {
    /// Returns `true` if WeChat is simulated: in development, if no AppID is set.
    pub fn simulated(&self) -> bool {
        self.profile == Profile::Development && self.apps.is_empty()
    }

    /// Returns `true` if the console is served: in development, if WeChat is simulated or the console is enabled.
    pub fn has_console(&self) -> bool {
        self.profile == Profile::Development && (self.simulated() || self.console.enabled)
    }
}

impl Server {
    /// Returns the addresses to listen on, which are never none.
    pub fn addresses(&self) -> Vec<ListenAddress> {
        if self.listen.is_empty() {
            return vec![ListenAddress::Tcp(self.host, self.port)];
        }
        self.listen.clone()
    }

    /// Returns the IP addresses and ports to listen on, without Unix sockets.
    pub fn sockets(&self) -> Vec<SocketAddr> {
        let addresses = self.addresses();
        addresses.iter().flat_map(ListenAddress::sockets).collect()
    }

    /// Returns the number of worker threads, which is at least 1. If none is set, it is the number of cores.
    pub fn worker_count(&self) -> usize {
        match self.workers {
            0 => std::thread::available_parallelism().map_or(1, NonZeroUsize::get),
            workers => workers.into(),
        }
    }

    /// Returns the idle time after which a connection may be closed.
    pub fn keep_alive(&self) -> Duration {
        Duration::from_secs(self.keep_alive_seconds.into())
    }

    /// Returns the maximum time of the drain.
    pub fn drain(&self) -> Duration {
        Duration::from_secs(self.drain_seconds.into())
    }

    /// Returns the maximum time that requests in flight have after the drain.
    pub fn shutdown(&self) -> Duration {
        Duration::from_secs(self.shutdown_seconds.into())
    }
}

impl Json {
    /// Returns the maximum time in which a body must arrive.
    pub fn body_timeout(&self) -> Duration {
        Duration::from_secs(self.body_timeout_seconds.into())
    }
}

impl Session {
    /// Returns the maximum lifetime of a session.
    pub fn lifetime(&self) -> SignedDuration {
        SignedDuration::from_secs(self.lifetime_seconds.into())
    }

    /// Returns the time without a request after which a session expires.
    pub fn idle(&self) -> SignedDuration {
        SignedDuration::from_secs(self.idle_seconds.into())
    }

    /// Returns the minimum interval between two updates of a session's last use.
    pub fn touch_after(&self) -> SignedDuration {
        SignedDuration::from_secs(self.touch_seconds.into())
    }
}

impl Store {
    /// Returns the path of the database file, or `None` if the database is a server.
    pub fn file(&self) -> Option<&Path> {
        rules::sqlite_file(&self.url).map(Path::new)
    }

    /// Returns the name of the database: its file, or its URL, which has no password.
    pub fn name(&self) -> &str {
        rules::sqlite_file(&self.url).unwrap_or(&self.url)
    }
}

impl Wechat {
    /// Returns the maximum time to connect.
    pub fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_milliseconds.into())
    }

    /// Returns the maximum time of a whole call.
    pub fn timeout(&self) -> Duration {
        Duration::from_millis(self.timeout_milliseconds.into())
    }
}

impl Admin {
    /// Returns the address of the admin API, if it is on.
    pub fn address(&self) -> Option<SocketAddr> {
        (self.port != 0).then(|| SocketAddr::new(self.listen, self.port))
    }
}

/// The place that keeps the avatars.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AvatarStore<'a> {
    /// None: uploads are off.
    None,
    /// A folder.
    Folder(&'a Path),
    /// An S3-compatible bucket.
    Bucket {
        /// Name of the bucket.
        name: &'a str,
        /// Prefix of all keys; may be empty.
        prefix: &'a str,
    },
}

impl Avatar {
    /// Returns the place that keeps the avatars.
    pub fn kept_in(&self) -> AvatarStore<'_> {
        match self.store.strip_prefix("s3://") {
            Some(bucket) => {
                let (name, prefix) = bucket.split_once('/').unwrap_or((bucket, ""));
                AvatarStore::Bucket { name, prefix }
            }
            None if self.store.is_empty() => AvatarStore::None,
            None => AvatarStore::Folder(Path::new(&self.store)),
        }
    }
}

impl Metrics {
    /// Returns the address of the separate metrics port, if there is one.
    pub fn address(&self) -> Option<SocketAddr> {
        (self.port != 0).then(|| SocketAddr::new(self.host, self.port))
    }
}
