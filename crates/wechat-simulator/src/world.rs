//! What WeChat knows, all of it together: apps, people, codes, session keys, access tokens. Plain state; time is an
//! argument.
//!
//! Knows what each act does to that state, and which errcode refuses it.
//! Never knows HTTP, the clock, parameters or faults; no two acts happen at once, because whoever holds the state holds
//! it alone.
//!
//! Memory: each part bounds its own. The user of a code that was never issued leaves no more than a named one: all their
//! identifiers follow from the code.

use std::sync::Arc;
use std::time::Duration;

use super::codes::{Codes, Holder, Unusable};
use super::encrypt_keys::EncryptKeys;
use super::endpoint::Endpoint;
use super::identifiers::{Identifiers, is_shaped_like_a_login_code};
use super::options::{App, RotateAt, SessionKeyPolicy};
use super::payments::Payments;
use super::people::People;
use super::phone_data::PhoneData;
use super::quotas::Quotas;
use super::refusal::{CODE_BLOCKED, CODE_USED, DAY_QUOTA_SPENT, INVALID_CODE, Refusal};
use super::rids::Rids;
use super::sessions::{Sessions, Who};
use super::tokens::Tokens;
use super::user::{MOCK_USER, User};

/// What DevTools gives as a login code to a project without an AppID.
const MOCK_CODE: &str = "the code is a mock one";

/// How many apps there may be. Our choice.
const MOST_APPS: usize = 1_000;

/// The state of WeChat's servers.
pub(super) struct World {
    laws: Laws,
    pub(super) identifiers: Identifiers,
    apps: Vec<Arc<App>>,
    login_codes: Codes,
    pub(super) phone_codes: Codes,
    pub(super) plugin_codes: Codes,
    pub(super) people: People,
    pub(super) sessions: Sessions,
    pub(super) tokens: Tokens,
    pub(super) quotas: Quotas,
    pub(super) payments: Payments,
    pub(super) phone_data: PhoneData,
    pub(super) encrypt_keys: EncryptKeys,
    pub(super) rids: Rids,
}

/// What one successful exchange tells.
pub(super) struct Login {
    pub(super) openid: String,
    pub(super) unionid: Option<String>,
    pub(super) session_key: String,
}

/// The numbers that the world goes by.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laws {
    pub(super) seed: u64,
    pub(super) keys: SessionKeyPolicy,
    pub(super) calls_per_minute: Option<u32>,
}

impl World {
    pub(super) fn new(laws: Laws, apps: Vec<Arc<App>>) -> Self {
        let identifiers = Identifiers::new(laws.seed);
        Self {
            laws,
            identifiers,
            apps,
            login_codes: Codes::new(identifiers),
            phone_codes: Codes::new(identifiers),
            plugin_codes: Codes::new(identifiers),
            people: People::new(identifiers),
            sessions: Sessions::new(identifiers, laws.keys),
            tokens: Tokens::new(identifiers),
            quotas: Quotas::new(laws.calls_per_minute),
            payments: Payments::default(),
            phone_data: PhoneData::default(),
            encrypt_keys: EncryptKeys::new(identifiers),
            rids: Rids::new(identifiers),
        }
    }

    /// The same world before anything happened.
    pub(super) fn afresh(&self) -> Self {
        Self::new(self.laws, self.apps.clone())
    }

    pub(super) fn seed(&self) -> u64 {
        self.laws.seed
    }

    pub(super) fn app(&self, app_id: &str) -> Option<Arc<App>> {
        self.apps
            .iter()
            .find(|app| app.id == app_id)
            .map(Arc::clone)
    }

    pub(super) fn apps(&self) -> &[Arc<App>] {
        &self.apps
    }

    /// Lets there be one more app, in the place of one that has its AppID; false if there are too many.
    pub(super) fn add_app(&mut self, app: App) -> bool {
        let app = Arc::new(app);
        if let Some(known) = self.apps.iter_mut().find(|known| known.id == app.id) {
            *known = app;
            return true;
        }
        let room = self.apps.len() < MOST_APPS;
        if room {
            self.apps.push(app);
        }
        room
    }

    /// Gives the user a login code for the app.
    pub(super) fn issue_code(&mut self, app: &App, user: User, now: Duration) -> String {
        let number = self.login_codes.next_number();
        let text = self.identifiers.login_code(number);
        let generation = match self.sessions.rotate_at() {
            RotateAt::Exchange => None,
            RotateAt::Issue => {
                let openid = self.openid(app, &user);
                let who = Who {
                    app_id: &app.id,
                    openid: &openid,
                    user: &user,
                };
                Some(self.sessions.log_in(&who, now))
            }
        };
        let holder = Holder { user, generation };
        self.login_codes.issue(&app.id, &text, holder, now);
        text
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
        let holder = match code {
            MOCK_CODE => Holder {
                user: User::Named(MOCK_USER.to_owned()),
                generation: None,
            },
            code => self.holder_of(app, code, now)?,
        };
        if self.people.get(&holder.user).blocked {
            return Err(CODE_BLOCKED);
        }
        if code != MOCK_CODE {
            self.login_codes.spend(&app.id, code, holder.clone(), now);
        }
        let openid = self.openid(app, &holder.user);
        let who = Who {
            app_id: &app.id,
            openid: &openid,
            user: &holder.user,
        };
        let generation = holder
            .generation
            .unwrap_or_else(|| self.sessions.log_in(&who, now));
        Ok(Login {
            session_key: self.sessions.key(&openid, generation),
            unionid: self.unionid(app, &holder.user),
            openid,
        })
    }

    /// Counts one call of the app.
    pub(super) fn count_call(
        &mut self,
        app: &App,
        endpoint: Endpoint,
        now: Duration,
    ) -> Result<(), Refusal> {
        self.quotas.count(&app.id, endpoint, now)
    }

    pub(super) fn openid(&self, app: &App, user: &User) -> String {
        self.identifiers.openid(&app.id, &user.label())
    }

    pub(super) fn unionid(&self, app: &App, user: &User) -> Option<String> {
        let account = app.open_platform.as_deref()?;
        Some(self.identifiers.unionid(account, &user.label()))
    }

    fn holder_of(&self, app: &App, code: &str, now: Duration) -> Result<Holder, Refusal> {
        let plausible = is_shaped_like_a_login_code;
        let found = self.login_codes.holder(&app.id, code, plausible, now);
        found.map_err(|unusable| match unusable {
            Unusable::Used => CODE_USED,
            Unusable::Over | Unusable::Foreign | Unusable::Unknown => INVALID_CODE,
            Unusable::TooMany => DAY_QUOTA_SPENT,
        })
    }
}
