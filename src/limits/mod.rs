//! Rate limits of this process: rejected logins per client address and per mini program, and platform calls per user.

mod buckets;
mod exceeded;
mod limiter;
#[cfg(test)]
mod tests;

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use governor::Quota;

use crate::identity::{AppId, UserId};
use crate::limits::limiter::{Clock, Limiter};
use crate::settings;

pub use exceeded::{Exceeded, LimitName, LimitedCall};

/// Minutes of unused allowance that logins may use at once. Our choice: a login counts as rejected until it has succeeded, so
/// all clients of a carrier's address can have this many logins in flight.
const LOGIN_BURST: u32 = 10;

/// The limits, shared by all workers.
///
/// A login is charged before its code is sent, and refunded unless the platform rejects the code: else a flood would pass
/// while its first replies are on their way.
pub struct Limits {
    addresses: Limiter<IpAddr>,
    keys: Limiter<IpAddr>,
    apps: Limiter<(AppId, Share)>,
    users: Limiter<UserId>,
    observer: Option<Observer>,
}

/// A callback for each call that a limit rejects.
pub type Observer = Arc<dyn Fn(LimitName, LimitedCall) + Send + Sync>;

/// The part of a mini program's allowance that a login uses. Clients with a live session have one of their own, a reserve
/// that no other client can use up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Share {
    Unknown,
    Known,
}

/// The client of a login.
#[derive(Debug, Clone, Copy)]
enum Client {
    Unknown(Option<IpAddr>),
    Known(UserId),
}

/// Permission for a login. It counts as rejected unless it is refunded.
#[must_use]
#[derive(Debug)]
pub struct LoginPermit<'a> {
    limits: &'a Limits,
    app: AppId,
    client: Client,
}

impl Limits {
    /// Creates limits with nothing used.
    pub fn new(settings: &settings::Limits) -> Self {
        let start = Instant::now();
        Self::with_clock(settings, move || start.elapsed())
    }

    /// Creates limits with this clock, which returns the time since any start.
    pub fn with_clock(
        settings: &settings::Limits,
        clock: impl Fn() -> Duration + Send + Sync + 'static,
    ) -> Self {
        let clock = Clock::new(clock);
        let quota = |per_minute, minutes: u32| {
            let per_minute = NonZeroU32::new(per_minute)?;
            let burst = per_minute.saturating_mul(NonZeroU32::new(minutes)?);
            Some(Quota::per_minute(per_minute).allow_burst(burst))
        };
        let address = quota(settings.address_rejections_per_minute, LOGIN_BURST);
        let app = quota(settings.app_rejections_per_minute, LOGIN_BURST);
        let user = quota(settings.user_calls_per_minute, 1);
        Self {
            keys: Limiter::new(LimitName::Address, address, clock.clone()),
            addresses: Limiter::new(LimitName::Address, address, clock.clone()),
            apps: Limiter::new(LimitName::App, app, clock.clone()),
            users: Limiter::new(LimitName::User, user, clock),
            observer: None,
        }
    }

    /// Sets the observer.
    #[must_use]
    pub fn with_observer(self, observer: Observer) -> Self {
        Self {
            observer: Some(observer),
            ..self
        }
    }

    /// Admits a login from a client address, which may be unknown. `session` returns the user of the live session that the
    /// client presents; it is awaited only if the limits for unknown clients are reached.
    ///
    /// # Errors
    /// [`Exceeded`] if too many logins of the address, of the mini program or of the user were rejected.
    pub async fn admit_login(
        &self,
        app: &AppId,
        address: Option<IpAddr>,
        session: impl Future<Output = Option<UserId>>,
    ) -> Result<LoginPermit<'_>, Exceeded> {
        let unknown = self.charge(app, Client::Unknown(address.map(network)));
        let outcome = match unknown {
            Ok(permit) => return Ok(permit),
            Err(exceeded) => match session.await {
                Some(user) => self.charge(app, Client::Known(user)),
                None => Err(exceeded),
            },
        };
        outcome.inspect_err(|exceeded| self.observe(exceeded, LimitedCall::Login))
    }

    /// Admits a call to the platform for a user.
    ///
    /// # Errors
    /// [`Exceeded`] if the user made too many.
    pub fn admit_call(&self, user: UserId, call: LimitedCall) -> Result<(), Exceeded> {
        let charged = self.users.charge(&user);
        charged.inspect_err(|exceeded| self.observe(exceeded, call))
    }

    /// Counts a request with a wrong admin key. The allowance is as large as that of rejected logins, and apart from it.
    ///
    /// # Errors
    /// [`Exceeded`] if the client address sent too many.
    pub fn count_wrong_key(&self, address: Option<IpAddr>) -> Result<(), Exceeded> {
        let Some(address) = address.map(network) else {
            return Ok(());
        };
        let charged = self.keys.charge(&address);
        charged.inspect_err(|exceeded| self.observe(exceeded, LimitedCall::AdminKey))
    }

    fn charge(&self, app: &AppId, client: Client) -> Result<LoginPermit<'_>, Exceeded> {
        match client {
            Client::Unknown(None) => {}
            Client::Unknown(Some(address)) => self.addresses.charge(&address)?,
            Client::Known(user) => self.users.charge(&user)?,
        }
        let charged = self.apps.charge(&(app.clone(), client.share()));
        charged.inspect_err(|_exceeded| self.refund(client))?;
        Ok(LoginPermit {
            limits: self,
            app: app.clone(),
            client,
        })
    }

    fn refund(&self, client: Client) {
        match client {
            Client::Unknown(None) => {}
            Client::Unknown(Some(address)) => self.addresses.refund(&address),
            Client::Known(user) => self.users.refund(&user),
        }
    }

    fn observe(&self, exceeded: &Exceeded, call: LimitedCall) {
        if let Some(observer) = &self.observer {
            observer(exceeded.limit, call);
        }
    }
}

impl LoginPermit<'_> {
    /// Takes the charge back, because the platform did not reject the code.
    pub fn refund(self) {
        self.limits.refund(self.client);
        self.limits.apps.refund(&(self.app, self.client.share()));
    }
}

impl Client {
    fn share(self) -> Share {
        match self {
            Self::Unknown(_) => Share::Unknown,
            Self::Known(_) => Share::Known,
        }
    }
}

/// Returns the address by which a client is counted: an IPv6 subscriber has at least a /64 network of addresses.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

impl Default for Limits {
    /// Creates limits that are all off.
    fn default() -> Self {
        Self::new(&settings::Limits {
            address_rejections_per_minute: 0,
            app_rejections_per_minute: 0,
            user_calls_per_minute: 0,
        })
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}
