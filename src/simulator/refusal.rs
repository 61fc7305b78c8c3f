//! What WeChat says when it refuses: errcodes and their errmsgs, without the rid that ends each.
//!
//! Knows the numbers and the words.
//! Never knows which endpoint says which, or how an answer travels.

use serde_json::{Value, json};

/// A business answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) errcode: i64,
    pub(super) errmsg: &'static str,
}

pub(super) const INVALID_GRANT_TYPE: Refusal = refusal(40002, "invalid grant_type");
pub(super) const INVALID_APPID: Refusal = refusal(40013, "invalid appid");
pub(super) const INVALID_CODE: Refusal = refusal(40029, "invalid code");
pub(super) const INVALID_URL: Refusal = refusal(40066, "invalid url");
pub(super) const INVALID_APPSECRET: Refusal = refusal(40125, "invalid appsecret");
pub(super) const CODE_USED: Refusal = refusal(40163, "code been used");
pub(super) const CODE_BLOCKED: Refusal = refusal(40226, "code blocked");
pub(super) const APPID_MISSING: Refusal = refusal(41002, "appid missing");
pub(super) const APPSECRET_MISSING: Refusal = refusal(41004, "appsecret missing");
pub(super) const CODE_MISSING: Refusal = refusal(41008, "code missing");
pub(super) const GET_REQUIRED: Refusal = refusal(43001, "require GET method");
pub(super) const DAY_QUOTA_SPENT: Refusal = refusal(45009, "reach max api daily quota limit");
pub(super) const MINUTE_QUOTA_SPENT: Refusal = refusal(
    45011,
    "api minute-quota reach limit  mustslower  retry next minute",
);

/// What the simulator never says of itself, but can be told to.
const ON_DEMAND: [Refusal; 5] = [
    refusal(-1, "system error"),
    refusal(
        40164,
        "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
    ),
    refusal(40243, "AppSecret frozen"),
    refusal(50002, "user limited"),
    refusal(50007, "account frozen"),
];

const SAID: [Refusal; 13] = [
    INVALID_GRANT_TYPE,
    INVALID_APPID,
    INVALID_CODE,
    INVALID_URL,
    INVALID_APPSECRET,
    CODE_USED,
    CODE_BLOCKED,
    APPID_MISSING,
    APPSECRET_MISSING,
    CODE_MISSING,
    GET_REQUIRED,
    DAY_QUOTA_SPENT,
    MINUTE_QUOTA_SPENT,
];

/// The words that go with a number; for a number that is not in the table, words that say so.
pub(super) fn errmsg_of(errcode: i64) -> &'static str {
    let mut known = SAID.iter().chain(&ON_DEMAND);
    known
        .find(|refusal| refusal.errcode == errcode)
        .map_or("unknown error", |refusal| refusal.errmsg)
}

/// The body of a refusal.
pub(super) fn body(errcode: i64, errmsg: &str, rid: &str) -> Value {
    json!({"errcode": errcode, "errmsg": format!("{errmsg}, rid: {rid}")})
}

const fn refusal(errcode: i64, errmsg: &'static str) -> Refusal {
    Refusal { errcode, errmsg }
}
