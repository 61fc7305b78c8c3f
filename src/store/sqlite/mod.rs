//! The embedded store: one SQLite file, one writer that commits in batches, any number of readers.

mod accounts;
pub(super) mod backup;
#[cfg(test)]
mod cache_tests;
mod commits;
mod conflicts;
pub(super) mod copy;
mod events;
#[cfg(test)]
mod file_tests;
mod file_watch;
mod ledger;
mod lock_wait;
mod migrations;
pub(super) mod open;
mod opening;
mod people;
mod phone_numbers;
mod problem;
mod reads;
mod rows;
mod sessions;
mod sweep;
#[cfg(test)]
mod tests;
mod users;
mod writer;
#[cfg(test)]
mod writer_tests;
mod writer_thread;

use std::future::ready;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use rusqlite::Connection;

use crate::identity::UserId;
use crate::session::{Block, ProfileChange, Sealed, Session, SessionStatus, TokenDigest, User};
use crate::store::accounts::{LoginCount, NodeId, Statistics, UserKey, UserPage, UserQuery};
use crate::store::events::{Event, EventRemoval};
use crate::store::interface::{
    KeptNumber, LoggedIn, Login, Reply, Revocation, Store, Swept, Update,
};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::store::people::{
    ConflictPage, ConflictQuery, LateUnionId, Resolution, Resolved, UserIdentity,
};

use commits::CommitWatch;
use events::Changed;
use file_watch::FileWatch;
use writer::Writer;

/// A store in one SQLite file.
#[derive(Debug)]
pub(super) struct Sqlite {
    path: PathBuf,
    writer: Writer,
    /// Idle read-only connections. Their number grows to the number of concurrent readers, one per worker.
    readers: Mutex<Vec<Connection>>,
    files: Arc<FileWatch>,
    /// The last field, because it must be dropped after all connections.
    commits: Arc<CommitWatch>,
}

impl Sqlite {
    fn write<T: Send + 'static>(
        &self,
        statements: impl Fn(&Connection, &mut Changed) -> rusqlite::Result<T> + Send + 'static,
    ) -> Reply<'_, T> {
        Box::pin(self.writer.write(statements))
    }
}

impl Store for Sqlite {
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        self.write(move |connection, changed| sessions::log_in(connection, changed, &login))
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        Box::pin(async move { self.read_session(|connection| sessions::find(connection, digest)) })
    }

    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        let status = self.read_session(|connection| sessions::status(connection, digest));
        Box::pin(ready(status))
    }

    /// The cache is in front of this store.
    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.session_status(digest)
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        Box::pin(async move { self.read(|connection| sessions::of_user(connection, user)) })
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        Box::pin(self.read_aside(sessions::count))
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        self.write(move |connection, changed| {
            sessions::update(connection, changed, digest, &update)
        })
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        self.write(move |connection, changed| sessions::revoke(connection, changed, revocation))
    }

    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>> {
        Box::pin(async move { self.read(|connection| people::identities_of(connection, user)) })
    }

    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool> {
        self.write(move |connection, _changed| people::learn(connection, &late))
    }

    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage> {
        Box::pin(self.read_aside(move |connection| conflicts::list(connection, &query)))
    }

    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved> {
        self.write(move |connection, changed| conflicts::resolve(connection, changed, &resolution))
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        self.write(move |connection, _changed| users::change_profile(connection, user, &change))
    }

    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool> {
        self.write(move |connection, _changed| phone_numbers::keep(connection, user, &number))
    }

    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>> {
        self.write(move |connection, changed| sessions::delete_user(connection, changed, user))
    }

    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>> {
        self.write(move |connection, changed| accounts::block(connection, changed, user, &block))
    }

    fn unblock_user(&self, user: UserId) -> Reply<'_, bool> {
        self.write(move |connection, _changed| accounts::unblock(connection, user))
    }

    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>> {
        Box::pin(async move { self.read(|connection| accounts::find(connection, &key)) })
    }

    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage> {
        Box::pin(self.read_aside(move |connection| accounts::list(connection, &query)))
    }

    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics> {
        let count = move |connection: &_| accounts::statistics(connection, now, idle, since);
        Box::pin(self.read_aside(count))
    }

    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()> {
        self.write(move |connection, _changed| {
            accounts::count_logins(connection, node, &counts, keep_since)
        })
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept> {
        self.write(move |connection, changed| sweep::sweep(connection, changed, now, idle))
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        Box::pin(async move {
            if let Some(claimed) = self.read(|connection| ledger::read(connection, &claim))? {
                return Ok(claimed);
            }
            let take = self.write(move |connection, _changed| ledger::claim(connection, &claim));
            take.await
        })
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>> {
        self.write(move |connection, _changed| {
            ledger::keep(connection, key, holder, &value, expires_at)
        })
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.write(move |connection, _changed| ledger::release(connection, key, holder))
    }

    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.write(move |connection, _changed| ledger::discard(connection, key, holder))
    }

    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>> {
        Box::pin(async move { self.read(|connection| events::oldest(connection, &except)) })
    }

    fn count_events(&self) -> Reply<'_, u64> {
        Box::pin(async move { self.read(events::count) })
    }

    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize> {
        self.write(move |connection, _changed| match &removal {
            EventRemoval::At(positions) => events::remove(connection, positions),
            EventRemoval::Before(time) => events::remove_before(connection, *time),
        })
    }

    fn probe(&self, now: Timestamp) -> Reply<'_, ()> {
        self.write(move |connection, _changed| sessions::probe(connection, now))
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            self.readers().clear();
            self.writer.close().await
        })
    }

    fn write_timeout(&self) -> Duration {
        lock_wait::WRITE_TIMEOUT
    }
}
