//! The folder or bucket that keeps the pictures.

use std::fmt;
use std::path::Path as FilePath;
use std::sync::Arc;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::time::timeout;

use crate::identity::UserId;
use crate::pictures::bucket;
use crate::pictures::name::{PictureName, folder};
use crate::settings::{self, AvatarStore};

/// Maximum time of one operation. Our choice: longer than a bucket takes, shorter than a client waits.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// The pictures cannot be kept where the settings say.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The folder has no absolute path.
    #[error("the folder cannot be used")]
    Folder(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The client of the bucket cannot be built.
    #[error("the bucket cannot be used")]
    Bucket(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An operation failed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or bucket failed.
    #[error("the store of the avatars failed")]
    Failed(#[source] object_store::Error),
    /// The folder or bucket did not respond in time.
    #[error("the store of the avatars did not respond in time")]
    TimedOut,
}

/// Keeps pictures, each in a folder of its user.
#[derive(Clone)]
pub struct Storage {
    store: Arc<dyn ObjectStore>,
    root: Path,
}

impl Storage {
    /// Configures the folder or bucket of the settings. `None` if they have none. Does not access it.
    ///
    /// # Errors
    /// [`ConfigError`] if the folder or the client of the bucket cannot be used.
    pub fn configured(settings: &settings::Avatar) -> Result<Option<Self>, ConfigError> {
        let storage = match settings.kept_in() {
            AvatarStore::None => return Ok(None),
            AvatarStore::Folder(folder) => Self::folder(folder)?,
            AvatarStore::Bucket { name, prefix } => Self {
                store: bucket::connect(settings, name).map_err(ConfigError::Bucket)?,
                root: Path::from(prefix),
            },
        };
        Ok(Some(storage))
    }

    /// Keeps pictures in a folder, which the first one creates.
    pub(super) fn folder(folder: &FilePath) -> Result<Self, ConfigError> {
        let folder =
            std::path::absolute(folder).map_err(|error| ConfigError::Folder(error.into()))?;
        let root =
            Path::from_absolute_path(folder).map_err(|error| ConfigError::Folder(error.into()))?;
        // Writes a temporary file, syncs and renames it, and syncs the folder.
        let store = Arc::new(LocalFileSystem::new().with_fsync(true));
        Ok(Self { store, root })
    }

    /// Stores a picture. Durable when this returns.
    ///
    /// # Errors
    /// [`Error`] if the folder or bucket fails.
    pub async fn put(&self, name: &PictureName, picture: Vec<u8>) -> Result<(), Error> {
        let path = self.path(name);
        limited(self.store.put(&path, picture.into()))
            .await
            .map(drop)
    }

    /// Returns a picture, if it exists.
    ///
    /// # Errors
    /// [`Error`] if the folder or bucket fails.
    pub async fn get(&self, name: &PictureName) -> Result<Option<Vec<u8>>, Error> {
        let path = self.path(name);
        let found = limited(async { self.store.get(&path).await?.bytes().await });
        match found.await {
            Ok(picture) => Ok(Some(picture.into())),
            Err(Error::Failed(object_store::Error::NotFound { .. })) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes a picture, if it exists.
    ///
    /// # Errors
    /// [`Error`] if the folder or bucket fails.
    pub async fn remove(&self, name: &PictureName) -> Result<(), Error> {
        match limited(self.store.delete(&self.path(name))).await {
            Err(Error::Failed(object_store::Error::NotFound { .. })) => Ok(()),
            removed => removed,
        }
    }

    /// Removes all pictures of a user.
    ///
    /// # Errors
    /// [`Error`] if the folder or bucket fails. Some may be removed then.
    pub async fn remove_all(&self, user: UserId) -> Result<(), Error> {
        let folder = self.root.clone().join(folder(user));
        let found = self.store.list(Some(&folder)).map_ok(|file| file.location);
        let removed = found.try_for_each_concurrent(None, |file| async move {
            match self.store.delete(&file).await {
                Err(object_store::Error::NotFound { .. }) => Ok(()),
                removed => removed,
            }
        });
        limited(removed).await
    }

    fn path(&self, name: &PictureName) -> Path {
        let parts = name.path().into_iter();
        parts.fold(self.root.clone(), Path::join)
    }
}

async fn limited<T>(operation: impl Future<Output = object_store::Result<T>>) -> Result<T, Error> {
    let done = timeout(TIME_LIMIT, operation).await;
    done.map_err(|_elapsed| Error::TimedOut)?
        .map_err(Error::Failed)
}

impl fmt::Debug for Storage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Storage").finish_non_exhaustive()
    }
}
