//! Registers rows with actix-web: guards, allowed methods, panics, and the responses for unknown paths and methods.

use std::future::ready;

use actix_web::dev::HttpServiceFactory;
use actix_web::guard::{GuardContext, fn_guard};
use actix_web::http::Method;
use actix_web::http::header::{ALLOW, HeaderValue};
use actix_web::middleware::from_fn;
use actix_web::{HttpResponse, web};
use wechat_simulator::Commands;

use crate::error::{ApiError, ErrorCode};
use crate::handlers::{metrics, simulator};
use crate::middleware::request_metrics::Pattern;
use crate::middleware::{admin_key, panics, service_key, session};
use crate::routes::row::{Guard, Row};

/// Registers rows. Paths without a parameter come first, because those with one may match them too, and cost a regular
/// expression per request. Otherwise the rows keep their order.
pub fn register(api: &mut web::ServiceConfig, mut rows: Vec<Row>) {
    rows.sort_by_key(|row| row.path.contains('{'));
    while let Some(path) = rows.first().map(|row| row.path) {
        let of_path = rows.extract_if(.., |row| row.path == path).collect();
        api.service(resource(path, of_path));
    }
    register_not_found(api);
}

/// Registers the metrics at the path of the settings. They are not part of the API, so they have no row.
pub fn register_metrics(api: &mut web::ServiceConfig, path: &str) {
    let row = Row::get("/metrics", Guard::Open, web::to(metrics::get_metrics));
    api.service(resource(path, vec![row]));
}

/// Registers the commands of the built-in simulator. They are not part of the API, so they have no row.
pub fn register_simulator(api: &mut web::ServiceConfig, commands: Commands) {
    let resource = web::resource(["/simulator", "/simulator/{command:.*}"]);
    let resource = resource
        .app_data(Pattern("/simulator"))
        .app_data(web::Data::new(commands));
    api.service(
        resource
            .default_service(web::to(simulator::execute))
            .wrap_fn(panics::catch),
    );
}

/// Registers the response for unknown paths.
pub fn register_not_found(api: &mut web::ServiceConfig) {
    api.default_service(web::to(not_found));
}

/// Returns the resource at a path, with its rows.
fn resource(path: &str, rows: Vec<Row>) -> impl HttpServiceFactory + use<> {
    let allow = allow(&rows);
    let mut resource = web::resource(path);
    for row in rows {
        resource = resource.app_data(Pattern(row.path));
        let methods = methods_of(&row.method);
        let matches = move |context: &GuardContext<'_>| methods.contains(&context.head().method);
        let guard = row.guard;
        let route = match guard {
            Guard::Session => row.route.wrap(from_fn(session::require)),
            Guard::Service => row.route.wrap(from_fn(service_key::require)),
            Guard::Admin => row.route.wrap(from_fn(admin_key::require)),
            Guard::Open => row.route,
        };
        resource = resource.route(route.guard(fn_guard(matches)));
    }
    let other = web::to(move |method: Method| ready(other_method(&method, allow.clone())));
    resource.default_service(other).wrap_fn(panics::catch)
}

fn allow(rows: &[Row]) -> HeaderValue {
    let methods = rows.iter().flat_map(|row| methods_of(&row.method));
    let methods: Vec<_> = methods.map(|method| method.to_string()).collect();
    HeaderValue::from_str(&methods.join(", ")).unwrap_or(HeaderValue::from_static(""))
}

/// Returns the methods that a row responds to. As in Express, `GET` includes `HEAD`.
fn methods_of(method: &Method) -> Vec<Method> {
    match *method {
        Method::GET => vec![Method::GET, Method::HEAD],
        _ => vec![method.clone()],
    }
}

/// Responds to a method without a row: `OPTIONS` with the allowed methods, any other with an error and the same list.
fn other_method(method: &Method, allow: HeaderValue) -> HttpResponse {
    let mut response = match *method {
        Method::OPTIONS => HttpResponse::NoContent().finish(),
        _ => HttpResponse::from_error(ApiError::from(ErrorCode::MethodNotAllowed)),
    };
    response.headers_mut().insert(ALLOW, allow);
    response
}

async fn not_found() -> Result<HttpResponse, ApiError> {
    Err(ErrorCode::NotFound.into())
}
