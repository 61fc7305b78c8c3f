//! The use cases of an operator: find, block and delete users, end their sessions, count them. Time is an argument.

mod conflicts;
mod cursor;
mod error;
mod people;
mod reason;
mod statistics;

use std::sync::Arc;

use jiff::Timestamp;

use crate::account::erase;
use crate::apps::Apps;
use crate::identity::{AppId, OpenId, UserId};
use crate::login::subject;
use crate::pictures::Storage;
use crate::session::{Block, DataKeys, Lifetimes, Session, SessionId, User};
use crate::store::{Revocation, Store, UserConflict, UserIdentity, UserKey, UserPage, UserQuery};
use crate::time::to_milliseconds;

pub use conflicts::{ConflictSearch, Conflicts};
pub use cursor::{ConflictCursor, Cursor};
pub use error::Error;
pub use reason::{MalformedReason, Reason};
pub use statistics::{Day, Statistics};

/// Maximum number of users on a page.
pub const MAX_PAGE: u8 = 100;

/// Maximum number of users that one call reads to find those that match. Our choice: takes some milliseconds.
const WINDOW: u16 = 5000;

/// Manages the users in a store.
#[derive(Debug)]
pub struct Administration {
    store: Arc<dyn Store>,
    apps: Arc<Apps>,
    lifetimes: Lifetimes,
    discloses_openids: bool,
    pictures: Option<Storage>,
    data_keys: Arc<DataKeys>,
}

/// A user, with their sessions, their identities and their open conflicts.
#[derive(Debug, Clone)]
pub struct UserDetails {
    /// The user.
    pub user: User,
    /// The live sessions, the latest login first.
    pub sessions: Vec<Session>,
    /// The user in each app, the first one first.
    pub identities: Vec<UserIdentity>,
    /// The conflicts without a decision, the newest first, at most [`MAX_PAGE`].
    pub conflicts: Vec<UserConflict>,
}

/// A search for users. An absent field selects all.
#[derive(Debug, Clone, Default)]
pub struct Search {
    /// Name or AppID of a mini program.
    pub app: Option<String>,
    /// A part of the nickname.
    pub nickname: Option<String>,
    /// Time of the first login, or an earlier time.
    pub created_since: Option<Timestamp>,
    /// If `true`, selects blocked users only.
    pub blocked: bool,
    /// The end of the previous page.
    pub after: Option<Cursor>,
    /// Number of users on the page, at most [`MAX_PAGE`].
    pub limit: u8,
}

/// A page of users, the newest first.
#[derive(Debug, Clone)]
pub struct Page {
    /// The users. There may be fewer than the limit, or none, although others follow.
    pub users: Vec<User>,
    /// The position of the next page. `None` on the last page.
    pub next: Option<Cursor>,
}

impl Administration {
    /// Manages the users of `apps` in `store`.
    pub fn new(store: Arc<dyn Store>, apps: Arc<Apps>, lifetimes: Lifetimes) -> Self {
        Self {
            store,
            apps,
            lifetimes,
            discloses_openids: false,
            pictures: None,
            data_keys: Arc::new(DataKeys::new(&[])),
        }
    }

    /// Sets the keys of the digests that find users by unionid. Without them, no user is found.
    #[must_use]
    pub fn with_data_keys(self, data_keys: Arc<DataKeys>) -> Self {
        Self { data_keys, ..self }
    }

    /// Sets the storage of the users' avatars, which are removed with them.
    #[must_use]
    pub fn with_pictures(self, pictures: Option<Storage>) -> Self {
        Self { pictures, ..self }
    }

    /// Lets [`Administration::openid`] return openids, if `true`.
    #[must_use]
    pub fn disclosing_openids(self, discloses_openids: bool) -> Self {
        Self {
            discloses_openids,
            ..self
        }
    }

