//! The errand for a token: to the store, and to WeChat if nobody else is on the way there.
//!
//! Knows how a token lies in the store, when it is due to be renewed, and how long to wait for another process.
//! Never knows who waits for the token.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::{Instant, sleep};

use super::{Error, later};
use crate::identity::AccessTokenText;
use crate::platforms::wechat;
use crate::session::{Seal, Sealed};
use crate::store::{Claim, Claimed, Holder, LedgerKey, Store};

/// How long before its end a token is renewed: in its last five minutes WeChat gives a new one, and the old one still works.
///
/// Source: [getStableAccessToken](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/mp-access-token/getStableAccessToken.html),
/// read 2026-11-23.
const RENEW_BEFORE: SignedDuration = SignedDuration::from_mins(5);

/// How long a token is used before it is renewed, even if WeChat gives it with five minutes left or less; and how long it
/// is used after a renewal has failed. Our choice: it bounds how often WeChat is asked.
const USE_FOR: Duration = Duration::from_secs(10);

/// How long an old token is used while another process renews it, before the store is asked again. Our choice.
const USE_MEANWHILE: Duration = Duration::from_secs(1);

/// How often the store is asked whether another process has fetched the token: somewhere between half of this and one and a
/// half. Our choice: unnoticed by a person, and twenty cheap reads a second at most.
const PAUSE: Duration = Duration::from_millis(100);

/// One way to the store and back.
pub(super) struct Errand {
    store: Arc<dyn Store>,
    wechat: wechat::Client,
    lease: Duration,
    order: Order,
    key: LedgerKey,
    started: Instant,
}

/// What an errand is for.
pub(super) struct Order {
    pub(super) app: wechat::App,
    /// The token that is to be replaced.
    pub(super) refused: Option<AccessTokenText>,
    pub(super) now: Timestamp,
}

/// A token, and when to look for another.
#[derive(Clone)]
pub(super) struct Found {
    pub(super) token: AccessTokenText,
    pub(super) renew_at: Timestamp,
    expires_at: Timestamp,
}

impl Errand {
    pub(super) fn new(
        store: Arc<dyn Store>,
        wechat: wechat::Client,
        lease: Duration,
        order: Order,
    ) -> Self {
        Self {
            key: LedgerKey::of("access token", &["wechat", order.app.id.as_str()]),
            started: Instant::now(),
            store,
            wechat,
            lease,
            order,
        }
    }

    /// Brings the kept token if it will do, and else fetches one; waits while another process does that.
    pub(super) async fn run(&self) -> Result<Found, Error> {
        let holder = Holder::generate()?;
        // A process that dies in the middle lets us wait for one lease; so may the next one. Then it is no accident.
        let give_up_at = plus(self.order.now, self.lease.saturating_mul(2));
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
                    // What was sealed under another AppSecret is as good as none.
                    let found = self.open(&value, expires_at);
                    let found = found.filter(|found| !self.is_refused(&found.token));
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
        Err(Error::Overdue)
    }

    /// Fetches a token on behalf of all processes. The spare one is what they have if WeChat gives none.
    async fn fetch(&self, holder: Holder, spare: Option<Found>) -> Result<Found, Error> {
        let asked_at = self.time();
        let error = match self.wechat.stable_access_token(&self.order.app).await {
            Ok(fresh) => {
                let found = Found::new(fresh.token, asked_at, plus(asked_at, fresh.expires_in));
                log::info!(
                    "fetched an access token of {}: {} s are left to it",
                    self.order.app.id,
                    fresh.expires_in.as_secs()
                );
                if let Err(error) = self.keep(holder, &found, asked_at).await {
                    log::warn!("an access token could not be kept for others: {error}");
                }
                return Ok(found);
            }
            Err(error) => error,
        };
        if let Err(error) = self.store.release(self.key, holder).await {
            log::warn!("the claim on an access token could not be released: {error}");
        }
        match spare.filter(|spare| self.time() < spare.expires_at) {
            Some(spare) => {
                log::warn!("the old access token is used, for there is no new one: {error}");
                Ok(spare.used_until(plus(self.time(), USE_FOR)))
            }
            None => Err(Error::Fetch(error)),
        }
    }

    /// Seals the token for the store, with the time at which it was fetched before it.
    async fn keep(&self, holder: Holder, found: &Found, at: Timestamp) -> Result<(), Error> {
        let text = format!("{} {}", at.as_millisecond(), found.token.expose());
        let sealed = self
            .seal()
            .seal(&zeroize::Zeroizing::new(text), &self.key.0)?;
        let kept = self.store.keep(self.key, holder, sealed, found.expires_at);
        if kept.await?.is_none() {
            // It was somebody else's turn by then; what they fetch is the same, or works beside it.
            log::info!("an access token came too late to be kept");
        }
        Ok(())
    }

    fn open(&self, sealed: &Sealed, expires_at: Timestamp) -> Option<Found> {
        let text = self.seal().open(sealed, &self.key.0)?;
        let (fetched_at, token) = text.split_once(' ')?;
        let fetched_at = Timestamp::from_millisecond(fetched_at.parse().ok()?).ok()?;
        Some(Found::new(
            AccessTokenText::new(token),
            fetched_at,
            expires_at,
        ))
    }

    fn seal(&self) -> Seal {
        let secret = self.order.app.secret.expose().as_bytes();
        Seal::new(secret, b"weapp-login access token v1")
    }

    pub(super) fn app(&self) -> &wechat::App {
        &self.order.app
    }

    /// Whether this is the token that somebody set out to replace.
    pub(super) fn is_refused(&self, token: &AccessTokenText) -> bool {
        self.order.refused.as_ref() == Some(token)
    }

    /// What time it is by now.
    pub(super) fn time(&self) -> Timestamp {
        later(self.order.now, self.started)
    }
}

impl Found {
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

    /// The same, to be used until then although it is due.
    fn used_until(mut self, then: Timestamp) -> Self {
        self.renew_at = then.min(self.expires_at);
        self
    }
}

fn plus(time: Timestamp, span: Duration) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// A pause that differs from process to process.
fn pause() -> Duration {
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    PAUSE.mul_f64(0.5 + f64::from(random) / f64::from(u32::MAX))
}

/// The time from one to the other; a moment if there is none.
fn span(from: Timestamp, to: Timestamp) -> Duration {
    let span = Duration::try_from(to.duration_since(from)).unwrap_or_default();
    span.max(Duration::from_millis(1))
}
