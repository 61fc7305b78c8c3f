//! Limits the calls in flight per endpoint, and keeps a circuit breaker per app and endpoint, for the whole process.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::identity::AppId;
use crate::platforms::circuit::{Circuit, Limits, Permit};
use crate::platforms::error::Error;

/// A source of the current time, which tests replace.
pub(crate) type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Admits or rejects calls. Clones share their state.
#[derive(Clone)]
pub(crate) struct Limiter {
    pub(crate) limits: Limits,
    pub(crate) clock: Clock,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    in_flight: HashMap<&'static str, usize>,
    circuits: HashMap<(AppId, &'static str), Circuit>,
}

impl Limiter {
    pub(crate) fn new(limits: Limits, clock: Clock) -> Self {
        Self {
            limits,
            clock,
            state: Arc::default(),
        }
    }

    /// Runs a call if one is admitted now, and records its outcome. A cancelled call leaves no trace.
    pub(crate) async fn run<T>(
        &self,
        app: &AppId,
        endpoint: &'static str,
        call: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let admitted = self.admit(app, endpoint)?;
        let outcome = call.await;
        admitted.record(outcome.as_ref().err());
        outcome
    }

    fn admit(&self, app: &AppId, endpoint: &'static str) -> Result<Admitted<'_>, Error> {
        let mut state = self.lock();
        let in_flight = state.in_flight.get(endpoint).copied().unwrap_or_default();
        if in_flight >= self.limits.calls_in_flight {
            return Err(Error::Overloaded);
        }
        let key = (app.clone(), endpoint);
        let circuit = state.circuits.entry(key.clone()).or_default();
        let permit = circuit.admit((self.clock)())?;
        state.in_flight.insert(endpoint, in_flight + 1);
        drop(state);
        Ok(Admitted {
            limiter: self,
            key,
            permit,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // The state is consistent at every point where a panic could happen.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An admitted call. Dropping it releases its place.
struct Admitted<'a> {
    limiter: &'a Limiter,
    key: (AppId, &'static str),
    permit: Permit,
}

impl Admitted<'_> {
    fn record(mut self, failure: Option<&Error>) {
        let now = (self.limiter.clock)();
        let limits = &self.limiter.limits;
        if let Some(circuit) = self.limiter.lock().circuits.get_mut(&self.key) {
            circuit.record(self.permit, failure, limits, now);
        }
        self.permit = Permit::Ordinary;
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        let mut state = self.limiter.lock();
        if let Some(in_flight) = state.in_flight.get_mut(self.key.1) {
            *in_flight = in_flight.saturating_sub(1);
        }
        if self.permit == Permit::Probe
            && let Some(circuit) = state.circuits.get_mut(&self.key)
        {
            circuit.cancel_probe();
        }
    }
}
