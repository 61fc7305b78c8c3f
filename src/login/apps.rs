//! The mini programs that this backend serves.
//!
//! Knows their names, credentials and the keys under which their users' openids are sealed.
//! Never knows where they were configured.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::identity::{AppId, AppSecret, Subject};
use crate::platforms::wechat;
use crate::session::{CryptoError, Seal, Sealed};

/// The mini programs by name.
#[derive(Debug)]
pub struct Apps(BTreeMap<String, Arc<App>>);

/// One mini program.
pub struct App {
    credentials: wechat::App,
    seal: Seal,
}

impl Apps {
    /// Makes the registry out of names, AppIDs and AppSecrets.
    pub fn new(apps: impl IntoIterator<Item = (String, AppId, AppSecret)>) -> Self {
        let app = |(name, id, secret)| (name, Arc::new(App::new(id, secret)));
        Self(apps.into_iter().map(app).collect())
    }

    /// The mini program of this name or AppID; without either, the only one there is.
    pub fn find(&self, named: Option<&str>) -> Option<&Arc<App>> {
        match named {
            Some(name) => self.0.get(name).or_else(|| self.by_id(name)),
            None => self.0.values().next().filter(|_only| self.0.len() == 1),
        }
    }

    /// The mini program that a login is for: the one that it names; else the one that it comes from, if that is served;
    /// else the only one there is.
    ///
    /// A login may come from an AppID that nobody serves, such as DevTools' `touristappid`, where there is but one.
    pub fn choose(&self, named: Option<&str>, from: Option<&str>) -> Option<&Arc<App>> {
        let from = from.filter(|_from| named.is_none());
        from.and_then(|id| self.by_id(id))
            .or_else(|| self.find(named))
    }

    /// The mini program with this AppID.
    pub fn by_id(&self, id: &str) -> Option<&Arc<App>> {
        self.0.values().find(|app| app.id().as_str() == id)
    }
}

impl App {
    fn new(id: AppId, secret: AppSecret) -> Self {
        let seal = Seal::new(secret.expose().as_bytes(), b"weapp-login identity v1");
        Self {
            credentials: wechat::App { id, secret },
            seal,
        }
    }

    /// Its AppID.
    pub fn id(&self) -> &AppId {
        &self.credentials.id
    }

    /// Its AppID and AppSecret, for calls to WeChat.
    pub fn credentials(&self) -> &wechat::App {
        &self.credentials
    }

    /// Seals one of a user's identifiers under the AppSecret, for the store.
    pub(super) fn seal(&self, subject: Subject, identifier: &str) -> Result<Sealed, CryptoError> {
        self.seal.seal(identifier, &subject.0)
    }

    /// Opens what [`App::seal`] closed. `None` if the AppSecret has changed since.
    pub(super) fn open(&self, subject: Subject, sealed: &Sealed) -> Option<Zeroizing<String>> {
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
