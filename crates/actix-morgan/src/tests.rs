//! Tests of the parser and of formatting, and properties of both.

use std::rc::Rc;

use actix_web::HttpResponse;
use actix_web::dev::ServiceRequest;
use actix_web::http::header::HeaderName;
use actix_web::test::TestRequest;
use proptest::prelude::*;

use crate::Format;
use crate::entry::{Entry, Options};
use crate::escape::escape;
use crate::format::{DateStyle, Piece, RequestToken, ResponseToken};
use crate::redact::redact;

fn pieces(template: &str) -> Vec<Piece> {
    template.parse::<Format>().unwrap().pieces
}

fn literal(text: &str) -> Piece {
    Piece::Literal(text.to_owned())
}

fn entry(format: &Format, request: &ServiceRequest) -> Entry {
    let options = Options {
        uses_logger: true,
        format: format.clone(),
        target: "test",
        fields: None,
        aborted: |_request| false,
        remote_address: |request| request.peer_addr().map(|peer| peer.ip()),
    };
    Entry::new(request, &Rc::new(options))
}

/// Returns the line of a request without a response.
fn line(format: &Format, request: ServiceRequest) -> String {
    entry(format, &request).take_line()
}

/// Returns how many inputs each property tries: 256, or `FUZZ_INPUTS`.
fn fuzz_inputs() -> ProptestConfig {
    let inputs = std::env::var("FUZZ_INPUTS").ok();
    ProptestConfig {
        cases: inputs.and_then(|inputs| inputs.parse().ok()).unwrap_or(256),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

#[track_caller]
fn check_rejected(format: &str, words: &[&str]) {
    let message = format.parse::<Format>().unwrap_err().to_string();
    for word in words {
        assert!(message.contains(word), "{message}");
    }
}

#[test]
fn a_template_is_read_as_morgan_reads_it() {
    let header = HeaderName::from_static("content-length");
    assert_eq!(
        pieces(":method HTTP/:http-version :: a:b 50% :res[Content-Length]:date[clf][x]"),
        [
            Piece::Request(RequestToken::Method),
            literal(" HTTP/"),
            Piece::Request(RequestToken::HttpVersion),
            literal(" :: a:b 50% "),
            Piece::Response(ResponseToken::Header(header)),
            Piece::Response(ResponseToken::Date(DateStyle::CommonLog)),
            literal("[x]"),
        ]
    );
    assert_eq!(
        pieces("论:total-time[0]:response-time:date[] :url[x"),
        [
            literal("论"),
            Piece::Response(ResponseToken::TotalTime(0)),
            Piece::Response(ResponseToken::ResponseTime(3)),
            Piece::Response(ResponseToken::Date(DateStyle::Web)),
            literal("[] "),
            Piece::Request(RequestToken::Url),
            literal("[x"),
        ]
    );
}

#[test]
fn errors_name_the_unknown_word_and_list_the_known_ones() {
    let formats = [
        "dev",
        "combined",
        "common",
        "short",
        "tiny",
        ":method",
        ":http-version",
    ];
    check_rejected("combind", &formats);
    check_rejected("", &formats);
    check_rejected("Dev", &["`Dev`"]);
    check_rejected(
        ":methd",
        &["`:methd`", ":method", ":response-time[digits]", ":referrer"],
    );
    check_rejected(":status-x", &["`:status-x`"]);
    check_rejected(":req", &["`:req`", "[content-length]"]);
    check_rejected(":res[a b]", &["`:res`"]);
    check_rejected(":total-time[x]", &["`:total-time[x]`", "0 to 100"]);
    check_rejected(":response-time[101]", &["101"]);
}

#[test]
fn a_format_can_be_sent_to_every_worker() {
    fn sendable<T: Clone + Send>(_: &T) {}
    sendable(&"dev".parse::<Format>().unwrap());
}

#[test]
fn without_colors_dev_is_plain_text() {
    let plain = "dev".parse::<Format>().unwrap().without_colors();
    let template = ":method :url :status :response-time ms - :res[content-length]";
    let literals = |format: &Format| line(format, TestRequest::default().to_srv_request());
    assert_eq!(literals(&plain), literals(&template.parse().unwrap()));
}

#[test]
fn dates_have_three_styles() {
    let format = ":date[clf]|:date[iso]|:date|:date[x]".parse().unwrap();
    let line = line(&format, TestRequest::default().to_srv_request());
    let shape: String = line
        .chars()
        .map(|letter| match letter {
            '0'..='9' => '0',
            letter if letter.is_ascii_alphabetic() => 'a',
            other => other,
        })
        .collect();
    assert_eq!(
        shape,
        "00/aaa/0000:00:00:00 +0000|0000-00-00a00:00:00.000a|aaa, 00 aaa 0000 00:00:00 aaa|-"
    );
}

#[test]
fn headers_are_joined_or_masked() {
    let template = ":req[x-a] :req[host] :req[cookie] :req[x-b] :req[user-agent]";
    let request = TestRequest::default()
        .append_header(("x-a", "1"))
        .append_header(("x-a", "2"))
        .append_header(("host", "h"))
        .append_header(("host", "i"))
        .append_header(("cookie", "a=hidden"))
        .append_header(("user-agent", "a?code=1"))
        .to_srv_request();
    let line = line(&template.parse().unwrap(), request);
    assert_eq!(line, "1, 2 h *** - a?code=1");
}

#[test]
fn a_header_can_be_declared_secret() {
    let format: Format = ":req[x-a] :req[x-b]".parse().unwrap();
    let secret = HeaderName::from_static("x-a");
    let request = || TestRequest::default().append_header(("x-b", "1"));
    let with_secret = request().append_header(("x-a", "hidden")).to_srv_request();
    let masked = format.masking(&secret);
    assert_eq!(line(&masked, with_secret), "*** 1");
    assert_eq!(line(&masked, request().to_srv_request()), "- 1");
}

/// Generates templates, most of them valid or almost valid.
fn templates() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        ":(method|url|status|remote-addr|remote-user|referrer|user-agent|http-version)",
        ":(req|res|date|response-time|total-time)(\\[[a-z0-9-]{0,4}\\])?",
        "[:%{}\\[\\]a-z0-9]{1,4}",
        "%\\{[0-9a-z]{1,2}\\}(x?[io]|[ae])",
        "\\PC{1,3}",
    ];
    prop::collection::vec(token, 0..8).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(fuzz_inputs())]

    #[test]
    fn fuzz_every_template_is_parsed_or_rejected(format in templates()) {
        let template = format;
        let Ok(format) = template.parse::<Format>() else {
            return Ok(());
        };
        let literals: usize = format.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Request(_) | Piece::Response(_) | Piece::Color(_) => 0,
        }).sum();
        prop_assert!(literals < template.len());
        let no_literals_touch = format.pieces.windows(2).all(|pair| {
            !matches!(pair, [Piece::Literal(_), Piece::Literal(_)])
        });
        prop_assert!(no_literals_touch);
        let request = TestRequest::default().to_srv_request();
        let entry = entry(&format, &request);
        entry.answer(request.request(), &HttpResponse::Ok().body("x"));
        prop_assert!(entry.take_line().len() >= literals);
    }

    #[test]
    fn fuzz_no_value_breaks_its_line(value in "(\\PC|[\u{0}-\u{9f}\u{2028}\u{202e}\u{2066}\"\\\\]){0,12}") {
        let escaped = escape(&value);
        let odd = |letter: char| letter.is_control() || "\u{2028}\u{202e}\u{2066}".contains(letter);
        prop_assert!(!escaped.contains(odd));
        let quotes = escaped.replace("\\\\", "").replace("\\\"", "");
        prop_assert!(!quotes.contains('"'), "{}", escaped);
    }

    #[test]
    fn fuzz_no_secret_stays_in_a_url(
        before in "[a-z?&=%0-9;#\\[\\]]{0,16}",
        name in "code|token|secret|access_token|session_key|signature",
        capital: bool,
        after in "([&;#][a-z=]{0,6})?",
    ) {
        let name = if capital { name.to_uppercase() } else { name };
        let url = format!("/x?{before}&{name}=hIdDeN{after}");
        let redacted = redact(&url);
        prop_assert!(!redacted.contains("hIdDeN"), "{}", redacted);
        prop_assert_eq!(redact(&redacted), redacted.clone());
    }
}
