//! The mini programs that this backend serves, by name and AppID.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

use crate::identity::{AppId, AppSecret, PlatformName, Subject};
use crate::platforms::AppCredentials;
use crate::session::{CryptoError, Seal, Sealed};
use crate::settings::{self, AppKind};

/// The configured mini programs, by name.
#[derive(Debug, Default)]
pub struct Apps {
    by_name: BTreeMap<String, Arc<App>>,
    /// If `true`, a login that was sent from an unknown mini program is for the only one.
    accepts_any_sender: bool,
}

/// The mini program that a login names is not configured, or it names none and there are several. For the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}; the settings have {known}")]
pub struct UnknownApp {
    problem: String,
    known: String,
}

/// The AppID in the Referer of a project that DevTools opens without one.
pub const TOURIST: &str = "touristappid";

/// Maximum length of a name that is shown in the log, in characters. Our choice.
const SHOWN_CHARS: usize = 64;

/// A mini program: its credentials, and the key that seals its users' openids.
pub struct App {
    platform: PlatformName,
    credentials: AppCredentials,
    seal: Seal,
    /// The pages to which a web login may redirect.
    redirects: Vec<String>,
    /// The Open Platform account whose apps share users.
    open_platform: Option<Arc<str>>,
}

impl Apps {
    /// Builds the registry from named mini programs.
    pub fn new(apps: impl IntoIterator<Item = (String, App)>) -> Self {
        let app = |(name, app)| (name, Arc::new(app));
        Self {
            by_name: apps.into_iter().map(app).collect(),
            accepts_any_sender: false,
        }
    }

    /// Builds the registry from the settings.
    pub fn configured(apps: &BTreeMap<String, settings::App>) -> Self {
        Self::new(apps.iter().map(|(name, configured)| {
            let (id, secret) = (configured.app_id.clone(), configured.app_secret.clone());
            let app = App::new(configured.platform, id, secret);
            let app = app.with_kind(configured.kind, configured.redirects.clone());
            (
                name.clone(),
                app.with_open_platform(&configured.open_platform),
            )
        }))
    }

    /// Accepts logins that were sent from any mini program, if there is only one: with a simulated WeChat.
    #[must_use]
    pub fn accepting_any_sender(self) -> Self {
        Self {
            accepts_any_sender: true,
            ..self
        }
    }

    /// Returns the mini program with this name or AppID; without either, the only configured mini
    /// program.
    pub fn find(&self, named: Option<&str>) -> Option<&Arc<App>> {
        if let Some(name) = named {
            return self.by_name.get(name).or_else(|| self.by_id(name));
        }
        self.only(|app| !app.kind().is_web())
    }

    /// Returns the app that matches, if no other one does.
    fn only(&self, matches: impl Fn(&App) -> bool) -> Option<&Arc<App>> {
        let mut apps = self.by_name.values().filter(|app| matches(app));
        apps.next().filter(|_only| apps.next().is_none())
    }

    /// Selects the website or official account of a login: the one it names, or the only configured one.
    ///
    /// # Errors
    /// [`UnknownApp`] if the named one is not configured; or if it names none, and none or several are.
    pub fn choose_web(&self, named: Option<&str>) -> Result<&Arc<App>, UnknownApp> {
        let found = match named {
            Some(name) => self.find(Some(name)),
            None => self.only(|app| app.kind().is_web()),
        };
        found.ok_or_else(|| self.unknown(named, None))
    }

    /// Selects the mini program of a login: the one it names; otherwise the one it was sent from; otherwise the only
    /// configured one. DevTools' `touristappid` names none.
    ///
    /// # Errors
    /// [`UnknownApp`] if the named one, or else the sender, is not configured; or if there is neither, and several are.
    pub fn choose(&self, named: Option<&str>, from: Option<&str>) -> Result<&Arc<App>, UnknownApp> {
        let from = from.filter(|id| named.is_none() && *id != TOURIST);
        let found = match from {
            Some(id) => {
                let any = || self.find(None).filter(|_only| self.accepts_any_sender);
                self.by_id(id).or_else(any)
            }
            None => self.find(named),
        };
        found.ok_or_else(|| self.unknown(named, from))
    }

    fn unknown(&self, named: Option<&str>, from: Option<&str>) -> UnknownApp {
        UnknownApp {
            problem: match (named, from) {
                (Some(name), _) => {
                    let shown: String = name.chars().take(SHOWN_CHARS).collect();
                    format!("the login names the mini program {shown:?}")
                }
                (None, Some(id)) => format!("the Referer names the mini program {id}"),
                (None, None) => "the login names no mini program".to_owned(),
            },
            known: self.names(),
        }
    }

