//! Assembles the App of one worker from the parts.

use std::rc::Rc;
use std::sync::Arc;

use actix_morgan::Morgan;
use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, DefaultHeaders, from_fn};
use actix_web::{App, web};

use crate::account::{
    Decryption, Deletion, Identities, KeptPhoneNumbers, PhoneNumbers, SessionKeys, UnionIds,
};
use crate::console::Hub;
use crate::console_parts::Console;
use crate::handlers::console;
use crate::handlers::console_log::ConsoleLog;
use crate::login::Logins;
use crate::middleware::console_events;
use crate::middleware::cors::cors;
use crate::middleware::drain;
use crate::middleware::foreign_pages;
use crate::middleware::path_matching::PathMatching;
use crate::middleware::request_id::{self, RequestIds};
use crate::middleware::request_metrics::RequestMetrics;
use crate::middleware::valid_host;
use crate::parts::Parts;
use crate::routes;

/// The factory of an App's service, with any middleware.
pub trait AppFactory:
    ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<Self::Body>,
        Error = actix_web::Error,
        InitError = (),
    >
{
    /// The type of the response bodies.
    type Body: MessageBody;
}

impl<T, B: MessageBody> AppFactory for T
where
    T: ServiceFactory<
            ServiceRequest,
            Config = (),
            Response = ServiceResponse<B>,
            Error = actix_web::Error,
            InitError = (),
        >,
{
    type Body = B;
}

/// Assembles the App of one worker.
pub fn app(parts: &Parts) -> App<impl AppFactory + use<>> {
    app_with(parts, Vec::new())
}

/// Assembles the App of one worker with additional routes. They are treated like the built-in ones: case-insensitive paths,
/// session guard, body limits, access log, uniform error replies, and a reply after a panic.
///
/// Add the `web::Data` of your handlers with [`App::app_data`].
pub fn app_with(parts: &Parts, rows: Vec<routes::Row>) -> App<impl AppFactory + use<>> {
    let mut rows: Vec<_> = routes::table().into_iter().chain(rows).collect();
    let docs = parts.docs(&rows);
    if docs.is_some() {
        rows.extend(routes::docs());
    }
    if development_console(parts).is_some() {
        rows.extend(routes::console());
    }
    let paths = PathMatching::new(rows.iter().map(|row| row.path)).below(&parts.base_path);
    let metrics = RequestMetrics::new(parts.metrics.clone().map(web::Data::into_inner));
    let ids = RequestIds::default();
    let simulated = DefaultHeaders::new().add(("x-wechat", "simulated"));
    let guard = parts.guard.clone();
    let guard = from_fn(move |request, next| foreign_pages::reject(guard.clone(), request, next));
    let cors = Condition::new(!parts.cors_origins.is_empty(), cors(&parts.cors_origins));
    let readiness = Rc::new(parts.readiness.clone());
    let (hub, recorded) = (hub(parts), hub(parts));
    App::new()
        .app_data(ConsoleLog::new(parts.simulated))
        .configure(|api| parts.add_data(api))
        .configure(|api| add_use_cases(parts, api))
        .configure(|api| parts.add_metrics(api, parts.shows_metrics))
        .configure(|api| {
            if let Some(docs) = docs {
                api.app_data(web::Data::new(docs));
            }
        })
        .configure(|api| routes::register(api, rows))
        .configure(|api| add_console(parts, api))
        .configure(|api| parts.add_commands(api))
        // The middleware that is wrapped last sees a request first.
        .wrap_fn(move |request, inside| paths.apply(request, inside))
        .wrap(Condition::new(parts.simulated, guard))
        .wrap_fn(valid_host::require)
        .wrap(cors)
        .wrap(Condition::new(parts.simulated, simulated))
        .wrap_fn(move |request, inside| console_events::within(hub.as_ref(), request, inside))
        .wrap_fn(move |request, inside| request_id::assign(&ids, request, inside))
        .wrap_fn(move |request, inside| console_events::record(recorded.as_ref(), request, inside))
        .wrap(access_log(parts))
        .wrap_fn(move |request, inside| {
            drain::close_connections(request, inside, Rc::clone(&readiness))
        })
        .wrap_fn(move |request, inside| metrics.record(request, inside))
}

