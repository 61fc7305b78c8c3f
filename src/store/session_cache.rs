//! An in-process cache of session statuses.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, UnitWeighter};

use crate::identity::{AppId, UserId};
use crate::session::{SessionStatus, TokenDigest};

/// Maximum number of cached sessions. Our choice: about 9 MB, enough for a hundred thousand active users.
const CAPACITY: usize = 110_000;

/// Caches session statuses by token digest. Cached sessions exist: the absence of a session is not cached.
#[derive(Debug)]
pub(super) struct SessionCache {
    entries: Cache<Key, Entry>,
    /// Incremented by [`SessionCache::clear`]. Entries of an older epoch are ignored.
    epoch: AtomicU32,
    apps: RwLock<Vec<AppId>>,
}

/// Half of a token digest: 128 bits, so that collisions cannot be found.
type Key = [u8; 16];

/// A compact [`SessionStatus`].
#[derive(Debug, Clone, Copy)]
struct Entry {
    user: UserId,
    user_created_at: Millis,
    created_at: Millis,
    expires_at: Millis,
    last_seen: Millis,
    epoch: u32,
    /// Index into [`SessionCache::apps`].
    app: u16,
}

/// Result of [`SessionCache::get`].
pub(super) enum Lookup<'a> {
    /// The status is cached.
    Hit(SessionStatus),
    /// The status is not cached. The slot takes what the caller reads from the store. It is `None` while another thread
    /// reads the same session.
    Miss(Option<FillSlot<'a>>),
}

/// A reservation for the status of one session, made before the status is read from the store.
///
/// It stays empty if the session is evicted or the cache is cleared before it is filled, because what was read may then
/// be older than the change.
pub(super) struct FillSlot<'a> {
    cache: &'a SessionCache,
    epoch: u32,
    guard: Guard<'a>,
}

type Guard<'a> = PlaceholderGuard<
    'a,
    Key,
    Entry,
    UnitWeighter,
    DefaultHashBuilder,
    DefaultLifecycle<Key, Entry>,
>;

impl SessionCache {
    pub(super) fn new() -> Self {
        let entries = Cache::new(CAPACITY);
        // Reserves address space only. Growing by doubling would hold the old and the new table for a moment.
        entries.reserve(CAPACITY);
        Self {
            entries,
            epoch: AtomicU32::new(0),
            apps: RwLock::default(),
        }
    }

    /// Looks up the session with this token digest.
    pub(super) fn get(&self, digest: TokenDigest) -> Lookup<'_> {
        let epoch = self.epoch.load(Ordering::Acquire);
        let key = key(digest);
        let entry = self.entries.get(&key).filter(|entry| entry.epoch == epoch);
        if let Some(status) = entry.and_then(|entry| self.status(entry)) {
            return Lookup::Hit(status);
        }
        self.entries.remove_if(&key, |entry| entry.epoch != epoch);
        match self.entries.get_value_or_guard(&key, Some(Duration::ZERO)) {
            GuardResult::Guard(guard) => Lookup::Miss(Some(FillSlot {
                cache: self,
                epoch,
                guard,
            })),
            // Another thread is reading it, or has just filled it.
            GuardResult::Value(_) | GuardResult::Timeout => Lookup::Miss(None),
        }
    }

    /// Removes one session and invalidates a slot that is reserved for it.
    pub(super) fn evict(&self, digest: TokenDigest) {
        self.entries.remove(&key(digest));
    }

    /// Removes several sessions.
    pub(super) fn evict_all(&self, digests: &[TokenDigest]) {
        for digest in digests {
            self.evict(*digest);
        }
    }

    /// Removes all sessions and invalidates all reserved slots.
    pub(super) fn clear(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    fn status(&self, entry: Entry) -> Option<SessionStatus> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let app = apps.get(usize::from(entry.app))?.clone();
        Some(SessionStatus {
            user: entry.user,
            user_created_at: entry.user_created_at.timestamp()?,
            app,
            created_at: entry.created_at.timestamp()?,
            expires_at: entry.expires_at.timestamp()?,
            last_seen: entry.last_seen.timestamp()?,
        })
    }

    /// Returns the index of an app in the list that all entries share.
    fn index_of(&self, app: &AppId) -> Option<u16> {
        let position = |apps: &[AppId]| apps.iter().position(|known| known == app);
        let known = position(&self.apps.read().unwrap_or_else(PoisonError::into_inner));
        let index = known.unwrap_or_else(|| {
            let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
            position(&apps).unwrap_or_else(|| {
                apps.push(app.clone());
                apps.len() - 1
            })
        });
        u16::try_from(index).ok()
    }
}

impl FillSlot<'_> {
    /// Caches a status, unless the slot was invalidated or the status does not fit the compact form.
    pub(super) fn fill(self, status: &SessionStatus) {
        if let Some(entry) = self.entry(status) {
            // An error means that the session was evicted meanwhile.
            let _evicted = self.guard.insert(entry);
        }
    }

    fn entry(&self, status: &SessionStatus) -> Option<Entry> {
        Some(Entry {
            user: status.user,
            user_created_at: Millis::new(status.user_created_at)?,
            created_at: Millis::new(status.created_at)?,
            expires_at: Millis::new(status.expires_at)?,
            last_seen: Millis::new(status.last_seen)?,
            epoch: self.epoch,
            app: self.cache.index_of(&status.app)?,
        })
    }
}

fn key(TokenDigest(digest): TokenDigest) -> Key {
    let mut key = Key::default();
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

/// Milliseconds since 1970 in six bytes, which is enough until the year 10889.
#[derive(Debug, Clone, Copy)]
struct Millis([u8; 6]);

impl Millis {
    fn new(time: Timestamp) -> Option<Self> {
        let milliseconds = u64::try_from(time.as_millisecond()).ok()?;
        match milliseconds.to_le_bytes() {
            [bytes @ .., 0, 0] => Some(Self(bytes)),
            _ => None,
        }
    }

    fn timestamp(self) -> Option<Timestamp> {
        let mut bytes = [0; 8];
        bytes
            .iter_mut()
            .zip(self.0)
            .for_each(|(to, from)| *to = from);
        Timestamp::from_millisecond(i64::from_le_bytes(bytes)).ok()
    }
}
