//! The parts of a rejection other than its number, and the explanations that are added to it.

use std::net::{IpAddr, Ipv4Addr};

use crate::platforms::Hint;
use crate::platforms::wechat::code_shape::MOCK_CODE;
use crate::platforms::wechat::rid;
use crate::platforms::wechat::tests::server::{Act, Server};
use crate::platforms::wechat::tests::{
    CODE, OPENID, SECRET, client, log_in_for, log_in_with, rejection,
};

/// Asserts which name of the call is found in an `errmsg`, and when that says it was.
async fn check_rid(errmsg: &str, rid: Option<&str>, seconds: Option<u32>) {
    let rejection =
        rejection(log_in_for(&[&format!(r#"{{"errcode":40029,"errmsg":"{errmsg}"}}"#)]).await);
    let found = rejection.rid.as_deref();
    assert_eq!(found, rid, "{errmsg}");
    assert_eq!(found.and_then(rid::unix_seconds), seconds, "{errmsg}");
}

#[actix_web::test]
async fn the_rid_is_found_in_every_format() {
    let errmsg = "invalid code, hints: [ req_id: uhJDVZyFe-YZguHA ]";
    check_rid(errmsg, Some("uhJDVZyFe-YZguHA"), None).await;
    let rid = "668f2aa4-51c08c03-3d141241";
    let errmsg = format!("invalid code, rid: {rid}");
    check_rid(&errmsg, Some(rid), Some(0x668f_2aa4)).await;
    let rid = "6437cc6f-48613c7c-0bdbbd0d";
    let errmsg = format!("invalid code hint: [qigBTVNre-vXl5ra] rid: {rid}");
    check_rid(&errmsg, Some(rid), Some(1_681_378_415)).await;
    for errmsg in [
        "",
        "invalid code",
        "rid: 668f2aa4-51c08c03",
        "rid: 668f2aa4-51c08c03-3d14124Z",
        "rid:",
        &format!("rid: {SECRET}, req_id: {CODE} req_id: {OPENID}"),
    ] {
        check_rid(errmsg, None, None).await;
    }
}

#[actix_web::test]
async fn a_rejected_address_is_named() {
    let raw = r#"{"errcode":40164,"errmsg":"invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 668f2aa4-51c08c03-3d141241"}"#;
    let rejection = rejection(log_in_for(&[raw]).await);
    let ip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    assert_eq!(rejection.hint, Some(Hint::CallerIp(ip)));
    assert!(rejection.to_string().contains("203.0.113.7"), "{rejection}");
}

#[actix_web::test]
async fn a_rejected_code_is_explained_by_its_shape() {
    let server = Server::start(vec![Act::json(r#"{"errcode":40029}"#)]);
    for (code, hint) in [
        (CODE, "shaped like a login code"),
        (MOCK_CODE, "open the project with its AppID"),
        ("051bIzT629", "as if truncated"),
    ] {
        let rejection = rejection(log_in_with(&client(&server.url), code).await);
        assert!(rejection.to_string().contains(hint), "{rejection}");
    }
}
