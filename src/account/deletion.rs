//! Deletes a user on their own request (账号注销).

use std::sync::Arc;

use crate::account::avatar::Avatars;
use crate::account::error::Error;
use crate::identity::{LoginCode, UserId};
use crate::limits::{LimitedCall, Limits};
use crate::login::{detached, subject};
use crate::pictures::{self, Storage};
use crate::platforms::Platforms;
use crate::sessions::CurrentSession;
use crate::store::{self, Store};

/// Deletes users.
#[derive(Debug)]
pub struct Deletion {
    platforms: Platforms,
    store: Arc<dyn Store>,
    limits: Arc<Limits>,
    avatars: Arc<Avatars>,
}

impl Deletion {
    /// Deletes users from `store`, and their avatars.
    pub fn new(
        platforms: Platforms,
        store: Arc<dyn Store>,
        limits: Arc<Limits>,
        avatars: Arc<Avatars>,
    ) -> Self {
        Self {
            platforms,
            store,
            limits,
            avatars,
        }
    }

    /// Deletes the session's user: first the avatars of all identities, then everything else, in one transaction. Their next
    /// login creates a new user.
    ///
    /// The login code proves that the user asks for it themselves, in their mini program: a stolen token is not enough.
    /// Continues when the caller stops waiting, because the code is spent by then.
    ///
    /// # Errors
    /// [`Error::CodeImpossible`] and [`Error::Limited`] before any request is sent; [`Error::ProofOfAnotherUser`] if the code is
    /// another user's; [`Error::Proof`] if the platform rejects it or does not reply; [`Error::UserGone`] if the user was deleted,
    /// merged or separated meanwhile; [`Error::AvatarStore`] and [`Error::Store`] if a store fails: the user may still exist.
    pub async fn delete(
        self: Arc<Self>,
        current: CurrentSession,
        code: LoginCode,
    ) -> Result<(), Error> {
        detached(async move { self.delete_proven(&current, &code).await }).await
    }

    async fn delete_proven(&self, current: &CurrentSession, code: &LoginCode) -> Result<(), Error> {
        let app = current.app();
        let platform = self.platforms.get(app.platform());
        if !platform.is_possible_code(code.expose()) {
            return Err(Error::CodeImpossible);
        }
        let user = current.user().id;
        self.limits.admit_call(user, LimitedCall::Deletion)?;
        let proof = platform.exchange_code(app.credentials(), code).await;
        let identity = proof.map_err(Error::Proof)?;
        if subject(app, &identity.openid) != current.user().subject {
            return Err(Error::ProofOfAnotherUser);
        }
        // While the platform was asked, an operator may have merged the identity into another user, or separated it from this one.
        let identities = self.store.identities_of(user).await?;
        let subject = &current.user().subject;
        if !identities.iter().any(|one| one.subject == *subject) {
            return Err(Error::UserGone);
        }
        let is_deleted = erase::<Error>(&*self.store, self.avatars.storage(), user).await?;
        is_deleted.then_some(()).ok_or(Error::UserGone)
    }
}

/// Deletes a user with all identities and sessions, their profile and their avatars. Returns `false` if there is no such user.
///
/// # Errors
/// The store's and those of the folder or bucket of the avatars. The user may exist then.
pub async fn erase<E>(store: &dyn Store, avatars: Option<&Storage>, user: UserId) -> Result<bool, E>
where
    E: From<store::Error> + From<pictures::Error>,
{
    // First, so that the user still exists for another attempt if this fails. An operator who separates or merges users in these
    // milliseconds leaves a user without their picture.
    if let Some(avatars) = avatars {
        for identity in store.identities_of(user).await? {
            avatars.remove_all(identity.id).await?;
        }
    }
    let deleted = store.delete_user(user).await?;
    // Those that were uploaded or came with a merge meanwhile.
    if let Some(avatars) = avatars {
        for id in &deleted {
            if let Err(error) = avatars.remove_all(*id).await {
                log::error!("avatars of the deleted user {id} may remain: {error:?}");
            }
        }
    }
    Ok(!deleted.is_empty())
}
