//! A decorator that records how long each store operation takes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};

use crate::identity::UserId;
use crate::metrics::registry::Metrics;
use crate::session::{Block, ProfileChange, Sealed, Session, SessionStatus, TokenDigest, User};
use crate::store::{
    Claim, Claimed, ConflictPage, ConflictQuery, Event, EventRemoval, Holder, KeptNumber,
    LateUnionId, LedgerKey, LoggedIn, Login, LoginCount, NodeId, Reply, Resolution, Resolved,
    Revocation, Statistics, Store, Swept, Update, UserIdentity, UserKey, UserPage, UserQuery,
    Version,
};

/// Delegates to another store and records the time of each operation. An operation whose caller stops waiting is not
/// recorded.
#[derive(Debug)]
pub struct MeteredStore {
    store: Arc<dyn Store>,
    metrics: Arc<Metrics>,
}

impl MeteredStore {
    /// Wraps a store.
    pub fn new(store: Arc<dyn Store>, metrics: Arc<Metrics>) -> Self {
        Self { store, metrics }
    }

    fn timed<'a, T: Send + 'a>(
        &'a self,
        operation: &'static str,
        reply: Reply<'a, T>,
    ) -> Reply<'a, T> {
        Box::pin(async move {
            let start = Instant::now();
            let answer = reply.await;
            let outcome = if answer.is_ok() { "done" } else { "failed" };
            self.metrics
                .observe_store_operation(operation, outcome, start.elapsed());
            answer
        })
    }
}

impl Store for MeteredStore {
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        self.timed("log_in", self.store.log_in(login))
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        self.timed("find", self.store.find(digest))
    }

    /// Not recorded: nearly every request calls it, and the cache answers in less time than two clock readings take.
    /// Without the cache it takes as long as [`Store::find`].
    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.store.session_status(digest)
    }

    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.timed("fresh_status", self.store.fresh_status(digest))
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        self.timed("sessions_of", self.store.sessions_of(user))
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        self.timed("count_sessions", self.store.count_sessions())
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        self.timed("update", self.store.update(digest, update))
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        self.timed("revoke", self.store.revoke(revocation))
    }

    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>> {
        self.timed("identities_of", self.store.identities_of(user))
    }

    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool> {
        self.timed("learn_unionid", self.store.learn_unionid(late))
    }

    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage> {
        self.timed("list_conflicts", self.store.list_conflicts(query))
    }

    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved> {
        self.timed("resolve_conflict", self.store.resolve_conflict(resolution))
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        self.timed("change_profile", self.store.change_profile(user, change))
    }

    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool> {
        let kept = self.store.keep_phone_number(user, number);
        self.timed("keep_phone_number", kept)
    }

    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>> {
        self.timed("delete_user", self.store.delete_user(user))
    }

    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>> {
        self.timed("block_user", self.store.block_user(user, block))
    }

    fn unblock_user(&self, user: UserId) -> Reply<'_, bool> {
        self.timed("unblock_user", self.store.unblock_user(user))
    }

    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>> {
        self.timed("find_users", self.store.find_users(key))
    }

    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage> {
        self.timed("list_users", self.store.list_users(query))
    }

    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics> {
        self.timed("statistics", self.store.statistics(now, idle, since))
    }

    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()> {
        self.timed(
            "count_logins",
            self.store.count_logins(node, counts, keep_since),
        )
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept> {
        self.timed("sweep", self.store.sweep(now, idle))
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        self.timed("claim", self.store.claim(claim))
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>> {
        self.timed("keep", self.store.keep(key, holder, value, expires_at))
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.timed("release", self.store.release(key, holder))
    }

    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.timed("discard", self.store.discard(key, holder))
    }

    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>> {
        self.timed("events", self.store.events(except))
    }

    fn count_events(&self) -> Reply<'_, u64> {
        self.timed("count_events", self.store.count_events())
    }

    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize> {
        self.timed("remove_events", self.store.remove_events(removal))
    }

    fn probe(&self, now: Timestamp) -> Reply<'_, ()> {
        self.timed("probe", self.store.probe(now))
    }

    fn close(&self) -> Reply<'_, ()> {
        // Not recorded: nothing scrapes after a shutdown.
        self.store.close()
    }

    fn write_timeout(&self) -> Duration {
        self.store.write_timeout()
    }
}
