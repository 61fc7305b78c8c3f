//! A login whose answer was lost on the way gets the same answer again, for five minutes.
//!
//! Knows that the answer opens only with the code and the key together, and that only one of several alike asks WeChat.
//! Never knows how a key travels.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::apps::App;
use crate::login::Logins;
use crate::login::attempt::{Grant, LoginAttempt};
use crate::login::error::Error;
use crate::login::idempotency_key::IdempotencyKey;
use crate::login::waiting::{Pauses, to_its_end};
use crate::platforms::wechat;
use crate::session::{CryptoError, Seal, Sealed, Token};
use crate::store::{Claim, Claimed, Holder, LedgerKey};

/// How long an answer is kept: as long as WeChat would take the code.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Where one login's answer is kept, and what opens it.
struct Slip {
    key: LedgerKey,
    seal: Seal,
}

impl Slip {
    fn new(app: &App, code: &str, key: &IdempotencyKey) -> Self {
        let both = Zeroizing::new(format!("{}:{code}{}", code.len(), *key.0));
        Self {
            key: LedgerKey::of("login answer", &[app.id().as_str(), code, &key.0]),
            seal: Seal::new(both.as_bytes(), b"weapp-login login answer v1"),
        }
    }

    fn close(&self, grant: &Grant) -> Result<Sealed, CryptoError> {
        let text = Zeroizing::new(format!(
            "{} {} {}",
            grant.lifetime.as_secs(),
            grant.is_new,
            *grant.token.expose(),
        ));
        self.seal.seal(&text, &self.key.0)
    }

    /// The lifetime, whether the user is new, and the token. `None` if the answer was altered.
    fn open(&self, sealed: &Sealed) -> Option<(SignedDuration, bool, Token)> {
        let text = self.seal.open(sealed, &self.key.0)?;
        let mut parts = text.split(' ');
        let lifetime = SignedDuration::from_secs(parts.next()?.parse().ok()?);
        let is_new = parts.next()?.parse().ok()?;
        Some((lifetime, is_new, Token::parse(parts.next()?)?))
    }
}

impl Logins {
    /// [`Logins::log_in`], once for each code and key: whoever comes again with both within five minutes gets the same
    /// answer, and whoever comes meanwhile waits for it.
    ///
    /// Goes on when the caller stops waiting: a client that is gone is why there are answers to be repeated. A login that
    /// fails leaves nothing, so the next one asks WeChat again; if WeChat had used the code up before its answer was
    /// lost, it now says so, and only a new code helps.
    ///
    /// # Errors
    /// Those of [`Logins::log_in`]; [`Error::CodeUsed`] if the session of the answer has ended.
    pub async fn log_in_once(
        self: Arc<Self>,
        attempt: LoginAttempt,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        to_its_end(self.find_or_log_in(attempt, key, now)).await
    }

    async fn find_or_log_in(
        self: Arc<Self>,
        attempt: LoginAttempt,
        key: IdempotencyKey,
        start: Timestamp,
    ) -> Result<Grant, Error> {
        let slip = Slip::new(self.app_of(&attempt)?, attempt.code.expose(), &key);
        let (holder, clock) = (Holder::generate()?, Instant::now());
        let (mut stale, mut pauses) = (None, Pauses::new());
        loop {
            let waited = SignedDuration::try_from(clock.elapsed()).unwrap_or(SignedDuration::MAX);
            let now = start.saturating_add(waited).unwrap_or(Timestamp::MAX);
            let claim = Claim {
                key: slip.key,
                holder,
                now,
                until: now
                    .saturating_add(self.policy.time_limit)
                    .unwrap_or(Timestamp::MAX),
                stale,
            };
            match self.store.claim(claim).await? {
                Claimed::Yours => return self.log_in_and_keep(&attempt, &slip, holder, now).await,
                Claimed::Kept { value, version, .. } => match slip.open(&value) {
                    Some(answer) => return self.repeat(answer, now).await,
                    None => stale = Some(version),
                },
                Claimed::Held { .. } if waited < self.policy.time_limit => pauses.pause().await,
                Claimed::Held { .. } => return Err(Error::Platform(wechat::Error::TimedOut)),
            }
        }
    }

    async fn log_in_and_keep(
        &self,
        attempt: &LoginAttempt,
        slip: &Slip,
        holder: Holder,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let store = &self.store;
        let answer = self.log_in(attempt, now).await;
        // The login stands, whatever becomes of its copy.
        let noted = match &answer {
            Ok(grant) => {
                let expires_at = now.saturating_add(KEPT_FOR).unwrap_or(Timestamp::MAX);
                let kept = store.keep(slip.key, holder, slip.close(grant)?, expires_at);
                kept.await.map(|_version| ())
            }
            Err(_) => store.release(slip.key, holder).await,
        };
        if let Err(error) = noted {
            log::warn!("a login's answer could not be kept: {error}");
        }
        answer
    }

    async fn repeat(
        &self,
        (lifetime, is_new, token): (SignedDuration, bool, Token),
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let live = self.sessions.peek(&token, now).await?;
        let live = live.ok_or(Error::CodeUsed)?;
        Ok(Grant {
            token,
            lifetime,
            app: live.app().id().clone(),
            user: live.user().clone(),
            is_new,
        })
    }
}
