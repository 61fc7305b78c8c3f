//! The store of many nodes: one PostgreSQL database, of which each node has five connections.

mod accounts;
mod calls;
mod conflicts;
mod connect;
pub(super) mod copy;
mod events;
mod identity;
mod invalidation;
mod ledger;
mod link;
mod login_columns;
mod logins;
mod merges;
mod migrate;
mod node;
mod opening;
mod outage;
mod people;
mod phone_numbers;
mod problem;
mod rows;
mod sessions;
mod sweep;
mod target;
#[cfg(test)]
mod tests;
mod tls;
mod users;
mod worker;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

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

use node::{Node, WRITE_LIMIT};
use worker::Worker;

/// A store in a PostgreSQL database.
#[derive(Debug)]
pub(super) struct Postgres {
    node: Arc<Node>,
    worker: Worker,
}

impl Store for Postgres {
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        self.write(|node| async move { node.logins.log_in(login).await })
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        self.read(sessions::find(self.node.reads(), digest))
    }

    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.read(sessions::status(self.node.reads(), digest))
    }

    /// The cache is in front of this store.
    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.session_status(digest)
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        self.read(sessions::of_user(self.node.reads(), user))
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        self.write(|node| async move { sessions::count(node.upkeep()).await })
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        self.write(move |node| async move {
            let exists = sessions::update(node.writes(), digest, &update).await;
            node.cache.evict(digest);
            exists
        })
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        self.write(move |node| async move {
            let revoked = sessions::revoke(node.writes(), node.records_events, revocation).await?;
            node.cache.evict_all(&revoked);
            Ok(revoked.len())
        })
    }

    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>> {
        self.read(people::identities_of(self.node.reads(), user))
    }

    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool> {
        self.write(|node| async move { people::learn(node.writes(), &late).await })
    }

    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage> {
        self.read(async move { conflicts::list(self.node.reads(), &query).await })
    }

    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved> {
        self.write(move |node| async move {
            let (resolved, ended) =
                conflicts::resolve(node.writes(), node.records_events, &resolution).await?;
            node.cache.evict_all(&ended);
            Ok(resolved)
        })
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        self.write(
            move |node| async move { users::change_profile(node.writes(), user, &change).await },
        )
    }

    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool> {
        self.write(
            move |node| async move { phone_numbers::keep(node.writes(), user, &number).await },
        )
    }

    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>> {
        self.write(move |node| async move {
            let (deleted, ended) = users::delete(node.writes(), node.records_events, user).await?;
            node.cache.evict_all(&ended);
            Ok(deleted)
        })
    }

    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>> {
        self.write(move |node| async move {
            let ended = accounts::block(node.writes(), node.records_events, user, &block).await?;
            node.cache.evict_all(ended.as_deref().unwrap_or_default());
            Ok(ended.map(|ended| ended.len()))
        })
    }

    fn unblock_user(&self, user: UserId) -> Reply<'_, bool> {
        self.write(move |node| async move { accounts::unblock(node.writes(), user).await })
    }

    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>> {
        self.read(async move { accounts::find(self.node.reads(), &key).await })
    }

    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage> {
        self.write(move |node| async move { accounts::list(node.upkeep(), &query).await })
    }

    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics> {
        self.write(move |node| async move {
            accounts::statistics(node.upkeep(), now, idle, since).await
        })
    }

    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()> {
        self.write(move |links| async move {
            accounts::count_logins(links.writes(), node, &counts, keep_since).await
        })
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept> {
        self.write(move |node| async move { node.sweep(now, idle).await })
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        Box::pin(async move {
            let place = self.worker.place()?;
            if let Some(claimed) = ledger::read(self.node.reads(), &claim).await? {
                return Ok(claimed);
            }
            drop(place);
            let take = |node: Arc<Node>| async move {
                ledger::claim(node.reads.within(WRITE_LIMIT), node.writes(), &claim).await
            };
            self.write(take).await
        })
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>> {
        self.write(move |node| async move {
            ledger::keep(node.writes(), key, holder, &value, expires_at).await
        })
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.write(move |node| async move { ledger::release(node.writes(), key, holder).await })
    }

    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.write(move |node| async move { ledger::discard(node.writes(), key, holder).await })
    }

    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>> {
        self.read(async move { events::oldest(self.node.reads(), &except).await })
    }

    fn count_events(&self) -> Reply<'_, u64> {
        self.write(|node| async move { events::count(node.upkeep()).await })
    }

    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize> {
        self.write(move |node| async move { events::remove(node.writes(), &removal).await })
    }

    /// Reads the clock itself, and compares it with the database's.
    fn probe(&self, _now: Timestamp) -> Reply<'_, ()> {
        self.write(|node| async move { node.probe().await })
    }

    fn close(&self) -> Reply<'_, ()> {
        Box::pin(self.worker.close(WRITE_LIMIT))
    }

    fn write_timeout(&self) -> Duration {
        WRITE_LIMIT
    }
}
