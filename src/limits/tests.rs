//! Tests of the limits, with a clock that stands until it is moved.

use std::future::ready;
use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SETTINGS: settings::Limits = settings::Limits {
    address_rejections_per_minute: 6,
    app_rejections_per_minute: 30,
    user_calls_per_minute: 3,
};
/// Ten minutes of allowance.
const ADDRESS_BURST: usize = 60;
const APP_BURST: usize = 300;

struct Process {
    limits: Limits,
    milliseconds: Arc<AtomicU64>,
}

impl Process {
    fn new(settings: &settings::Limits) -> Self {
        let milliseconds = Arc::new(AtomicU64::new(0));
        let clock = Arc::clone(&milliseconds);
        let clock = move || Duration::from_millis(clock.load(Ordering::Relaxed));
        Self {
            limits: Limits::with_clock(settings, clock),
            milliseconds,
        }
    }

    fn wait(&self, seconds: u64) {
        self.milliseconds
            .fetch_add(1000 * seconds, Ordering::Relaxed);
    }

    /// Admits a login of the app `wx1` from an address, in the presence of a live session of this user or without one.
    async fn admit(&self, address: &str, user: Option<u8>) -> Result<LoginPermit<'_>, Exceeded> {
        let address = (!address.is_empty()).then(|| address.parse().unwrap());
        let user = ready(user.map(|id| UserId([id; 16])));
        self.limits
            .admit_login(&AppId::new("wx1"), address, user)
            .await
    }

    /// Asserts that a login is admitted, which then succeeds.
    async fn succeed(&self, address: &str, user: Option<u8>) {
        self.admit(address, user).await.unwrap().refund();
    }

    /// Returns how many of a thousand logins are admitted that the platform then rejects.
    async fn flood(&self, address: &str, user: Option<u8>) -> usize {
        let mut admitted = 0;
        for _ in 0..1000 {
            admitted += usize::from(self.admit(address, user).await.is_ok());
        }
        admitted
    }
}

#[actix_rt::test]
async fn rejected_logins_of_one_address_are_limited_and_those_of_others_are_admitted() {
    let process = Process::new(&SETTINGS);
    assert_eq!(process.flood("203.0.113.1", None).await, ADDRESS_BURST);
    let exceeded = process.admit("203.0.113.1", None).await.unwrap_err();
    assert_eq!(exceeded.limit, LimitName::Address);
    assert_eq!(exceeded.retry_after.as_secs(), 10, "6 per minute");
    process.succeed("203.0.113.2", None).await;
    process.succeed("", None).await;
    process.wait(60);
    assert_eq!(process.flood("203.0.113.1", None).await, 6);
    process.wait(3600);
    assert_eq!(process.flood("203.0.113.1", None).await, ADDRESS_BURST);
}

#[actix_rt::test]
async fn successful_logins_do_not_count() {
    let process = Process::new(&SETTINGS);
    for _ in 0..10_000 {
        process.succeed("203.0.113.1", None).await;
    }
    assert_eq!(process.flood("203.0.113.1", None).await, ADDRESS_BURST);
}

#[actix_rt::test]
async fn logins_in_flight_count_until_they_succeed() {
    let process = Process::new(&SETTINGS);
    let mut in_flight = Vec::new();
    while let Ok(permit) = process.admit("203.0.113.1", None).await {
        in_flight.push(permit);
    }
    assert_eq!(in_flight.len(), ADDRESS_BURST);
    in_flight.pop().unwrap().refund();
    assert_eq!(process.flood("203.0.113.1", None).await, 1);
}

#[actix_rt::test]
async fn an_ipv6_network_counts_as_one_address() {
    let process = Process::new(&SETTINGS);
    for host in 0..ADDRESS_BURST {
        let address = format!("2001:db8:1:2:{host:x}::1");
        drop(process.admit(&address, None).await.unwrap());
    }
    assert!(process.admit("2001:db8:1:2::ffff", None).await.is_err());
    assert!(process.admit("2001:db8:1:3::ffff", None).await.is_ok());
    // An IPv4 address is the same in both notations.
    process.flood("203.0.113.1", None).await;
    assert!(process.admit("::ffff:203.0.113.1", None).await.is_err());
}

