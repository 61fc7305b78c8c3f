//! The state of the simulated WeChat: apps, users, codes, keys, tokens, quotas, pending faults and received requests.

pub(crate) mod access_tokens;
pub(crate) mod codes;
pub(crate) mod encrypt_keys;
mod export;
pub(crate) mod history;
pub(crate) mod messages;
pub(crate) mod moderation;
pub(crate) mod quotas;
pub(crate) mod session_keys;
pub(crate) mod users;
pub(crate) mod web_logins;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;

use crate::app::App;
use crate::bounded::BoundedList;
use crate::errors::{ApiError, CODE_BLOCKED};
use crate::faults::Faults;
use crate::identifiers::Identifiers;
use crate::json::Object;
use crate::options::{Options, RotateAt};
use crate::request_log::RecordedRequest;
use crate::state::access_tokens::AccessTokens;
use crate::state::codes::{CodeKind, Codes, Owner};
use crate::state::encrypt_keys::EncryptKeys;
use crate::state::history::{ErrorReplies, Payments, PhoneData};
use crate::state::messages::Messages;
use crate::state::moderation::Words;
use crate::state::quotas::Quotas;
use crate::state::session_keys::SessionKeys;
use crate::state::users::{MOCK_USER, Users};
use crate::state::web_logins::WebLogins;
use crate::user_id::UserId;

/// The login code that DevTools gives to a project without an AppID.
const MOCK_CODE: &str = "the code is a mock one";

/// Maximum number of apps. Our choice.
const MAX_APPS: usize = 1_000;

/// Maximum number of recorded requests. Our choice: enough for any test, and little memory.
const MAX_REQUESTS: usize = 1_000;

/// A simulator's state, shared by its server and its Rust API.
pub(crate) struct Shared(Mutex<State>);

