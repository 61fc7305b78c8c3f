//! The OpenAPI 3.1 document, from the route table and the handlers' annotations.

mod chinese;
mod envelope;
mod errors;
mod headers;
mod operation;

use actix_web::http::Method;
use utoipa::openapi::path::HttpMethod;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::Tag;
use utoipa::openapi::{
    Components, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, PathItem, Server,
};

use crate::error::ErrorCode;
use crate::routes::{Endpoint, Guard};

const DESCRIPTION: &str = "The login backend for WeChat mini programs: takes a code of `wx.login`, returns a session.\n\n\
    Paths are case-insensitive, with or without a trailing slash. An unknown path gets 404 `not_found`, another method 405 \
    `method_not_allowed` with `Allow`, in the same shape as every error.";

const ADMIN_DESCRIPTION: &str =
    "The admin API of weapp-login, for operators, on a port of its own (`admin.port`).";

/// Returns the document of these endpoints.
pub fn document(endpoints: &[Endpoint]) -> OpenApi {
    described(endpoints, DESCRIPTION)
}

fn described(endpoints: &[Endpoint], description: &str) -> OpenApi {
    let license = LicenseBuilder::new()
        .name(env!("CARGO_PKG_LICENSE"))
        .identifier(Some(env!("CARGO_PKG_LICENSE")));
    let info = InfoBuilder::new()
        .title(env!("CARGO_PKG_NAME"))
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(description))
        .license(Some(license.build()));
    let mut document = OpenApiBuilder::new().info(info).build();
    let mut components = Components::new();
    // Pages show the groups in this order: that of the table, which begins with the login.
    let mut tags = Vec::new();
    for endpoint in endpoints {
        let Some(method) = http_method(&endpoint.method) else {
            continue;
        };
        let operation = operation::of(endpoint, &mut components);
        for name in operation.tags.iter().flatten() {
            if tags.iter().all(|tag: &Tag| tag.name != *name) {
                tags.push(Tag::new(name));
            }
        }
        let item = PathItem::new(method, operation);
        let paths = &mut document.paths.paths;
        let known = paths.entry(endpoint.path.to_owned()).or_default();
        known.merge_operations(item);
    }
    errors::register_schemas(&mut components);
    headers::register(&mut components);
    register_security(endpoints, &mut components);
    document.components = Some(components);
    document.tags = Some(tags);
    document
}

/// Returns the document as JSON, with a trailing line break. Its server is at `base_path`.
pub fn text(endpoints: &[Endpoint], base_path: &str) -> String {
    let mut document = document(endpoints);
    document.servers = (!base_path.is_empty()).then(|| vec![Server::new(base_path)]);
    json(&document)
}

fn json(document: &OpenApi) -> String {
    // The document always serializes.
    serde_json::to_string_pretty(document).unwrap_or_default() + "\n"
}

/// Returns the same document with its descriptions and error messages in Chinese.
pub fn chinese_text(endpoints: &[Endpoint], base_path: &str) -> String {
    let english = text(endpoints, base_path);
    let Ok(mut document) = serde_json::from_str(&english) else {
        return english;
    };
    let of_rows = endpoints
        .iter()
        .flat_map(|endpoint| endpoint.errors.iter().copied());
    let shared = ErrorCode::ALL.iter().map(|code| code.definition());
    chinese::translate(&mut document, shared.chain(of_rows));
    document.to_string()
}

/// Returns the document of the admin API as JSON, with a trailing line break.
pub fn admin_text(endpoints: &[Endpoint]) -> String {
    json(&described(endpoints, ADMIN_DESCRIPTION))
}

/// Returns the method; `None` for methods that OpenAPI does not describe.
fn http_method(method: &Method) -> Option<HttpMethod> {
    match *method {
        Method::GET => Some(HttpMethod::Get),
        Method::PUT => Some(HttpMethod::Put),
        Method::POST => Some(HttpMethod::Post),
        Method::DELETE => Some(HttpMethod::Delete),
        Method::PATCH => Some(HttpMethod::Patch),
        _ => None,
    }
}

fn register_security(endpoints: &[Endpoint], components: &mut Components) {
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("wxs_…")
        .description(Some("`data.token` of the response to a login."))
        .build();
    let service_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "One of the keys of `gateway.service_keys`, for other services.",
        ))
        .build();
    let admin_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("The key of one of `admin.keys`, without its name."))
        .build();
    let schemes = [
        (Guard::Session, operation::BEARER, bearer),
        (Guard::Service, operation::SERVICE_KEY, service_key),
        (Guard::Admin, operation::ADMIN_KEY, admin_key),
    ];
    for (guard, name, scheme) in schemes {
        if !endpoints.iter().any(|endpoint| endpoint.guard == guard) {
            continue;
        }
        let scheme = SecurityScheme::Http(scheme).into();
        components.security_schemes.insert(name.to_owned(), scheme);
    }
}
