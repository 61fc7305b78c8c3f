//! The Chinese version of the document.
//!
//! `zh.toml` pairs each English text with a Chinese one. The English text is the key: if it changes, its translation is missing,
//! and a test fails.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;

use crate::error::ErrorDefinition;

const TABLE: &str = include_str!("zh.toml");

/// The fields of the document that contain texts for people. `message` is in the examples of errors.
const FIELDS: [&str; 3] = ["summary", "description", "message"];

#[derive(Default, Deserialize)]
struct Table {
    text: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    en: String,
    zh: String,
}

/// Replaces each text that has a translation. The texts of errors are in their definitions.
pub(super) fn translate(document: &mut Value, errors: impl Iterator<Item = ErrorDefinition>) {
    // A test parses the table.
    let table: Table = toml::from_str(TABLE).unwrap_or_default();
    let pairs = table.text.into_iter().map(|pair| (pair.en, pair.zh));
    let errors = errors.filter_map(|error| {
        let chinese = error.chinese?.to_owned();
        Some((error.message.to_owned(), chinese))
    });
    let chinese: HashMap<String, String> = pairs.chain(errors).collect();
    for_each_text(document, &mut |text| {
        if let Some(chinese) = chinese.get(&in_one_line(text)) {
            chinese.clone_into(text);
        }
    });
}

fn for_each_text(value: &mut Value, visit: &mut impl FnMut(&mut String)) {
    match value {
        Value::Object(fields) => {
            for (name, field) in fields {
                if FIELDS.contains(&name.as_str())
                    && let Value::String(text) = field
                {
                    visit(text);
                } else {
                    for_each_text(field, visit);
                }
            }
        }
        Value::Array(items) => {
            for item in items {
                for_each_text(item, visit);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Joins the lines of a text, because doc comments are wrapped.
fn in_one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::error::ErrorCode;
    use crate::openapi::text;
    use crate::routes;

    /// Returns `true` if the text has words, and not only names of errors.
    fn has_words(text: &str) -> bool {
        let outside = text.split('`').step_by(2);
        outside
            .into_iter()
            .any(|part| part.contains(char::is_alphabetic))
    }

    #[test]
    fn every_text_of_the_document_has_a_translation_and_no_translation_is_stale() {
        let mut document = serde_json::from_str(&text(&routes::endpoints(), "")).unwrap();
        let messages: Vec<_> = ErrorCode::ALL
            .iter()
            .map(|code| code.definition().message)
            .collect();
        let mut texts = BTreeSet::new();
        for_each_text(&mut document, &mut |text| {
            if has_words(text) && !messages.contains(&text.as_str()) && text != "success!" {
                texts.insert(in_one_line(text));
            }
        });
        assert!(texts.len() > 80, "{texts:#?}");
        let table: Table = toml::from_str(TABLE).unwrap();
        let translated: BTreeSet<_> = table.text.iter().map(|pair| pair.en.clone()).collect();
        // A project made from this repository need not translate its texts: they are shown in English.
        // <!-- only here -->
        let missing: Vec<_> = texts.difference(&translated).collect();
        assert!(missing.is_empty(), "src/openapi/zh.toml lacks {missing:#?}");
        let stale: Vec<_> = translated.difference(&texts).collect();
        assert!(
            stale.is_empty(),
            "src/openapi/zh.toml has the unused {stale:#?}"
        );
        // <!-- everywhere -->
        assert_eq!(translated.len(), table.text.len(), "a text occurs twice");
    }
}
