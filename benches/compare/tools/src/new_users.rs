//! Logins of new users for the store, with values as long as real ones.

use jiff::{SignedDuration, Timestamp};
use weapp_login::identity::{AppId, Subject, UserId};
use weapp_login::session::{Device, Seal, SessionId, Token};
use weapp_login::store::Login;

use crate::BoxError;

/// Makes logins of new users of one mini program.
pub(crate) struct NewUsers {
    app: AppId,
    seal: Seal,
}

impl NewUsers {
    pub(crate) fn of(app_id: &str) -> Self {
        Self {
            app: AppId::new(app_id),
            seal: Seal::new(b"an AppSecret", b"benchmark"),
        }
    }

    /// Returns a login with this token at this time.
    pub(crate) fn login(&self, token: &Token, now: Timestamp) -> Result<Login, BoxError> {
        let subject = Subject(random()?);
        Ok(Login {
            subject,
            openid: self.seal.seal("oGZUI0egBJY1zhBYw2KhdUfwVJJE", &subject.0)?,
            unionid: None,
            person: Vec::new(),
            user_if_new: UserId(random()?),
            app: self.app.clone(),
            digest: token.digest(),
            id: SessionId::generate()?,
            device: Device::new("iPhone · WeChat 8.0.50 · iOS 17.1"),
            session_keys: token.seal("tiihtNczf5v6AKRyjwEUhQ==")?,
            now,
            expires_at: now + SignedDuration::from_hours(7 * 24),
            sessions_per_user: 10,
            replaces: None,
        })
    }
}

/// Returns the current time in milliseconds, the precision of the store.
pub(crate) fn now() -> Result<Timestamp, BoxError> {
    let since_1970 = std::time::SystemTime::UNIX_EPOCH.elapsed()?;
    Ok(Timestamp::from_millisecond(
        since_1970.as_millis().try_into()?,
    )?)
}

fn random<const N: usize>() -> Result<[u8; N], BoxError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    Ok(bytes)
}
