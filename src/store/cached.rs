//! A session cache in front of a store.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::identity::UserId;
use crate::session::{Block, ProfileChange, Sealed, Session, SessionStatus, TokenDigest, User};
use crate::store::accounts::{LoginCount, NodeId, Statistics, UserKey, UserPage, UserQuery};
use crate::store::events::{Event, EventRemoval};
use crate::store::interface::{
    Error, KeptNumber, LoggedIn, Login, Reply, Revocation, Store, Swept, Update,
};
use crate::store::ledger::{Claim, Claimed, Holder, LedgerKey, Version};
use crate::store::people::{
    ConflictPage, ConflictQuery, LateUnionId, Resolution, Resolved, UserIdentity,
};
use crate::store::session_cache::{Lookup, SessionCache};

/// A backend that evicts changed sessions from a [`SessionCache`].
///
/// It evicts each session that a write has changed or ended before it replies to the write, and does so even if the caller
/// has gone. [`Invalidation::is_cache_current`] covers the changes by other nodes.
pub(super) trait Invalidation: Store {
    /// Returns `true` if the cache contains no session that was changed or ended by a write whose reply was sent before
    /// this call, on any node.
    ///
    /// May wait for the database. If it returns `false`, the caller must read the store.
    fn is_cache_current(&self) -> Pin<Box<dyn Future<Output = bool> + Send + '_>>;
}

/// Answers [`Store::session_status`] from a cache where possible, and passes all other calls to the backend.
#[derive(Debug)]
pub(super) struct CachedStore {
    backend: Arc<dyn Invalidation>,
    cache: Arc<SessionCache>,
}

impl CachedStore {
    /// `cache` must be the one that the backend evicts from.
    pub(super) fn new(backend: Arc<dyn Invalidation>, cache: Arc<SessionCache>) -> Self {
        Self { backend, cache }
    }

    async fn cached_status(&self, digest: TokenDigest) -> Result<Option<SessionStatus>, Error> {
        let mut slot = None;
        if self.backend.is_cache_current().await {
            match self.cache.get(digest) {
                Lookup::Hit(status) => return Ok(Some(status)),
                Lookup::Miss(free) => slot = free,
            }
        }
        let status = self.backend.session_status(digest).await?;
        if let (Some(slot), Some(status)) = (slot, &status) {
            slot.fill(status);
        }
        Ok(status)
    }
}

impl Store for CachedStore {
    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        Box::pin(self.cached_status(digest))
    }

    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.cache.evict(digest);
        Box::pin(self.cached_status(digest))
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        self.backend.revoke(revocation)
    }

    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        self.backend.log_in(login)
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        self.backend.find(digest)
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        self.backend.sessions_of(user)
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        self.backend.count_sessions()
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        self.backend.update(digest, update)
    }

    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>> {
        self.backend.identities_of(user)
    }

    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool> {
        self.backend.learn_unionid(late)
    }

    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage> {
        self.backend.list_conflicts(query)
    }

    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved> {
        self.backend.resolve_conflict(resolution)
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        self.backend.change_profile(user, change)
    }

    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool> {
        self.backend.keep_phone_number(user, number)
    }

    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>> {
        self.backend.delete_user(user)
    }

    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>> {
        self.backend.block_user(user, block)
    }

    fn unblock_user(&self, user: UserId) -> Reply<'_, bool> {
        self.backend.unblock_user(user)
    }

    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>> {
        self.backend.find_users(key)
    }

    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage> {
        self.backend.list_users(query)
    }

    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics> {
        self.backend.statistics(now, idle, since)
    }

    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()> {
        self.backend.count_logins(node, counts, keep_since)
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept> {
        self.backend.sweep(now, idle)
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        self.backend.claim(claim)
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>> {
        self.backend.keep(key, holder, value, expires_at)
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.backend.release(key, holder)
    }

    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.backend.discard(key, holder)
    }

    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>> {
        self.backend.events(except)
    }

    fn count_events(&self) -> Reply<'_, u64> {
        self.backend.count_events()
    }

    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize> {
        self.backend.remove_events(removal)
    }

    fn probe(&self, now: Timestamp) -> Reply<'_, ()> {
        self.backend.probe(now)
    }

    fn close(&self) -> Reply<'_, ()> {
        self.backend.close()
    }

    fn write_timeout(&self) -> Duration {
        self.backend.write_timeout()
    }
}
