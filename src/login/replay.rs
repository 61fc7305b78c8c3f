//! A login whose answer was lost on the way gets the same answer again, for five minutes.
//!
//! Knows that the answer opens only with the code and the key together, and that only one of several alike asks WeChat.
//! Never knows how a key travels.

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;
use zeroize::Zeroizing;

use crate::login::{App, Attempt, Error, Grant, Logins, Pauses, to_its_end};
use crate::platforms::wechat;
use crate::session::{CryptoError, Seal, Sealed, Token};
use crate::store::{Claim, Claimed, Holder, LedgerKey};

/// How long an answer is kept: as long as WeChat would take the code.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// The longest key, in bytes.
const MAX_KEY_BYTES: usize = 255;

/// What a client sends along with a login, and again when it repeats it: 1 to 255 visible ASCII characters.
#[derive(Clone)]
pub struct IdempotencyKey(Zeroizing<String>);

/// An idempotency key that is empty, too long, or has characters that it may not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an idempotency key has 1 to {MAX_KEY_BYTES} visible ASCII characters")]
pub struct MalformedKey;

impl IdempotencyKey {
    /// Takes bytes for a key.
    ///
    /// # Errors
    /// [`MalformedKey`] if they cannot be one.
    pub fn parse(bytes: &[u8]) -> Result<Self, MalformedKey> {
        let sound =
            (1..=MAX_KEY_BYTES).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_graphic);
        match std::str::from_utf8(bytes) {
            Ok(text) if sound => Ok(Self(Zeroizing::new(text.to_owned()))),
            Ok(_) | Err(_) => Err(MalformedKey),
        }
    }
}

impl fmt::Debug for IdempotencyKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdempotencyKey(***)")
    }
}

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
        attempt: Attempt,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        to_its_end(self.find_or_log_in(attempt, key, now)).await
    }

    async fn find_or_log_in(
        self: Arc<Self>,
        attempt: Attempt,
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
                    .saturating_add(self.rules.patience)
                    .unwrap_or(Timestamp::MAX),
                stale,
            };
            match self.sessions.store.claim(claim).await? {
                Claimed::Yours => return self.log_in_and_keep(&attempt, &slip, holder, now).await,
                Claimed::Kept { value, version, .. } => match slip.open(&value) {
                    Some(answer) => return self.repeat(answer, now).await,
                    None => stale = Some(version),
                },
                Claimed::Held { .. } if waited < self.rules.patience => pauses.pause().await,
                Claimed::Held { .. } => return Err(Error::Wechat(wechat::Error::TimedOut)),
            }
        }
    }

    async fn log_in_and_keep(
        &self,
        attempt: &Attempt,
        slip: &Slip,
        holder: Holder,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let store = &self.sessions.store;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_visible_and_bounded() {
        for good in ["k", "0b5f-…".trim_end_matches('…'), &"x".repeat(255)] {
            assert!(IdempotencyKey::parse(good.as_bytes()).is_ok(), "{good}");
        }
        for bad in ["", "a b", "a\tb", "é", "\u{7f}", &"x".repeat(256)] {
            assert!(IdempotencyKey::parse(bad.as_bytes()).is_err(), "{bad:?}");
        }
    }
}
