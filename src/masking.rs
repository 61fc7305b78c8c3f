//! Texts of requests and replies without secrets, for the console.

use serde_json::Value;

/// Names of fields and parameters whose texts are shown. All others may be secret or personal.
const SHOWN: [&str; 29] = [
    "all",
    "app",
    "app_id",
    "appid",
    "countryCode",
    "country_code",
    "created_at",
    "device",
    "endpoint",
    "ends_at",
    "errmsg",
    "error",
    "expires_at",
    "grant_type",
    "id",
    "kind",
    "lang",
    "last_seen",
    "message",
    "name",
    "now",
    "path",
    "request_id",
    "rid",
    "rotate_at",
    "sig_method",
    "token_type",
    "version",
    "warning",
];

/// Names of fields whose first characters are shown, so that two codes can be told apart.
const CODES: [&str; 3] = ["code", "js_code", "phone_code"];

/// Number of characters of a code that are shown: too few to use it.
const CODE_CHARS: usize = 6;

/// The beginning of each token, and the number of characters that are shown with it.
const TOKEN: &str = "wxs_";
const TOKEN_CHARS: usize = 8;

/// Stands for a text that is not shown.
pub(crate) const MASK: &str = "***";

/// Maximum length of a JSON text that is shown, in bytes. Our choice: the replies of the API have a few hundred.
const MAX_BYTES: usize = 16 * 1024;

/// Returns a JSON text without secrets; the length of any other text, or of one that is too long.
pub(crate) fn json(text: &[u8]) -> String {
    if text.is_empty() {
        return String::new();
    }
    let parsed = Some(text).filter(|text| text.len() <= MAX_BYTES);
    match parsed.and_then(|text| serde_json::from_slice(text).ok()) {
        Some(mut value) => {
            mask("", &mut value);
            value.to_string()
        }
        None => format!("({} bytes)", text.len()),
    }
}

/// Returns a query without secrets.
pub(crate) fn query(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, value)) => format!("{name}={}", text(name, value)),
        None => text(pair, pair),
    });
    pairs.collect::<Vec<_>>().join("&")
}

/// Returns the text of a field with this name, or what may be shown of it.
pub(crate) fn text(name: &str, text: &str) -> String {
    let beginning = |count| text.chars().take(count).chain(['…']).collect();
    match text {
        "" => String::new(),
        _ if text.starts_with(TOKEN) => beginning(TOKEN_CHARS),
        _ if SHOWN.contains(&name) => text.to_owned(),
        _ if CODES.contains(&name) => beginning(CODE_CHARS),
        _ => MASK.to_owned(),
    }
}

fn mask(name: &str, value: &mut Value) {
    match value {
        Value::String(secret) => *secret = text(name, secret),
        Value::Array(elements) => elements.iter_mut().for_each(|element| mask(name, element)),
        Value::Object(fields) => fields
            .iter_mut()
            .for_each(|(name, value)| mask(name, value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_known_texts_are_shown() {
        for (body, shown) in [
            (
                r#"{"code":"051bIzT629FmMN0zraV62WLnT62bIzTA","app":"desk"}"#,
                r#"{"app":"desk","code":"051bIz…"}"#,
            ),
            (
                r#"{"session_key":"tiihtNczf5v6AKRyjwEUhQ==","openid":"oGZ","expires_in":7200}"#,
                r#"{"expires_in":7200,"openid":"***","session_key":"***"}"#,
            ),
            (
                r#"{"data":{"token":"wxs_6FqJ0aXnZs1v","user":{"id":"13b5","is_new":true}}}"#,
                r#"{"data":{"token":"wxs_6FqJ…","user":{"id":"13b5","is_new":true}}}"#,
            ),
            (
                r#"{"id":["wxs_6FqJ0aXnZs1v"],"list":["a",null,{"phoneNumber":"13580006666"}]}"#,
                r#"{"id":["wxs_6FqJ…"],"list":["***",null,{"phoneNumber":"***"}]}"#,
            ),
            (r#""secret""#, r#""***""#),
            ("", ""),
            ("token=wxs_6FqJ0aXnZs1v", "(22 bytes)"),
        ] {
            assert_eq!(json(body.as_bytes()), shown, "{body}");
        }
        let long = format!("\"{}\"", "x".repeat(MAX_BYTES));
        assert_eq!(json(long.as_bytes()), "(16386 bytes)");
    }

    #[test]
    fn a_query_shows_the_names_of_its_parameters() {
        let call = "appid=wx1&secret=0123456789&js_code=051bIzT629&grant_type=authorization_code";
        let shown = "appid=wx1&secret=***&js_code=051bIz…&grant_type=authorization_code";
        assert_eq!(query(call), shown);
        assert_eq!(query("all"), "all");
        assert_eq!(query("s3cret"), "***");
    }
}
