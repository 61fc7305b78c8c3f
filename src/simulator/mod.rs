//! A faithful little `api.weixin.qq.com` on a real loopback socket, for tests and for development without an AppID.
//!
//! Knows what WeChat's documentation says it answers, and nothing else of this crate.
//! Never knows the client that asks it: the two share no struct, so that neither copies the other's mistakes.
//!
//! One more endpoint is one more file like `code2session`, a variant of [`Endpoint`] and an arm in `server`.
//! It logs nobody's code, key or secret; its own log lines are about its socket alone.

mod asked;
mod clock;
mod code2session;
mod codes;
mod faults;
mod identifiers;
mod in_app;
mod options;
mod refusal;
mod server;
#[cfg(test)]
mod tests;
mod user;
mod world;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use actix_web::dev::ServerHandle;

pub use asked::{Asked, Endpoint};
pub use clock::Clock;
pub use faults::Fault;
pub use in_app::InApp;
pub use options::{App, Exposure, Options};
pub use user::MOCK_USER;

use server::State;
use world::{Laws, World};

/// A running simulator. It stops when it is dropped.
pub struct Simulator {
    address: SocketAddr,
    first: Arc<App>,
    state: Arc<State>,
    server: ServerHandle,
}

/// Why a simulator did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// It was to be reachable from other machines, and nobody said that it may.
    #[error(
        "the WeChat simulator logs in anybody, so it does not listen on `{0}`, which other machines can reach\n  \
         hint: listen on 127.0.0.1, or allow it with `Exposure::Network`"
    )]
    Exposed(SocketAddr),
    /// There is no app to log in to.
    #[error("the WeChat simulator needs at least one app")]
    NoApp,
    /// The address cannot be had.
    #[error("the WeChat simulator cannot listen on `{address}`")]
    Listen {
        /// The address that was asked for.
        address: SocketAddr,
        /// What the system says.
        #[source]
        cause: io::Error,
    },
    /// The socket is there, but not the threads behind it.
    #[error("the WeChat simulator cannot start its threads")]
    Threads(#[source] io::Error),
}

impl Simulator {
    /// Starts to listen and to answer; when this returns, the first request may come.
    ///
    /// # Errors
    /// [`StartError::Exposed`] and [`StartError::NoApp`] if the options ask for what is not given;
    /// [`StartError::Listen`] if the port is taken; [`StartError::Threads`] if the machine is at its limits.
    pub async fn start(options: Options) -> Result<Self, StartError> {
        let address = options.listen;
        let loopback = address.ip().to_canonical().is_loopback();
        if options.exposure == Exposure::Loopback && !loopback {
            return Err(StartError::Exposed(address));
        }
        let apps: Vec<Arc<App>> = options.apps.into_iter().map(Arc::new).collect();
        let first = apps.first().map(Arc::clone).ok_or(StartError::NoApp)?;
        let refused = |cause| StartError::Listen { address, cause };
        let listener = TcpListener::bind(address).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let laws = Laws {
            seed: options.seed,
            key_rotation_percent: options.key_rotation_percent,
            calls_per_minute: options.calls_per_minute,
        };
        let state = Arc::new(State::new(options.clock, World::new(laws, apps)));
        let server = server::start(listener, Arc::clone(&state))
            .await
            .map_err(StartError::Threads)?;
        Ok(Self {
            address,
            first,
            state,
            server,
        })
    }

    /// Stops, and returns when the port is free. Requests that still wait for an answer get none.
    pub async fn stop(self) {
        self.server.stop(false).await;
    }

    /// What stands before an endpoint's path, as `http://127.0.0.1:49152`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The first app's AppID.
    pub fn app_id(&self) -> &str {
        &self.first.id
    }

    /// The first app's AppSecret.
    pub fn app_secret(&self) -> &str {
        &self.first.secret
    }

    /// Gives the user of that name a code for the first app, as `wx.login` would: good once, for five minutes.
    pub fn issue_code(&self, user: &str) -> String {
        self.in_first_app().issue_code(user)
    }

    /// The openid of the user of that name in the first app.
    pub fn openid(&self, user: &str) -> String {
        self.in_first_app().openid(user)
    }

    /// The unionid of the user of that name, if the first app is bound to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        self.in_first_app().unionid(user)
    }

    /// The session key that is current for the user of that name in the first app; none before the first login.
    pub fn session_key(&self, user: &str) -> Option<String> {
        self.in_first_app().session_key(user)
    }

    /// The same four questions about another app; nothing if there is no such app.
    pub fn in_app(&self, app_id: &str) -> Option<InApp<'_>> {
        let app = self.state.world().app(app_id)?;
        Some(InApp {
            state: &self.state,
            app,
        })
    }

    /// Refuses the user of that name from now on, in every app: 40226.
    pub fn block(&self, user: &str) {
        self.state.world().block(user);
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.state.clock.advance(by);
    }

    /// Lets the fault befall the endpoint's next answer, or the first that no earlier order is about.
    pub fn next_answer(&self, endpoint: Endpoint, fault: Fault) {
        self.next_answers(endpoint, 1, fault);
    }

    /// Lets the fault befall so many of the endpoint's answers, after those that earlier orders are about.
    pub fn next_answers(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        self.state.faults().queue(endpoint, count, &fault);
    }

    /// Lets the fault befall every answer of the endpoint that no order for a next answer is about, until cleared.
    pub fn every_answer(&self, endpoint: Endpoint, fault: Fault) {
        self.state.faults().stand(endpoint, fault);
    }

    /// Takes back all orders about the endpoint; answers that are being delayed stay so.
    pub fn clear_faults(&self, endpoint: Endpoint) {
        self.state.faults().clear(endpoint);
    }

    /// What was asked, oldest first, also what was answered by a fault; at most the last thousand requests.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.record().to_vec()
    }

    fn in_first_app(&self) -> InApp<'_> {
        InApp {
            state: &self.state,
            app: Arc::clone(&self.first),
        }
    }
}

impl Drop for Simulator {
    fn drop(&mut self) {
        // The order is on its way when the call returns; to wait is for those who `stop`.
        drop(self.server.stop(false));
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
