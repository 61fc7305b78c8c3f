//! Phone numbers by code, and the two neighbours that take a code or a payment: openpid and paid unionid.

use super::*;

#[track_caller]
fn asking(wechat: &Simulator, body: &Value) -> Value {
    let token = stable_token(wechat, false).0;
    let target = format!("/wxa/business/getuserphonenumber?access_token={token}");
    post(wechat, &target, body)
}

#[actix_web::test]
async fn a_phone_code_tells_the_number_once_within_five_minutes() {
    let wechat = simulator().await;
    let [used, late] = [(); 2].map(|()| wechat.issue_phone_code("mei"));
    assert!(used.len() == 64 && used != late);
    let person = wechat.user("mei");
    let number = &person.phone_number;
    assert!(number.len() == 11 && number.starts_with('1'));
    assert_eq!(
        asking(&wechat, &json!({"code": used})),
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
    assert_eq!(
        asking(&wechat, &json!({"code": used})),
        refusal(40029, "invalid code")
    );
    wechat.advance(Duration::from_mins(5));
    assert_eq!(refused(&asking(&wechat, &json!({"code": late}))), 40029);
}

#[actix_web::test]
async fn a_number_can_be_given_and_a_foreign_one_bears_its_country() {
    let wechat = simulator().await;
    wechat.update_user("mei", |user| {
        user.phone_number = "91234567".to_owned();
        user.country_code = "852".to_owned();
    });
    let code = wechat.issue_phone_code("mei");
    let info = &asking(&wechat, &json!({"code": code}))["phone_info"];
    assert_eq!(info["phoneNumber"], "+85291234567");
    assert_eq!(info["purePhoneNumber"], "91234567");
    assert_eq!(info["countryCode"], "852");
}

#[actix_web::test]
async fn a_phone_code_is_bound_to_its_user() {
    let wechat = simulator().await;
    log_in(&wechat, "lan");
    let code = wechat.issue_phone_code("mei");
    let stolen = asking(
        &wechat,
        &json!({"code": code, "openid": wechat.openid("lan")}),
    );
    assert_eq!(stolen, refusal(40029, "invalid code"));
    let own = asking(
        &wechat,
        &json!({"code": code, "openid": wechat.openid("mei")}),
    );
    assert_eq!(refused(&own), 0, "the refusal did not spend it");
}

#[actix_web::test]
async fn a_phone_code_that_was_never_issued_works_once() {
    let wechat = simulator().await;
    log_in(&wechat, "mei");
    let body = json!({"code": PHONE, "openid": wechat.openid("mei")});
    let info = &asking(&wechat, &body)["phone_info"];
    assert_eq!(info["purePhoneNumber"], wechat.user("mei").phone_number);
    assert_eq!(refused(&asking(&wechat, &body)), 40029);
    let unknown = json!({"code": PHONE.replace('e', "0"), "openid": "oX"});
    assert_eq!(refused(&asking(&wechat, &unknown)), 40029);
}

#[actix_web::test]
async fn what_is_no_phone_code_of_the_app_is_refused() {
    let apps = vec![App::named(7, "one"), App::named(7, "two")];
    let two = apps[1].clone();
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let login_code = wechat.issue_code("mei");
    let foreign = wechat.app(&two.id).unwrap().issue_phone_code("mei");
    let rows = [
        (json!({"code": login_code}), 40029, "invalid code"),
        (json!({"code": "short"}), 40029, "invalid code"),
        (json!({"code": foreign}), 40013, "invalid appid"),
        (json!({}), 41008, "code missing"),
        (json!({"code": 7}), 41008, "code missing"),
        (json!([]), 47001, "data format error"),
    ];
    for (body, errcode, errmsg) in rows {
        assert_eq!(asking(&wechat, &body), refusal(errcode, errmsg), "{body}");
    }
    assert_eq!(refused(&exchange(&wechat, &login_code)), 0);
}

#[actix_web::test]
async fn a_plugin_code_tells_an_openpid() {
    let wechat = simulator().await;
    let token = stable_token(&wechat, false).0;
    let target = format!("/wxa/getpluginopenpid?access_token={token}");
    let asking = |body: &str| json_of(ask_with(&wechat, "POST", &target, body));
    let code = wechat.first_app().issue_plugin_code("mei");
    let answer = asking(&json!({"code": code}).to_string());
    let openpid = answer["openpid"].as_str().unwrap();
    assert!(openpid.len() == 28 && openpid.starts_with('G'));
    let login = json!({"code": wechat.issue_code("mei")}).to_string();
    assert_eq!(asking(&login), refusal(1007, "openpid not found"));
    assert_eq!(asking("{}"), refusal(1001, "parameter error"));
    assert_eq!(asking("{"), refusal(1022, "json format error"));
}

#[actix_web::test]
async fn a_payment_tells_the_unionid_for_five_minutes() {
    let bound = App::named(7, "main").with_open_platform("ours");
    let apps = vec![bound, App::named(7, "alone")];
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    log_in(&wechat, "mei");
    let (token, openid) = (stable_token(&wechat, false).0, wechat.openid("mei"));
    let asking = |rest: &str| {
        let query = format!("access_token={token}&openid={openid}{rest}");
        get(&wechat, &format!("/wxa/getpaidunionid?{query}"))
    };
    assert_eq!(asking(""), refusal(89300, "invalid trade"));
    let payment = Payment::Transaction("4200001".to_owned());
    wechat.first_app().pay("mei", payment);
    let answer = json!({"unionid": wechat.unionid("mei"), "errcode": 0, "errmsg": "ok"});
    assert_eq!(asking("&transaction_id=4200001"), answer);
    assert_eq!(asking(""), answer);
    assert_eq!(refused(&asking("&mch_id=1&out_trade_no=2")), 89300);
    wechat.advance(Duration::from_mins(5));
    assert_eq!(refused(&asking("")), 89300);
}
