//! Lets calls through to WeChat, or not.
//!
//! Knows how many calls run at once, and the circuit of each app and endpoint, for all workers of the process.
//! Never knows what is sent or what comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::identity::AppId;
use crate::platforms::wechat::circuit::{Circuit, Leave, Limits};
use crate::platforms::wechat::endpoint::Endpoint;
use crate::platforms::wechat::error::Error;

/// Tells the time.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// The one gate of a process; clones are the same gate.
#[derive(Clone)]
pub(crate) struct Gate {
    limits: Limits,
    clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    running: HashMap<Endpoint, usize>,
    circuits: HashMap<(AppId, Endpoint), Circuit>,
}

impl Gate {
    pub(crate) fn new(limits: Limits, clock: Clock) -> Self {
        Self {
            limits,
            clock,
            state: Arc::default(),
        }
    }

    /// A new gate with other limits, or another clock.
    pub(crate) fn with(&self, limits: Option<Limits>, clock: Option<Clock>) -> Self {
        Self::new(
            limits.unwrap_or(self.limits),
            clock.unwrap_or_else(|| Arc::clone(&self.clock)),
        )
    }

    /// Makes a call if one may be made now, and takes note of how it ends. A call that is given up leaves nothing behind.
    pub(crate) async fn pass<T>(
        &self,
        app: &AppId,
        endpoint: Endpoint,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let passage = self.enter(app, endpoint)?;
        let outcome = call.await;
        passage.settle(outcome.as_ref().err());
        outcome
    }

    fn enter(&self, app: &AppId, endpoint: Endpoint) -> Result<Passage<'_>, Error> {
        let mut state = self.lock();
        let running = state.running.get(&endpoint).copied().unwrap_or_default();
        if running >= self.limits.calls_at_once {
            return Err(Error::Overloaded);
        }
        let key = (app.clone(), endpoint);
        let circuit = state.circuits.entry(key.clone()).or_default();
        let leave = circuit.admit((self.clock)())?;
        state.running.insert(endpoint, running + 1);
        drop(state);
        Ok(Passage {
            gate: self,
            key,
            leave,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing in here can be left half done.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A call that was let through.
struct Passage<'a> {
    gate: &'a Gate,
    key: (AppId, Endpoint),
    leave: Leave,
}

impl Passage<'_> {
    fn settle(mut self, failure: Option<&Error>) {
        let now = (self.gate.clock)();
        let limits = &self.gate.limits;
        if let Some(circuit) = self.gate.lock().circuits.get_mut(&self.key) {
            circuit.settle(self.leave, failure, limits, now);
        }
        self.leave = Leave::Ordinary;
    }
}

impl Drop for Passage<'_> {
    fn drop(&mut self) {
        let mut state = self.gate.lock();
        if let Some(running) = state.running.get_mut(&self.key.1) {
            *running = running.saturating_sub(1);
        }
        if self.leave == Leave::Probe
            && let Some(circuit) = state.circuits.get_mut(&self.key)
        {
            circuit.forget_probe();
        }
    }
}
