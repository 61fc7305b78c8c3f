//! Every error number, from the raw reply to what becomes of it.

use std::collections::BTreeSet;

use crate::platforms::wechat::errcode::{TABLE, explain};
use crate::platforms::wechat::tests::{log_in_for, rejection};
use crate::platforms::{Error, Reason};

const RID: &str = "668f2aa4-51c08c03-3d141241";

/// Asserts the reason of one errcode, and that its message names the number and the fix.
async fn check(errcode: i64, errmsg: &str, reason: Reason) {
    let raw = format!(r#"{{"errcode":{errcode},"errmsg":"{errmsg}, rid: {RID}"}}"#);
    let rejection = rejection(log_in_for(&[&raw]).await);
    assert_eq!(rejection.errcode, errcode);
    assert_eq!(rejection.reason, reason, "errcode {errcode}");
    assert_eq!(rejection.rid.as_deref(), Some(RID));
    let advice = explain(errcode).map_or("", |row| row.advice.english);
    let error = Error::Rejected(rejection);
    let sentence = error.to_string();
    assert!(
        sentence.contains(&format!("errcode {errcode}")),
        "{sentence}"
    );
    assert!(sentence.contains(advice), "{sentence}");
    assert!(sentence.contains(RID), "{sentence}");
}

/// The rows, as the pages of the endpoints list them.
#[rustfmt::skip] // One row per line.
const ROWS: &[(i64, &str, Reason)] = &[
    (-1, "system error", Reason::Busy),
    (40001, "invalid credential, access_token is invalid or not latest", Reason::TokenInvalid),
    (40014, "invalid access_token", Reason::TokenInvalid),
    (42001, "access_token expired", Reason::TokenInvalid),
    (41001, "access_token missing", Reason::InvalidRequest),
    (40002, "invalid grant_type", Reason::InvalidRequest),
    (40003, "invalid openid", Reason::Mismatch),
    (40013, "invalid appid", Reason::UnknownApp),
    (40029, "invalid code", Reason::CodeInvalid),
    (40163, "code been used", Reason::CodeUsed),
    (42003, "code expired", Reason::CodeInvalid),
    (40066, "invalid url", Reason::Misconfigured),
    (40097, "invalid args", Reason::InvalidRequest),
    (40125, "invalid appsecret", Reason::Misconfigured),
    (40164, "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist", Reason::Misconfigured),
    (40226, "code blocked", Reason::UserBlocked),
    (40243, "AppSecret frozen", Reason::Misconfigured),
    (41002, "appid missing", Reason::Misconfigured),
    (41004, "appsecret missing", Reason::Misconfigured),
    (41008, "missing code", Reason::InvalidRequest),
    (41009, "missing openid", Reason::InvalidRequest),
    (43002, "require POST method", Reason::InvalidRequest),
    (43003, "require https", Reason::Misconfigured),
    (43104, "openid does not match appid", Reason::Mismatch),
    (44002, "empty post data", Reason::InvalidRequest),
    (47001, "data format error", Reason::InvalidRequest),
    (44991, "reach max minute quota", Reason::RateLimited),
    (45011, "api minute-quota reach limit, mustslower, retry next minute", Reason::RateLimited),
    (45009, "reach max api daily quota limit", Reason::QuotaExhausted),
    (48001, "api unauthorized", Reason::NotPermitted),
    (48006, "forbid to clear quota because of reaching the limit", Reason::QuotaExhausted),
    (50002, "user limited", Reason::UserBlocked),
    (50004, "token api forbidden", Reason::Misconfigured),
    (50007, "account frozen", Reason::Misconfigured),
    (61003, "component is not authorized by this account", Reason::Misconfigured),
    (61007, "api is unauthorized to component", Reason::Misconfigured),
    (61010, "code is expired", Reason::Mismatch),
    (87007, "session_key is not existd or expired", Reason::SessionKeyStale),
    (87008, "invalid sig_method", Reason::InvalidRequest),
    (87009, "invalid signature", Reason::SessionKeyStale),
    (89002, "open not exists", Reason::Misconfigured),
    (89300, "invalid trade", Reason::PaymentUnknown),
    (89501, "ip is waiting for confirmation", Reason::Misconfigured),
    (89503, "ip needs confirmation", Reason::Misconfigured),
    (89506, "ip refused twice", Reason::Misconfigured),
    (89507, "ip refused once", Reason::Misconfigured),
    (76001, "rid not found", Reason::Mismatch),
    (76002, "rid is error", Reason::Mismatch),
    (76003, "could not query this rid,no permission", Reason::Mismatch),
    (76004, "rid time is error", Reason::Mismatch),
    (76021, "cgi_path not found, please check", Reason::Mismatch),
    (76022, "could not use this cgi_path,no permission", Reason::Mismatch),
];

#[actix_web::test]
async fn every_error_number_has_its_outcome() {
    for &(errcode, errmsg, reason) in ROWS {
        check(errcode, errmsg, reason).await;
    }
}

#[actix_web::test]
async fn an_unknown_number_is_reported_as_unknown() {
    check(99999, "something new", Reason::Unknown).await;
}

#[test]
fn every_row_of_the_table_is_tested() {
    let tested: BTreeSet<i64> = ROWS.iter().map(|row| row.0).chain([0]).collect();
    let listed: Vec<i64> = TABLE.iter().map(|row| row.errcode).collect();
    assert_eq!(
        listed,
        tested.into_iter().collect::<Vec<_>>(),
        "ascending, and the same"
    );
}

#[test]
fn a_number_is_explained() {
    let row = explain(40029).unwrap();
    assert_eq!(
        (row.errmsg, row.reason),
        ("invalid code", Reason::CodeInvalid)
    );
    assert_eq!(explain(0).unwrap().reason, Reason::Success);
    assert_eq!(explain(12345), None);
}
