//! Logs the received body of a login as Node's `console.log(req.body)` prints it.

mod array;
mod json;
mod text;

use actix_web::{HttpMessage as _, HttpRequest};

use crate::handlers::console_log::text::LINE_LENGTH;
use crate::middleware::json::BodyText;
use crate::telemetry;

/// The way in which bodies are logged, in the app's data.
#[derive(Debug, Clone, Copy)]
pub struct ConsoleLog {
    simulated: bool,
}

/// Maximum nesting that is printed, as in Node: what is deeper is `[Object]` or `[Array]`.
const MAX_LEVEL: usize = 2;
/// Number of characters of a code that are shown: enough to tell two codes apart, too few to use one.
const SHOWN_CODE_CHARS: usize = 6;
/// Stands for a value that is not shown.
const HIDDEN: &str = "…";

impl ConsoleLog {
    /// While WeChat is simulated, codes are worthless, and bodies are shown in full. With a real AppID, only the first six
    /// characters of the code and the names of the other fields are shown, because the code can still be used.
    pub fn new(simulated: bool) -> Self {
        Self { simulated }
    }
}

/// Logs the body of a request, if the JSON configuration keeps its text, which it does in development.
pub(crate) fn log(request: &HttpRequest) {
    if !log::log_enabled!(target: telemetry::BODY, log::Level::Info) {
        return;
    }
    let extensions = request.extensions();
    let Some(BodyText(text)) = extensions.get::<BodyText>() else {
        return;
    };
    let simulated = request
        .app_data::<ConsoleLog>()
        .is_some_and(|log| log.simulated);
    let shown = if simulated {
        format(text)
    } else {
        format_masked(text)
    };
    log::info!(target: telemetry::BODY, "{shown}");
}

/// Formats a JSON text as `console.log(JSON.parse(text))` prints it; an empty text as `{}`.
fn format(text: &str) -> String {
    inspect(json::trimmed(text), 0, 0)
}

/// Formats a JSON text with the beginning of its code, and without the other values.
fn format_masked(text: &str) -> String {
    let text = json::trimmed(text);
    if text.starts_with('[') {
        let empty = json::elements(text).is_empty();
        return if empty { "[]" } else { "[ … ]" }.to_owned();
    }
    let fields = json::fields(text).into_iter().map(|(name, value)| {
        let shown = if text::is(&name, "code") && value.starts_with('"') {
            let code = text::decoded(&text::units(value));
            let shown: String = code.chars().take(SHOWN_CODE_CHARS).collect();
            text::quote(&text::encoded(&(shown + HIDDEN)))
        } else {
            HIDDEN.to_owned()
        };
        format!("{}: {shown}", text::field_name(&name))
    });
    braces('{', &fields.collect::<Vec<_>>(), '}', 0)
}

/// Formats one value that begins at the column `indent`.
fn inspect(value: &str, level: usize, indent: usize) -> String {
    match value.as_bytes().first() {
        Some(b'{') => {
            let fields = json::fields(value);
            if level > MAX_LEVEL && !fields.is_empty() {
                return "[Object]".to_owned();
            }
            let fields = fields.into_iter().map(|(name, value)| {
                let value = inspect(value, level + 1, indent + 2);
                format!("{}: {value}", text::field_name(&name))
            });
            braces('{', &fields.collect::<Vec<_>>(), '}', indent)
        }
        Some(b'[') => {
            let elements = json::elements(value);
            if level > MAX_LEVEL && !elements.is_empty() {
                return "[Array]".to_owned();
            }
            let entries = array::entries(&elements, |value| inspect(value, level + 1, indent + 2));
            match array::columns(&entries, &elements, indent) {
                Some(rows) => lines('[', &rows, ']', indent),
                None => braces('[', &entries, ']', indent),
            }
        }
        Some(b'"') => text::string(&text::units(value), indent),
        Some(b'-' | b'0'..=b'9') => text::number(value),
        _ => value.to_owned(),
    }
}