impl Shared {
    pub(crate) fn new(state: State) -> Self {
        Self(Mutex::new(state))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A simulator's state. Each part bounds its own memory.
pub(crate) struct State {
    /// The options at the start, whose apps may have changed: see `apps`.
    pub(crate) options: Options,
    pub(crate) apps: Vec<Arc<App>>,
    pub(crate) identifiers: Identifiers,
    pub(crate) login_codes: Codes,
    pub(crate) phone_codes: Codes,
    pub(crate) plugin_codes: Codes,
    pub(crate) users: Users,
    pub(crate) session_keys: SessionKeys,
    pub(crate) access_tokens: AccessTokens,
    pub(crate) quotas: Quotas,
    pub(crate) payments: Payments,
    pub(crate) messages: Messages,
    pub(crate) words: Words,
    pub(crate) web_logins: WebLogins,
    pub(crate) component: Component,
    /// Number of pushed messages.
    pub(crate) pushes: u64,
    pub(crate) phone_data: PhoneData,
    pub(crate) encrypt_keys: EncryptKeys,
    pub(crate) error_replies: ErrorReplies,
    pub(crate) faults: Faults,
    pub(crate) requests: BoundedList<RecordedRequest>,
}

/// The third-party platform. All apps authorized it, except for those listed.
#[derive(Serialize)]
pub(crate) struct Component {
    #[serde(rename = "component_appid")]
    pub(crate) id: String,
    #[serde(rename = "component_appsecret")]
    pub(crate) secret: String,
    #[serde(rename = "component_verify_ticket")]
    pub(crate) ticket: String,
    /// AppIDs.
    pub(crate) unauthorized: Vec<String>,
}

impl Component {
    fn new(identifiers: &Identifiers) -> Self {
        let ticket = identifiers.template_id("component", &["ticket"]);
        Self {
            id: identifiers.app_id("component"),
            secret: identifiers.app_secret("component"),
            ticket: format!("ticket@@@{ticket}"),
            unauthorized: Vec::new(),
        }
    }
}

impl State {
    pub(crate) fn new(options: Options) -> Self {
        let apps = options.apps.iter().cloned().map(Arc::new).collect();
        Self::with_apps(options, apps)
    }

    fn with_apps(options: Options, apps: Vec<Arc<App>>) -> Self {
        // Checked at the start.
        let ids = options.saved.ids(apps.first().map(AsRef::as_ref));
        let identifiers = Identifiers::with_ids(options.seed, ids.unwrap_or_default());
        let mut users = Users::new(identifiers.clone());
        for (name, saved) in &options.saved.users {
            users.add(name, saved);
        }
        let mut state = Self {
            apps,
            login_codes: Codes::new(CodeKind::Login, identifiers.clone()),
            phone_codes: Codes::new(CodeKind::Phone, identifiers.clone()),
            plugin_codes: Codes::new(CodeKind::Plugin, identifiers.clone()),
            users,
            session_keys: SessionKeys::new(identifiers.clone(), options.session_keys),
            access_tokens: AccessTokens::new(identifiers.clone()),
            quotas: Quotas::new(options.calls_per_minute),
            payments: Payments::new(),
            messages: Messages::new(),
            words: Words::default(),
            web_logins: WebLogins::new(identifiers.clone()),
            component: Component::new(&identifiers),
            pushes: 0,
            phone_data: PhoneData::new(),
            encrypt_keys: EncryptKeys::new(identifiers.clone()),
            error_replies: ErrorReplies::new(identifiers.clone()),
            identifiers,
            faults: Faults::default(),
            requests: BoundedList::new(MAX_REQUESTS),
            options,
        };
        state.set_issued_codes_only(state.options.issued_codes_only);
        state
    }

    /// Sets whether codes that were never issued are rejected.
    pub(crate) fn set_issued_codes_only(&mut self, issued_only: bool) {
        self.login_codes.issued_only = issued_only;
        self.phone_codes.issued_only = issued_only;
    }

    /// Restores the initial state, except for the apps and the clock.
    pub(crate) fn reset(&mut self) {
        *self = Self::with_apps(self.options.clone(), std::mem::take(&mut self.apps));
    }

    /// Returns the time of the simulator's clock.
    pub(crate) fn now(&self) -> Duration {
        self.options.clock.now()
    }

    pub(crate) fn app(&self, app_id: &str) -> Option<Arc<App>> {
        let mut apps = self.apps.iter();
        apps.find(|app| app.id == app_id).map(Arc::clone)
    }

    /// Adds an app, or replaces the one with its AppID. Returns `false` if there are too many apps.
    pub(crate) fn add_app(&mut self, app: App) -> bool {
        let app = Arc::new(app);
        if let Some(known) = self.apps.iter_mut().find(|known| known.id == app.id) {
            *known = app;
            return true;
        }
        let has_room = self.apps.len() < MAX_APPS;
        if has_room {
            self.apps.push(app);
        }
        has_room
    }

    /// Issues a login code to the user.
    pub(crate) fn issue_login_code(&mut self, app: &App, user: UserId, now: Duration) -> String {
        let key_version = match self.session_keys.policy.rotate_at {
            RotateAt::Exchange => None,
            RotateAt::Issue => Some(self.session_keys.log_in(&app.id, &user, now)),
        };
        self.login_codes
            .issue(&app.id, Owner { user, key_version }, now)
    }

    /// Logs in the user of a login code, marks the code as used and returns the reply. A rejected code stays unused.
    pub(crate) fn log_in(
        &mut self,
        app: &App,
        code: &str,
        now: Duration,
    ) -> Result<Object, ApiError> {
        let is_mock = code == MOCK_CODE && !self.login_codes.issued_only;
        let owner = if is_mock {
            Owner::new(UserId::named(MOCK_USER))
        } else {
            self.login_codes.owner(&app.id, code, now)?
        };
        if self.users.get(&owner.user).blocked {
            return Err(CODE_BLOCKED);
        }
        if !is_mock {
            self.login_codes
                .mark_used(&app.id, code, owner.clone(), now);
        }
        let Owner { user, key_version } = owner;
        let key_version =
            key_version.unwrap_or_else(|| self.session_keys.log_in(&app.id, &user, now));
        let openid = self.openid(app, &user);
        Ok(Object::new()
            .with("session_key", self.session_keys.key(&openid, key_version))
            .with("openid", openid)
            .with_some("unionid", self.unionid(app, &user)))
    }

    pub(crate) fn openid(&self, app: &App, user: &UserId) -> String {
        self.identifiers.openid(&app.id, user)
    }

    pub(crate) fn unionid(&self, app: &App, user: &UserId) -> Option<String> {
        let account = app.open_platform.as_deref()?;
        Some(self.identifiers.unionid(account, user))
    }
}
