//! The identities of a user, for the user's own export.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::account::error::Error;
use crate::account::phone::{KeptPhoneNumber, KeptPhoneNumbers};
use crate::apps::Apps;
use crate::identity::{AppId, OpenId, UnionId, UserId};
use crate::session::Profile;
use crate::store::{Store, UserIdentity};

/// Reads and decrypts the identities of users.
pub struct Identities {
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    phone_numbers: KeptPhoneNumbers,
}

/// An identity of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Id of the identity. That of the first one is the user's id. If it was a user who was merged into this one, it is their
    /// former id.
    pub id: UserId,
    /// The app.
    pub app: Option<AppId>,
    /// The user's id in the app. `None` if the app is not configured, or its AppSecret has changed since the last login.
    pub openid: Option<OpenId>,
    /// The user's id in the Open Platform account, once the platform has sent one.
    pub unionid: Option<UnionId>,
    /// Time of the first login with this identity.
    pub created_at: Timestamp,
    /// The profile. That of a merged user is kept, so that the merge can be undone.
    pub profile: Profile,
    /// The phone number, kept in the same way. `None` if there is none, or its key has been removed from the settings.
    pub phone_number: Option<KeptPhoneNumber>,
}

impl Identities {
    /// Reads from `store`, and decrypts with the secrets of `apps` and the keys of `phone_numbers`.
    pub fn new(store: Arc<dyn Store>, apps: Arc<Apps>, phone_numbers: KeptPhoneNumbers) -> Self {
        Self {
            store,
            apps,
            phone_numbers,
        }
    }

    /// Returns the identities of a user, the first one first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn of(&self, user: UserId) -> Result<Vec<Identity>, Error> {
        let stored = self.store.identities_of(user).await?;
        Ok(stored.into_iter().map(|one| self.opened(one)).collect())
    }

    fn opened(&self, stored: UserIdentity) -> Identity {
        let app = stored.app.as_ref();
        let app = app.and_then(|id| self.apps.by_id(id.as_str()));
        let open = |sealed| app.and_then(|app| app.open(stored.subject, sealed));
        let openid = open(&stored.openid);
        let unionid = stored.unionid.as_ref().and_then(open);
        let number = stored.phone_number.as_ref();
        Identity {
            id: stored.id,
            phone_number: number.and_then(|number| self.phone_numbers.open(stored.id, number)),
            profile: stored.profile,
            openid: openid.map(|text| OpenId::new(text.as_str())),
            unionid: unionid.map(|text| UnionId::new(text.as_str())),
            app: stored.app,
            created_at: stored.created_at,
        }
    }
}

impl fmt::Debug for Identities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identities").finish_non_exhaustive()
    }
}
