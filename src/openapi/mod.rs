//! The API as an OpenAPI 3.1 document, for people and tools to read.
//!
//! Knows how the table of routes, the handlers' annotations and the table of errors make one document: an annotation says
//! what its handler takes and gives, and everything else follows from the row. Never knows what a handler does.

mod refusals;

use actix_web::http::Method;
use utoipa::OpenApi as _;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityRequirement, SecurityScheme};
use utoipa::openapi::{Components, Header, OpenApi, PathItem, Ref, RefOr};

use crate::error::ErrorCode;
use crate::handlers::{
    auth, encrypted, health, introspection, login, phone, session, session_key, sessions, user,
};
use crate::routes::{self, Guard, Row};

/// The annotated handlers. A test compares them with the table of routes.
#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "weapp-login",
        description = "The login backend for WeChat mini programs: a code from `wx.login` in, a session out.\n\n\
            Paths match in any case, with or without a slash at the end. Another path is answered 404 `not_found`, another \
            method 405 `method_not_allowed` with `Allow`, in the same shape as every refusal.",
    ),
    paths(
        login::log_in,
        session::show,
        session::end,
        session_key::check,
        session_key::reset,
        sessions::list,
        sessions::end_many,
        sessions::end,
        user::show,
        user::change,
        phone::tell,
        encrypted::open,
        auth::check,
        introspection::tell,
        health::live,
        health::ready,
    )
)]
struct Annotated;

/// The name of the scheme for whoever is logged in.
const BEARER: &str = "bearer";

/// The name of the scheme for other services.
const SERVICE_KEY: &str = "service_key";

/// The header with which every reply names its request.
const REQUEST_ID: &str = "X-Request-Id";

/// Makes the document. It depends on the code alone, so make it once.
pub fn document() -> OpenApi {
    let mut document = Annotated::openapi();
    let table = routes::table();
    for row in &table {
        let item = document.paths.paths.get_mut(row.path);
        if let Some(operation) = item.and_then(|item| operation(item, &row.method)) {
            complete(operation, row);
        }
    }
    let components = document.components.get_or_insert_default();
    refusals::register(components, &table);
    register_headers(components);
    let bearer = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .bearer_format("wxs_…")
        .description(Some("`data.token` of the reply to a login."))
        .build();
    let service_key = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "One of the keys of `gateway.service_keys`, for other services.",
        ))
        .build();
    for (name, scheme) in [(BEARER, bearer), (SERVICE_KEY, service_key)] {
        let scheme = SecurityScheme::Http(scheme).into();
        components.security_schemes.insert(name.to_owned(), scheme);
    }
    document
}

/// The document as text, which ends with a line break.
pub fn text() -> String {
    // Everything in it becomes JSON.
    let text = serde_json::to_string_pretty(&document()).unwrap_or_default();
    text + "\n"
}

/// The operation of a method, if it is annotated.
fn operation<'a>(item: &'a mut PathItem, method: &Method) -> Option<&'a mut Operation> {
    match *method {
        Method::GET => item.get.as_mut(),
        Method::PUT => item.put.as_mut(),
        Method::POST => item.post.as_mut(),
        Method::DELETE => item.delete.as_mut(),
        _ => None,
    }
}

/// Adds to an annotation what follows from the route's row.
fn complete(operation: &mut Operation, row: &Row) {
    let tag = operation.tags.iter().flatten().next();
    if let (Some(tag), Some(name)) = (tag, &operation.operation_id) {
        operation.operation_id = Some(format!("{tag}_{name}"));
    }
    // The handlers' documentation says in words what the refusals say below.
    operation.description = operation
        .description
        .take()
        .and_then(|text| {
            text.split("# Errors")
                .next()
                .map(|text| text.trim().to_owned())
        })
        .filter(|text| !text.is_empty());
    let scheme = match row.guard {
        Guard::Service => Some(SERVICE_KEY),
        Guard::Session | Guard::Open => {
            let wanted = row.refusals.contains(&ErrorCode::SessionRequired);
            wanted.then_some(BEARER)
        }
    };
    operation.security =
        scheme.map(|scheme| vec![SecurityRequirement::new::<_, [&str; 0], &str>(scheme, [])]);
    let responses = &mut operation.responses.responses;
    responses.extend(refusals::responses(&row.refusals));
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            if response.description.is_empty() {
                "Done.".clone_into(&mut response.description);
            }
            let request_id = header_ref(REQUEST_ID);
            response.headers.insert(REQUEST_ID.to_owned(), request_id);
        }
    }
}

fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

fn register_headers(components: &mut Components) {
    let header = |schema: Type, description: &str| {
        let schema = ObjectBuilder::new().schema_type(schema).build();
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description))
            .build()
    };
    let request_id = header(Type::String, "Names the request in the server's log.");
    let retry_after = header(Type::Integer, "Seconds to wait before the next try.");
    let headers = [
        (REQUEST_ID, request_id),
        (refusals::RETRY_AFTER, retry_after),
    ];
    for (name, header) in headers {
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
}
