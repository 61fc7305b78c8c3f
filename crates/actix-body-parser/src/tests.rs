//! Tests of the extractor. On ordinary values they compare it with `serde_json`.

use std::collections::HashMap;
use std::fmt::Debug;
use std::sync::LazyLock;

use actix_web::FromRequest;
use actix_web::http::header::ContentType;
use actix_web::test::TestRequest;
use proptest::prelude::*;
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::inflate::{ContentEncoding, inflate};
use crate::json::parse;
use crate::{BodyError, Json, StringField};

#[derive(Debug, Deserialize, PartialEq)]
struct Login {
    #[serde(default)]
    code: StringField,
    app: Option<String>,
}

fn login(text: &str) -> (StringField, Option<String>) {
    let login: Login = parse(text, true).unwrap();
    (login.code, login.app)
}

fn text(text: &str) -> StringField {
    StringField::String(text.to_owned())
}

/// The error in one word: `syntax`, also for a body that is not strict, or `shape`.
fn error<T: DeserializeOwned + Debug>(text: &str, strict: bool) -> &'static str {
    kind(&parse::<T>(text, strict).unwrap_err())
}

fn kind(error: &BodyError) -> &'static str {
    if matches!(error, BodyError::UnexpectedShape(_)) {
        return SHAPE;
    }
    let syntax = matches!(error, BodyError::Syntax(_) | BodyError::NotObjectOrArray);
    assert!(syntax, "{error}");
    SYNTAX
}

const SYNTAX: &str = "syntax";
const SHAPE: &str = "shape";