#[actix_rt::test]
async fn clients_with_a_live_session_have_a_reserve() {
    let process = Process::new(&SETTINGS);
    let mut admitted = 0;
    for host in 1..=20 {
        admitted += process.flood(&format!("203.0.113.{host}"), None).await;
    }
    assert_eq!(admitted, APP_BURST);
    let exceeded = process.admit("198.51.100.1", None).await.unwrap_err();
    assert_eq!(exceeded.limit, LimitName::App);
    process.succeed("198.51.100.1", Some(1)).await;
    process.succeed("203.0.113.1", Some(1)).await;
    // Other mini programs are not affected.
    let other = AppId::new("wx2");
    let admitted = process.limits.admit_login(&other, None, ready(None));
    admitted.await.unwrap().refund();
    // One user cannot use up the reserve.
    assert_eq!(process.flood("203.0.113.1", Some(1)).await, 3);
    let exceeded = process.admit("203.0.113.1", Some(1)).await.unwrap_err();
    assert_eq!(exceeded.limit, LimitName::User);
    process.succeed("203.0.113.1", Some(2)).await;
}

#[actix_rt::test]
async fn the_limit_per_app_charges_no_address() {
    let process = Process::new(&SETTINGS);
    process.flood("", None).await;
    assert!(process.admit("203.0.113.1", None).await.is_err());
    process.wait(600);
    process.flood("203.0.113.1", None).await;
    let exceeded = process.admit("203.0.113.1", None).await.unwrap_err();
    assert_eq!(exceeded.limit, LimitName::Address);
}

#[actix_rt::test]
async fn calls_are_limited_per_user() {
    let process = Process::new(&SETTINGS);
    let call = |id| {
        process
            .limits
            .admit_call(UserId([id; 16]), LimitedCall::PhoneNumber)
    };
    let admitted = (0..100).filter(|_| call(1).is_ok()).count();
    assert_eq!(admitted, 3);
    assert!(call(2).is_ok());
    process.wait(20);
    assert!(call(1).is_ok() && call(1).is_err());
}

#[actix_rt::test]
async fn zero_turns_a_limit_off() {
    let process = Process::new(&settings::Limits {
        address_rejections_per_minute: 0,
        app_rejections_per_minute: 0,
        user_calls_per_minute: 0,
    });
    assert_eq!(process.flood("203.0.113.1", Some(1)).await, 1000);
}

#[actix_rt::test]
async fn the_number_of_remembered_addresses_is_bounded() {
    let process = Process::new(&settings::Limits {
        app_rejections_per_minute: 0,
        ..SETTINGS
    });
    for network in 0..200_000_u32 {
        let [a, b, c, d] = network.to_be_bytes();
        let address = format!("2001:db8:{a:02x}{b:02x}:{c:02x}{d:02x}::1");
        drop(process.admit(&address, None).await.unwrap());
    }
    let remembered = process.limits.addresses.keys();
    assert!((60_000..=66_000).contains(&remembered), "{remembered}");
}

#[actix_rt::test]
async fn a_rejected_call_is_observed_once() {
    static OBSERVED: AtomicU64 = AtomicU64::new(0);
    let mut process = Process::new(&SETTINGS);
    process.limits = process.limits.with_observer(Arc::new(|limit, call| {
        assert_eq!((limit.as_str(), call.as_str()), ("address", "login"));
        OBSERVED.fetch_add(1, Ordering::Relaxed);
    }));
    process.flood("203.0.113.1", None).await;
    let rejected = u64::try_from(1000 - ADDRESS_BURST).unwrap();
    assert_eq!(OBSERVED.load(Ordering::Relaxed), rejected);
    process.succeed("203.0.113.1", Some(1)).await;
    assert_eq!(OBSERVED.load(Ordering::Relaxed), rejected);
}
