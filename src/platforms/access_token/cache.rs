//! The access tokens in a process's memory, and the background fetches that all callers share.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use crate::current_request;
use crate::identity::{AccessTokenText, AppId};
use crate::platforms::access_token::fetch::{Fetch, FetchedToken, TokenRequest, TokenSource};
use crate::platforms::error::CallError;
use crate::platforms::platform::AppCredentials;
use crate::session::CryptoError;
use crate::store::Store;

/// Time for which a token is served from memory before the store is read again.
///
/// Source: [AccessToken](https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html), read 2026-11-23.
const CACHED_FOR: SignedDuration = SignedDuration::from_mins(1);

/// Time by which the lease of a fetch exceeds the limit of a call. Our choice: enough to store the token.
const LEASE_BEYOND_CALL: Duration = Duration::from_secs(1);

/// Time for which a rejected token counts as valid after the platform returned it again. Our choice: during
/// that time, a rejection with another cause triggers no fetch.
const CONFIRMED_FOR: SignedDuration = SignedDuration::from_secs(10);

/// The access tokens of a process, shared by all workers.
pub struct AccessTokenCache {
    store: Arc<dyn Store>,
    lease: Duration,
    slots: Mutex<HashMap<AppId, Slot>>,
}

/// The token of one app.
#[derive(Default)]
struct Slot {
    last: Option<Last>,
    running: Option<Running>,
}

/// The result of the last fetch.
struct Last {
    token: FetchedToken,
    at: Timestamp,
    /// Set if the platform returned this token although a call with it had been rejected.
    is_confirmed: bool,
}

/// The result of a lookup.
pub(super) enum Lookup {
    Cached(AccessTokenText),
    Fetching(Running),
}

/// A fetch in progress. It continues when its callers stop waiting.
#[derive(Clone)]
pub(super) struct Running(watch::Receiver<Option<Outcome>>);

type Outcome = Result<AccessTokenText, CallError>;

impl AccessTokenCache {
    /// Creates an empty cache in front of the store.
    ///
    /// `call_limit` is the time limit of a call to the platform. A process that dies during a fetch blocks other processes'
    /// fetches for one second longer than that.
    pub fn new(store: Arc<dyn Store>, call_limit: Duration) -> Self {
        Self {
            store,
            lease: call_limit.saturating_add(LEASE_BEYOND_CALL),
            slots: Mutex::default(),
        }
    }

    /// Returns the token if a usable one is cached; otherwise the fetch in progress, which is started if there is none.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system returns no random bytes for a new fetch.
    pub(super) fn look_up(
        self: &Arc<Self>,
        source: &Arc<dyn TokenSource>,
        app: &AppCredentials,
        rejected: Option<&AccessTokenText>,
        at: Timestamp,
    ) -> Result<Lookup, CryptoError> {
        let mut slots = self.lock();
        let slot = slots.entry(app.id.clone()).or_default();
        if let Some(last) = &slot.last
            && last.is_usable(rejected, at)
        {
            return Ok(Lookup::Cached(last.token.token.clone()));
        }
        if let Some(running) = slot.running.as_ref().filter(|running| running.is_alive()) {
            return Ok(Lookup::Fetching(running.clone()));
        }
        let request = TokenRequest {
            app: app.clone(),
            rejected: rejected.cloned(),
            now: at,
        };
        let (store, source) = (Arc::clone(&self.store), Arc::clone(source));
        let fetch = Fetch::new(store, source, self.lease, request)?;
        let (sender, receiver) = watch::channel(None);
        let running = Running(receiver);
        slot.running = Some(running.clone());
        drop(slots);
        let run = Arc::clone(self).run(fetch, sender);
        drop(tokio::spawn(current_request::within(
            current_request::id(),
            run,
        )));
        Ok(Lookup::Fetching(running))
    }

    /// Runs a fetch to completion, even if no caller waits for it any more.
    async fn run(self: Arc<Self>, fetch: Fetch, sender: watch::Sender<Option<Outcome>>) {
        let outcome = fetch.run().await;
        let result = outcome.clone().map(|fetched| fetched.token);
        if let Some(slot) = self.lock().get_mut(&fetch.request.app.id) {
            slot.running = None;
            if let Ok(token) = outcome {
                slot.last = Some(Last {
                    is_confirmed: fetch.is_rejected(&token.token),
                    at: fetch.time(),
                    token,
                });
            }
        }
        sender.send_replace(Some(result));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Slot>> {
        // The state is consistent at every point where a panic could happen.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    fn is_usable(&self, rejected: Option<&AccessTokenText>, at: Timestamp) -> bool {
        // Callers read their clocks at slightly different moments, so `at` may be a little before `self.at`.
        let age = at.duration_since(self.at).abs();
        let is_rejected = rejected == Some(&self.token.token);
        let is_valid = !is_rejected || (self.is_confirmed && age < CONFIRMED_FOR);
        is_valid && age < CACHED_FOR && at < self.token.renew_at
    }
}

impl Running {
    /// Waits for the result; `None` if the fetch was aborted.
    pub(super) async fn outcome(mut self) -> Option<Outcome> {
        let result = self.0.wait_for(Option::is_some).await.ok()?;
        (*result).clone()
    }

    fn is_alive(&self) -> bool {
        self.0.has_changed().is_ok()
    }
}

impl fmt::Debug for AccessTokenCache {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessTokenCache")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
