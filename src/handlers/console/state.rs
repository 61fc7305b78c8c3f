//! `GET /console/state`, `/console/settings` and `/console/errcodes/{errcode}`: the facts about the server that the page shows.

use std::fmt;
use std::sync::{Arc, OnceLock};

use actix_web::{HttpRequest, Responder, web};
use serde::Serialize;

use crate::apps::Apps;
use crate::error::{ApiError, ErrorCode, code_for};
use crate::handlers::reply::Success;
use crate::middleware::language;
use crate::platforms::Reason;
use crate::platforms::wechat::errcode;

/// Checks the settings as `config check` does: the effective settings without secrets, or the problems.
type Check = dyn Fn() -> Result<String, String> + Send + Sync;

/// The facts about the server.
#[derive(Clone)]
pub struct ConsoleState {
    apps: Arc<Apps>,
    mode: Mode,
    simulated: bool,
    check: Arc<OnceLock<Box<Check>>>,
}

/// The users of the page.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Mode {
    Development,
    /// Operators, on the admin port.
    Admin,
}

#[derive(Serialize)]
struct StateData {
    mode: Mode,
    version: &'static str,
    simulated: bool,
    /// `true` if apps share users, so that two users can be in conflict.
    shares_users: bool,
    apps: Vec<AppData>,
}

#[derive(Serialize)]
struct AppData {
    name: String,
    app_id: String,
}

#[derive(Serialize)]
struct SettingsData {
    accepted: bool,
    /// The settings as TOML with the origin of each, or the problems.
    text: String,
}

#[derive(Serialize)]
struct ErrcodeData {
    errcode: i64,
    errmsg: &'static str,
    meaning: &'static str,
    advice: &'static str,
    /// The error of a login that gets this number, if it can get it.
    login_error: Option<&'static str>,
}

impl ConsoleState {
    /// Takes the mini programs of the settings.
    pub fn new(apps: Arc<Apps>, simulated: bool) -> Self {
        Self {
            apps,
            mode: Mode::Development,
            simulated,
            check: Arc::default(),
        }
    }

    /// Returns the facts for operators.
    #[must_use]
    pub fn for_operators(&self) -> Self {
        Self {
            mode: Mode::Admin,
            ..self.clone()
        }
    }

    /// Sets the check of the settings. A second one is ignored.
    pub fn check_settings_with(
        &self,
        check: impl Fn() -> Result<String, String> + Send + Sync + 'static,
    ) {
        self.check.get_or_init(|| Box::new(check));
    }
}

impl fmt::Debug for ConsoleState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsoleState").finish_non_exhaustive()
    }
}

/// Returns the version and the mini programs.
pub async fn get_state(state: web::Data<ConsoleState>) -> impl Responder {
    let apps = state.apps.iter().map(|(name, app)| AppData {
        name: name.to_owned(),
        app_id: app.id().to_string(),
    });
    Success(StateData {
        mode: state.mode,
        version: env!("CARGO_PKG_VERSION"),
        simulated: state.simulated,
        shares_users: (state.apps.iter()).any(|(_, app)| app.open_platform().is_some()),
        apps: apps.collect(),
    })
}

/// Checks the settings in the files and variables as they are now, and returns them without secrets, or their problems.
///
/// # Errors
/// `not_found` if the program that embeds the server has no check.
pub async fn get_settings(state: web::Data<ConsoleState>) -> Result<impl Responder, ApiError> {
    let check = state.check.get().ok_or(ErrorCode::NotFound)?;
    let (accepted, text) = match check() {
        Ok(report) => (true, report),
        Err(problems) => (false, problems),
    };
    Ok(Success(SettingsData { accepted, text }))
}

/// Explains an error number of WeChat in the language of the request, as `explain` does.
///
/// # Errors
/// `not_found` for a number that is not in the table.
pub async fn explain_errcode(
    number: web::Path<i64>,
    request: HttpRequest,
) -> Result<impl Responder, ApiError> {
    let language = language::preferred(&request);
    let row = errcode::explain(*number).ok_or(ErrorCode::NotFound)?;
    let is_error = !row.is_client_side() && row.reason != Reason::Success;
    Ok(Success(ErrcodeData {
        errcode: row.errcode,
        errmsg: row.errmsg,
        meaning: row.meaning.to(language),
        advice: row.advice.to(language),
        login_error: is_error.then(|| code_for(row.reason).name()),
    }))
}
