//! What the extractor makes of bodies, with `serde_json` as the oracle on ordinary ones.
//!
//! Knows the extractor's insides. Never opens a socket: `tests/it/express` does.

use std::collections::HashMap;
use std::sync::LazyLock;

use actix_web::FromRequest;
use actix_web::http::header::ContentType;
use actix_web::test::TestRequest;
use proptest::prelude::*;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::middleware::fuzz_inputs;

#[derive(Debug, Deserialize, PartialEq)]
struct Login {
    #[serde(default)]
    code: Text,
    app: Option<String>,
}

fn login(text: &str) -> (Text, Option<String>) {
    let login: Login = parse(text, true).unwrap();
    (login.code, login.app)
}

fn text(text: &str) -> Text {
    Text::Text(text.to_owned())
}

fn refusal<T: DeserializeOwned + fmt::Debug>(text: &str, strict: bool) -> ErrorCode {
    parse::<T>(text, strict).unwrap_err().code()
}

#[test]
fn a_struct_takes_its_members_and_skips_the_rest() {
    assert_eq!(login(""), (Text::Absent, None));
    assert_eq!(login("[]"), (Text::Absent, None));
    assert_eq!(login("[\"x\"]"), (Text::Absent, None));
    assert_eq!(login(" {\"code\":\"a\"}\r\n"), (text("a"), None));
    assert_eq!(login(r#"{"code":"a","co\u0064e":"b"}"#), (text("b"), None));
    assert_eq!(
        login(r#"{"x":1e400,"y":"\ud83d","app":"m"}"#).1.unwrap(),
        "m"
    );
    assert_eq!(login(r#"{"code":"小\ud83d"}"#).0, text("小\u{fffd}"));
    for other in ["null", "1", "-1e400", "true", "[]", "{}", "[[\"a\"]]"] {
        assert_eq!(login(&format!("{{\"code\":{other}}}")).0, Text::OtherKind);
    }
}

#[test]
fn no_depth_overflows_the_stack() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(login(&deep).0, Text::Absent);
    assert_eq!(login(&format!("{{\"code\":{deep}}}")).0, Text::OtherKind);
    assert_eq!(refusal::<Value>(&deep, true), ErrorCode::UnexpectedBody);
    let objects = format!("{}1{}", "{\"code\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(login(&objects).0, Text::OtherKind);
    assert_eq!(refusal::<Value>(&objects, true), ErrorCode::UnexpectedBody);
    assert_eq!(
        refusal::<Value>(&"[".repeat(50_000), true),
        ErrorCode::MalformedJson
    );
}

#[test]
fn strictness_is_about_the_first_letter() {
    for scalar in ["true", "null", "1", "\"a\"", "  ", "\u{a0}{}", "\u{feff}{}"] {
        assert_eq!(
            refusal::<Value>(scalar, true),
            ErrorCode::MalformedJson,
            "{scalar}"
        );
    }
    assert_eq!(parse::<Value>("-1.5e1", false).unwrap(), json!(-15.0));
    assert_eq!(parse::<Value>("\"a\"", false).unwrap(), json!("a"));
    assert_eq!(refusal::<Value>("  ", false), ErrorCode::MalformedJson);
    assert_eq!(refusal::<Value>("{}{}", false), ErrorCode::MalformedJson);
}

#[test]
fn every_shape_of_rust_can_be_read() {
    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(rename_all = "lowercase")]
    enum Shape {
        Unit,
        Newtype(u8),
        Struct { a: (i8, f64) },
    }
    #[derive(Debug, Deserialize, PartialEq)]
    struct Wrapper(Option<bool>);

    let shapes: Vec<Shape> = parse(
        r#"["unit",{"newtype":7},{"struct":{"a":[-1,2.5],"b":0}}]"#,
        true,
    )
    .unwrap();
    assert_eq!(
        shapes,
        [
            Shape::Unit,
            Shape::Newtype(7),
            Shape::Struct { a: (-1, 2.5) }
        ]
    );
    let map: HashMap<String, Wrapper> = parse(r#"{"a":null,"b":true,"a":false}"#, true).unwrap();
    assert_eq!(map["a"], Wrapper(Some(false)));
    assert_eq!(
        refusal::<Vec<Shape>>("[\"other\"]", true),
        ErrorCode::UnexpectedBody
    );
    assert_eq!(refusal::<Vec<u8>>("{}", true), ErrorCode::UnexpectedBody);
}

#[test]
fn the_log_never_shows_the_value() {
    let error = parse::<HashMap<String, u8>>(r#"{"code":"hidden"}"#, true).unwrap_err();
    assert!(!error.to_string().contains("hidden"), "{error}");
}

#[actix_web::test]
async fn a_test_request_without_a_length_has_its_body() {
    let (request, mut payload) = TestRequest::post()
        .insert_header(ContentType::json())
        .set_payload("{\"code\":\"a\"}")
        .to_http_parts();
    let Json(login) = Json::<Login>::from_request(&request, &mut payload)
        .await
        .unwrap();
    assert_eq!(login.code, text("a"));
    let (request, mut payload) = TestRequest::post().to_http_parts();
    let Json(login) = Json::<Login>::from_request(&request, &mut payload)
        .await
        .unwrap();
    assert_eq!(login.code, Text::Absent);
}

/// Any JSON value without fractions, on which `serde_json` rounds in its own way.
fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 8, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..8).prop_map(Value::from),
            prop::collection::hash_map(any::<String>(), inner, 0..8)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

/// Text that is often JSON, and else almost.
fn almost_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[\\[\\]{}:, \n\t]{1,3}",
        "\"([a-z]|\\\\[\"\\\\/bfnrtu]|\\\\ud8[0-9a-f]{2}|\\\\ud[c-f]00){0,4}\"",
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?",
        "true|false|null|nul|'|\\PC",
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(fuzz_inputs())]

    #[test]
    fn fuzz_ordinary_values_are_read_as_serde_json_reads_them(value in values()) {
        let compact = value.to_string();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        prop_assert_eq!(&parse::<Value>(&compact, false).unwrap(), &value);
        prop_assert_eq!(&parse::<Value>(&pretty, false).unwrap(), &value);
    }

    #[test]
    fn fuzz_the_verdict_on_syntax_is_that_of_serde_json(text in almost_json()) {
        let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        match parse::<Value>(&text, false) {
            Ok(_) => prop_assert!(valid || text.is_empty()),
            Err(error) => prop_assert_eq!(error.code() == ErrorCode::MalformedJson, !valid),
        }
        // What serde_json reads, we read alike; it refuses more.
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let ours = parse::<Value>(&text, false).unwrap();
            prop_assert!(same(&ours, &value), "{} and {}", ours, value);
        }
        parse::<Login>(&text, true).ok();
    }

    #[test]
    fn fuzz_no_bytes_bring_the_extractor_down(
        bytes in prop::collection::vec(any::<u8>(), 0..256),
        coding in prop::sample::select(&["identity", "gzip", "deflate", "br"][..]),
        charset in prop::sample::select(&["utf-8", "utf-16", "utf-16le", "utf-16be", "x"][..]),
        content_type in "(application/json)?[ ;=\"\\\\a-z-]{0,24}",
        cut in any::<prop::sample::Index>(),
    ) {
        let limit = 64;
        let _runtime = RUNTIME.enter();
        for content_type in [content_type.clone(), format!("application/json;charset={charset}")] {
            let parts = TestRequest::post()
                .insert_header(("content-type", content_type))
                .insert_header(("content-encoding", coding))
                .set_payload(bytes.clone())
                .to_http_parts();
            let (request, mut payload) = parts;
            let future = Json::<Login>::from_request(&request, &mut payload);
            let outcome = futures_util::FutureExt::now_or_never(future);
            // All bytes are there, so nothing has to be waited for.
            prop_assert!(outcome.is_some());
        }
        let packed = packed(&bytes, coding);
        let end = cut.index(packed.len() + 1);
        let coding = if coding == "gzip" { declared::Coding::Gzip } else { declared::Coding::Deflate };
        for stream in [&packed[..end], &packed[..], &bytes[..]] {
            let inflated = inflate::inflate(stream.to_vec(), coding, limit);
            prop_assert!(inflated.is_err() || inflated.unwrap().len() <= limit);
        }
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
});

fn packed(bytes: &[u8], coding: &str) -> Vec<u8> {
    use std::io::Read;
    let mut packed = Vec::new();
    let level = flate2::Compression::fast();
    if coding == "gzip" {
        flate2::read::GzEncoder::new(bytes, level)
            .read_to_end(&mut packed)
            .unwrap();
    } else {
        flate2::read::ZlibEncoder::new(bytes, level)
            .read_to_end(&mut packed)
            .unwrap();
    }
    packed
}

/// Equal, but for the last bit of fractions.
fn same(ours: &Value, theirs: &Value) -> bool {
    match (ours, theirs) {
        (Value::Number(ours), Value::Number(theirs)) => {
            let (a, b) = (ours.as_f64().unwrap(), theirs.as_f64().unwrap());
            ours == theirs || (a - b).abs() <= a.abs() * 1e-15
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len()
                && a.iter()
                    .all(|(name, a)| b.get(name).is_some_and(|b| same(a, b)))
        }
        (ours, theirs) => ours == theirs,
    }
}
