//! The simulator that replaces WeChat in development while no app is configured.

use weapp_login::apps::{self, Apps};
use weapp_login::identity::{AppId, AppSecret, PlatformName};
use weapp_login::settings::Settings;
use wechat_simulator::{App, Options, Simulator};

use crate::commands::Failure;

/// Seed of the simulator. It is constant, so the simulated users are the same after a restart.
const SEED: u64 = 1;

/// Starts the WeChat simulator, if no app is configured in development.
pub(crate) async fn start(settings: &Settings) -> Result<Option<Simulator>, Failure> {
    if !settings.simulated() {
        return Ok(None);
    }
    let simulator = Simulator::start(options(settings)).await;
    simulator.map(Some).map_err(Failure::internal)
}

/// Returns the apps of the server: those of the settings or, without the kinds and redirects, which only logins need, of the
/// simulator.
pub(crate) fn apps(settings: &Settings) -> Apps {
    if !settings.simulated() {
        return Apps::configured(&settings.apps);
    }
    Apps::new(simulated_apps(settings).map(|(name, app)| {
        let account = app.open_platform.unwrap_or_default();
        let (id, secret) = (AppId::new(app.id), AppSecret::new(app.secret));
        let app = apps::App::new(PlatformName::Wechat, id, secret);
        (name.to_owned(), app.with_open_platform(&account))
    }))
}

fn options(settings: &Settings) -> Options {
    let mut options = Options::new(SEED);
    options.apps = simulated_apps(settings).map(|(_name, app)| app).collect();
    options
}

/// Returns the app `main`, then the other apps of the settings, each in the Open Platform account that it names.
fn simulated_apps(settings: &Settings) -> impl Iterator<Item = (&str, App)> {
    let apps = &settings.simulated_apps;
    let others = apps.keys().filter(|name| *name != "main");
    let names = std::iter::once("main").chain(others.map(String::as_str));
    names.map(|name| {
        let app = App::named(SEED, name);
        let account = apps.get(name).map(|app| app.open_platform.as_str());
        let app = match account.filter(|account| !account.is_empty()) {
            Some(account) => app.with_open_platform(account),
            None => app,
        };
        (name, app)
    })
}
