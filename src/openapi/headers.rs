//! The headers that many responses share.

use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::{Components, Header, Ref, RefOr};

/// The header with the id of the request, in every response.
pub(super) const REQUEST_ID: &str = "X-Request-Id";

/// The header with the seconds to wait.
pub(super) const RETRY_AFTER: &str = "Retry-After";

/// The header with the authentication scheme, in every 401.
pub(super) const WWW_AUTHENTICATE: &str = "WWW-Authenticate";

/// Returns a reference to a registered header.
pub(super) fn header_ref(name: &str) -> RefOr<Header> {
    RefOr::Ref(Ref::new(format!("#/components/headers/{name}")))
}

/// Registers the headers.
pub(super) fn register(components: &mut Components) {
    let header = |schema: Type, description: &str| {
        let schema = ObjectBuilder::new().schema_type(schema).build();
        HeaderBuilder::new()
            .schema(Some(schema))
            .description(Some(description))
            .build()
    };
    let request_id = header(Type::String, "Identifies the request in the server's log.");
    let retry_after = header(Type::Integer, "Seconds to wait before the next attempt.");
    let authenticate = header(
        Type::String,
        "`Bearer` with a realm, and with `error=\"invalid_token\"` if the request has a token or key that is not accepted.",
    );
    let headers = [
        (REQUEST_ID, request_id),
        (RETRY_AFTER, retry_after),
        (WWW_AUTHENTICATE, authenticate),
    ];
    for (name, header) in headers {
        components.headers.insert(name.to_owned(), RefOr::T(header));
    }
}
