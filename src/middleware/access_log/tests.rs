//! What templates are understood, and what lines they make.
//!
//! Knows the log's insides. Never opens a socket: `tests/it/express` does.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderMap, HeaderName};
use actix_web::test::TestRequest;
use proptest::prelude::*;

use super::template::{Answered, Asked, DateStyle, Piece};
use super::*;
use crate::middleware::fuzz_inputs;

fn pieces(template: &str) -> Vec<Piece> {
    Template::parse(template, false).unwrap().pieces
}

fn literal(text: &str) -> Piece {
    Piece::Literal(text.to_owned())
}

#[track_caller]
fn check_refused(format: &str, words: &[&str]) {
    let message = AccessLog::new(format, &[], false).unwrap_err().to_string();
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
            Piece::Asked(Asked::Method),
            literal(" HTTP/"),
            Piece::Asked(Asked::HttpVersion),
            literal(" :: a:b 50% "),
            Piece::Answered(Answered::Header(header)),
            Piece::Answered(Answered::Date(DateStyle::CommonLog)),
            literal("[x]"),
        ]
    );
    assert_eq!(
        pieces("论:total-time[0]:response-time:date[] :url[x"),
        [
            literal("论"),
            Piece::Answered(Answered::TotalTime(0)),
            Piece::Answered(Answered::ResponseTime(3)),
            Piece::Answered(Answered::Date(DateStyle::Web)),
            literal("[] "),
            Piece::Asked(Asked::Url),
            literal("[x"),
        ]
    );
}

#[test]
fn what_is_not_known_is_refused_with_what_is() {
    let formats = [
        "dev",
        "combined",
        "common",
        "short",
        "tiny",
        ":method",
        ":http-version",
    ];
    check_refused("combind", &formats);
    check_refused("", &formats);
    check_refused("Dev", &["`Dev`"]);
    check_refused(
        ":methd",
        &["`:methd`", ":method", ":response-time[digits]", ":referrer"],
    );
    check_refused(":status-x", &["`:status-x`"]);
    check_refused(":req", &["`:req`", "[content-length]"]);
    check_refused(":res[a b]", &["`:res`"]);
    check_refused(":total-time[x]", &["`:total-time[x]`", "0 to 100"]);
    check_refused(":response-time[101]", &["101"]);
}

#[test]
fn a_log_can_be_given_to_every_worker() {
    fn sendable<T: Clone + Send>(_: &T) {}
    sendable(&AccessLog::new("dev", &[], true).unwrap());
}

#[test]
fn dates_have_three_styles() {
    let template = Template::parse(":date[clf]|:date[iso]|:date|:date[x]", false).unwrap();
    let record = Record::of(&TestRequest::default().to_srv_request(), &template);
    let line = record.line(&template, None);
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
fn headers_are_joined_or_hidden() {
    let template = ":req[x-a] :req[host] :req[cookie] :req[x-b] :req[user-agent]";
    let template = Template::parse(template, false).unwrap();
    let request = TestRequest::default()
        .append_header(("x-a", "1"))
        .append_header(("x-a", "2"))
        .append_header(("host", "h"))
        .append_header(("host", "i"))
        .append_header(("cookie", "a=hidden"))
        .append_header(("user-agent", "a?code=1"))
        .to_srv_request();
    let record = Record::of(&request, &template);
    assert_eq!(record.line(&template, None), "1, 2 h *** - a?code=1");
}

/// Templates that are often right, and else almost.
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
    fn fuzz_every_template_is_understood_or_refused(format in templates()) {
        let Ok(log) = AccessLog::new(&format, &[], false) else {
            return Ok(());
        };
        // Morgan's own splitting, taken backwards: literals and tokens make up the template.
        let literals: usize = log.template.pieces.iter().map(|piece| match piece {
            Piece::Literal(text) => text.len(),
            Piece::Asked(_) | Piece::Answered(_) => 0,
        }).sum();
        prop_assert!(literals < format.len());
        let no_literals_touch = log.template.pieces.windows(2).all(|pair| {
            !matches!(pair, [Piece::Literal(_), Piece::Literal(_)])
        });
        prop_assert!(no_literals_touch);
        // Nothing in a template can be taken for a word of Logger's own.
        drop(log.logger());
        let record = Record::of(&TestRequest::default().to_srv_request(), &log.template);
        record.answered(Some(1));
        let headers = HeaderMap::new();
        let answer = Answer { status: StatusCode::OK, headers: &headers };
        prop_assert!(record.line(&log.template, Some(answer)).len() >= literals);
    }

    #[test]
    fn fuzz_no_value_leaves_its_line(value in "(\\PC|[\u{0}-\u{9f}\u{2028}\u{202e}\u{2066}\"\\\\]){0,12}") {
        let escaped = escape::escape(&value);
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
        let redacted = escape::redact(&url);
        prop_assert!(!redacted.contains("hIdDeN"), "{}", redacted);
        prop_assert_eq!(escape::redact(&redacted), redacted.clone());
    }
}
