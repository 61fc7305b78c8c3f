//! Unionids that arrive after the login: in encrypted data, and after a payment.

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;

use crate::account::error::Error;
use crate::account::session_key::require_mini_program;
use crate::identity::{KeyedDigest, UnionId};
use crate::limits::{LimitedCall, Limits};
use crate::login::person;
use crate::platforms::{Payment, Platforms};
use crate::session::DataKeys;
use crate::sessions::CurrentSession;
use crate::store::{LateUnionId, Store};
use crate::time::to_milliseconds;

/// Stores late unionids. One instance per worker, because HTTP connections to the platform belong to a worker's runtime.
#[derive(Clone)]
pub struct UnionIds {
    platforms: Platforms,
    store: Arc<dyn Store>,
    keys: Arc<DataKeys>,
    limits: Arc<Limits>,
}

impl UnionIds {
    /// Stores unionids in `store`, and their digests under `keys`.
    pub fn new(
        platforms: Platforms,
        store: Arc<dyn Store>,
        keys: Arc<DataKeys>,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            platforms,
            store,
            keys,
            limits,
        }
    }

    /// Fetches the unionid of a user who has paid, and stores it.
    ///
    /// # Errors
    /// [`Error::SessionKeyAbsent`] if the app is no mini program, and [`Error::Limited`], before any request is sent;
    /// [`Error::OpenIdSealed`] if the user's openid cannot be decrypted; [`Error::PaidUnionId`] if the platform returns none;
    /// [`Error::UserGone`] if the user was deleted meanwhile; [`Error::Store`] if the store fails.
    pub async fn fetch_paid(
        &self,
        current: &CurrentSession,
        payment: &Payment,
        now: Timestamp,
    ) -> Result<(), Error> {
        require_mini_program(current)?;
        let openid = current.openid().ok_or(Error::OpenIdSealed)?;
        let user = current.user().id;
        self.limits.admit_call(user, LimitedCall::PaidUnionId)?;
        let app = current.app();
        let platform = self.platforms.get(app.platform());
        let unionid = platform
            .paid_unionid(app.credentials(), &openid, payment, now)
            .await
            .map_err(Error::PaidUnionId)?;
        let proof = person(app, &self.keys, &unionid);
        let is_stored = self.learn(current, &unionid, Some(proof), now).await?;
        is_stored.then_some(()).ok_or(Error::UserGone)
    }

    /// Stores the unionid of decrypted data. A failure is logged, because the client needs the data and not the unionid.
    ///
    /// The encryption is not authenticated, so a client can change the unionid. It therefore links no login and finds no conflict:
    /// a forged one would draw another person's next login, or an operator's merge, into the forger's user.
    pub(super) async fn learn_decrypted(
        &self,
        current: &CurrentSession,
        unionid: &UnionId,
        now: Timestamp,
    ) {
        if current.unionid().as_ref() == Some(unionid) {
            return;
        }
        if let Err(error) = self.learn(current, unionid, None, now).await {
            log::warn!("the unionid of decrypted data could not be stored: {error}");
        }
    }

    async fn learn(
        &self,
        current: &CurrentSession,
        unionid: &UnionId,
        proof: Option<Vec<KeyedDigest>>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let (app, subject) = (current.app(), current.user().subject);
        let late = LateUnionId {
            subject,
            unionid: app.seal(subject, unionid.expose())?,
            proof,
            now: to_milliseconds(now),
        };
        Ok(self.store.learn_unionid(late).await?)
    }
}

impl fmt::Debug for UnionIds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnionIds").finish_non_exhaustive()
    }
}
