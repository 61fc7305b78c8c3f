//! Every error number, from the raw reply to what becomes of it.
//!
//! Knows the numbers' replies as WeChat sends them, and what each asks of us.
//! Never knows how the table is written.

use std::collections::BTreeSet;

use crate::platforms::wechat::errcode::{TABLE, explain};
use crate::platforms::wechat::tests::{log_in_for, refusal};
use crate::platforms::wechat::{Class, Error, Fault};

const RID: &str = "668f2aa4-51c08c03-3d141241";

/// Asserts what becomes of one errcode, and that its sentence names the number and the way out.
async fn check(errcode: i64, errmsg: &str, class: Class, fault: Fault) {
    let raw = format!(r#"{{"errcode":{errcode},"errmsg":"{errmsg}, rid: {RID}"}}"#);
    let refusal = refusal(log_in_for(&[&raw]).await);
    assert_eq!(refusal.errcode, errcode);
    assert_eq!(refusal.class(), class, "errcode {errcode}");
    assert_eq!(
        refusal.rid.as_ref().map(ToString::to_string).as_deref(),
        Some(RID)
    );
    let advice = refusal.row().map_or("", |row| row.advice);
    let error = Error::Refused(refusal);
    assert_eq!(error.fault(), fault, "errcode {errcode}");
    let sentence = error.to_string();
    assert!(
        sentence.contains(&format!("errcode {errcode}")),
        "{sentence}"
    );
    assert!(sentence.contains(advice), "{sentence}");
    assert!(sentence.contains(RID), "{sentence}");
}

/// The rows, as `wechat.md` and the endpoints' pages list them.
#[rustfmt::skip] // A row on a line.
const ROWS: &[(i64, &str, Class, Fault)] = &[
    (-1, "system error", Class::Busy, Fault::Wechat),
    (40001, "invalid credential, access_token is invalid or not latest", Class::TokenRefused, Fault::Wechat),
    (40014, "invalid access_token", Class::TokenRefused, Fault::Wechat),
    (42001, "access_token expired", Class::TokenRefused, Fault::Wechat),
    (41001, "access_token missing", Class::OurBug, Fault::Ours),
    (40002, "invalid grant_type", Class::OurBug, Fault::Ours),
    (40003, "invalid openid", Class::Unsuitable, Fault::Client),
    (40013, "invalid appid", Class::Misconfigured, Fault::Operator),
    (40029, "invalid code", Class::CodeInvalid, Fault::Client),
    (40163, "code been used", Class::CodeUsed, Fault::Client),
    (42003, "code expired", Class::CodeInvalid, Fault::Client),
    (40066, "invalid url", Class::Misconfigured, Fault::Operator),
    (40097, "invalid args", Class::OurBug, Fault::Ours),
    (40125, "invalid appsecret", Class::Misconfigured, Fault::Operator),
    (40164, "invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist", Class::Misconfigured, Fault::Operator),
    (40226, "code blocked", Class::UserBlocked, Fault::Client),
    (40243, "AppSecret frozen", Class::Misconfigured, Fault::Operator),
    (41002, "appid missing", Class::Misconfigured, Fault::Operator),
    (41004, "appsecret missing", Class::Misconfigured, Fault::Operator),
    (41008, "missing code", Class::OurBug, Fault::Ours),
    (41009, "missing openid", Class::OurBug, Fault::Ours),
    (43002, "require POST method", Class::OurBug, Fault::Ours),
    (43003, "require https", Class::Misconfigured, Fault::Operator),
    (43104, "openid does not match appid", Class::Unsuitable, Fault::Client),
    (44002, "empty post data", Class::OurBug, Fault::Ours),
    (47001, "data format error", Class::OurBug, Fault::Ours),
    (44991, "reach max minute quota", Class::TooOften, Fault::Wechat),
    (45011, "api minute-quota reach limit, mustslower, retry next minute", Class::TooOften, Fault::Wechat),
    (45009, "reach max api daily quota limit", Class::QuotaSpent, Fault::Operator),
    (48001, "api unauthorized", Class::NotGranted, Fault::Operator),
    (48006, "forbid to clear quota because of reaching the limit", Class::QuotaSpent, Fault::Operator),
    (50002, "user limited", Class::UserBlocked, Fault::Client),
    (50004, "token api forbidden", Class::Misconfigured, Fault::Operator),
    (50007, "account frozen", Class::Misconfigured, Fault::Operator),
    (61003, "component is not authorized by this account", Class::Misconfigured, Fault::Operator),
    (61007, "api is unauthorized to component", Class::Misconfigured, Fault::Operator),
    (61010, "code is expired", Class::Unsuitable, Fault::Client),
    (87007, "session_key is not existd or expired", Class::KeyStale, Fault::Client),
    (87008, "invalid sig_method", Class::OurBug, Fault::Ours),
    (87009, "invalid signature", Class::KeyStale, Fault::Client),
    (89002, "open not exists", Class::Unsuitable, Fault::Client),
    (89300, "invalid trade", Class::Unsuitable, Fault::Client),
    (89501, "ip is waiting for confirmation", Class::Misconfigured, Fault::Operator),
    (89503, "ip needs confirmation", Class::Misconfigured, Fault::Operator),
    (89506, "ip refused twice", Class::Misconfigured, Fault::Operator),
    (89507, "ip refused once", Class::Misconfigured, Fault::Operator),
    (76001, "rid not found", Class::Unsuitable, Fault::Client),
    (76002, "rid is error", Class::Unsuitable, Fault::Client),
    (76003, "could not query this rid,no permission", Class::Unsuitable, Fault::Client),
    (76004, "rid time is error", Class::Unsuitable, Fault::Client),
    (76021, "cgi_path not found, please check", Class::Unsuitable, Fault::Client),
    (76022, "could not use this cgi_path,no permission", Class::Unsuitable, Fault::Client),
];

#[actix_web::test]
async fn every_error_number_has_its_outcome() {
    for &(errcode, errmsg, class, fault) in ROWS {
        check(errcode, errmsg, class, fault).await;
    }
}

#[actix_web::test]
async fn a_number_that_is_not_in_the_table_is_told_as_such() {
    check(99999, "something new", Class::Unknown, Fault::Wechat).await;
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
        (row.errmsg, row.class),
        ("invalid code", Class::CodeInvalid)
    );
    assert_eq!(explain(0).unwrap().class, Class::Success);
    assert_eq!(explain(12345), None);
}
