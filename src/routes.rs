//! Which URL and method leads to which handler, and who may come in: one table.
//!
//! Knows paths, methods, handlers and guards. Never knows bodies, stores or settings.

use std::collections::BTreeSet;
use std::future::ready;

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{FromRequest, Handler, HttpResponse, Resource, Responder, Route, web};

use crate::error::{ApiError, ErrorCode, Refuses};
use crate::handlers::{
    auth, docs, encrypted, health, introspection, login, metrics, phone, session, session_key,
    sessions as devices, user,
};
use crate::middleware::panics;
use crate::middleware::request_metrics::{self, Pattern};
use crate::middleware::service_key::{self, ServiceKeys};
use crate::middleware::session as sessions;
use crate::sessions::CurrentUser;

/// Who may come in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Whoever carries the token of a live session. The handler may take `CurrentUser`.
    Session,
    /// Another service that shows a service key.
    Service,
    /// Everybody.
    Open,
}

/// One row of the table.
pub struct Row {
    /// The path in lower case, without a slash at the end; other spellings find it too.
    pub path: &'static str,
    /// The method. A `GET` row answers `HEAD` as well.
    pub method: Method,
    /// Who may come in.
    pub guard: Guard,
    /// What it may refuse with, beside what is said of no route: 404, 405 and a request that is no HTTP. For the document, in
    /// which rows of your own do not stand.
    pub refusals: BTreeSet<ErrorCode>,
    handler: Route,
}

impl Row {
    /// A row for a table of your own, which [`crate::app_with`] takes. The path is in lower case, without a slash at the
    /// end; `{name}` stands for any one part of it.
    pub fn new(method: Method, path: &'static str, guard: Guard, handler: Route) -> Self {
        Self {
            path,
            method,
            guard,
            refusals: BTreeSet::new(),
            handler,
        }
    }
}

/// The table. To add a handler, add a row.
pub fn table() -> Vec<Row> {
    use Guard::{Open, Service, Session};
    vec![
        counted(row(Method::POST, "/login", Open, login::log_in)),
        row(Method::GET, "/session", Session, session::show),
        // Logging out takes a token, but not a live one.
        row(Method::DELETE, "/session", Open, session::end),
        row(Method::GET, "/session/key", Session, session_key::check),
        row(
            Method::POST,
            "/session/key/reset",
            Session,
            session_key::reset,
        ),
        row(Method::GET, "/sessions", Session, devices::list),
        row(Method::DELETE, "/sessions", Session, devices::end_many),
        row(Method::DELETE, "/sessions/{id}", Session, devices::end),
        row(Method::GET, "/user", Session, user::show),
        row(Method::PUT, "/user", Session, user::change),
        row(Method::POST, "/user/phone", Session, phone::tell),
        row(Method::POST, "/user/decrypt", Session, encrypted::open),
        row(Method::GET, "/auth", Session, auth::check),
        row(Method::POST, "/introspect", Service, introspection::tell),
        row(Method::GET, "/livez", Open, health::live),
        row(Method::GET, "/readyz", Open, health::ready),
    ]
}

/// The pages about the table, which the document does not speak of: it would speak of itself.
pub fn docs() -> Vec<Row> {
    vec![
        row(Method::GET, "/openapi.json", Guard::Open, docs::document),
        row(Method::GET, "/docs", Guard::Open, docs::page),
        row(Method::GET, "/docs/{file}", Guard::Open, docs::file),
    ]
}

fn row<F, Arguments>(method: Method, path: &'static str, guard: Guard, handler: F) -> Row
where
    F: Handler<Arguments>,
    Arguments: FromRequest + Refuses + 'static,
    F::Output: Responder + 'static,
{
    let mut refusals = BTreeSet::from_iter(Arguments::refusals());
    refusals.extend(match guard {
        Guard::Session => CurrentUser::refusals(),
        Guard::Service => ServiceKeys::refusals(),
        Guard::Open => Vec::new(),
    });
    // Of a panic, which `panics::catch` makes.
    refusals.insert(ErrorCode::Internal);
    Row {
        path,
        method,
        guard,
        refusals,
        handler: web::to(handler),
    }
}

/// The same row, whose replies are counted as logins.
fn counted(row: Row) -> Row {
    Row {
        handler: row.handler.wrap(from_fn(request_metrics::logins)),
        ..row
    }
}

/// Registers rows. A path without `{…}` goes before those with one, which may match it too, and which each cost a request
/// the search of a regular expression; else they are in the table's order.
pub fn register(api: &mut web::ServiceConfig, mut rows: Vec<Row>) {
    rows.sort_by_key(|row| row.path.contains('{'));
    while let Some(path) = rows.first().map(|row| row.path) {
        let these = rows.extract_if(.., |row| row.path == path).collect();
        api.service(resource(path, these).wrap_fn(panics::catch));
    }
    nothing_else(api);
}

/// Registers the metrics, which are for whoever runs the server: at a path or a port of the settings' choice, and so no row
/// of the table.
pub fn metrics(api: &mut web::ServiceConfig, path: &str) {
    let shown = web::get().to(metrics::show);
    let resource = web::resource(path).app_data(Pattern("/metrics"));
    api.service(resource.route(shown).default_service(web::to(nothing_here)));
}

/// Registers an answer for whatever is not there.
pub fn nothing_else(api: &mut web::ServiceConfig) {
    api.default_service(web::to(nothing_here));
}

fn resource(path: &'static str, rows: Vec<Row>) -> Resource {
    let methods: Vec<_> = rows
        .iter()
        .flat_map(|row| methods_of(&row.method))
        .collect();
    let allow = methods
        .iter()
        .map(Method::as_str)
        .collect::<Vec<_>>()
        .join(", ");
    let allow = HeaderValue::from_str(&allow).unwrap_or(HeaderValue::from_static(""));
    let mut resource = web::resource(path).app_data(Pattern(path));
    for row in rows {
        let methods = methods_of(&row.method);
        let is_one = move |context: &GuardContext<'_>| methods.contains(&context.head().method);
        let route = match row.guard {
            Guard::Session => row.handler.wrap(from_fn(sessions::require)),
            Guard::Service => row.handler.wrap(from_fn(service_key::require)),
            Guard::Open => row.handler,
        };
        resource = resource.route(route.guard(fn_guard(is_one)));
    }
    resource.default_service(web::to(move |method: Method| {
        ready(other_method(&method, allow.clone()))
    }))
}

/// The methods that a row answers: Express serves `HEAD` wherever it serves `GET`.
fn methods_of(method: &Method) -> Vec<Method> {
    match *method {
        Method::GET => vec![Method::GET, Method::HEAD],
        _ => vec![method.clone()],
    }
}

/// A method without a row: `OPTIONS` tells which there are, any other is refused with the same list.
fn other_method(method: &Method, allow: HeaderValue) -> HttpResponse {
    let mut reply = match *method {
        Method::OPTIONS => HttpResponse::NoContent().finish(),
        _ => HttpResponse::from_error(ApiError::from(ErrorCode::MethodNotAllowed)),
    };
    reply.headers_mut().insert(ALLOW, allow);
    reply
}

async fn nothing_here() -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::NotFound.into())
}
