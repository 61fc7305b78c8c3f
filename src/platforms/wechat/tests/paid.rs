//! The unionid of a user who has paid, from raw bytes.

use crate::identity::{AccessTokenText, AppId, OpenId, UnionId};
use crate::platforms::wechat::tests::calls::TOKEN;
use crate::platforms::wechat::tests::server::Server;
use crate::platforms::wechat::tests::{APP_ID, BUSY, OPENID, client};
use crate::platforms::{Error, InvalidReply, Payment, Reason};

const UNIONID: &str = "o6_bmasdasdsad6_2sgVt7hMZOPfL";
const PAID: &str = r#"{"unionid":"o6_bmasdasdsad6_2sgVt7hMZOPfL","errcode":0,"errmsg":"ok"}"#;

async fn fetch(server: &Server, payment: &Payment) -> Result<UnionId, Error> {
    let (token, openid) = (AccessTokenText::new(TOKEN), OpenId::new(OPENID));
    client(&server.url)
        .paid_unionid(&AppId::new(APP_ID), &token, &openid, payment)
        .await
}

fn transaction() -> Payment {
    Payment::transaction("4200001234").unwrap()
}

#[actix_web::test]
async fn the_query_names_the_user_and_the_payment() {
    let order = Payment::order("1900000109", "20261127-1").unwrap();
    for (payment, named) in [
        (transaction(), "transaction_id=4200001234"),
        (order, "mch_id=1900000109&out_trade_no=20261127-1"),
    ] {
        let server = Server::replying(&[PAID]);
        let unionid = fetch(&server, &payment).await.unwrap();
        assert_eq!(unionid.expose(), UNIONID);
        let line = format!(
            "GET /wxa/getpaidunionid?access_token={TOKEN}&openid={OPENID}&{named} HTTP/1.1\r\n"
        );
        let head = server.first_request();
        assert!(head.starts_with(&line), "{head}");
    }
}

#[actix_web::test]
async fn a_busy_reply_is_retried_and_a_rejection_is_not() {
    let server = Server::replying(&[BUSY, PAID]);
    assert!(fetch(&server, &transaction()).await.is_ok());
    for (errcode, reason) in [
        (89300, Reason::PaymentUnknown),
        (89002, Reason::Misconfigured),
        (40003, Reason::Mismatch),
        (40001, Reason::TokenInvalid),
    ] {
        let body = format!(r#"{{"errcode":{errcode},"errmsg":"x"}}"#);
        let server = Server::replying(&[&body, PAID]);
        let error = fetch(&server, &transaction()).await.unwrap_err();
        assert_eq!(error.reason(), Some(reason), "{errcode}");
    }
}

#[actix_web::test]
async fn a_success_without_a_unionid_is_invalid() {
    for body in ["{}", r#"{"unionid":""}"#, r#"{"unionid":7}"#] {
        let server = Server::replying(&[body]);
        let error = fetch(&server, &transaction()).await.unwrap_err();
        let flaw = InvalidReply::Missing("unionid");
        assert_eq!(error, Error::InvalidReply { status: 200, flaw });
    }
}

#[test]
fn a_payment_has_identifiers_and_shows_none() {
    assert_eq!(format!("{:?}", transaction()), "Payment(***)");
    for text in ["", " ", "é", "a\nb", &"1".repeat(65)] {
        assert_eq!(Payment::transaction(text), None, "{text:?}");
        assert_eq!(Payment::order("1", text), None, "{text:?}");
        assert_eq!(Payment::order(text, "1"), None, "{text:?}");
    }
}
