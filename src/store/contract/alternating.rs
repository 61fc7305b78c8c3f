//! Two nodes of one store, as one store.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
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

/// Sends each call to one of two nodes in turn, so that the contract of one store becomes that of two nodes.
#[derive(Debug)]
struct Alternating {
    nodes: [Arc<dyn Store>; 2],
    calls: AtomicUsize,
}

/// Makes one store of two nodes, which must use the same database.
pub(in crate::store) fn alternating(nodes: [Arc<dyn Store>; 2]) -> Arc<dyn Store> {
    let calls = AtomicUsize::new(0);
    Arc::new(Alternating { nodes, calls })
}

impl Alternating {
    fn next(&self) -> &dyn Store {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        &*self.nodes[call % 2]
    }
}

impl Store for Alternating {
    fn log_in(&self, login: Login) -> Reply<'_, LoggedIn> {
        self.next().log_in(login)
    }

    fn find(&self, digest: TokenDigest) -> Reply<'_, Option<(Session, User)>> {
        self.next().find(digest)
    }

    fn session_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.next().session_status(digest)
    }

    fn fresh_status(&self, digest: TokenDigest) -> Reply<'_, Option<SessionStatus>> {
        self.next().fresh_status(digest)
    }

    fn sessions_of(&self, user: UserId) -> Reply<'_, Vec<Session>> {
        self.next().sessions_of(user)
    }

    fn count_sessions(&self) -> Reply<'_, u64> {
        self.next().count_sessions()
    }

    fn update(&self, digest: TokenDigest, update: Update) -> Reply<'_, bool> {
        self.next().update(digest, update)
    }

    fn revoke(&self, revocation: Revocation) -> Reply<'_, usize> {
        self.next().revoke(revocation)
    }

    fn identities_of(&self, user: UserId) -> Reply<'_, Vec<UserIdentity>> {
        self.next().identities_of(user)
    }

    fn learn_unionid(&self, late: LateUnionId) -> Reply<'_, bool> {
        self.next().learn_unionid(late)
    }

    fn list_conflicts(&self, query: ConflictQuery) -> Reply<'_, ConflictPage> {
        self.next().list_conflicts(query)
    }

    fn resolve_conflict(&self, resolution: Resolution) -> Reply<'_, Resolved> {
        self.next().resolve_conflict(resolution)
    }

    fn change_profile(&self, user: UserId, change: ProfileChange) -> Reply<'_, Option<User>> {
        self.next().change_profile(user, change)
    }

    fn keep_phone_number(&self, user: UserId, number: KeptNumber) -> Reply<'_, bool> {
        self.next().keep_phone_number(user, number)
    }

    fn delete_user(&self, user: UserId) -> Reply<'_, Vec<UserId>> {
        self.next().delete_user(user)
    }

    fn block_user(&self, user: UserId, block: Block) -> Reply<'_, Option<usize>> {
        self.next().block_user(user, block)
    }

    fn unblock_user(&self, user: UserId) -> Reply<'_, bool> {
        self.next().unblock_user(user)
    }

    fn find_users(&self, key: UserKey) -> Reply<'_, Vec<User>> {
        self.next().find_users(key)
    }

    fn list_users(&self, query: UserQuery) -> Reply<'_, UserPage> {
        self.next().list_users(query)
    }

    fn statistics(
        &self,
        now: Timestamp,
        idle: SignedDuration,
        since: Date,
    ) -> Reply<'_, Statistics> {
        self.next().statistics(now, idle, since)
    }

    fn count_logins(
        &self,
        node: NodeId,
        counts: Vec<LoginCount>,
        keep_since: Date,
    ) -> Reply<'_, ()> {
        self.next().count_logins(node, counts, keep_since)
    }

    fn sweep(&self, now: Timestamp, idle: SignedDuration) -> Reply<'_, Swept> {
        self.next().sweep(now, idle)
    }

    fn claim(&self, claim: Claim) -> Reply<'_, Claimed> {
        self.next().claim(claim)
    }

    fn keep(
        &self,
        key: LedgerKey,
        holder: Holder,
        value: Sealed,
        expires_at: Timestamp,
    ) -> Reply<'_, Option<Version>> {
        self.next().keep(key, holder, value, expires_at)
    }

    fn release(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.next().release(key, holder)
    }

    fn discard(&self, key: LedgerKey, holder: Holder) -> Reply<'_, ()> {
        self.next().discard(key, holder)
    }

    fn events(&self, except: Vec<UserId>) -> Reply<'_, Vec<Event>> {
        self.next().events(except)
    }

    fn count_events(&self) -> Reply<'_, u64> {
        self.next().count_events()
    }

    fn remove_events(&self, removal: EventRemoval) -> Reply<'_, usize> {
        self.next().remove_events(removal)
    }

    fn probe(&self, now: Timestamp) -> Reply<'_, ()> {
        self.next().probe(now)
    }

    /// Closes both nodes.
    fn close(&self) -> Reply<'_, ()> {
        Box::pin(async move {
            for node in &self.nodes {
                node.close().await?;
            }
            Ok(())
        })
    }

    fn write_timeout(&self) -> Duration {
        self.next().write_timeout()
    }
}