    /// Lists the users that match, the newest first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn list(&self, search: Search) -> Result<Page, Error> {
        let app = search.app.map(|name| match self.apps.find(Some(&name)) {
            Some(app) => app.id().clone(),
            None => AppId::new(name),
        });
        let query = UserQuery {
            app,
            nickname: search.nickname,
            created_since: search.created_since,
            blocked: search.blocked,
            after: search.after.map(|cursor| cursor.0),
            limit: search.limit.clamp(1, MAX_PAGE),
            window: WINDOW,
        };
        let UserPage { users, next } = self.store.list_users(query).await?;
        Ok(Page {
            users,
            next: next.map(Cursor),
        })
    }

    /// Returns the users with this openid in the configured mini programs, or in the one with this name or AppID.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn find(&self, openid: &OpenId, app: Option<&str>) -> Result<Vec<User>, Error> {
        let named = app.map(|name| self.apps.find(Some(name)).map(|app| app.id()));
        let apps = self.apps.all();
        let apps = apps.filter(|app| named.is_none_or(|named| named == Some(app.id())));
        let subjects = apps.map(|app| subject(app, openid)).collect();
        Ok(self.store.find_users(UserKey::Subjects(subjects)).await?)
    }

    /// Returns a user, with their sessions that are live at `now`. The id of a user who was merged into another one returns that
    /// one.
    ///
    /// # Errors
    /// [`Error::UserUnknown`] if there is no such user; [`Error::Store`] if the store fails.
    pub async fn show(&self, id: UserId, now: Timestamp) -> Result<UserDetails, Error> {
        let user = self.user(id).await?;
        let mut sessions = self.store.sessions_of(user.id).await?;
        sessions.retain(|session| !session.is_expired(&self.lifetimes, now));
        let open = ConflictSearch {
            user: Some(user.id),
            only_open: true,
            after: None,
            limit: MAX_PAGE,
        };
        Ok(UserDetails {
            identities: self.store.identities_of(user.id).await?,
            conflicts: self.conflicts(open).await?.conflicts,
            user,
            sessions,
        })
    }

    async fn user(&self, id: UserId) -> Result<User, Error> {
        let found = self.store.find_users(UserKey::Id(id)).await?;
        found.into_iter().next().ok_or(Error::UserUnknown)
    }

    /// Blocks a user: all sessions end, and no login creates one. Returns the number of ended sessions, including expired
    /// ones.
    ///
    /// # Errors
    /// [`Error::UserUnknown`] if there is no such user; [`Error::Store`] if the store fails: the user may be blocked.
    pub async fn block(
        &self,
        id: UserId,
        reason: Option<Reason>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let block = Block {
            // The store keeps milliseconds.
            at: to_milliseconds(now),
            reason: reason.map(Reason::into_text),
        };
        let ended = self.store.block_user(id, block).await?;
        ended.ok_or(Error::UserUnknown)
    }

    /// Lets a user log in again.
    ///
    /// # Errors
    /// [`Error::UserUnknown`] if there is no such user; [`Error::Store`] if the store fails.
    pub async fn unblock(&self, id: UserId) -> Result<(), Error> {
        if self.store.unblock_user(id).await? {
            Ok(())
        } else {
            Err(Error::UserUnknown)
        }
    }

    /// Ends all sessions of a user. Returns their number, including expired ones.
    ///
    /// # Errors
    /// [`Error::UserUnknown`] if there is no such user; [`Error::Store`] if the store fails: the sessions may be live.
    pub async fn end_sessions(&self, id: UserId) -> Result<usize, Error> {
        let ended = self.store.revoke(Revocation::AllOf(id)).await?;
        // The id of a merged user finds the user that they are part of, whose sessions have not been ended.
        if ended == 0 && self.user(id).await?.id != id {
            return Err(Error::UserUnknown);
        }
        Ok(ended)
    }

    /// Ends a session of a user.
    ///
    /// # Errors
    /// [`Error::SessionUnknown`] if the user has no such session; [`Error::Store`] if the store fails: the session may be live.
    pub async fn end_session(&self, id: UserId, session: SessionId) -> Result<(), Error> {
        if self.store.revoke(Revocation::Id(id, session)).await? == 0 {
            return Err(Error::SessionUnknown);
        }
        Ok(())
    }

    /// Deletes a user with their avatars, their profile and all sessions. A block is deleted too: the next login creates a new user.
    ///
    /// # Errors
    /// [`Error::UserUnknown`] if there is no such user; [`Error::Pictures`] and [`Error::Store`] if a store fails: the user may
    /// exist.
    pub async fn delete(&self, id: UserId) -> Result<(), Error> {
        let is_deleted = erase::<Error>(&*self.store, self.pictures.as_ref(), id).await?;
        is_deleted.then_some(()).ok_or(Error::UserUnknown)
    }

    /// Returns the numbers of users, sessions and logins.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn statistics(&self, now: Timestamp) -> Result<Statistics, Error> {
        Statistics::read(&*self.store, now, self.lifetimes.idle).await
    }

    /// Returns a user's openid, if the settings disclose it. `None` if the mini program is unknown or its AppSecret has changed
    /// since the last login.
    pub fn openid(&self, user: &User) -> Option<OpenId> {
        let app = user.app.as_ref().filter(|_app| self.discloses_openids)?;
        let app = self.apps.by_id(app.as_str())?;
        let openid = app.open(user.subject, &user.openid)?;
        Some(OpenId::new(openid.as_str()))
    }

    /// Returns the time at which a session expires if it is not used again.
    pub fn ends_at(&self, session: &Session) -> Timestamp {
        session.ends_at(&self.lifetimes)
    }
}