#[test]
fn a_struct_takes_its_fields_and_skips_the_rest() {
    assert_eq!(login(""), (StringField::Missing, None));
    assert_eq!(login("[]"), (StringField::Missing, None));
    assert_eq!(login("[\"x\"]"), (StringField::Missing, None));
    assert_eq!(login(" {\"code\":\"a\"}\r\n"), (text("a"), None));
    assert_eq!(login(r#"{"code":"a","co\u0064e":"b"}"#), (text("b"), None));
    assert_eq!(
        login(r#"{"x":1e400,"y":"\ud83d","app":"m"}"#).1.unwrap(),
        "m"
    );
    assert_eq!(login(r#"{"code":"小\ud83d"}"#).0, text("小\u{fffd}"));
    for other in ["null", "1", "-1e400", "true", "[]", "{}", "[[\"a\"]]"] {
        assert_eq!(
            login(&format!("{{\"code\":{other}}}")).0,
            StringField::OtherType
        );
    }
}

#[test]
fn no_depth_overflows_the_stack() {
    let deep = format!("{}{}", "[".repeat(50_000), "]".repeat(50_000));
    assert_eq!(login(&deep).0, StringField::Missing);
    assert_eq!(
        login(&format!("{{\"code\":{deep}}}")).0,
        StringField::OtherType
    );
    assert_eq!(error::<Value>(&deep, true), SHAPE);
    let objects = format!("{}1{}", "{\"code\":".repeat(10_000), "}".repeat(10_000));
    assert_eq!(login(&objects).0, StringField::OtherType);
    assert_eq!(error::<Value>(&objects, true), SHAPE);
    assert_eq!(error::<Value>(&"[".repeat(50_000), true), SYNTAX);
}

#[test]
fn strict_mode_accepts_only_objects_and_arrays() {
    for scalar in ["true", "null", "1", "\"a\"", "  ", "\u{a0}{}", "\u{feff}{}"] {
        assert_eq!(error::<Value>(scalar, true), SYNTAX, "{scalar}");
    }
    assert_eq!(parse::<Value>("-1.5e1", false).unwrap(), json!(-15.0));
    assert_eq!(parse::<Value>("\"a\"", false).unwrap(), json!("a"));
    assert_eq!(error::<Value>("  ", false), SYNTAX);
    assert_eq!(error::<Value>("{}{}", false), SYNTAX);
}

#[test]
fn every_kind_of_rust_type_can_be_deserialized() {
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
    assert_eq!(error::<Vec<Shape>>("[\"other\"]", true), SHAPE);
    assert_eq!(error::<Vec<u8>>("{}", true), SHAPE);
}

#[test]
fn no_error_shows_a_value() {
    let error = parse::<HashMap<String, u8>>(r#"{"code":"hidden"}"#, true).unwrap_err();
    let shown = format!("{error} {error:?}");
    assert!(!shown.contains("hidden"), "{shown}");
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
    assert_eq!(login.code, StringField::Missing);
}

/// JSON values without fractions, which `serde_json` rounds in its own way.
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

/// Text that is JSON, or almost.
fn almost_json() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        "[\\[\\]{}:, \n\t]{1,3}",
        "\"([a-z]|\\\\[\"\\\\/bfnrtu]|\\\\ud8[0-9a-f]{2}|\\\\ud[c-f]00){0,4}\"",
        "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,3})?([eE][+-]?[0-9]{1,4})?",
        "true|false|null|nul|'|\\PC",
    ];
    prop::collection::vec(token, 0..24).prop_map(|tokens| tokens.concat())
}

/// 256 inputs for each property, or as many as `FUZZ_INPUTS` says.
fn fuzz_inputs() -> ProptestConfig {
    let inputs = std::env::var("FUZZ_INPUTS").ok();
    ProptestConfig {
        cases: inputs.and_then(|inputs| inputs.parse().ok()).unwrap_or(256),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
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
    fn fuzz_syntax_errors_are_those_of_serde_json(text in almost_json()) {
        let valid = serde_json::from_str::<IgnoredAny>(&text).is_ok();
        match parse::<Value>(&text, false) {
            Ok(_) => prop_assert!(valid || text.is_empty()),
            Err(error) => prop_assert_eq!(kind(&error) == SYNTAX, !valid),
        }
        // serde_json rejects more, and reads the rest alike.
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let ours = parse::<Value>(&text, false).unwrap();
            prop_assert!(same(&ours, &value), "{} and {}", ours, value);
        }
        parse::<Login>(&text, true).ok();
    }

    #[test]
    fn fuzz_the_extractor_survives_any_bytes(
        bytes in prop::collection::vec(any::<u8>(), 0..256),
        encoding in prop::sample::select(&["identity", "gzip", "deflate", "br"][..]),
        charset in prop::sample::select(&["utf-8", "utf-16", "utf-16le", "utf-16be", "x"][..]),
        content_type in "(application/json)?[ ;=\"\\\\a-z-]{0,24}",
        cut in any::<prop::sample::Index>(),
    ) {
        let limit = 64;
        let _runtime = RUNTIME.enter();
        for content_type in [content_type.clone(), format!("application/json;charset={charset}")] {
            let parts = TestRequest::post()
                .insert_header(("content-type", content_type))
                .insert_header(("content-encoding", encoding))
                .set_payload(bytes.clone())
                .to_http_parts();
            let (request, mut payload) = parts;
            let future = Json::<Login>::from_request(&request, &mut payload);
            let outcome = futures_util::FutureExt::now_or_never(future);
            // All bytes have arrived, so the future is ready at once.
            prop_assert!(outcome.is_some());
        }
        let packed = packed(&bytes, encoding);
        let end = cut.index(packed.len() + 1);
        let encoding = if encoding == "gzip" { ContentEncoding::Gzip } else { ContentEncoding::Deflate };
        for stream in [&packed[..end], &packed[..], &bytes[..]] {
            let inflated = inflate(stream.to_vec().into(), encoding, limit);
            prop_assert!(inflated.is_err() || inflated.unwrap().len() <= limit);
        }
    }
}

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_time().build().unwrap()
});

fn packed(bytes: &[u8], encoding: &str) -> Vec<u8> {
    use std::io::Read;
    let mut packed = Vec::new();
    let level = flate2::Compression::fast();
    if encoding == "gzip" {
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

/// Compares two values. Fractions may differ in the last bit.
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
