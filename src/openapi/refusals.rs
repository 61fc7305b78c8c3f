//! What a route refuses with, as the document shows it: by status, each row of the errors with its name and sentence.
//!
//! Knows the envelope of refusals. Never knows which route can refuse with which row.

use std::collections::{BTreeMap, BTreeSet};

use actix_web::ResponseError as _;
use utoipa::openapi::example::ExampleBuilder;
use utoipa::openapi::schema::{AllOfBuilder, ObjectBuilder, Type};
use utoipa::openapi::{Components, ContentBuilder, Ref, RefOr, Response, ResponseBuilder, Schema};
use utoipa::{PartialSchema as _, ToSchema as _};

use crate::error::{ApiError, ErrorCode, ErrorReply, WechatRefusal};
use crate::openapi::header_ref;
use crate::routes::Row;

/// The header that says when to try again.
pub(super) const RETRY_AFTER: &str = "Retry-After";

/// The request that the examples are about.
const REQUEST_ID: &str = "396492d36a6eb82f";

/// One response for each status.
pub(super) fn responses(
    refusals: &BTreeSet<ErrorCode>,
) -> impl Iterator<Item = (String, RefOr<Response>)> {
    let mut by_status = BTreeMap::<_, Vec<ErrorCode>>::new();
    for code in refusals {
        by_status.entry(code.status()).or_default().push(*code);
    }
    by_status
        .into_iter()
        .map(|(status, codes)| (status.as_str().to_owned(), response(&codes).into()))
}

/// Adds what the responses refer to.
pub(super) fn register(components: &mut Components, table: &[Row]) {
    let schemas = [
        (ErrorReply::name(), ErrorReply::schema()),
        (WechatRefusal::name(), WechatRefusal::schema()),
    ];
    for (name, schema) in schemas {
        components.schemas.insert(name.into_owned(), schema);
    }
    for code in table.iter().flat_map(|row| &row.refusals) {
        let body = ApiError::from(*code).body(Some(REQUEST_ID));
        let example = ExampleBuilder::new()
            .summary(code.message())
            .value(serde_json::from_str(&body).ok())
            .build();
        let name = code.name().to_owned();
        components.examples.insert(name, RefOr::T(example));
    }
}

fn response(codes: &[ErrorCode]) -> Response {
    let names: Vec<_> = codes.iter().map(|code| code.name()).collect();
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
    if codes.iter().any(|code| says_when_to_retry(*code)) {
        let retry_after = header_ref(RETRY_AFTER);
        response.headers.insert(RETRY_AFTER.to_owned(), retry_after);
    }
    response
}

/// The envelope, with only these names in it.
fn schema(names: &[&str]) -> Schema {
    let error = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(names.iter().copied()));
    let only_these = ObjectBuilder::new().property("error", error);
    let envelope = Ref::from_schema_name(ErrorReply::name());
    let all = AllOfBuilder::new().item(envelope).item(only_these);
    all.build().into()
}

fn says_when_to_retry(code: ErrorCode) -> bool {
    let reply = ApiError::from(code).error_response();
    reply.headers().contains_key(RETRY_AFTER)
}
