//! The parts that follow from the settings.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use jiff::SignedDuration;
use wechat_simulator::{AppHandle, Simulator};

use crate::account::KeptPhoneNumbers;
use crate::administration::Administration;
use crate::apps::{App, Apps};
use crate::checked::Checked;
use crate::handlers::admin::AdminData;
use crate::identity::{AppId, AppSecret, Disclosure, PlatformName};
use crate::limits::Limits;
use crate::login::LoginPolicy;
use crate::metrics::{self, MeteredStore};
use crate::session::{DataKeys, Lifetimes};
use crate::settings::{self, Settings};
use crate::store::Store;

pub(super) fn apps(settings: &Settings, simulator: Option<&Simulator>) -> Apps {
    match simulator {
        Some(simulator) => {
            let main = simulated(simulator.first_app(), settings.simulated_apps.get("main"));
            let others = settings.simulated_apps.iter();
            let others = others.filter_map(|(name, app)| {
                let handle = simulator.named_app(name).filter(|_app| name != "main")?;
                Some((name.clone(), simulated(&handle, Some(app))))
            });
            Apps::new([("main".to_owned(), main)].into_iter().chain(others)).accepting_any_sender()
        }
        None => Apps::configured(&settings.apps),
    }
}

/// Returns a simulated app with the settings of the real one.
fn simulated(handle: &AppHandle, configured: Option<&settings::App>) -> App {
    let (id, secret) = (AppId::new(handle.id()), AppSecret::new(handle.secret()));
    let app = App::new(PlatformName::Wechat, id, secret);
    let Some(configured) = configured else {
        return app;
    };
    app.with_kind(configured.kind, configured.redirects.clone())
        .with_open_platform(&configured.open_platform)
}

pub(super) fn administration(
    settings: &Settings,
    store: &Arc<dyn Store>,
    apps: &Arc<Apps>,
    data_keys: &Arc<DataKeys>,
) -> Administration {
    let lifetimes = lifetimes(&settings.session);
    Administration::new(Arc::clone(store), Arc::clone(apps), lifetimes)
        .with_data_keys(Arc::clone(data_keys))
}

pub(super) fn admin_data(
    settings: &Settings,
    administration: Administration,
    limits: &Arc<Limits>,
) -> AdminData {
    AdminData::new(administration, &settings.admin, Arc::clone(limits))
}

pub(super) fn disclosure(gateway: &settings::Gateway) -> Disclosure {
    Disclosure {
        openid: gateway.disclose_openid,
    }
}

pub(super) fn phone_numbers(
    settings: &Settings,
    store: &Arc<dyn Store>,
    data_keys: &Arc<DataKeys>,
) -> KeptPhoneNumbers {
    let (keys, keeps_new) = (Arc::clone(data_keys), settings.user.keep_phone_number);
    KeptPhoneNumbers::new(Arc::clone(store), keys, keeps_new)
}

/// Returns the configured limits of logins. `time_limit` is that of the platform call and the store together.
pub(super) fn login_policy(session: &settings::Session, time_limit: Duration) -> LoginPolicy {
    LoginPolicy {
        lifetimes: lifetimes(session),
        sessions_per_user: session.per_user,
        key_history: session.key_history,
        time_limit: SignedDuration::try_from(time_limit).unwrap_or(SignedDuration::MAX),
    }
}

/// Returns the configured lifetimes of sessions.
pub fn lifetimes(session: &settings::Session) -> Lifetimes {
    Lifetimes {
        absolute: session.lifetime(),
        idle: session.idle(),
        touch_after: session.touch_after(),
    }
}

/// Adds the metrics, if they are enabled, to the store, the limits and the calls to WeChat.
pub(super) fn metered(
    store: Arc<dyn Store>,
    limits: Limits,
    checked: &mut Checked,
) -> (Arc<dyn Store>, Limits) {
    let Some(metrics) = checked.metrics.clone().map(web::Data::into_inner) else {
        return (store, limits);
    };
    let observer = metrics::observer(Arc::clone(&metrics));
    checked.platforms = checked.platforms.clone().with_observer(observer);
    let limits = limits.with_observer(metrics::limit_observer(Arc::clone(&metrics)));
    (Arc::new(MeteredStore::new(store, metrics)), limits)
}
