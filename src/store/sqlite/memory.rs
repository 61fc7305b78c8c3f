//! Where sessions stand, remembered for as long as nobody has committed a change.
//!
//! Knows when what it remembers may be given: never after a commit that could have changed it, of this process or another.
//! Never knows SQL, or what a session is for.
//!
//! This process's one writer forgets what it has changed before it answers, and then notes the mark of its commit. A reader
//! that finds another mark than the noted one trusts nothing here, reads the file, and has the writer look: if another process
//! has committed, everything is forgotten.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use quick_cache::sync::{Cache, DefaultLifecycle, GuardResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, UnitWeighter};

use crate::identity::{AppId, UserId};
use crate::session::{SessionStatus, TokenDigest};
use crate::store::sqlite::wal_index::{Commits, Mark};

/// How many sessions are remembered. Our choice: some 9 MB, and the sessions of a hundred thousand users who are about.
const SESSIONS: usize = 110_000;

/// Remembers where sessions stand.
#[derive(Debug)]
pub(super) struct Memory {
    sessions: Cache<Key, Remembered>,
    /// Counts how often everything was forgotten: what was read before counts no more.
    epoch: AtomicU32,
    /// The mark of the file's state that the memory agrees with.
    noted: RwLock<Option<Mark>>,
    /// Somebody has found another mark, and the writer has yet to look.
    puzzled: AtomicBool,
    apps: RwLock<Vec<AppId>>,
    commits: Commits,
}

/// Half a digest: 128 bits, of which nobody finds two alike.
type Key = [u8; 16];

/// A status in little space: many are remembered.
#[derive(Debug, Clone, Copy)]
struct Remembered {
    user: UserId,
    user_created_at: Moment,
    created_at: Moment,
    expires_at: Moment,
    last_seen: Moment,
    epoch: u32,
    /// The place in `apps`.
    app: u16,
}

/// What there was to remember.
pub(super) enum Recalled<'a> {
    /// This.
    Known(SessionStatus),
    /// Nothing, and whoever reads it from the file should [`Place::fill`] this.
    Unknown(Place<'a>),
    /// Nothing, and nothing can be remembered now. `true` if whoever gets this must have the writer look.
    Untrusted(bool),
}

/// The place for what is about to be read. If the session is changed meanwhile, the place is gone.
pub(super) struct Place<'a> {
    memory: &'a Memory,
    epoch: u32,
    guard: Guard<'a>,
}

type Guard<'a> = PlaceholderGuard<
    'a,
    Key,
    Remembered,
    UnitWeighter,
    DefaultHashBuilder,
    DefaultLifecycle<Key, Remembered>,
>;

impl Memory {
    /// Remembers nothing yet, and agrees with no state of the file.
    pub(super) fn new(commits: Commits) -> Self {
        let sessions = Cache::new(SESSIONS);
        // No memory yet, but the place for it: whatever grows by doubling has its old place and its new one for a moment.
        sessions.reserve(SESSIONS);
        Self {
            sessions,
            epoch: AtomicU32::new(0),
            noted: RwLock::new(None),
            puzzled: AtomicBool::new(false),
            apps: RwLock::default(),
            commits,
        }
    }

    /// What is remembered under this digest.
    pub(super) fn recall(&self, digest: TokenDigest) -> Recalled<'_> {
        let Some(now) = self.commits.mark() else {
            return Recalled::Untrusted(false);
        };
        let noted = *self.noted.read().unwrap_or_else(PoisonError::into_inner);
        if noted != Some(now) {
            return Recalled::Untrusted(!self.puzzled.swap(true, Ordering::AcqRel));
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let key = key(digest);
        let known = self.sessions.get(&key).filter(|known| known.epoch == epoch);
        if let Some(status) = known.and_then(|known| self.session_status(known)) {
            return Recalled::Known(status);
        }
        self.sessions.remove_if(&key, |known| known.epoch != epoch);
        match self.sessions.get_value_or_guard(&key, Some(Duration::ZERO)) {
            GuardResult::Guard(guard) => Recalled::Unknown(Place {
                memory: self,
                epoch,
                guard,
            }),
            // Somebody else is reading it at this moment, or has just done so.
            GuardResult::Value(_) | GuardResult::Timeout => Recalled::Untrusted(false),
        }
    }

