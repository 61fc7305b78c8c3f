//! The state of a web login: signed, short-lived, for one app and for one browser.

use base16ct::lower;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::{SignedDuration, Timestamp};
use sha2::Sha256;

use crate::apps::App;
use crate::session::{CryptoError, random_bytes};
use crate::store::LedgerKey;
use crate::time::plus;

/// Time that a user has on the login page. Our choice: twice the lifetime of a code.
pub(super) const LIFETIME: SignedDuration = SignedDuration::from_mins(10);
/// Number of bytes of a nonce.
const NONCE: usize = 16;
/// Number of hexadecimal digits of the time.
const TIME_DIGITS: usize = 16;
/// Number of bytes of the signature. The platform allows 128 letters and digits for the whole state.
const SIGNATURE: usize = 24;

/// A new state, and the nonce that the page keeps to prove that the login began in its browser.
pub(super) struct State {
    pub(super) state: String,
    pub(super) nonce: String,
}

/// A state and a nonce, as a page sends them.
#[derive(Debug, Clone, Copy)]
pub struct PresentedState<'a> {
    /// The state of the redirect.
    pub state: &'a str,
    /// The nonce that the page kept.
    pub nonce: &'a str,
}

/// The reason why a state is invalid, for the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidState {
    /// It was not signed for this app and this nonce.
    #[error("the state is missing, or it is of another app or another browser")]
    Foreign,
    /// It has expired.
    #[error("the state has expired")]
    Expired,
    /// A login with it has been attempted.
    #[error("the state was used before")]
    Used,
}

impl State {
    /// Generates a state for an app.
    pub(super) fn generate(app: &App, now: Timestamp) -> Result<Self, CryptoError> {
        let nonce = lower::encode_string(&random_bytes::<NONCE>()?);
        let expires_at = plus(now, LIFETIME);
        let time = format!("{:0TIME_DIGITS$x}", expires_at.as_second());
        let signature = signature(app, &time, &nonce).map(|signed| signed.finalize().into_bytes());
        let signature = signature
            .as_deref()
            .and_then(|bytes| bytes.get(..SIGNATURE));
        Ok(Self {
            state: time + &lower::encode_string(signature.unwrap_or_default()),
            nonce,
        })
    }
}

impl PresentedState<'_> {
    /// Checks the state, and returns its expiry.
    pub(super) fn check(&self, app: &App, now: Timestamp) -> Result<Timestamp, InvalidState> {
        let expires_at = self.signed_expiry(app).ok_or(InvalidState::Foreign)?;
        if expires_at <= now {
            return Err(InvalidState::Expired);
        }
        Ok(expires_at)
    }

    /// Returns the expiry, if it was signed for this app and this nonce.
    fn signed_expiry(&self, app: &App) -> Option<Timestamp> {
        let (time, digits) = self.state.split_at_checked(TIME_DIGITS)?;
        let mut given = [0; SIGNATURE];
        let given = lower::decode(digits, &mut given).ok()?;
        if given.len() != SIGNATURE {
            return None;
        }
        let signature = signature(app, time, self.nonce)?;
        signature.verify_truncated_left(given).ok()?;
        Timestamp::from_second(i64::from_str_radix(time, 16).ok()?).ok()
    }

    /// Returns the key of the record that the state was used.
    pub(super) fn record(&self) -> LedgerKey {
        LedgerKey::of("web login state", &[self.state])
    }
}

/// Signs with the AppSecret, which all nodes have. HMAC accepts keys of any length, so there is always a signature.
fn signature(app: &App, time: &str, nonce: &str) -> Option<Hmac<Sha256>> {
    let key = app.credentials().secret.expose().as_bytes();
    let mut signature = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in ["weapp-login web state v1", app.id().as_str(), time, nonce] {
        let length = u64::try_from(part.len()).unwrap_or(u64::MAX);
        signature.update(&length.to_be_bytes());
        signature.update(part.as_bytes());
    }
    Some(signature)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::{AppId, AppSecret, PlatformName};

    fn app(id: &str, secret: &str) -> App {
        App::new(PlatformName::Wechat, AppId::new(id), AppSecret::new(secret))
    }

    #[test]
    fn a_state_expires_and_belongs_to_its_app_and_its_browser() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let (site, other) = (app("wx1", "secret"), app("wx2", "secret"));
        let State { state, nonce } = State::generate(&site, now).unwrap();
        let check = |app: &App, state: &str, nonce: &str, now| {
            let presented = PresentedState { state, nonce };
            presented.check(app, now).map(drop)
        };
        let last = now + LIFETIME - SignedDuration::from_secs(1);
        assert_eq!(check(&site, &state, &nonce, last), Ok(()));
        let end = now + LIFETIME;
        assert_eq!(
            check(&site, &state, &nonce, end),
            Err(InvalidState::Expired)
        );
        let foreign = Err(InvalidState::Foreign);
        assert_eq!(check(&other, &state, &nonce, now), foreign);
        assert_eq!(check(&app("wx1", "changed"), &state, &nonce, now), foreign);
        assert_eq!(check(&site, &state, "", now), foreign);
        // A later expiry, a shorter and a longer signature.
        let later = format!("{:016x}{}", i64::MAX, state.split_at(16).1);
        let (shorter, longer) = (state.split_at(62).0, format!("{state}00"));
        for forged in [&*later, shorter, &longer, state.split_at(16).0, ""] {
            assert_eq!(check(&site, forged, &nonce, now), foreign, "{forged}");
        }
    }
}
