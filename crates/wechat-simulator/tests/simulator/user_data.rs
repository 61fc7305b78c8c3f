//! Phone numbers, openpids and unionids of users who paid.

use super::*;

#[track_caller]
pub(super) fn phone_number(wechat: &Simulator, body: &Value) -> Value {
    let target = with_token(wechat, "/wxa/business/getuserphonenumber");
    post(wechat, &target, body)
}

#[actix_web::test]
async fn a_phone_code_works_once_within_five_minutes() {
    let wechat = simulator().await;
    let [used, late] = [(); 2].map(|()| wechat.issue_phone_code("mei"));
    assert!(used.len() == 64 && used != late);
    let number = wechat.user("mei").phone_number;
    assert!(number.len() == 11 && number.starts_with('1'));
    let (used, late) = (json!({"code": used}), json!({"code": late}));
    assert_eq!(
        phone_number(&wechat, &used),
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "phone_info": {
                "phoneNumber": number,
                "purePhoneNumber": number,
                "countryCode": "86",
                "watermark": {"timestamp": NOW, "appid": wechat.app_id()},
            },
        })
    );
    let invalid = error(40029, "invalid code");
    assert_eq!(phone_number(&wechat, &used), invalid);
    wechat.advance(Duration::from_mins(5));
    assert_eq!(errcode(&phone_number(&wechat, &late)), 40029);
}

#[actix_web::test]
async fn a_foreign_number_has_a_country_code() {
    let wechat = simulator().await;
    wechat.update_user("mei", |user| {
        user.phone_number = "91234567".to_owned();
        user.country_code = "852".to_owned();
    });
    let code = wechat.issue_phone_code("mei");
    let info = &phone_number(&wechat, &json!({"code": code}))["phone_info"];
    assert_eq!(info["phoneNumber"], "+85291234567");
    assert_eq!(info["purePhoneNumber"], "91234567");
    assert_eq!(info["countryCode"], "852");
}

#[actix_web::test]
async fn a_phone_code_belongs_to_its_user() {
    let wechat = simulator().await;
    log_in(&wechat, "lan");
    let code = wechat.issue_phone_code("mei");
    let number_of = |user: &str| {
        let body = json!({"code": code, "openid": wechat.openid(user)});
        phone_number(&wechat, &body)
    };
    assert_eq!(number_of("lan"), error(40029, "invalid code"));
    let own = errcode(&number_of("mei"));
    assert_eq!(own, 0, "the code is still unused");
}

#[actix_web::test]
async fn an_unissued_phone_code_works_once() {
    let wechat = simulator().await;
    log_in(&wechat, "mei");
    let body = json!({"code": UNISSUED_PHONE_CODE, "openid": wechat.openid("mei")});
    let info = &phone_number(&wechat, &body)["phone_info"];
    assert_eq!(info["purePhoneNumber"], wechat.user("mei").phone_number);
    assert_eq!(errcode(&phone_number(&wechat, &body)), 40029);
    let unknown = json!({"code": UNISSUED_PHONE_CODE.replace('e', "0"), "openid": "oX"});
    assert_eq!(errcode(&phone_number(&wechat, &unknown)), 40029);
}

#[actix_web::test]
async fn invalid_phone_codes_get_wechats_errors() {
    let (wechat, two) = simulator_with_two_apps().await;
    let login_code = wechat.issue_code("mei");
    let of_two = wechat.app(&two.id).unwrap().issue_phone_code("mei");
    let rows = [
        (json!({"code": login_code}), 40029, "invalid code"),
        (json!({"code": "short"}), 40029, "invalid code"),
        (json!({"code": of_two}), 40013, "invalid appid"),
        (json!({}), 41008, "code missing"),
        (json!({"code": 7}), 41008, "code missing"),
        (json!([]), 47001, "data format error"),
    ];
    for (body, errcode, errmsg) in rows {
        let reply = phone_number(&wechat, &body);
        assert_eq!(reply, error(errcode, errmsg), "{body}");
    }
    assert_eq!(errcode(&log_in_with(&wechat, &login_code)), 0);
}

#[actix_web::test]
async fn a_plugin_code_returns_an_openpid() {
    let wechat = simulator().await;
    let target = with_token(&wechat, "/wxa/getpluginopenpid");
    let openpid = |body: &str| json_of(&target, &request_with(&wechat, "POST", &target, body));
    let code = wechat.first_app().issue_plugin_code("mei");
    let reply = openpid(&json!({"code": code}).to_string());
    let value = reply["openpid"].as_str().unwrap();
    assert!(value.len() == 28 && value.starts_with('G'));
    let login = json!({"code": wechat.issue_code("mei")}).to_string();
    assert_eq!(openpid(&login), error(1007, "openpid not found"));
    assert_eq!(openpid("{}"), error(1001, "parameter error"));
    assert_eq!(openpid("{"), error(1022, "json format error"));
}

#[actix_web::test]
async fn a_payment_makes_the_unionid_available_for_five_minutes() {
    let wechat = simulator_with_unionids().await;
    log_in(&wechat, "mei");
    let (token, openid) = (stable_token(&wechat, false).0, wechat.openid("mei"));
    let unionid = |rest: &str| {
        let query = format!("access_token={token}&openid={openid}{rest}");
        get(&wechat, &format!("/wxa/getpaidunionid?{query}"))
    };
    assert_eq!(unionid(""), error(89300, "invalid trade"));
    let payment = Payment::Transaction("4200001".to_owned());
    wechat.first_app().pay("mei", payment);
    let known = json!({"unionid": wechat.unionid("mei"), "errcode": 0, "errmsg": "ok"});
    assert_eq!(unionid("&transaction_id=4200001"), known);
    assert_eq!(unionid(""), known);
    assert_eq!(errcode(&unionid("&mch_id=1&out_trade_no=2")), 89300);
    wechat.advance(Duration::from_mins(5));
    assert_eq!(errcode(&unionid("")), 89300);
}
