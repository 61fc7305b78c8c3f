//! Access tokens: one for each mini program, fetched when first needed, renewed in time, and by one at a time.
//!
//! Knows when a token is asked for anew, and that nobody is renewed twice for one refusal. Time is an argument.
//! Never knows how a token is fetched, or what it is used for; never forces WeChat to give another.
//!
//! A token is looked for in three places: in memory, for up to a minute; in the store, where it lies sealed for all
//! processes; and at WeChat. The last two are one errand, of which a process runs one at a time for each mini program.

mod errand;
mod shelf;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::identity::AccessTokenText;
use crate::platforms::wechat;
use crate::session::CryptoError;
use crate::store;

use shelf::Place;
pub use shelf::Shelf;

/// How many errands one caller waits for.
const ERRANDS: usize = 3;

/// Gives access tokens.
///
/// Each worker has its own, because each has its own connections to WeChat; the shelf behind them is one.
#[derive(Clone)]
pub struct AccessTokens {
    wechat: wechat::Client,
    shelf: Arc<Shelf>,
}

/// Why there is no token, or no answer to the call that took one.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// WeChat gave no token. The call was not made.
    #[error("could not get an access token from WeChat")]
    Fetch(#[source] wechat::Error),
    /// WeChat did not do what the token was for.
    #[error("WeChat did not do what it was asked")]
    Call(#[source] wechat::Error),
    /// The store gave no answer.
    #[error("could not reach the kept access token")]
    Store(#[from] store::Error),
    /// There were no random bytes.
    #[error("could not claim the access token")]
    Crypto(#[from] CryptoError),
    /// Other processes have been fetching the token for longer than they may, or those of this one were cut off.
    #[error("whoever was fetching the access token has not done so in time")]
    Overdue,
}

impl AccessTokens {
    /// Gives tokens off this shelf, and fetches those that are missing with a client of this worker's own.
    pub fn new(wechat: wechat::Client, shelf: Arc<Shelf>) -> Self {
        Self { wechat, shelf }
    }

    /// The mini program's access token, with some minutes left to it.
    ///
    /// Waits for WeChat only if neither memory nor store has one that will do. A token in its last five minutes is renewed;
    /// if that fails, or another process is about it, it is given as it is.
    ///
    /// # Errors
    /// [`Error::Fetch`] if there is none and WeChat gives none; [`Error::Store`] if the store fails.
    pub async fn get(&self, app: &wechat::App, now: Timestamp) -> Result<AccessTokenText, Error> {
        self.obtain(app, None, now).await
    }

    /// Another token than the one that was used and refused: the one that somebody else has renewed meanwhile, else a new
    /// one.
    ///
    /// It may be the same again, if WeChat says so: then it is not to blame, and asking once more is of no use.
    ///
    /// # Errors
    /// As [`AccessTokens::get`].
    pub async fn renew(
        &self,
        app: &wechat::App,
        used: &AccessTokenText,
        now: Timestamp,
    ) -> Result<AccessTokenText, Error> {
        self.obtain(app, Some(used), now).await
    }

    /// Makes a call to WeChat that takes a token; if WeChat refuses the token, renews it and makes the call again, once.
    ///
    /// # Errors
    /// [`Error::Call`] with what the call failed by; any other if there is no token.
    pub async fn with_token<T>(
        &self,
        app: &wechat::App,
        now: Timestamp,
        call: impl AsyncFn(&AccessTokenText) -> Result<T, wechat::Error>,
    ) -> Result<T, Error> {
        let started = Instant::now();
        let token = self.get(app, now).await?;
        let refused = match call(&token).await {
            Err(error) if error.is_token_refused() => error,
            outcome => return outcome.map_err(Error::Call),
        };
        let renewed = self.renew(app, &token, later(now, started)).await?;
        if renewed == token {
            return Err(Error::Call(refused));
        }
        call(&renewed).await.map_err(Error::Call)
    }

    /// The client to make such a call with: this worker's.
    pub(super) fn wechat(&self) -> &wechat::Client {
        &self.wechat
    }

    async fn obtain(
        &self,
        app: &wechat::App,
        refused: Option<&AccessTokenText>,
        now: Timestamp,
    ) -> Result<AccessTokenText, Error> {
        let started = Instant::now();
        for _ in 0..ERRANDS {
            let at = later(now, started);
            let running = match self.shelf.look(&self.wechat, app, refused, at) {
                Place::There(token) => return Ok(token),
                Place::OnItsWay(running) => running,
            };
            match running.outcome().await {
                // An errand that knew of no refusal may bring the very token that was refused; and an errand that was cut
                // off, because the worker that ran it is gone, brings nothing. The next look tells.
                Some(Ok(token)) if Some(&token) == refused => {}
                None => {}
                Some(outcome) => return outcome,
            }
        }
        Err(Error::Overdue)
    }
}

impl fmt::Debug for AccessTokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokens").finish_non_exhaustive()
    }
}

/// What time it has become since it was `now`.
fn later(now: Timestamp, started: Instant) -> Timestamp {
    now.saturating_add(started.elapsed())
        .unwrap_or(Timestamp::MAX)
}
