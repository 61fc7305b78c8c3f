//! The platforms whose users log in, behind one trait.
//!
//! A new platform is a folder with an implementation of [`Platform`], its name in [`PlatformName`], and its entries in this
//! file.

pub mod access_token;
mod circuit;
mod error;
mod exchange;
mod http;
mod limiter;
pub(crate) mod outbound;
mod payment;
mod platform;
mod rejection;
mod retry;
mod tls;
mod transport;
pub mod wechat;

use std::sync::Arc;

use crate::identity::PlatformName;
use crate::settings::Settings;

pub use access_token::AccessTokenCache;
pub use circuit::{Limits, MAX_PAUSE};
pub use error::{CallError, ConnectError, Error, InvalidReply, MAX_REPLY_BYTES};
pub use exchange::{Exchange, MaskedExchange};
pub(crate) use http::plain_client;
pub use http::{Call, ConfigError, HttpConfig, Observer};
pub use payment::Payment;
pub use platform::{
    AccessToken, AppCredentials, AppVersion, AuthorizePage, DecryptError, Decrypted,
    DecryptionTerms, EncryptedData, Fields, Identity, LoginFacts, Platform, PlatformFuture,
    Referer, SessionKeyReset, SessionKeyStatus, SignedRawData,
};
pub use rejection::{Hint, QUOTA_PAUSE, Reason, Rejection};

/// Configuration of all platforms: created once, cheap to clone.
#[derive(Clone)]
pub struct PlatformConfig {
    /// WeChat's clients.
    pub wechat: HttpConfig,
    /// Base URL of WeChat's pages on which users log in.
    pub wechat_pages: Arc<str>,
}

/// The settings of a platform cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("`{}.{}` cannot be used", .platform.as_str(), .source.subject())]
pub struct SettingError {
    platform: PlatformName,
    source: ConfigError,
}

/// The platforms of one worker.
#[derive(Debug, Clone)]
pub struct Platforms {
    wechat: Arc<dyn Platform>,
}

impl PlatformConfig {
    /// Configures all platforms. A simulator's URL replaces WeChat's.
    ///
    /// # Errors
    /// [`SettingError`] names the setting that cannot be used.
    pub fn configured(settings: &Settings, simulator: Option<&str>) -> Result<Self, SettingError> {
        let wechat = wechat::configured(&settings.wechat, simulator);
        let of = |platform| move |source| SettingError { platform, source };
        Ok(Self {
            wechat: wechat.map_err(of(PlatformName::Wechat))?,
            wechat_pages: settings.wechat.authorize_url.as_str().into(),
        })
    }

    /// Adds an observer of all calls.
    #[must_use]
    pub fn with_observer(mut self, observer: Observer) -> Self {
        self.wechat = self.wechat.with_observer(observer);
        self
    }

    /// Creates the platforms of one worker, with the access tokens of all apps. Nothing connects yet.
    pub fn platforms(&self, access_tokens: &Arc<AccessTokenCache>) -> Platforms {
        let pages = Arc::clone(&self.wechat_pages);
        let wechat = wechat::WeChat::new(&self.wechat, pages, Arc::clone(access_tokens));
        Platforms {
            wechat: Arc::new(wechat),
        }
    }
}

impl Platforms {
    /// Returns the platform with this name.
    pub fn get(&self, name: PlatformName) -> &dyn Platform {
        match name {
            PlatformName::Wechat => &*self.wechat,
        }
    }
}

/// Parses the Referer header of a mini program's request; `None` if it is not one.
pub fn parse_referer(referer: &str) -> Option<Referer> {
    wechat::parse_referer(referer)
}