    /// Forgets one session, and the place of whoever is reading it. For the writer: after its commit, before its answer.
    pub(super) fn forget(&self, digest: TokenDigest) {
        self.sessions.remove(&key(digest));
    }

    /// Forgets everything. For the writer, when it finds that it is not the only one.
    pub(super) fn forget_all(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
    }

    /// Agrees with the state of the file from which `nobody_else_committed` is still true after its mark was read.
    ///
    /// For the writer, when all that it has committed is forgotten. Whether it was still true.
    pub(super) fn agree(&self, nobody_else_committed: impl FnOnce() -> bool) -> bool {
        self.puzzled.store(false, Ordering::Release);
        let mark = self.commits.mark();
        let agreed = nobody_else_committed();
        if agreed {
            *self.noted.write().unwrap_or_else(PoisonError::into_inner) = mark;
        }
        agreed
    }

    fn session_status(&self, known: Remembered) -> Option<SessionStatus> {
        let apps = self.apps.read().unwrap_or_else(PoisonError::into_inner);
        let app = apps.get(usize::from(known.app))?.clone();
        Some(SessionStatus {
            user: known.user,
            user_created_at: known.user_created_at.time()?,
            app,
            created_at: known.created_at.time()?,
            expires_at: known.expires_at.time()?,
            last_seen: known.last_seen.time()?,
        })
    }

    /// The place of an app's name, which all its sessions share.
    fn place_of(&self, app: &AppId) -> Option<u16> {
        let at = |apps: &[AppId]| apps.iter().position(|known| known == app);
        let known = at(&self.apps.read().unwrap_or_else(PoisonError::into_inner));
        let place = known.unwrap_or_else(|| {
            let mut apps = self.apps.write().unwrap_or_else(PoisonError::into_inner);
            at(&apps).unwrap_or_else(|| {
                apps.push(app.clone());
                apps.len() - 1
            })
        });
        u16::try_from(place).ok()
    }
}

impl Place<'_> {
    /// Remembers what was read; unless it was changed since, or cannot be held in this little space.
    pub(super) fn fill(self, status: &SessionStatus) {
        if let Some(read) = self.remembered(status) {
            // An error means that the place is gone.
            let _gone = self.guard.insert(read);
        }
    }

    fn remembered(&self, status: &SessionStatus) -> Option<Remembered> {
        Some(Remembered {
            user: status.user,
            user_created_at: Moment::of(status.user_created_at)?,
            created_at: Moment::of(status.created_at)?,
            expires_at: Moment::of(status.expires_at)?,
            last_seen: Moment::of(status.last_seen)?,
            epoch: self.epoch,
            app: self.memory.place_of(&status.app)?,
        })
    }
}

fn key(TokenDigest(digest): TokenDigest) -> Key {
    let mut key = Key::default();
    key.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    key
}

/// A time in milliseconds since 1970, as the file has it, without the two bytes that are zero for another 8 900 years.
#[derive(Debug, Clone, Copy)]
struct Moment([u8; 6]);

impl Moment {
    fn of(time: Timestamp) -> Option<Self> {
        let milliseconds = u64::try_from(time.as_millisecond()).ok()?;
        match milliseconds.to_le_bytes() {
            [bytes @ .., 0, 0] => Some(Self(bytes)),
            _ => None,
        }
    }

    fn time(self) -> Option<Timestamp> {
        let mut bytes = [0; 8];
        bytes
            .iter_mut()
            .zip(self.0)
            .for_each(|(to, from)| *to = from);
        Timestamp::from_millisecond(i64::from_le_bytes(bytes)).ok()
    }
}
