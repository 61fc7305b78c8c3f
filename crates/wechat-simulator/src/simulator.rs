//! A running simulator and its Rust API.

use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, MutexGuard};
use std::time::Duration;

use socket2::SockRef;

use crate::app::App;
use crate::app_handle::AppHandle;
use crate::clock::system_time;
use crate::control::Commands;
use crate::endpoint::{Endpoint, Limits};
use crate::faults::Fault;
use crate::options::{Options, SessionKeyPolicy};
use crate::request_log::RecordedRequest;
use crate::saved_state::SavedState;
use crate::server::{Port, Server};
use crate::start_error::StartError;
use crate::state::users::TestUser;
use crate::state::{Shared, State};
use crate::user_id::UserId;

/// Length of the queue of connections to accept. Tests open a thousand at once, and with the standard library's 128 some of
/// them would be dropped and retried after seconds.
const BACKLOG: i32 = 2048;

/// A running simulator. Dropping it stops it.
///
/// Users are identified by name, and any name is a user. Methods without an app use the first app of the [`Options`].
pub struct Simulator {
    address: SocketAddr,
    tls_address: Option<SocketAddr>,
    app: AppHandle,
    server: Server,
}

impl Simulator {
    /// Starts a simulator. It accepts requests when this returns. Works in any async runtime.
    ///
    /// # Errors
    /// [`StartError::Tls`] if the certificate cannot be made; [`StartError::Remote`] and [`StartError::NoApp`] if the options are not allowed; [`StartError::Listen`] if the
    /// address is not available; [`StartError::Thread`] if the system has no resources left.
    pub async fn start(mut options: Options) -> Result<Self, StartError> {
        let (address, tls) = (options.listen, options.tls.clone());
        let addresses = [Some(address), tls.as_ref().map(|tls| tls.listen)];
        let is_remote = |address: &SocketAddr| !address.ip().to_canonical().is_loopback();
        let remote = addresses.into_iter().flatten().find(is_remote);
        if let Some(remote) = remote.filter(|_| !options.allow_remote) {
            return Err(StartError::Remote(remote));
        }
        if !options.saved.apps.is_empty() {
            options.apps.clone_from(&options.saved.apps);
        }
        let ids = options.saved.ids(options.apps.first());
        ids.map_err(StartError::SavedState)?;
        let state = State::new(options);
        let app = state.apps.first().map(Arc::clone);
        let app = app.ok_or(StartError::NoApp)?;
        let (listener, address) = listen(address)?;
        let mut ports = vec![Port {
            listener,
            acceptor: None,
        }];
        let mut tls_address = None;
        if let Some(tls) = tls {
            let acceptor = Some(tls.acceptor(system_time()).map_err(StartError::Tls)?);
            let (listener, address) = listen(tls.listen)?;
            tls_address = Some(address);
            ports.push(Port { listener, acceptor });
        }
        let shared = Arc::new(Shared::new(state));
        let server = Server::start(ports, Arc::clone(&shared)).await;
        Ok(Self {
            address,
            tls_address,
            app: AppHandle { shared, app },
            server: server.map_err(StartError::Thread)?,
        })
    }

    /// Stops the simulator. The port is free when this returns. Pending requests get no reply.
    pub async fn stop(self) {
        self.server.stop().await;
    }

    /// Returns the address that the simulator listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the TLS port, if there is one.
    pub fn tls_address(&self) -> Option<SocketAddr> {
        self.tls_address
    }

    /// Returns the URL to use instead of `https://api.weixin.qq.com`, for example `http://127.0.0.1:49152`.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Returns the first app.
    pub fn first_app(&self) -> &AppHandle {
        &self.app
    }

    /// Returns the app with this AppID, if there is one.
    pub fn app(&self, app_id: &str) -> Option<AppHandle> {
        let shared = Arc::clone(&self.app.shared);
        let app = shared.lock().app(app_id)?;
        Some(AppHandle { shared, app })
    }

    /// Returns the app that [`App::named`] makes of the simulator's seed and this name, if there is one.
    pub fn named_app(&self, name: &str) -> Option<AppHandle> {
        let id = self.state().identifiers.app_id(name);
        self.app(&id)
    }

    /// Adds an app, or replaces the one with its AppID. Returns `false` if there are 1,000 apps already.
    pub fn add_app(&self, app: App) -> bool {
        self.state().add_app(app)
    }

    /// Returns the first app's AppID.
    pub fn app_id(&self) -> &str {
        self.app.id()
    }

    /// Returns the first app's AppSecret.
    pub fn app_secret(&self) -> &str {
        self.app.secret()
    }

