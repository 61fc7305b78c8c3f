//! Short names for the schemas of success bodies: `LoginReply` in place of utoipa's `Envelope_LoginData`.

use std::collections::BTreeMap;

use utoipa::openapi::path::Operation;
use utoipa::openapi::{Components, Content, Ref, RefOr, Schema};

/// The name that utoipa gives to `Envelope<T>`, before the name of `T`.
const PREFIX: &str = "Envelope_";

/// Registers the schemas of an annotation under their short names.
pub(super) fn register(schemas: BTreeMap<String, RefOr<Schema>>, components: &mut Components) {
    for (name, schema) in schemas {
        let name = short_name(&name).unwrap_or(name);
        components.schemas.insert(name, schema);
    }
}

/// Replaces the names in the responses of an operation.
pub(super) fn rename_references(operation: &mut Operation) {
    for response in operation.responses.responses.values_mut() {
        let RefOr::T(response) = response else {
            continue;
        };
        for content in response.content.values_mut() {
            if let RefOr::T(content) = content {
                rename(content);
            }
        }
    }
}

fn rename(content: &mut Content) {
    if let Some(RefOr::Ref(reference)) = &mut content.schema {
        let name = reference.ref_location.rsplit('/').next();
        if let Some(name) = name.and_then(short_name) {
            *reference = Ref::from_schema_name(name);
        }
    }
}

/// Returns `LoginReply` for `Envelope_LoginData`, and `None` for the schema of another type.
fn short_name(name: &str) -> Option<String> {
    let data = name.strip_prefix(PREFIX)?;
    let stem = data.strip_suffix("Data").unwrap_or(data);
    Some(format!("{stem}Reply"))
}
