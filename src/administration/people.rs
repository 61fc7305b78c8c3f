//! The identities of users, and the conflicts between users who are probably one person.

use jiff::Timestamp;

use crate::administration::conflicts::{ConflictSearch, Conflicts};
use crate::administration::cursor::ConflictCursor;
use crate::administration::error::Error;
use crate::administration::{Administration, MAX_PAGE};
use crate::identity::{UnionId, UserId};
use crate::login::person;
use crate::session::User;
use crate::store::{ConflictPage, ConflictQuery, Decision, Resolution, Resolved, UserKey};
use crate::time::to_milliseconds;

impl Administration {
    /// Returns the users with this unionid: in all apps that share users, or in the Open Platform account or the app with this
    /// name or AppID.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn find_person(
        &self,
        unionid: &UnionId,
        within: Option<&str>,
    ) -> Result<Vec<User>, Error> {
        let named = within.and_then(|name| self.apps.find(Some(name)));
        let apps = self.apps.all().filter(|app| {
            let is_account = within == app.open_platform();
            within.is_none() || is_account || named.is_some_and(|named| named.id() == app.id())
        });
        let mut digests = Vec::new();
        for digest in apps.flat_map(|app| person(app, &self.data_keys, unionid)) {
            if !digests.contains(&digest) {
                digests.push(digest);
            }
        }
        Ok(self.store.find_users(UserKey::Person(digests)).await?)
    }

    /// Lists the conflicts that match, the newest first.
    ///
    /// # Errors
    /// [`Error::Store`] if the store fails.
    pub async fn conflicts(&self, search: ConflictSearch) -> Result<Conflicts, Error> {
        let query = ConflictQuery {
            user: search.user,
            only_open: search.only_open,
            after: search.after.map(|cursor| cursor.0),
            limit: search.limit.clamp(1, MAX_PAGE),
        };
        let ConflictPage { conflicts, next } = self.store.list_conflicts(query).await?;
        Ok(Conflicts {
            conflicts,
            next: next.map(ConflictCursor),
        })
    }

    /// Decides a conflict: merges the two users into `kept`, or keeps them apart. `None` opens it again. Another decision than the
    /// last one undoes that first. Returns the number of sessions that ended.
    ///
    /// # Errors
    /// [`Error::ConflictUnknown`] if there is no such conflict; [`Error::ConflictBlocked`] if one of the two users is blocked;
    /// [`Error::ConflictHasLaterMerge`] if a later merge must be undone first; [`Error::Store`] if the store fails: the decision may
    /// be stored.
    pub async fn resolve(
        &self,
        [kept, other]: [UserId; 2],
        decision: Option<Decision>,
        now: Timestamp,
    ) -> Result<usize, Error> {
        let resolution = Resolution {
            kept,
            other,
            decision,
            // The store keeps milliseconds.
            now: to_milliseconds(now),
        };
        match self.store.resolve_conflict(resolution).await? {
            Resolved::Done { ended } => Ok(ended),
            Resolved::NotFound => Err(Error::ConflictUnknown),
            Resolved::Blocked => Err(Error::ConflictBlocked),
            Resolved::HasLaterMerge => Err(Error::ConflictHasLaterMerge),
        }
    }
}
