//! A user's own picture: uploaded, replaced, removed.

use std::sync::Arc;

use crate::account::error::Error;
use crate::limits::{LimitedCall, Limits};
use crate::login::detached;
use crate::pictures::{Encoder, PictureName, Storage};
use crate::session::{Change, ProfileChange, User};
use crate::store::Store;

/// Keeps the avatars that users upload.
#[derive(Debug)]
pub struct Avatars {
    store: Arc<dyn Store>,
    limits: Arc<Limits>,
    encoder: Encoder,
    /// `None` if uploads are off.
    storage: Option<Storage>,
}

impl Avatars {
    /// Keeps avatars in `storage`. Without one, uploads are off.
    pub fn new(store: Arc<dyn Store>, limits: Arc<Limits>, storage: Option<Storage>) -> Self {
        Self {
            store,
            limits,
            encoder: Encoder::default(),
            storage,
        }
    }

    /// Makes an uploaded file the user's avatar, with an address below `url`, and returns the changed user. Durable when this
    /// returns.
    ///
    /// Continues when the caller stops waiting, so that no picture stays without a user.
    ///
    /// # Errors
    /// [`Error::AvatarOff`], [`Error::Limited`] and [`Error::AvatarUnusable`] without any change; [`Error::AvatarStore`] and
    /// [`Error::Store`] if a store fails; [`Error::UserGone`] if the user was deleted meanwhile.
    pub async fn replace(
        self: Arc<Self>,
        user: User,
        file: Vec<u8>,
        url: String,
    ) -> Result<User, Error> {
        detached(async move { self.store_new(&user, file, &url).await }).await
    }

    async fn store_new(&self, user: &User, file: Vec<u8>, url: &str) -> Result<User, Error> {
        let storage = self.storage.as_ref().ok_or(Error::AvatarOff)?;
        self.limits.admit_call(user.id, LimitedCall::Avatar)?;
        let picture = self.encoder.encode(file).await?;
        let name = PictureName::generate(user.id).map_err(Error::AvatarName)?;
        storage.put(&name, picture).await?;
        let change = ProfileChange {
            avatar_url: Change::Set(format!("{url}/{name}")),
            ..ProfileChange::default()
        };
        // If the store fails, it may have the change, so the picture stays until the user is deleted.
        let Some(changed) = self.store.change_profile(user.id, change).await? else {
            storage.remove(&name).await?;
            return Err(Error::UserGone);
        };
        self.remove_replaced(user, &changed).await;
        Ok(changed)
    }

    /// Removes the uploaded picture that a user had before a change of the profile, unless they still have it.
    ///
    /// A failure is logged only, because the change is done. The picture is removed with the user then.
    pub async fn remove_replaced(&self, before: &User, after: &User) {
        let replaced = before.profile.avatar_url.as_deref();
        let replaced = replaced.filter(|url| Some(*url) != after.profile.avatar_url.as_deref());
        let name = replaced.and_then(|url| PictureName::of_url(url, before.id));
        if let (Some(name), Some(storage)) = (name, &self.storage)
            && let Err(error) = storage.remove(&name).await
        {
            log::warn!("a replaced avatar could not be removed: {error:?}");
        }
    }

    /// Returns where the pictures are. `None` if uploads are off.
    pub(super) fn storage(&self) -> Option<&Storage> {
        self.storage.as_ref()
    }

    /// Returns the picture with this name, if it exists.
    ///
    /// # Errors
    /// [`Error::AvatarStore`] if the folder or bucket fails.
    pub async fn find(&self, name: &PictureName) -> Result<Option<Vec<u8>>, Error> {
        match &self.storage {
            Some(storage) => Ok(storage.get(name).await?),
            None => Ok(None),
        }
    }
}
