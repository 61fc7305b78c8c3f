//! Provides access tokens, and makes calls that need one.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::identity::AccessTokenText;
use crate::platforms::access_token::cache::{AccessTokenCache, Lookup};
use crate::platforms::access_token::fetch::TokenSource;
use crate::platforms::error::{CallError, Error};
use crate::platforms::platform::AppCredentials;
use crate::platforms::rejection::Reason;
use crate::time::plus;

/// Maximum number of fetches for which one caller waits.
const MAX_FETCHES: usize = 3;

/// Provides access tokens. Each worker has its own instance and its own connections; the cache is shared.
#[derive(Clone)]
pub struct AccessTokens {
    source: Arc<dyn TokenSource>,
    cache: Arc<AccessTokenCache>,
}

impl AccessTokens {
    /// Provides the tokens in the cache, and fetches missing ones from the source.
    pub fn new(source: Arc<dyn TokenSource>, cache: Arc<AccessTokenCache>) -> Self {
        Self { source, cache }
    }

    /// Returns the app's access token.
    ///
    /// Waits for the platform only if neither memory nor the store has a usable one. A token in its last five minutes is
    /// renewed; if that fails, or another process is renewing it, the old one is returned.
    ///
    /// # Errors
    /// [`CallError::Token`] if there is none and the platform returns none; [`CallError::Store`] if the store fails.
    pub async fn get(
        &self,
        app: &AppCredentials,
        now: Timestamp,
    ) -> Result<AccessTokenText, CallError> {
        self.obtain(app, None, now).await
    }

    /// Makes a call with a token. If the platform rejects the token, renews it and retries once.
    ///
    /// # Errors
    /// [`CallError::Call`] with the error of the call; any other if there is no token.
    pub async fn with_token<T>(
        &self,
        app: &AppCredentials,
        now: Timestamp,
        call: impl AsyncFn(&AccessTokenText) -> Result<T, Error>,
    ) -> Result<T, CallError> {
        let started = Instant::now();
        let token = self.get(app, now).await?;
        let rejected = match call(&token).await {
            Err(error) if error.reason() == Some(Reason::TokenInvalid) => error,
            outcome => return outcome.map_err(CallError::Call),
        };
        let later = plus(now, started.elapsed());
        let renewed = self.obtain(app, Some(&token), later).await?;
        // The platform may return the same token again: then the token is not the cause, and a retry cannot succeed.
        if renewed == token {
            return Err(CallError::Call(rejected));
        }
        call(&renewed).await.map_err(CallError::Call)
    }

    /// Returns a token. If one was rejected, it is another one that a caller has renewed meanwhile, or the platform's current one.
    async fn obtain(
        &self,
        app: &AppCredentials,
        rejected: Option<&AccessTokenText>,
        now: Timestamp,
    ) -> Result<AccessTokenText, CallError> {
        let started = Instant::now();
        for _ in 0..MAX_FETCHES {
            let at = plus(now, started.elapsed());
            let running = match self.cache.look_up(&self.source, app, rejected, at)? {
                Lookup::Cached(token) => return Ok(token),
                Lookup::Fetching(running) => running,
            };
            match running.outcome().await {
                // A fetch that started before the rejection may return the rejected token, and a fetch whose worker was
                // stopped returns nothing. Look again.
                Some(Ok(token)) if Some(&token) == rejected => {}
                None => {}
                Some(outcome) => return outcome,
            }
        }
        Err(CallError::Overdue)
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}
