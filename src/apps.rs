//! The mini programs that this backend serves, by name and AppID.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::identity::{AppId, AppSecret, PlatformName, Subject};
use crate::platforms::AppCredentials;
use crate::session::{CryptoError, Seal, Sealed};

/// The configured mini programs, by name.
#[derive(Debug, Default)]
pub struct Apps(BTreeMap<String, Arc<App>>);

/// A mini program: its credentials, and the key that seals its users' openids.
pub struct App {
    platform: PlatformName,
    credentials: AppCredentials,
    seal: Seal,
}

impl Apps {
    /// Builds the registry from named mini programs.
    pub fn new(apps: impl IntoIterator<Item = (String, App)>) -> Self {
        let app = |(name, app)| (name, Arc::new(app));
        Self(apps.into_iter().map(app).collect())
    }

    /// Returns the mini program with this name or AppID; without either, the only configured one.
    pub fn find(&self, named: Option<&str>) -> Option<&Arc<App>> {
        match named {
            Some(name) => self.0.get(name).or_else(|| self.by_id(name)),
            None => self.0.values().next().filter(|_only| self.0.len() == 1),
        }
    }

    /// Selects the mini program of a login: the one it names; otherwise the one it was sent from, if configured;
    /// otherwise the only configured one.
    ///
    /// An unknown sender, such as DevTools' `touristappid`, is ignored, so that a single mini program is still found.
    pub fn choose(&self, named: Option<&str>, from: Option<&str>) -> Option<&Arc<App>> {
        let from = from.filter(|_from| named.is_none());
        from.and_then(|id| self.by_id(id))
            .or_else(|| self.find(named))
    }

    /// Returns the mini program with this AppID.
    pub fn by_id(&self, id: &str) -> Option<&Arc<App>> {
        self.0.values().find(|app| app.id().as_str() == id)
    }
}

impl App {
    /// Creates a mini program on a platform.
    pub fn new(platform: PlatformName, id: AppId, secret: AppSecret) -> Self {
        let seal = Seal::new(secret.expose().as_bytes(), b"weapp-login identity v1");
        Self {
            platform,
            credentials: AppCredentials { id, secret },
            seal,
        }
    }

    /// Returns the platform.
    pub fn platform(&self) -> PlatformName {
        self.platform
    }

    /// Returns the AppID.
    pub fn id(&self) -> &AppId {
        &self.credentials.id
    }

    /// Returns the AppID and AppSecret, for calls to the platform.
    pub fn credentials(&self) -> &AppCredentials {
        &self.credentials
    }

    /// Seals one of a user's identifiers under the AppSecret, for the store.
    pub(crate) fn seal(&self, subject: Subject, identifier: &str) -> Result<Sealed, CryptoError> {
        self.seal.seal(identifier, &subject.0)
    }

    /// Decrypts the output of [`App::seal`]. `None` if the AppSecret has changed since.
    pub(crate) fn open(&self, subject: Subject, sealed: &Sealed) -> Option<Zeroizing<String>> {
        self.seal.open(sealed, &subject.0)
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("id", self.id())
            .finish_non_exhaustive()
    }
}
