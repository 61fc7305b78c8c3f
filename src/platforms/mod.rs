//! The platforms whose users log in, behind one trait.
//!
//! A new platform is a folder with an implementation of [`Platform`], and its entries in [`PlatformConfig`] and
//! [`parse_referer`].

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
    /// The access tokens of all apps.
    pub access_tokens: Arc<AccessTokenCache>,
}

/// The platforms of one worker.
#[derive(Debug, Clone)]
pub struct Platforms {
    wechat: Arc<dyn Platform>,
}

impl PlatformConfig {
    /// Creates the platforms of one worker. Nothing connects yet.
    pub fn platforms(&self) -> Platforms {
        let wechat = wechat::WeChat::new(
            &self.wechat,
            Arc::clone(&self.wechat_pages),
            Arc::clone(&self.access_tokens),
        );
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
