//! Whether an answer is as good as Express's.
//!
//! Knows the contract: the same verdict about the body and the path, said in our own words.

use serde_json::Value;

use super::case::{Case, Parsed};
use super::wire::Answer;

/// How the server calls each refusal of a body.
const REFUSALS: [(u16, &[&str]); 3] = [
    (400, &["malformed_json", "malformed_body"]),
    (413, &["body_too_large"]),
    (
        415,
        &[
            "unsupported_charset",
            "unsupported_encoding",
            "unsupported_media_type",
        ],
    ),
];
const NOT_A_CODE: [&str; 2] = ["code_missing", "code_malformed"];
const SPENT: [&str; 2] = ["login_code_invalid", "login_code_used"];
/// What no reply may show.
const LEAKS: [&str; 6] = [
    "node_modules",
    "/src/",
    ".rs:",
    "panicked",
    "<pre>",
    "<html",
];

/// Panics with what is wrong.
pub(crate) fn judge(case: &Case, answers: &[Answer]) {
    let wanted: Vec<u16> = case
        .express
        .responses
        .iter()
        .map(|recorded| recorded.status)
        .collect();
    for answer in answers {
        assert!(
            answer.status < 500 || [501, 505].contains(&answer.status),
            "{}",
            answer.status
        );
    }
    let first = answers.first();
    let status = first.map_or(0, |answer| answer.status);
    let wanted_status = wanted.first().copied().unwrap_or(0);
    if is_allowed(case, first, wanted_status) {
        return;
    }
    let Some(first) = first else {
        assert_eq!(wanted_status, 0, "no answer");
        return;
    };
    match wanted_status {
        200 if case.method == "POST" => read(case, first),
        200 => assert!([200, 204].contains(&status), "{status}"),
        _ => {
            assert_eq!(status, wanted_status);
            if !first.body.is_empty() && case.group() != "framing" {
                refused(status, first, case.group());
            }
        }
    }
    if wanted.len() > 1 && wanted.last() == Some(&200) {
        assert_eq!(
            answers.len(),
            wanted.len(),
            "the connection should have lived on"
        );
    }
}

/// Whether the contract names this answer where it leaves Express's way.
fn is_allowed(case: &Case, answer: Option<&Answer>, wanted: u16) -> bool {
    let (ours, verdict) = (&case.contract.ours, case.contract.verdict.as_str());
    let status = answer.map_or(0, |answer| answer.status);
    let free = ["na", "improve"].contains(&verdict);
    let Some(statuses) = ours.statuses().filter(|_| free || status != wanted) else {
        return false;
    };
    // A body that is read becomes a login, or a remark about the code.
    let read = statuses.contains(&200) && [400, 401, 415].contains(&status);
    assert!(
        statuses.contains(&status) || read,
        "{status}, one of {statuses:?} expected"
    );
    if let Some(answer) = answer.filter(|_| ours.body.as_deref() == Some("json-error")) {
        refusal(answer);
    }
    true
}

/// Express read the body, or had no reason to; so must we.
fn read(case: &Case, answer: &Answer) {
    if answer.status == 200 {
        let reply = answer.json().unwrap();
        assert_eq!(
            (&reply["code"], &reply["message"]),
            (&Value::from(0), &Value::from("success!"))
        );
        return;
    }
    let error = refusal(answer);
    let mut fine: Vec<&str> = Vec::new();
    match case.express.parsed() {
        Parsed::Skipped => {
            fine.extend(NOT_A_CODE);
            fine.push("unsupported_media_type");
        }
        Parsed::Unrecorded => fine.extend(NOT_A_CODE.iter().chain(&SPENT)),
        Parsed::Value(value) => match value.get("code").and_then(Value::as_str) {
            Some(code) if is_issued(code) => fine.extend(SPENT),
            Some(code) if !code.is_empty() => fine.extend(NOT_A_CODE.iter().chain(&SPENT)),
            _ => fine.extend(NOT_A_CODE),
        },
    }
    assert!(
        fine.contains(&error.as_str()),
        "{error}, one of {fine:?} expected"
    );
}

fn is_issued(code: &str) -> bool {
    code.len() == 32 && code.chars().all(|letter| letter.is_ascii_alphanumeric())
}

fn refused(status: u16, answer: &Answer, group: &str) {
    let error = refusal(answer);
    if let Some((_, names)) = REFUSALS.iter().find(|(refused, _)| *refused == status) {
        assert!(
            group == "path" || names.contains(&error.as_str()),
            "{error}"
        );
    }
}

/// Checks a refusal as such, and tells how it calls itself.
fn refusal(answer: &Answer) -> String {
    let body = String::from_utf8_lossy(&answer.body);
    for leak in LEAKS {
        assert!(!body.contains(leak), "{body}");
    }
    assert!(body.len() <= 2048, "{} bytes", body.len());
    let content_type = answer.header("content-type").unwrap_or_default();
    assert!(
        content_type.starts_with("application/json"),
        "{content_type:?}"
    );
    let reply = answer.json().unwrap_or_else(|| panic!("no object: {body}"));
    assert!(
        reply["code"].as_i64().is_some_and(|code| code != 0),
        "{body}"
    );
    assert!(
        reply["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{body}"
    );
    reply["error"].as_str().unwrap().to_owned()
}
