//! The error responses of an operation: one for each status, with an example for each error.

use std::collections::BTreeMap;

use actix_web::ResponseError as _;
use actix_web::http::StatusCode;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::path::{Operation, ParameterIn};
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::error::ErrorCode as E;
use crate::error::{ApiError, ErrorDefinition, ErrorReply, PlatformRejection, WechatRejection};
use crate::language::Language;
use crate::openapi::headers::{RETRY_AFTER, WWW_AUTHENTICATE, header_ref};
use crate::routes::{Endpoint, Guard};

/// The request id of the examples.
const REQUEST_ID: &str = "396492d36a6eb82f";

/// The errors of a JSON body.
const JSON_BODY: &[E] = &[
    E::MalformedJson,
    E::MalformedBody,
    E::UnexpectedBody,
    E::BodyTimeout,
    E::BodyTooLarge,
    E::UnsupportedMediaType,
    E::UnsupportedCharset,
    E::UnsupportedEncoding,
];

/// The errors of any other body.
const OTHER_BODY: &[E] = &[E::BadRequest, E::BodyTooLarge, E::UnsupportedMediaType];

/// Returns all errors of an operation: those of its row, and those of its guard, path, query and body.
pub(super) fn errors_of(endpoint: &Endpoint, operation: &Operation) -> Vec<ErrorDefinition> {
    let guard: &[_] = match endpoint.guard {
        Guard::Session => &[E::SessionRequired, E::StoreUnavailable],
        Guard::Service => &[E::IntrospectionOff, E::ServiceKeyRequired],
        Guard::Admin => &[E::AdminKeyRequired, E::RateLimited],
        Guard::Open => &[],
    };
    let has_parameter = |wanted: &ParameterIn| {
        operation.parameters.iter().flatten().any(|parameter| {
            matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == *wanted)
        })
    };
    let path: &[_] = if has_parameter(&ParameterIn::Path) {
        &[E::NotFound]
    } else {
        &[]
    };
    let query: &[_] = if has_parameter(&ParameterIn::Query) {
        &[E::BadRequest]
    } else {
        &[]
    };
    let body = match &operation.request_body {
        Some(RefOr::T(body)) if body.content.contains_key("application/json") => JSON_BODY,
        Some(_) => OTHER_BODY,
        None => &[],
    };
    // Any handler can panic.
    let shared = [guard, path, query, body, &[E::Internal]].concat();
    let own = endpoint.errors.iter().copied();
    let mut errors: Vec<_> = own.chain(shared.into_iter().map(Into::into)).collect();
    errors.sort_by_key(|error| (error.status, position(error.name), error.name));
    errors.dedup_by_key(|error| error.name);
    errors
}

/// Returns the position in the table of errors; errors of your own come last.
fn position(name: &str) -> usize {
    let mut codes = E::ALL.iter();
    codes
        .position(|code| code.name() == name)
        .unwrap_or(usize::MAX)
}

/// Returns the responses by status. The errors are sorted by status.
pub(super) fn responses(errors: &[ErrorDefinition]) -> BTreeMap<String, RefOr<Response>> {
    let same_status = |a: &ErrorDefinition, b: &ErrorDefinition| a.status == b.status;
    let responses = errors.chunk_by(same_status).filter_map(|errors| {
        let status = errors.first()?.status;
        Some((status.as_str().to_owned(), response(errors).into()))
    });
    responses.collect()
}

/// Registers the schemas that the responses refer to.
pub(super) fn register_schemas(components: &mut Components) {
    let schemas = [
        (ErrorReply::name(), ErrorReply::schema()),
        (PlatformRejection::name(), PlatformRejection::schema()),
        (WechatRejection::name(), WechatRejection::schema()),
    ];
    for (name, schema) in schemas {
        components.schemas.insert(name.into_owned(), schema);
    }
}

/// Registers the examples that the responses refer to.
pub(super) fn register_examples(components: &mut Components, errors: &[ErrorDefinition]) {
    for error in errors {
        let body = ApiError::from(*error).body(Language::English, Some(REQUEST_ID));
        let example = ExampleBuilder::new()
            .summary(error.message)
            .value(serde_json::from_str(&body).ok())
            .build();
        let name = error.name.to_owned();
        components.examples.insert(name, RefOr::T(example));
    }
}

fn response(errors: &[ErrorDefinition]) -> Response {
    let names: Vec<_> = errors.iter().map(|error| error.name).collect();
    let examples = names.iter().map(|name| {
        let example = Ref::new(format!("#/components/examples/{name}"));
        (*name, RefOr::Ref(example))
    });
    let content = ContentBuilder::new()
        .schema(Some(schema(&names)))
        .examples_from_iter(examples)
        .build();
    let mut response = ResponseBuilder::new()
        .description(format!("`{}`.", names.join("`, `")))
        .content("application/json", content)
        .build();
    let unauthorized = |error: &ErrorDefinition| error.status == StatusCode::UNAUTHORIZED;
    for (name, present) in [
        (RETRY_AFTER, errors.iter().any(has_retry_after)),
        (WWW_AUTHENTICATE, errors.iter().any(unauthorized)),
    ] {
        if present {
            response.headers.insert(name.to_owned(), header_ref(name));
        }
    }
    response
}

/// Returns the schema of error bodies, limited to these names.
fn schema(names: &[&str]) -> Schema {
    let error = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names.iter().copied()));
    let only_these = ObjectBuilder::new().property("error", error);
    let body = Ref::from_schema_name(ErrorReply::name());
    let all = AllOfBuilder::new().item(body).item(only_these);
    all.build().into()
}

fn has_retry_after(error: &ErrorDefinition) -> bool {
    let response = ApiError::from(*error).error_response();
    response.headers().contains_key(RETRY_AFTER)
}
