//! Fetches a token: reads it from the store, or asks the platform while holding the store's lease.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use crate::identity::AccessTokenText;
use crate::platforms::error::{CallError, Error};
use crate::platforms::platform::{AccessToken, AppCredentials};
use crate::session::{Seal, Sealed};
use crate::store::{Claim, Claimed, Holder, LedgerKey, Store};

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

/// Interval at which the store is polled for a token that another process fetches, times 0.5 to 1.5. Our choice: not
/// noticeable to a person, and at most twenty cheap reads a second.
const PAUSE: Duration = Duration::from_millis(100);

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
    store: Arc<dyn Store>,
    source: Arc<dyn TokenSource>,
    lease: Duration,
    request: TokenRequest,
    key: LedgerKey,
    started: Instant,
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
    ) -> Self {
        Self {
            key: LedgerKey::of(
                "access token",
                &[source.platform(), request.app.id.as_str()],
            ),
            started: Instant::now(),
            store,
            source,
            lease,
            request,
        }
    }

    /// Returns the stored token if it is usable; otherwise fetches one, or waits while another process fetches it.
    pub(super) async fn run(&self) -> Result<FetchedToken, CallError> {
        let holder = Holder::generate()?;
        // A process that dies during its fetch costs one lease. After two leases the cause must be another one.
        let give_up_at = plus(self.request.now, self.lease.saturating_mul(2));
        let (mut stale, mut spare) = (None, None);
        while self.time() < give_up_at {
            let now = self.time();
            let claim = Claim {
                key: self.key,
                holder,
                now,
                until: plus(now, self.lease),
                stale,
            };
            match self.store.claim(claim).await? {
                Claimed::Kept {
                    value,
                    version,
                    expires_at,
                } => {
                    // A token that was sealed under another AppSecret is unusable.
                    let found = self.open(&value, expires_at);
                    let found = found.filter(|found| !self.is_rejected(&found.token));
                    if let Some(found) = found.as_ref().filter(|found| now < found.renew_at) {
                        return Ok(found.clone());
                    }
                    (stale, spare) = (Some(version), found);
                }
                Claimed::Yours => return self.fetch(holder, spare).await,
                Claimed::Held { until } => match spare {
                    Some(spare) => return Ok(spare.used_until(plus(now, USE_MEANWHILE))),
                    None => sleep(pause().min(span(now, until))).await,
                },
            }
        }
        Err(CallError::Overdue)
    }

    /// Fetches a token for all processes. Falls back to the spare one if the platform returns none.
    async fn fetch(
        &self,
        holder: Holder,
        spare: Option<FetchedToken>,
    ) -> Result<FetchedToken, CallError> {
        let asked_at = self.time();
        let error = match self.source.fetch(&self.request.app).await {
            Ok(fresh) => {
                let found =
                    FetchedToken::new(fresh.token, asked_at, plus(asked_at, fresh.expires_in));
                log::info!(
                    "fetched the access token of {}, valid for {} s",
                    self.request.app.id,
                    fresh.expires_in.as_secs()
                );
                if let Err(error) = self.keep(holder, &found, asked_at).await {
                    log::warn!("an access token could not be stored for other processes: {error}");
                }
                return Ok(found);
            }
            Err(error) => error,
        };
        if let Err(error) = self.store.release(self.key, holder).await {
            log::warn!("the lease on an access token could not be released: {error}");
        }
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

    /// Stores the sealed token with the time at which it was fetched.
    async fn keep(
        &self,
        holder: Holder,
        found: &FetchedToken,
        at: Timestamp,
    ) -> Result<(), CallError> {
        let text = format!("{} {}", at.as_millisecond(), found.token.expose());
        let sealed = self
            .seal()
            .seal(&zeroize::Zeroizing::new(text), &self.key.0)?;
        let kept = self.store.keep(self.key, holder, sealed, found.expires_at);
        if kept.await?.is_none() {
            // The lease had passed to another process. Its token is the same one, or works in parallel.
            log::info!("an access token was fetched too late to be stored");
        }
        Ok(())
    }

    fn open(&self, sealed: &Sealed, expires_at: Timestamp) -> Option<FetchedToken> {
        let text = self.seal().open(sealed, &self.key.0)?;
        let (fetched_at, token) = text.split_once(' ')?;
        let fetched_at = Timestamp::from_millisecond(fetched_at.parse().ok()?).ok()?;
        Some(FetchedToken::new(
            AccessTokenText::new(token),
            fetched_at,
            expires_at,
        ))
    }

    fn seal(&self) -> Seal {
        let secret = self.request.app.secret.expose().as_bytes();
        Seal::new(secret, b"weapp-login access token v1")
    }

    pub(super) fn app(&self) -> &AppCredentials {
        &self.request.app
    }

    /// Returns `true` if this is the rejected token.
    pub(super) fn is_rejected(&self, token: &AccessTokenText) -> bool {
        self.request.rejected.as_ref() == Some(token)
    }

    /// Returns the current time.
    pub(super) fn time(&self) -> Timestamp {
        later(self.request.now, self.started)
    }
}

impl FetchedToken {
    fn new(token: AccessTokenText, fetched_at: Timestamp, expires_at: Timestamp) -> Self {
        let in_time = expires_at
            .saturating_sub(RENEW_BEFORE)
            .unwrap_or(Timestamp::MIN);
        let at_least = plus(fetched_at, USE_FOR);
        Self {
            token,
            renew_at: in_time.max(at_least).min(expires_at),
            expires_at,
        }
    }

    /// Postpones the renewal.
    fn used_until(mut self, then: Timestamp) -> Self {
        self.renew_at = then.min(self.expires_at);
        self
    }
}

fn plus(time: Timestamp, span: Duration) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Returns a random pause, so that processes do not poll in step.
fn pause() -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    PAUSE.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}

/// Returns the time between two instants, at least 1 ms.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    let span = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    span.max(Duration::from_millis(1))
}

/// Returns the time that has been reached since it was `now`.
pub(super) fn later(now: Timestamp, started: Instant) -> Timestamp {
    now.saturating_add(started.elapsed())
        .unwrap_or(Timestamp::MAX)
}