/// Puts the entries between braces: on one line if they fit, and else on a line each.
fn braces(open: char, entries: &[String], close: char, indent: usize) -> String {
    if entries.is_empty() {
        return format!("{open}{close}");
    }
    // Node's allowance for the braces and the text around them is 11.
    let length: usize = entries.iter().map(|entry| text::length(entry) + 2).sum();
    let fits = length + indent + 11 <= LINE_LENGTH;
    if fits && !entries.iter().any(|entry| entry.contains('\n')) {
        return format!("{open} {} {close}", entries.join(", "));
    }
    lines(open, entries, close, indent)
}

/// Puts the entries on lines of their own.
fn lines(open: char, entries: &[String], close: char, indent: usize) -> String {
    let margin = " ".repeat(indent);
    let entries = entries.join(&format!(",\n{margin}  "));
    format!("{open}\n{margin}  {entries}\n{margin}{close}")
}

#[cfg(test)]
mod tests {
    use std::fmt::Write as _;

    use super::*;

    #[test]
    fn bodies_are_printed_as_node_prints_them() {
        let cases = include_str!("../../../tests/express/console_log.json");
        let cases: Vec<(String, String)> = serde_json::from_str(cases).unwrap();
        assert!(cases.len() > 300, "{}", cases.len());
        let mut wrong = String::new();
        for (body, printed) in cases {
            let ours = format(&body);
            if ours != printed {
                writeln!(wrong, "{body}\nnode:\n{printed}\nours:\n{ours}\n").unwrap();
            }
        }
        assert!(wrong.is_empty(), "{wrong}");
    }

    #[test]
    fn with_a_real_app_id_only_the_beginning_of_the_code_is_shown() {
        for (body, shown) in [
            (
                r#"{"code":"051bIzT629FmMN0zraV62WLnT62bIzTA","app":"desk","a-b":{"c":1}}"#,
                "{ code: '051bIz…', app: …, 'a-b': … }",
            ),
            (r#"{"user":"x"}"#, "{ user: … }"),
            (r#"{"code":12}"#, "{ code: … }"),
            (r#"{"code":"a'\n"}"#, r#"{ code: "a'\n…" }"#),
            ("[\"051bIzT\"]", "[ … ]"),
            ("[]", "[]"),
            ("{}", "{}"),
            ("", "{}"),
        ] {
            assert_eq!(format_masked(body), shown, "{body}");
        }
    }

    /// Node prints the characters that reorder text as they are; a log must not.
    #[test]
    fn no_character_changes_how_a_line_is_read() {
        let body = "{\"a\u{202e}\":\"\u{2028}\u{200f}\\u001b[2J\u{9b}\"}";
        let shown = r"{ 'a\u202e': '\u2028\u200f\x1B[2J\x9B' }";
        assert_eq!(format(body), shown);
        assert_eq!(format_masked(body), r"{ 'a\u202e': … }");
        for letter in '\0'..='\u{2fff}' {
            let name = format!("a{letter}b");
            let body = serde_json::json!({ &name: &name, "code": &name }).to_string();
            for shown in [format(&body), format_masked(&body)] {
                assert!(!shown.chars().any(is_unsafe), "{letter:?}: {shown:?}");
            }
        }
    }

    /// Returns `true` if a terminal obeys the character, or reorders text by it.
    fn is_unsafe(letter: char) -> bool {
        let reorders = "\u{61c}\u{200e}\u{200f}\u{2028}\u{2029}\u{202a}\u{202b}\u{202c}\u{202d}\u{202e}\u{2066}\u{2067}\u{2068}\u{2069}";
        letter.is_control() || reorders.contains(letter)
    }

    #[test]
    fn no_depth_overflows_the_stack() {
        let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
        assert_eq!(format(&deep), "[ [ [ [Array] ] ] ]");
    }
}
