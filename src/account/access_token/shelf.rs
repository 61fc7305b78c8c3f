//! What a process holds in memory: each mini program's token for a moment, and the errand that is out for another.
//!
//! Knows that one errand is enough for all who ask, and that it belongs to none of them.
//! Never knows what an errand does.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::sync::watch;

use super::Error;
use super::errand::{Errand, Found, Order};
use crate::identity::{AccessTokenText, AppId};
use crate::platforms::wechat;
use crate::store::Store;

/// How long a token is given from memory before the store is asked whether there is another.
///
/// Source: [AccessToken](https://developers.weixin.qq.com/doc/oplatform/developers/dev/AccessToken.html), read 2026-11-23.
const MEMORY: SignedDuration = SignedDuration::from_mins(1);

/// How much longer than a call to WeChat the lease on the fetching is. Our choice: enough to keep what the call brought.
const LEASE_BEYOND_CALL: Duration = Duration::from_secs(1);

/// How long it is believed that a refused token is the right one, after WeChat gave it once more. Our choice: so long does
/// a refusal that has another cause not make us ask for tokens again.
const VOUCHED: SignedDuration = SignedDuration::from_secs(10);

/// The access tokens of a process: made once, shared by all workers.
pub struct Shelf {
    store: Arc<dyn Store>,
    lease: Duration,
    slots: Mutex<HashMap<AppId, Slot>>,
}

/// One mini program's.
#[derive(Default)]
struct Slot {
    last: Option<Last>,
    running: Option<Running>,
}

/// What the last errand brought.
struct Last {
    found: Found,
    at: Timestamp,
    /// Whether WeChat gave it although this very token had been refused.
    is_vouched: bool,
}

/// Where a token is.
pub(super) enum Place {
    There(AccessTokenText),
    OnItsWay(Running),
}

/// An errand that is out. Whoever looks away does not stop it.
#[derive(Clone)]
pub(super) struct Running(watch::Receiver<Option<Outcome>>);

type Outcome = Result<AccessTokenText, Error>;

impl Shelf {
    /// An empty shelf in front of this store.
    ///
    /// `call_limit` is the longest that a call to WeChat may take, as in [`wechat::Config::new`]. A process that dies while
    /// it fetches a token keeps other processes from it for a second longer than that.
    pub fn new(store: Arc<dyn Store>, call_limit: Duration) -> Self {
        Self {
            store,
            lease: call_limit.saturating_add(LEASE_BEYOND_CALL),
            slots: Mutex::default(),
        }
    }

    /// The token, if there is one that will do; else the errand for it, which sets off now if none is out.
    pub(super) fn look(
        self: &Arc<Self>,
        wechat: &wechat::Client,
        app: &wechat::App,
        refused: Option<&AccessTokenText>,
        at: Timestamp,
    ) -> Place {
        let mut slots = self.lock();
        let slot = slots.entry(app.id.clone()).or_default();
        if let Some(last) = slot.last.as_ref().filter(|last| last.will_do(refused, at)) {
            return Place::There(last.found.token.clone());
        }
        if let Some(running) = slot.running.as_ref().filter(|running| running.is_alive()) {
            return Place::OnItsWay(running.clone());
        }
        let (tell, told) = watch::channel(None);
        let running = Running(told);
        slot.running = Some(running.clone());
        drop(slots);
        let order = Order {
            app: app.clone(),
            refused: refused.cloned(),
            now: at,
        };
        let errand = Errand::new(Arc::clone(&self.store), wechat.clone(), self.lease, order);
        drop(tokio::spawn(Arc::clone(self).run(errand, tell)));
        Place::OnItsWay(running)
    }

    /// Runs an errand to its end, whoever still waits for it.
    async fn run(self: Arc<Self>, errand: Errand, tell: watch::Sender<Option<Outcome>>) {
        let outcome = errand.run().await;
        let told = match &outcome {
            Ok(found) => Ok(found.token.clone()),
            Err(error) => Err(error.clone()),
        };
        if let Some(slot) = self.lock().get_mut(&errand.app().id) {
            slot.running = None;
            if let Ok(found) = outcome {
                slot.last = Some(Last {
                    is_vouched: errand.is_refused(&found.token),
                    at: errand.time(),
                    found,
                });
            }
        }
        tell.send_replace(Some(told));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<AppId, Slot>> {
        // Nothing in here can be left half done.
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Last {
    fn will_do(&self, refused: Option<&AccessTokenText>, at: Timestamp) -> bool {
        // Callers' clocks were read at slightly different moments, so a little before counts as a little after.
        let age = at.duration_since(self.at).abs();
        let is_refused = refused == Some(&self.found.token);
        let is_believed = !is_refused || (self.is_vouched && age < VOUCHED);
        is_believed && age < MEMORY && at < self.found.renew_at
    }
}

impl Running {
    /// What the errand brought; nothing if it was cut off.
    pub(super) async fn outcome(mut self) -> Option<Outcome> {
        let told = self.0.wait_for(Option::is_some).await.ok()?;
        (*told).clone()
    }

    fn is_alive(&self) -> bool {
        self.0.has_changed().is_ok()
    }
}

impl fmt::Debug for Shelf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shelf")
            .field("lease", &self.lease)
            .finish_non_exhaustive()
    }
}
