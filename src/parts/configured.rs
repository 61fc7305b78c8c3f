//! The parts that follow from the settings.

use std::sync::Arc;
use std::time::Duration;

use actix_web::web;
use jiff::SignedDuration;
use wechat_simulator::Simulator;

use crate::account::KeptPhoneNumbers;
use crate::administration::Administration;
use crate::apps::{App, Apps};
use crate::checked::Checked;
use crate::handlers::admin::AdminData;
use crate::identity::{AppId, AppSecret, Disclosure, PlatformName};
use crate::limits::Limits;
use crate::login::LoginPolicy;
use crate::metrics::{self, MeteredStore};
use crate::pictures::Storage;
use crate::session::{DataKeys, Lifetimes};
use crate::settings::{self, Settings};
use crate::store::Store;

pub(super) fn apps(settings: &Settings, simulator: Option<&Simulator>) -> Apps {
    match simulator {
        Some(simulator) => {
            let secret = AppSecret::new(simulator.app_secret());
            let app = App::new(PlatformName::Wechat, AppId::new(simulator.app_id()), secret);
            Apps::new([("main".to_owned(), app)]).accepting_any_sender()
        }
        None => Apps::configured(&settings.apps),
    }
}

pub(super) fn admin_data(
    settings: &Settings,
    store: &Arc<dyn Store>,
    apps: &Arc<Apps>,
    pictures: Option<&Storage>,
    limits: &Arc<Limits>,
) -> AdminData {
    let lifetimes = lifetimes(&settings.session);
    let administration = Administration::new(Arc::clone(store), Arc::clone(apps), lifetimes);
    let administration = administration.with_pictures(pictures.cloned());
    AdminData::new(administration, &settings.admin, Arc::clone(limits))
}

pub(super) fn disclosure(gateway: &settings::Gateway) -> Disclosure {
    Disclosure {
        openid: gateway.disclose_openid,
    }
}

pub(super) fn phone_numbers(settings: &Settings, store: &Arc<dyn Store>) -> KeptPhoneNumbers {
    let keys = Arc::new(DataKeys::new(&settings.user.data_keys));
    KeptPhoneNumbers::new(Arc::clone(store), keys, settings.user.keep_phone_number)
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
    checked.wechat = checked.wechat.clone().with_observer(observer);
    let limits = limits.with_observer(metrics::limit_observer(Arc::clone(&metrics)));
    (Arc::new(MeteredStore::new(store, metrics)), limits)
}
