//! Checks a response against the recorded one: the same status class, with an error of this server.

use serde_json::Value;

use super::case::{Case, Parsed};
use super::wire::Response;

/// The errors that reject a body, by status.
const REJECTIONS: [(u16, &[&str]); 3] = [
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
/// Texts that no response may contain.
const LEAKS: [&str; 6] = [
    "node_modules",
    "/src/",
    ".rs:",
    "panicked",
    "<pre>",
    "<html",
];

/// Panics if the responses violate the contract.
pub(crate) fn check(case: &Case, responses: &[Response]) {
    let expected: Vec<u16> = case
        .express
        .responses
        .iter()
        .map(|recorded| recorded.status)
        .collect();
    for response in responses {
        assert!(
            response.status < 500 || [501, 505].contains(&response.status),
            "{}",
            response.status
        );
    }
    let first = responses.first();
    let status = first.map_or(0, |response| response.status);
    let expected_status = expected.first().copied().unwrap_or(0);
    if is_allowed(case, first, expected_status) {
        return;
    }
    let Some(first) = first else {
        assert_eq!(expected_status, 0, "no response");
        return;
    };
    match expected_status {
        200 if case.method == "POST" => accepted(case, first),
        200 => assert!([200, 204].contains(&status), "{status}"),
        _ => {
            assert_eq!(status, expected_status);
            if !first.body.is_empty() && case.group() != "framing" {
                rejected(status, first, case.group());
            }
        }
    }
    if expected.len() > 1 && expected.last() == Some(&200) {
        assert_eq!(
            responses.len(),
            expected.len(),
            "the connection should have stayed open"
        );
    }
}

/// Returns `true` if the contract allows this response although Express's differs.
fn is_allowed(case: &Case, response: Option<&Response>, expected: u16) -> bool {
    let (ours, verdict) = (&case.contract.ours, case.contract.verdict.as_str());
    let status = response.map_or(0, |response| response.status);
    let free = ["na", "improve"].contains(&verdict);
    let Some(statuses) = ours.statuses().filter(|_| free || status != expected) else {
        return false;
    };
    // An accepted body leads to a login, or to an error about the code.
    let accepted = statuses.contains(&200) && [400, 401, 415].contains(&status);
    assert!(
        statuses.contains(&status) || accepted,
        "{status}, one of {statuses:?} expected"
    );
    if let Some(response) = response.filter(|_| ours.body.as_deref() == Some("json-error")) {
        error_name(response);
    }
    true
}

/// Checks the response to a body that Express accepted or skipped.
fn accepted(case: &Case, response: &Response) {
    if response.status == 200 {
        let reply = response.json().unwrap();
        assert_eq!(
            (&reply["code"], &reply["message"]),
            (&Value::from(0), &Value::from("success!"))
        );
        return;
    }
    let error = error_name(response);
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

fn rejected(status: u16, response: &Response, group: &str) {
    let error = error_name(response);
    if let Some((_, names)) = REJECTIONS.iter().find(|(rejected, _)| *rejected == status) {
        assert!(
            group == "path" || names.contains(&error.as_str()),
            "{error}"
        );
    }
}

/// Checks an error response, and returns the name of the error.
fn error_name(response: &Response) -> String {
    let body = String::from_utf8_lossy(&response.body);
    for leak in LEAKS {
        assert!(!body.contains(leak), "{body}");
    }
    assert!(body.len() <= 2048, "{} bytes", body.len());
    let content_type = response.header("content-type").unwrap_or_default();
    assert!(
        content_type.starts_with("application/json"),
        "{content_type:?}"
    );
    let reply = response
        .json()
        .unwrap_or_else(|| panic!("no object: {body}"));
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
