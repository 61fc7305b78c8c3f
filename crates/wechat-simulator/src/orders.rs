//! What a test orders of a running simulator as a whole: faults, limits, the time; and what it asks back.
//!
//! Knows the simulator's parts that are no app's.
//! Never knows HTTP, or how an order is carried out.

use std::time::Duration;

use super::asked::RecordedRequest;
use super::endpoint::Endpoint;
use super::faults::Fault;
use super::options::SessionKeyPolicy;
use super::quotas::Limits;
use super::{App, Simulator};

impl Simulator {
    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// Lets the fault befall the endpoint's next answer, or the first that no earlier order is about.
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.fail_times(endpoint, 1, fault);
    }

    /// Lets the fault befall so many of the endpoint's answers, after those that earlier orders are about; at most
    /// 1,000 may be waiting.
    pub fn fail_times(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        self.state.faults().queue(endpoint, count, &fault);
    }

    /// Lets the fault befall every answer of the endpoint that no order for a next answer is about, until cleared.
    pub fn fail_always(&self, endpoint: Endpoint, fault: Fault) {
        self.state.faults().set_permanent(endpoint, fault);
    }

    /// Takes back all orders about the endpoint; answers that are being delayed stay so.
    pub fn clear_faults(&self, endpoint: Endpoint) {
        self.state.faults().clear(endpoint);
    }

    /// Limits how often each app may call the endpoint; none puts back the limits of the start.
    pub fn set_limits(&self, endpoint: Endpoint, limits: Option<Limits>) {
        self.state.world().quotas.set_limits(endpoint, limits);
    }

    /// Lets there be one more app, in the place of one that has its AppID; false if there are a thousand already.
    pub fn add_app(&self, app: App) -> bool {
        self.state.world().add_app(app)
    }

    /// Forgets all that happened, and every fault and limit; the apps and the time stay.
    pub fn reset(&self) {
        self.state.reset();
    }

    /// When session keys change, and how long they live.
    pub fn session_key_policy(&self) -> SessionKeyPolicy {
        self.state.world().sessions.laws()
    }

    /// Lets session keys change and live so from now on.
    pub fn set_key_laws(&self, laws: SessionKeyPolicy) {
        self.state.world().sessions.go_by(laws);
    }

    /// The names of those who were described or spoken of to the control API, sorted.
    pub fn user_names(&self) -> Vec<String> {
        self.state.world().people.names()
    }

    /// Forgets what was asked.
    pub fn clear_requests(&self) {
        self.state.record().clear();
    }

    /// What was asked, oldest first, also what was answered by a fault; at most the last thousand requests.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.record().to_vec()
    }
}
