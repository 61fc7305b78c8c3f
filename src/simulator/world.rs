//! What WeChat knows: apps, users, their login codes and their session keys. Plain state; time is an argument.
//!
//! Knows what each act does to that state, and which errcode refuses it.
//! Never knows HTTP, the clock, parameters or faults; no two acts happen at once, because whoever holds the state holds
//! it alone.
//!
//! Memory: a few words for each named user who has logged in. The user of a code that was never issued leaves nothing
//! but the code's digest (see `codes`): their identifiers follow from it, and their first session key is their only one.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use super::codes::Codes;
use super::identifiers::Identifiers;
use super::options::App;
use super::refusal::{CODE_BLOCKED, MINUTE_QUOTA_SPENT, Refusal};
use super::user::{MOCK_USER, User};

/// What DevTools gives as a login code to a project without an AppID.
const MOCK_CODE: &str = "the code is a mock one";

/// The state of WeChat's servers.
pub(super) struct World {
    identifiers: Identifiers,
    apps: Vec<Arc<App>>,
    codes: Codes,
    /// By openid, which exists once for each app and user.
    keys: HashMap<String, Key>,
    blocked: HashSet<User>,
    key_rotation_percent: u8,
    calls_per_minute: Option<u32>,
    /// By AppID: a minute, and the calls in it.
    calls: HashMap<String, (u64, u32)>,
    answers: u64,
}

/// What one successful exchange tells.
pub(super) struct Login {
    pub(super) openid: String,
    pub(super) unionid: Option<String>,
    pub(super) session_key: String,
}

/// How often a user's session key has been asked for, and how often it was replaced.
#[derive(Default)]
struct Key {
    exchanges: u64,
    generation: u64,
}

/// The numbers that the world goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laws {
    pub(super) seed: u64,
    pub(super) key_rotation_percent: u8,
    pub(super) calls_per_minute: Option<u32>,
}

impl World {
    pub(super) fn new(laws: Laws, apps: Vec<Arc<App>>) -> Self {
        let identifiers = Identifiers::new(laws.seed);
        Self {
            identifiers,
            apps,
            codes: Codes::new(identifiers),
            keys: HashMap::new(),
            blocked: HashSet::new(),
            key_rotation_percent: laws.key_rotation_percent,
            calls_per_minute: laws.calls_per_minute,
            calls: HashMap::new(),
            answers: 0,
        }
    }

    pub(super) fn app(&self, app_id: &str) -> Option<Arc<App>> {
        self.apps
            .iter()
            .find(|app| app.id == app_id)
            .map(Arc::clone)
    }

    /// Gives the user of that name a login code for the app.
    pub(super) fn issue_code(&mut self, app: &App, name: &str, now: Duration) -> String {
        let user = User::Named(name.to_owned());
        self.codes.issue(&app.id, user, now)
    }

    /// Refuses the user's codes from now on, those already issued too.
    pub(super) fn block(&mut self, name: &str) {
        self.blocked.insert(User::Named(name.to_owned()));
    }

    /// Takes a login code for the user it stands for, and spends it.
    ///
    /// A refused code is not spent.
    pub(super) fn exchange(
        &mut self,
        app: &App,
        code: &str,
        now: Duration,
    ) -> Result<Login, Refusal> {
        let user = match code {
            MOCK_CODE => User::Named(MOCK_USER.to_owned()),
            code => self.codes.holder(&app.id, code, now)?,
        };
        if self.blocked.contains(&user) {
            return Err(CODE_BLOCKED);
        }
        if code != MOCK_CODE {
            self.codes.spend(&app.id, code, now);
        }
        Ok(self.log_in(app, &user))
    }

    /// Counts one call of the app.
    pub(super) fn count_call(&mut self, app: &App, now: Duration) -> Result<(), Refusal> {
        let Some(most) = self.calls_per_minute else {
            return Ok(());
        };
        let this_minute = now.as_secs() / 60;
        let (minute, calls) = self.calls.entry(app.id.clone()).or_default();
        if *minute != this_minute {
            (*minute, *calls) = (this_minute, 0);
        }
        *calls = calls.saturating_add(1);
        if *calls > most {
            Err(MINUTE_QUOTA_SPENT)
        } else {
            Ok(())
        }
    }

    pub(super) fn openid(&self, app: &App, name: &str) -> String {
        self.openid_of(app, &User::Named(name.to_owned()))
    }

    pub(super) fn unionid(&self, app: &App, name: &str) -> Option<String> {
        self.unionid_of(app, &User::Named(name.to_owned()))
    }

    /// The key that is current for the user of that name, if they ever logged in to the app.
    pub(super) fn session_key(&self, app: &App, name: &str) -> Option<String> {
        let openid = self.openid(app, name);
        let key = self.keys.get(&openid)?;
        Some(self.identifiers.session_key(&openid, key.generation))
    }

    /// A new identifier for one answer.
    pub(super) fn rid(&mut self, now: Duration) -> String {
        self.answers += 1;
        self.identifiers.rid(now, self.answers)
    }

    fn log_in(&mut self, app: &App, user: &User) -> Login {
        let openid = self.openid_of(app, user);
        let generation = match user {
            User::Named(_) => self.rotate_key(&openid),
            User::Stranger(_) => 1,
        };
        Login {
            session_key: self.identifiers.session_key(&openid, generation),
            unionid: self.unionid_of(app, user),
            openid,
        }
    }

    /// Which of the user's keys is current after one more exchange. The first exchange always makes one.
    fn rotate_key(&mut self, openid: &str) -> u64 {
        let key = self.keys.entry(openid.to_owned()).or_default();
        key.exchanges += 1;
        let parts = [openid, &key.exchanges.to_string()];
        let drawn = self.identifiers.derive_number("key rotation", &parts) % 100;
        if key.generation == 0 || drawn < u64::from(self.key_rotation_percent) {
            key.generation += 1;
        }
        key.generation
    }

    fn openid_of(&self, app: &App, user: &User) -> String {
        self.identifiers.openid(&app.id, &user.label())
    }

    fn unionid_of(&self, app: &App, user: &User) -> Option<String> {
        let account = app.open_platform.as_deref()?;
        Some(self.identifiers.unionid(account, &user.label()))
    }
}