    /// Returns the mini programs with their names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &App)> {
        let apps = self.by_name.iter();
        apps.map(|(name, app)| (name.as_str(), &**app))
    }

    /// Returns the names and AppIDs, for the log.
    fn names(&self) -> String {
        let name = |(name, app): (&String, &Arc<App>)| format!("{name} ({})", app.id());
        let names: Vec<_> = self.by_name.iter().map(name).collect();
        if names.is_empty() {
            return "none".to_owned();
        }
        names.join(", ")
    }

    /// Returns all mini programs.
    pub fn all(&self) -> impl Iterator<Item = &Arc<App>> {
        self.by_name.values()
    }

    /// Returns the mini program with this AppID.
    pub fn by_id(&self, id: &str) -> Option<&Arc<App>> {
        let mut apps = self.by_name.values();
        apps.find(|app| app.id().as_str() == id)
    }
}

impl App {
    /// Creates a mini program on a platform.
    pub fn new(platform: PlatformName, id: AppId, secret: AppSecret) -> Self {
        let seal = Seal::new(secret.expose().as_bytes(), b"weapp-login identity v1");
        Self {
            platform,
            credentials: AppCredentials {
                id,
                secret,
                kind: AppKind::MiniProgram,
            },
            seal,
            redirects: Vec::new(),
            open_platform: None,
        }
    }

    /// Lets the app share users with all apps of the Open Platform account with this name. Empty means that it shares none.
    #[must_use]
    pub fn with_open_platform(self, name: &str) -> Self {
        let open_platform = (!name.is_empty()).then(|| name.into());
        Self {
            open_platform,
            ..self
        }
    }

    /// Sets the kind, and the pages to which a web login may redirect.
    #[must_use]
    pub fn with_kind(mut self, kind: AppKind, redirects: Vec<String>) -> Self {
        self.credentials.kind = kind;
        Self { redirects, ..self }
    }

    /// Returns the kind.
    pub fn kind(&self) -> AppKind {
        self.credentials.kind
    }

    /// Returns the page to which a web login redirects: the named one if it is allowed, or else the only allowed one.
    pub fn redirect<'a>(&'a self, named: Option<&str>) -> Option<&'a str> {
        let mut redirects = self.redirects.iter().map(String::as_str);
        match named {
            Some(named) => redirects.find(|redirect| *redirect == named),
            None => redirects.next().filter(|_first| redirects.next().is_none()),
        }
    }

    /// Returns the Open Platform account whose apps share users, if the app belongs to one.
    pub fn open_platform(&self) -> Option<&str> {
        self.open_platform.as_deref()
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

#[cfg(test)]
mod tests {
    use super::*;

    const SHOP: &str = "wx4f4bc4dec97d474b";
    const OTHER: &str = "wx0000000000000000";

    fn apps(names: &[(&str, &str)]) -> Apps {
        Apps::new(names.iter().map(|(name, id)| {
            let app = App::new(PlatformName::Wechat, AppId::new(*id), AppSecret::new("s"));
            ((*name).to_owned(), app)
        }))
    }

    #[track_caller]
    fn check(apps: &Apps, named: Option<&str>, from: Option<&str>, expected: Result<&str, &str>) {
        let chosen = apps.choose(named, from);
        let chosen = chosen.map(|app| app.id().to_string());
        let chosen = chosen.map_err(|unknown| unknown.to_string());
        assert_eq!(chosen.as_deref().map_err(|text| &**text), expected);
    }

    #[test]
    fn an_unknown_sender_is_rejected_with_the_known_names() {
        let one = apps(&[("shop", SHOP)]);
        check(&one, None, None, Ok(SHOP));
        check(&one, None, Some(SHOP), Ok(SHOP));
        check(&one, None, Some(TOURIST), Ok(SHOP));
        check(&one, Some("shop"), Some(OTHER), Ok(SHOP));
        let unknown = "the Referer names the mini program wx0000000000000000; the settings have shop (wx4f4bc4dec97d474b)";
        check(&one, None, Some(OTHER), Err(unknown));
        let simulated = one.accepting_any_sender();
        check(&simulated, None, Some(OTHER), Ok(SHOP));
    }

    #[test]
    fn an_unknown_name_is_rejected_with_the_known_names() {
        let two = apps(&[("shop", SHOP), ("desk", "wx1111111111111111")]);
        let known = "the settings have desk (wx1111111111111111), shop (wx4f4bc4dec97d474b)";
        let none = format!("the login names no mini program; {known}");
        check(&two, None, None, Err(&none));
        check(&two, None, Some(TOURIST), Err(&none));
        let named = format!("the login names the mini program \"a\\nb\"; {known}");
        check(&two, Some("a\nb"), Some(SHOP), Err(&named));
        let long = "x".repeat(10_000);
        let shown = two.choose(Some(&long), None).unwrap_err().to_string();
        assert!(shown.len() < 300, "{shown}");
    }
}
