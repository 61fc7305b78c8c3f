#![doc = include_str!("../README.md")]
//!
//! # Inside
//!
//! [`app`] assembles what `main` serves and what the tests call; [`Parts`] is what it is assembled from. [`app_with`] adds
//! routes of your own.
//!
//! Knows which parts exist and how they wrap the routes. Never knows what a handler does.

pub mod account;
pub mod apps;
pub mod error;
pub mod handlers;
pub mod identity;
pub mod login;
pub mod metrics;
pub mod middleware;
pub mod openapi;
mod parts;
pub mod platforms;
pub mod readiness;
pub mod rfc3339;
pub mod routes;
pub mod session;
pub mod sessions;
pub mod settings;

pub mod store;
pub mod telemetry;
pub mod testing;

use std::rc::Rc;
use std::sync::Arc;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceFactory, ServiceRequest, ServiceResponse};
use actix_web::middleware::{Condition, DefaultHeaders};
use actix_web::{App, web};

use account::access_token::AccessTokens;
use account::{Phones, SessionKeys};
use handlers::console_log::ConsoleLog;
use login::Logins;
use middleware::drain;
use middleware::path_matching::PathMatching;
use middleware::request_id::{self, RequestIds};
use middleware::request_metrics::RequestMetrics;
use platforms::wechat;

pub use parts::{Parts, PartsError, lifetimes};
pub use utoipa;

/// Assembles one worker's app.
pub fn app(
    parts: &Parts,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    app_with(parts, Vec::new())
}

/// Assembles one worker's app with the routes of your own backend beside ours. They get what ours get: paths in any
/// spelling, the guard, bodies within bounds, the access log, refusals in one shape, and a reply after a panic.
///
/// What your handlers take as `web::Data` is added with [`App::app_data`].
pub fn app_with(
    parts: &Parts,
    rows: Vec<routes::Row>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let wechat = wechat::Client::new(&parts.wechat);
    let access_tokens = AccessTokens::new(wechat.clone(), Arc::clone(&parts.access_tokens));
    let store = Arc::clone(&parts.store);
    let phones = Phones::new(access_tokens.clone(), store, parts.login_policy.time_limit);
    let session_keys = SessionKeys::new(access_tokens, Arc::clone(&parts.sessions));
    let logins = Logins::new(
        wechat,
        Arc::clone(&parts.apps),
        Arc::clone(&parts.store),
        Arc::clone(&parts.sessions),
        parts.login_policy,
    );
    let mut rows: Vec<_> = routes::table().into_iter().chain(rows).collect();
    let docs = parts.docs(&rows);
    if docs.is_some() {
        rows.extend(routes::docs());
    }
    let paths = PathMatching::new(rows.iter().map(|row| row.path));
    let metrics = RequestMetrics::new(parts.metrics.clone().map(web::Data::into_inner));
    let ids = RequestIds::default();
    let simulated = DefaultHeaders::new().add(("x-wechat", "simulated"));
    let readiness = Rc::new(parts.readiness.clone());
    App::new()
        .app_data(web::Data::new(logins))
        .app_data(web::Data::new(phones))
        .app_data(web::Data::new(session_keys))
        .app_data(parts.sessions.clone())
        .app_data(parts.profiles.clone())
        .app_data(parts.decryption.clone())
        .app_data(parts.readiness.clone())
        .app_data(parts.disclosure.clone())
        .app_data(parts.service_keys.clone())
        .app_data(parts.json.clone())
        .app_data(ConsoleLog::new(parts.simulated))
        .configure(|api| parts.add_metrics(api, parts.shows_metrics))
        .configure(|api| {
            if let Some(docs) = docs {
                api.app_data(web::Data::new(docs));
            }
        })
        .configure(|api| routes::register(api, rows))
        // The last one wrapped is the first to see a request.
        .wrap_fn(move |request, inside| paths.apply(request, inside))
        .wrap(Condition::new(parts.simulated, simulated))
        .wrap_fn(move |request, inside| request_id::assign(&ids, request, inside))
        .wrap(parts.access_log.logger())
        .wrap_fn(move |request, inside| {
            drain::close_connections(request, inside, Rc::clone(&readiness))
        })
        .wrap_fn(move |request, inside| metrics.record(request, inside))
}

/// Assembles the app of the metrics' own port: nothing but them.
pub fn metrics_app(
    parts: &Parts,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody + use<>>,
        Error = actix_web::Error,
        InitError = (),
    > + use<>,
> {
    let ids = RequestIds::default();
    App::new()
        .configure(|api| parts.add_metrics(api, true))
        .configure(routes::register_not_found)
        .wrap_fn(move |request, inside| request_id::assign(&ids, request, inside))
}
