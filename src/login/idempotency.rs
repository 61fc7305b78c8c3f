//! Idempotent logins: a repeated login returns the first one's result.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use zeroize::Zeroizing;

use crate::apps::App;
use crate::login::attempt::{Grant, LoginAttempt};
use crate::login::detached::detached;
use crate::login::error::Error;
use crate::login::idempotency_key::IdempotencyKey;
use crate::login::{Logins, settle};
use crate::session::Token;
use crate::store::once::{Once, Record, Turn, Verdict};
use crate::time::plus;

/// Time for which a login can be repeated: as long as the platform accepts the code.
const KEPT_FOR: SignedDuration = SignedDuration::from_mins(5);

/// Maximum number of attempts to store a result: if the store has just failed, it may fail once more.
const ATTEMPTS: usize = 3;

impl Logins {
    /// Like [`Logins::log_in`], but once for each code and key. A repeated login within five minutes returns the same
    /// grant, and a concurrent one waits for it.
    ///
    /// Continues when the caller stops waiting, because a repeated login usually means that the first client is gone. A
    /// failed login is not stored, so the next attempt sends the code to the platform again. If the platform had accepted
    /// the code before its response was lost, it now rejects it, and the client needs a new code. If the store failed, the
    /// session may exist, and the next attempt finds out.
    ///
    /// # Errors
    /// Those of [`Logins::log_in`]; [`Error::CodeUsed`] if the session of the stored grant has ended.
    pub async fn log_in_once(
        self: Arc<Self>,
        attempt: LoginAttempt,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        detached(self.find_or_log_in(attempt, key, now)).await
    }

    async fn find_or_log_in(
        self: Arc<Self>,
        attempt: LoginAttempt,
        key: IdempotencyKey,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let permit = self.admit(&attempt, false, now).await?;
        let outcome = self.find_or_exchange(&attempt, &key, now).await;
        settle(permit, outcome)
    }

    async fn find_or_exchange(
        &self,
        attempt: &LoginAttempt,
        key: &IdempotencyKey,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let record = record(self.app_of(attempt)?, attempt.code.expose(), key);
        let store = Arc::clone(&self.store);
        let once = Once::new(store, record, self.policy.time_limit, now)?;
        let turn = once.read_or_lease(|stored| {
            let stored = stored.text.and_then(StoredGrant::decode);
            stored.map_or(Verdict::Replace(None), Verdict::Use)
        });
        match turn.await? {
            Turn::Found(stored) => self.repeat(stored, once.now()).await,
            Turn::Leased { since, .. } => {
                let token = Token::generate()?;
                let result = self.exchange(attempt, token.clone(), since).await;
                match &result {
                    Ok(grant) => keep(&once, &token, grant.is_new, since).await,
                    // The next attempt waits for this, and the caller need not.
                    Err(Error::Store(_)) => drop(actix_rt::spawn(async move {
                        keep(&once, &token, false, since).await;
                    })),
                    Err(_) => once.release().await,
                }
                result
            }
        }
    }

    async fn repeat(&self, stored: StoredGrant, now: Timestamp) -> Result<Grant, Error> {
        let live = self.sessions.peek(&stored.token, now).await?;
        let live = live.ok_or(Error::CodeUsed)?;
        Ok(Grant {
            token: stored.token,
            expires_at: live.session().expires_at,
            ends_at: self.sessions.ends_at(live.session()),
            app: live.app().id().clone(),
            user: live.user().clone(),
            // A user whose login was in doubt is new if it was their first one.
            is_new: stored.is_new || live.user().created_at == live.session().created_at,
        })
    }
}

/// Stores the token of a login for repeated ones. The login succeeds even if this fails.
async fn keep(once: &Once, token: &Token, is_new: bool, now: Timestamp) {
    let expires_at = plus(now, KEPT_FOR);
    for _attempt in 0..ATTEMPTS {
        let Err(error) = once.keep(&encode(token, is_new), expires_at).await else {
            return;
        };
        log::warn!("the result of a login could not be stored: {error}");
    }
}

/// Returns the record of a login, sealed under the code and the idempotency key.
fn record(app: &App, code: &str, key: &IdempotencyKey) -> Record {
    let names = [app.id().as_str(), code, &key.0];
    Record::new("login answer", &names, &[code, &key.0])
}

/// The part of a [`Grant`] that the store does not have.
struct StoredGrant {
    is_new: bool,
    token: Token,
}

fn encode(token: &Token, is_new: bool) -> Zeroizing<String> {
    Zeroizing::new(format!("{is_new} {}", *token.expose()))
}

impl StoredGrant {
    fn decode(text: &str) -> Option<Self> {
        let mut parts = text.split(' ');
        Some(Self {
            is_new: parts.next()?.parse().ok()?,
            token: Token::parse(parts.next()?)?,
        })
    }
}