    /// Issues a login code of the first app to the user, as `wx.login` does. It works once, for five minutes.
    pub fn issue_code(&self, user: &str) -> String {
        self.app.issue_code(user)
    }

    /// Issues a phone code of the first app to the user, as a `getPhoneNumber` button does. It works once, for five minutes.
    pub fn issue_phone_code(&self, user: &str) -> String {
        self.app.issue_phone_code(user)
    }

    /// Returns the user's openid in the first app.
    pub fn openid(&self, user: &str) -> String {
        self.app.openid(user)
    }

    /// Returns the user's unionid, if the first app belongs to an Open Platform account.
    pub fn unionid(&self, user: &str) -> Option<String> {
        self.app.unionid(user)
    }

    /// Returns the user's current session key in the first app, if the user logged in and it has not expired.
    pub fn session_key(&self, user: &str) -> Option<String> {
        self.app.session_key(user)
    }

    /// Returns the user's data.
    pub fn user(&self, name: &str) -> TestUser {
        self.state().users.get(&UserId::named(name))
    }

    /// Changes the user's data.
    pub fn update_user(&self, name: &str, update: impl FnOnce(&mut TestUser)) {
        update(self.state().users.get_mut(&UserId::named(name)));
    }

    /// Returns the control API, for a server that offers it on a port of its own.
    pub fn commands(&self) -> Commands {
        Commands(Arc::clone(&self.app.shared))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.state().options.clock.advance(by);
    }

    /// Injects the fault into the endpoint's next reply, after the faults that are queued already.
    pub fn fail_next(&self, endpoint: Endpoint, fault: Fault) {
        self.fail_times(endpoint, 1, fault);
    }

    /// Injects the fault into the endpoint's next `count` replies, after the faults that are queued already. At most 1,000
    /// faults are queued per endpoint.
    pub fn fail_times(&self, endpoint: Endpoint, count: usize, fault: Fault) {
        self.state().faults.queue(endpoint.path(), count, &fault);
    }

    /// Injects the fault into all replies of the endpoint that have no queued fault, until the faults are cleared.
    pub fn fail_always(&self, endpoint: Endpoint, fault: Fault) {
        self.state().faults.set_permanent(endpoint.path(), fault);
    }

    /// Injects the fault into all replies of any path, for example [`Fault::body`] into those of an endpoint that the
    /// simulator does not have. Returns `false` if there are 1,000 such paths already.
    pub fn stub(&self, path: &str, fault: Fault) -> bool {
        self.state().faults.set_permanent(path, fault)
    }

    /// Removes all faults of the endpoint. Replies that are being delayed stay so.
    pub fn clear_faults(&self, endpoint: Endpoint) {
        self.state().faults.clear(endpoint.path());
    }

    /// Limits the calls of each app to the endpoint; `None` restores the initial limits.
    pub fn set_limits(&self, endpoint: Endpoint, limits: Option<Limits>) {
        self.state().quotas.set_limits(endpoint, limits);
    }

    /// Sets whether codes that the simulator did not issue are rejected. See [`Options::issued_codes_only`].
    pub fn set_issued_codes_only(&self, issued_only: bool) {
        self.state().set_issued_codes_only(issued_only);
    }

    /// Returns the apps and the listed users with their ids, for [`Options::saved`] of another simulator.
    pub fn saved_state(&self) -> SavedState {
        self.state().saved()
    }

    /// Returns the policy for session keys.
    pub fn session_key_policy(&self) -> SessionKeyPolicy {
        self.state().session_keys.policy
    }

    /// Sets the policy for session keys.
    pub fn set_session_key_policy(&self, policy: SessionKeyPolicy) {
        self.state().session_keys.policy = policy;
    }

    /// Returns the received requests to WeChat's paths, oldest first, at most the last 1,000. Includes those with a fault.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state().requests.iter().cloned().collect()
    }

    /// Clears the list of received requests.
    pub fn clear_requests(&self) {
        self.state().requests.clear();
    }

    /// Restores the initial state, except for the apps and the clock.
    pub fn reset(&self) {
        self.state().reset();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.app.shared.lock()
    }
}

fn listen(address: SocketAddr) -> Result<(TcpListener, SocketAddr), StartError> {
    let error = |source| StartError::Listen { address, source };
    let listener = TcpListener::bind(address).map_err(error)?;
    SockRef::from(&listener).listen(BACKLOG).map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    Ok((listener, address))
}

/// Omits the AppSecret.
impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator")
            .field("address", &self.address)
            .finish_non_exhaustive()
    }
}
