//! The operation of an endpoint: its annotation, completed with what follows from the row.

use utoipa::openapi::path::{Operation, OperationBuilder, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{Components, RefOr, Required, ResponseBuilder};

use crate::error::ErrorCode;
use crate::openapi::headers::{REQUEST_ID, header_ref};
use crate::openapi::{envelope, errors};
use crate::routes::{Endpoint, Guard};

/// The name of the security scheme for users.
pub(super) const BEARER: &str = "bearer";

/// The name of the security scheme for other services.
pub(super) const SERVICE_KEY: &str = "service_key";

/// The name of the security scheme for operators.
pub(super) const ADMIN_KEY: &str = "admin_key";

/// Returns the operation of an endpoint, and registers its schemas and examples.
pub(super) fn of(endpoint: &Endpoint, components: &mut Components) -> Operation {
    let annotated = annotated(endpoint, components);
    let mut operation = annotated.unwrap_or_else(|| derived(endpoint));
    let errors = errors::errors_of(endpoint, &operation);
    errors::register_examples(components, &errors);
    operation.description = without_errors(operation.description.take());
    shorten_summary(&mut operation);
    operation.security = security(endpoint);
    let responses = &mut operation.responses.responses;
    for (status, response) in errors::responses(&errors) {
        responses.entry(status).or_insert(response);
    }
    for response in responses.values_mut() {
        if let RefOr::T(response) = response {
            if response.description.is_empty() {
                "Success.".clone_into(&mut response.description);
            }
            let request_id = header_ref(REQUEST_ID);
            response.headers.insert(REQUEST_ID.to_owned(), request_id);
        }
    }
    operation
}

/// Returns the operation of the handler's annotation, and registers its schemas.
fn annotated(endpoint: &Endpoint, components: &mut Components) -> Option<Operation> {
    let document = endpoint.annotation?();
    let (_, item) = document.paths.paths.into_iter().next()?;
    let mut operation = operation_of(item)?;
    let schemas = document.components.unwrap_or_default().schemas;
    envelope::register(schemas, components);
    envelope::rename_references(&mut operation);
    Some(operation)
}

fn operation_of(item: PathItem) -> Option<Operation> {
    let operations = [item.get, item.put, item.post, item.delete, item.patch];
    operations.into_iter().flatten().next()
}

/// Returns the operation of a handler without an annotation: an id, and the parameters of the path.
fn derived(endpoint: &Endpoint) -> Operation {
    let method = endpoint.method.as_str().to_lowercase();
    let segments = endpoint.path.split('/').skip(1);
    let words = segments
        .clone()
        .map(|segment| segment.trim_matches(['{', '}']));
    let id = std::iter::once(method.as_str()).chain(words);
    let id = id.collect::<Vec<_>>().join("_").replace(['-', '.'], "_");
    let mut operation = OperationBuilder::new().operation_id(Some(id));
    for name in segments.filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}')) {
        let parameter = ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Path)
            .required(Required::True)
            .schema(Some(ObjectBuilder::new().schema_type(Type::String)));
        operation = operation.parameter(parameter);
    }
    operation.response("200", ResponseBuilder::new()).build()
}

/// Cuts off the section of the handler's documentation about errors, which the responses describe.
fn without_errors(description: Option<String>) -> Option<String> {
    let description = description?;
    let text = description.split("# Errors").next()?.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// Leaves the first sentence in the summary, and moves the rest to the description. Pages show a summary as it is, so it has
/// no Markdown.
fn shorten_summary(operation: &mut Operation) {
    let Some(summary) = operation.summary.take() else {
        return;
    };
    let end = summary.find(". ").or_else(|| summary.find(".\n"));
    let (first, rest) = summary.split_at(end.map_or(summary.len(), |end| end + 1));
    let rest = rest.trim();
    if !rest.is_empty() {
        let description = operation.description.take();
        let parts = [Some(rest.to_owned()), description];
        let text = parts.into_iter().flatten().collect::<Vec<_>>().join("\n\n");
        operation.description = Some(text);
    }
    operation.summary = Some(first.replace('`', ""));
}

fn security(endpoint: &Endpoint) -> Option<Vec<SecurityRequirement>> {
    let takes_token = endpoint.errors.contains(&ErrorCode::SessionRequired.into());
    let scheme = match endpoint.guard {
        Guard::Service => SERVICE_KEY,
        Guard::Admin => ADMIN_KEY,
        Guard::Session => BEARER,
        Guard::Open if takes_token => BEARER,
        Guard::Open => return None,
    };
    Some(vec![SecurityRequirement::new::<_, [&str; 0], &str>(
        scheme,
        [],
    )])
}
