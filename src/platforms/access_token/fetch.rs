//! Fetches a token: reads it from the store, or asks the platform while holding the store's lease.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::identity::AccessTokenText;
use crate::platforms::error::{CallError, Error};
use crate::platforms::platform::{AccessToken, AppCredentials};
use crate::session::CryptoError;
use crate::store::Store;
use crate::store::once::{Once, Record, Stored, Turn, Verdict};
use crate::time::{minus, plus};

/// Time before its expiry at which a token is renewed: in the last five minutes WeChat returns a new one, and both work.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
/// read 2026-11-23.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// Minimum time between renewals of a token that is close to its expiry, and after a failed renewal. Our choice: it bounds
/// the calls to the platform.
const USE_FOR: Duration = Duration::from_secs(10);

/// Time for which an old token is used while another process renews it, before the store is read again. Our choice.
const USE_MEANWHILE: Duration = Duration::from_secs(1);

/// The future of a token fetch, which runs in a task of its own.
pub type TokenFuture<'a> = Pin<Box<dyn Future<Output = Result<AccessToken, Error>> + Send + 'a>>;

/// A platform's endpoint for access tokens.
pub trait TokenSource: Send + Sync {
    /// Returns the stable name of the platform.
    fn platform(&self) -> &'static str;

    /// Fetches the app's current access token.
    fn fetch<'a>(&'a self, app: &'a AppCredentials) -> TokenFuture<'a>;
}

/// One fetch.
pub(super) struct Fetch {
    once: Once,
    source: Arc<dyn TokenSource>,
    pub(super) request: TokenRequest,
}

/// The token to fetch.
pub(super) struct TokenRequest {
    pub(super) app: AppCredentials,
    /// The rejected token to replace.
    pub(super) rejected: Option<AccessTokenText>,
    pub(super) now: Timestamp,
}

/// A token, and the time at which it should be renewed.
#[derive(Clone)]
pub(super) struct FetchedToken {
    pub(super) token: AccessTokenText,
    pub(super) renew_at: Timestamp,
    expires_at: Timestamp,
}

impl Fetch {
    pub(super) fn new(
        store: Arc<dyn Store>,
        source: Arc<dyn TokenSource>,
        lease: Duration,
        request: TokenRequest,
    ) -> Result<Self, CryptoError> {
        let app = &request.app;
        let names = [source.platform(), app.id.as_str()];
        let record = Record::new("access token", &names, &[app.secret.expose()]);
        let lease = SignedDuration::try_from(lease).unwrap_or(SignedDuration::MAX);
        Ok(Self {
            once: Once::new(store, record, lease, request.now)?,
            source,
            request,
        })
    }

    /// Returns the stored token if it is usable; otherwise fetches one, or waits while another process fetches it.
    pub(super) async fn run(&self) -> Result<FetchedToken, CallError> {
        let turn = self.once.read_or_lease(|stored| self.verdict(stored));
        match turn.await? {
            Turn::Found(token) => Ok(token),
            Turn::Leased { spare, .. } => self.fetch(spare).await,
        }
    }

    fn verdict(&self, stored: &Stored<'_>) -> Verdict<FetchedToken> {
        // A token that was sealed under another AppSecret does not open.
        let token = stored
            .text
            .and_then(|text| FetchedToken::decode(text, stored.expires_at))
            .filter(|token| !self.is_rejected(&token.token));
        match token {
            Some(token) if stored.now < token.renew_at => Verdict::Use(token),
            token => {
                let until = plus(stored.now, USE_MEANWHILE);
                Verdict::Replace(token.map(|token| token.used_until(until)))
            }
        }
    }

    /// Fetches a token for all processes. Falls back to the spare one if the platform returns none.
    async fn fetch(&self, spare: Option<FetchedToken>) -> Result<FetchedToken, CallError> {
        let asked_at = self.time();
        let error = match self.source.fetch(&self.request.app).await {
            Ok(fresh) => {
                let token =
                    FetchedToken::new(fresh.token, asked_at, plus(asked_at, fresh.expires_in));
                log::info!(
                    "fetched the access token of {}, valid for {} s",
                    self.request.app.id,
                    fresh.expires_in.as_secs()
                );
                self.keep(&token, asked_at).await;
                return Ok(token);
            }
            Err(error) => error,
        };
        self.once.release().await;
        match spare.filter(|spare| self.time() < spare.expires_at) {
            Some(spare) => {
                log::warn!(
                    "the old access token stays in use, because none could be fetched: {error}"
                );
                Ok(spare.used_until(plus(self.time(), USE_FOR)))
            }
            None => Err(CallError::Token(error)),
        }
    }

    /// Stores a token for other processes.
    async fn keep(&self, token: &FetchedToken, fetched_at: Timestamp) {
        let text = token.encode(fetched_at);
        match self.once.keep(&text, token.expires_at).await {
            Ok(Some(_version)) => {}
            // The lease had passed to another process. Its token is the same one, or works in parallel.
            Ok(None) => log::info!("an access token was fetched too late to be stored"),
            Err(error) => {
                log::warn!("an access token could not be stored for other processes: {error}");
            }
        }
    }

    /// Returns `true` if this is the rejected token.
    pub(super) fn is_rejected(&self, token: &AccessTokenText) -> bool {
        self.request.rejected.as_ref() == Some(token)
    }

    /// Returns the current time.
    pub(super) fn time(&self) -> Timestamp {
        self.once.now()
    }
}

impl FetchedToken {
    fn new(token: AccessTokenText, fetched_at: Timestamp, expires_at: Timestamp) -> Self {
        let in_time = minus(expires_at, RENEW_BEFORE);
        let at_least = plus(fetched_at, USE_FOR);
        Self {
            token,
            renew_at: in_time.max(at_least).min(expires_at),
            expires_at,
        }
    }

    fn encode(&self, fetched_at: Timestamp) -> Zeroizing<String> {
        let text = format!("{} {}", fetched_at.as_millisecond(), self.token.expose());
        Zeroizing::new(text)
    }

    fn decode(text: &str, expires_at: Timestamp) -> Option<Self> {
        let (fetched_at, token) = text.split_once(' ')?;
        let fetched_at = Timestamp::from_millisecond(fetched_at.parse().ok()?).ok()?;
        let token = AccessTokenText::new(token);
        Some(Self::new(token, fetched_at, expires_at))
    }

    /// Postpones the renewal.
    fn used_until(mut self, then: Timestamp) -> Self {
        self.renew_at = then.min(self.expires_at);
        self
    }
}
