//! Which URL and method leads to which handler, and who may come in: one table.
//!
//! Knows paths, methods, handlers and guards. Never knows bodies, stores or settings.

use std::collections::BTreeMap;
use std::future::ready;

use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, Resource, Route, web};

use crate::error::{ApiError, ErrorCode};
use crate::handlers::{
    auth, encrypted, health, introspection, login, metrics, phone, session, session_key,
    sessions as devices, user,
};
use crate::middleware::counting::{self, Pattern};
use crate::middleware::{panics, service_key, session as sessions};

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
    handler: Route,
}

impl Row {
    /// A row for a table of your own, which [`crate::app_with`] takes. The path is in lower case, without a slash at the
    /// end; `{name}` stands for any one part of it.
    pub fn new(method: Method, path: &'static str, guard: Guard, handler: Route) -> Self {
        row(method, path, guard, handler)
    }
}

/// The table. To add a handler, add a row.
pub fn table() -> Vec<Row> {
    use Guard::{Open, Service, Session};
    vec![
        row(
            Method::POST,
            "/login",
            Open,
            web::to(login::log_in).wrap(from_fn(counting::logins)),
        ),
        row(Method::GET, "/session", Session, web::to(session::show)),
        // Logging out takes a token, but not a live one.
        row(Method::DELETE, "/session", Open, web::to(session::end)),
        row(
            Method::GET,
            "/session/wechat",
            Session,
            web::to(session_key::check),
        ),
        row(
            Method::POST,
            "/session/wechat/reset",
            Session,
            web::to(session_key::reset),
        ),
        row(Method::GET, "/sessions", Session, web::to(devices::list)),
        row(
            Method::DELETE,
            "/sessions",
            Session,
            web::to(devices::end_many),
        ),
        row(
            Method::DELETE,
            "/sessions/{id}",
            Session,
            web::to(devices::end),
        ),
        row(Method::GET, "/user", Session, web::to(user::show)),
        row(Method::PUT, "/user", Session, web::to(user::change)),
        row(Method::POST, "/user/phone", Session, web::to(phone::tell)),
        row(
            Method::POST,
            "/user/decrypt",
            Session,
            web::to(encrypted::open),
        ),
        row(Method::GET, "/auth", Session, web::to(auth::check)),
        row(
            Method::POST,
            "/introspect",
            Service,
            web::to(introspection::tell),
        ),
        row(Method::GET, "/livez", Open, web::to(health::live)),
        row(Method::GET, "/readyz", Open, web::to(health::ready)),
    ]
}

fn row(method: Method, path: &'static str, guard: Guard, handler: Route) -> Row {
    Row {
        path,
        method,
        guard,
        handler,
    }
}

/// Registers rows.
pub fn register(api: &mut web::ServiceConfig, rows: Vec<Row>) {
    let mut paths = BTreeMap::<_, Vec<Row>>::new();
    for row in rows {
        paths.entry(row.path).or_default().push(row);
    }
    for (path, rows) in paths {
        api.service(resource(path, rows).wrap(from_fn(panics::catch)));
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