/// Returns the console that is served on the server's port.
fn development_console(parts: &Parts) -> Option<&Console> {
    let console = parts.console.as_ref();
    console.filter(|console| console.is_for_development)
}

/// Adds the data of the console's handlers.
fn add_console(parts: &Parts, api: &mut web::ServiceConfig) {
    if let Some(console) = development_console(parts) {
        parts.add_administration(api);
        console.add_data(api);
    }
}

/// Returns the receiver of the events for the console.
fn hub(parts: &Parts) -> Option<Arc<Hub>> {
    let console = parts.console.as_ref();
    console.map(|console| Arc::clone(&console.hub))
}

/// Returns the access log. The console shows the other requests, so its own are left out.
fn access_log(parts: &Parts) -> Morgan {
    let log = parts.access_log.logger();
    if development_console(parts).is_none() {
        return log;
    }
    console::paths().fold(log, |log, path| {
        log.exclude(format!("{}{path}", parts.base_path))
    })
}

/// Adds the use cases that call a platform. Each worker has its own, because connections belong to a worker's runtime.
fn add_use_cases(parts: &Parts, api: &mut web::ServiceConfig) {
    let platforms = parts.platforms.platforms(&parts.access_tokens);
    let store = || Arc::clone(&parts.store);
    let sessions = || Arc::clone(&parts.sessions);
    let limits = || Arc::clone(&parts.limits);
    let avatars = Arc::clone(&parts.avatars.avatars);
    let (policy, apps) = (parts.login_policy, Arc::clone(&parts.apps));
    let kept = KeptPhoneNumbers::clone(&parts.phone_numbers);
    let time_limit = policy.time_limit;
    let identities = Identities::new(store(), Arc::clone(&apps), kept.clone());
    let phone_numbers = PhoneNumbers::new(platforms.clone(), store(), time_limit, limits(), kept);
    let session_keys = SessionKeys::new(platforms.clone(), sessions(), limits());
    let deletion = Deletion::new(platforms.clone(), store(), limits(), avatars);
    let keys = || Arc::clone(&parts.data_keys);
    let unionids = UnionIds::new(platforms.clone(), store(), keys(), limits());
    let max_age = parts.watermark_max_age;
    let decryption = Decryption::new(platforms.clone(), max_age, unionids.clone());
    let logins = Logins::new(platforms, apps, store(), sessions(), policy)
        .with_limits(limits())
        .with_data_keys(keys())
        .with_counter(Arc::clone(&parts.login_counter));
    api.app_data(web::Data::new(logins))
        .app_data(web::Data::new(phone_numbers))
        .app_data(web::Data::new(session_keys))
        .app_data(web::Data::new(decryption))
        .app_data(web::Data::new(unionids))
        .app_data(web::Data::new(identities))
        .app_data(web::Data::new(deletion));
}

/// Assembles the App of the admin port.
pub fn admin_app(parts: &Parts) -> App<impl AppFactory + use<>> {
    let mut rows = routes::admin();
    if parts.console.is_some() {
        rows.extend(routes::admin_console());
    }
    let paths = PathMatching::new(rows.iter().map(|row| row.path));
    let metrics = RequestMetrics::new(parts.metrics.clone().map(web::Data::into_inner));
    let ids = RequestIds::default();
    App::new()
        .configure(|api| parts.add_administration(api))
        .app_data(parts.readiness.clone())
        .configure(|api| {
            if let Some(console) = &parts.console {
                console.add_admin_data(api);
            }
        })
        .configure(|api| routes::register(api, rows))
        .wrap_fn(move |request, inside| paths.apply(request, inside))
        .wrap_fn(valid_host::require)
        .wrap_fn(move |request, inside| request_id::assign(&ids, request, inside))
        .wrap(parts.access_log.logger())
        .wrap_fn(move |request, inside| metrics.record(request, inside))
}

/// Assembles the App of the separate metrics port.
pub fn metrics_app(parts: &Parts) -> App<impl AppFactory + use<>> {
    let ids = RequestIds::default();
    App::new()
        .configure(|api| parts.add_metrics(api, true))
        .configure(routes::register_not_found)
        .wrap_fn(move |request, inside| request_id::assign(&ids, request, inside))
}
