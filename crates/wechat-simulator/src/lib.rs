//! A faithful little `api.weixin.qq.com` on a real loopback socket, for tests and for development without an AppID.
//!
//! Knows what WeChat's documentation says it answers, and nothing else of this crate.
//! Never knows the client that asks it: the two share no struct, so that neither copies the other's mistakes.
//!
//! One more endpoint is one more file in `endpoints`, a variant of [`Endpoint`] and an arm in `endpoints/mod.rs`.
//! It logs nobody's code, key or secret; its own log lines are about its socket alone.

mod app_handle;
mod asked;
mod clock;
mod codes;
mod control;
mod encrypt_keys;
mod encryption;
mod endpoint;
mod endpoints;
mod faults;
mod identifiers;
mod masked;
mod mint;
mod misbehaviour;
mod options;
mod orders;
mod payload;
mod payments;
mod people;
mod phone_data;
mod quotas;
mod recent;
mod refusal;
mod rids;
mod server;
mod sessions;
mod state;
#[cfg(test)]
mod tests;
mod tokens;
mod user;
mod world;

use std::fmt;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use actix_web::dev::ServerHandle;
use socket2::SockRef;

pub use app_handle::AppHandle;
pub use asked::RecordedRequest;
pub use clock::Clock;
pub use encrypt_keys::EncryptKey;
pub use endpoint::Endpoint;
pub use faults::Fault;
pub use mint::{EncryptedData, Payload};
pub use options::{App, Options, RotateAt, SessionKeyPolicy};
pub use payments::Payment;
pub use people::TestUser;
pub use quotas::Limits;
pub use user::MOCK_USER;

use state::State;
use user::User;
use world::{Laws, World};

/// How many connections may wait to be accepted, as a WeChat that serves the world would let them: a thousand logins at once
/// are what a backend is tried with. The standard library's 128 dropped some of them, which then waited for seconds.
const BACKLOG: i32 = 2048;

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
         hint: listen on 127.0.0.1, or set `Options::allow_remote`"
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
        if !options.allow_remote && !loopback {
            return Err(StartError::Exposed(address));
        }
        let apps: Vec<Arc<App>> = options.apps.into_iter().map(Arc::new).collect();
        let first = apps.first().map(Arc::clone).ok_or(StartError::NoApp)?;
        let refused = |cause| StartError::Listen { address, cause };
        let listener = TcpListener::bind(address).map_err(refused)?;
        SockRef::from(&listener).listen(BACKLOG).map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        let laws = Laws {
            seed: options.seed,
            keys: options.session_keys,
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
        self.first_app().issue_code(user)
    }

    /// Gives the user of that name a phone code for the first app, as a `getPhoneNumber` button would.
    pub fn issue_phone_code(&self, user: &str) -> String {
        self.first_app().issue_phone_code(user)
    }

    /// The openid of the user of that name in the first app.
    pub fn openid(&self, user: &str) -> String {
        self.first_app().openid(user)
    }

    /// The unionid of the user of that name, if the first app is bound to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        self.first_app().unionid(user)
    }

    /// The session key that is current for the user of that name in the first app; none before the first login.
    pub fn session_key(&self, user: &str) -> Option<String> {
        self.first_app().session_key(user)
    }

    /// All that concerns the users of the first app.
    pub fn first_app(&self) -> AppHandle<'_> {
        AppHandle {
            state: &self.state,
            app: Arc::clone(&self.first),
        }
    }

    /// The same of another app; nothing if there is no such app.
    pub fn app(&self, app_id: &str) -> Option<AppHandle<'_>> {
        let app = self.state.world().app(app_id)?;
        Some(AppHandle {
            state: &self.state,
            app,
        })
    }

    /// What is known of the user of that name, in every app.
    pub fn user(&self, user: &str) -> TestUser {
        self.state.world().people.get(&User::named(user))
    }

    /// Changes the data of the user with this name, in all apps.
    pub fn update_user(&self, name: &str, update: impl FnOnce(&mut TestUser)) {
        let user = User::named(name);
        let mut world = self.state.world();
        let mut data = world.people.get(&user);
        update(&mut data);
        world.people.put(&user, data);
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
