//! The control API, as a test in another language uses it.

use super::*;

/// Orders something, and tells status and JSON.
#[track_caller]
pub(super) fn order(wechat: &Simulator, method: &str, path: &str, body: &str) -> (String, Value) {
    let reply = ask_with(wechat, method, path, body);
    assert_eq!(reply.content_type, "application/json", "{path}");
    let status = reply.status.replace("HTTP/1.1 ", "");
    (status, serde_json::from_str(&reply.body).unwrap())
}

/// Orders something that is followed.
#[track_caller]
pub(super) fn follow(wechat: &Simulator, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, answer) = order(wechat, method, path, &body);
    assert_eq!(status, "200 OK", "{answer}");
    answer
}

pub(super) const NOTHING: Value = Value::Null;

#[actix_web::test]
async fn codes_and_users_are_those_of_the_rust_interface() {
    let wechat = simulator().await;
    let code = follow(&wechat, "POST", "/simulator/users/mei/login-code", &NOTHING);
    assert_eq!(code["expires_in"], 300);
    assert_eq!(
        refused(&exchange(&wechat, code["code"].as_str().unwrap())),
        0
    );
    let person = wechat.user("mei");
    let mei = json!({
        "name": "mei",
        "app_id": wechat.app_id(),
        "openid": wechat.openid("mei"),
        "unionid": null,
        "session_key": wechat.session_key("mei"),
        "phone_number": person.phone_number,
        "country_code": "86",
        "nickname": "微信用户",
        "avatar_url": person.avatar_url,
        "blocked": false,
    });
    assert_eq!(
        follow(&wechat, "GET", "/simulator/users/mei", &NOTHING),
        mei
    );

    let name = "%E5%B0%8F%E6%98%8E";
    let path = format!("/simulator/users/{name}");
    let change = json!({"phone_number": "13500000001", "nickname": "小明 👩‍👩‍👧", "blocked": true});
    let ming = follow(&wechat, "PUT", &path, &change);
    assert_eq!(ming["name"], "小明");
    assert_eq!(ming["nickname"], "小明 👩‍👩‍👧");
    assert_eq!(wechat.user("小明").phone_number, "13500000001");
    let code = wechat.issue_code("小明");
    assert_eq!(refused(&exchange(&wechat, &code)), 40226);
    follow(&wechat, "PUT", &path, &json!({"blocked": false}));
    assert_eq!(refused(&exchange(&wechat, &code)), 0);

    let phone = follow(&wechat, "POST", &format!("{path}/phone-code"), &NOTHING);
    let token = stable_token(&wechat, false).0;
    let target = format!("/wxa/business/getuserphonenumber?access_token={token}");
    let answer = post(&wechat, &target, &json!({"code": phone["code"]}));
    assert_eq!(answer["phone_info"]["purePhoneNumber"], "13500000001");
    let plugin = follow(&wechat, "POST", &format!("{path}/plugin-code"), &NOTHING);
    assert_eq!(plugin["code"].as_str().unwrap().len(), 64);
    let users = follow(&wechat, "GET", "/simulator/users", &NOTHING);
    assert_eq!(users, json!({"users": ["mei", "小明"]}));
}

#[actix_web::test]
async fn encrypted_data_comes_as_an_event_gives_it() {
    let wechat = simulator().await;
    let path = "/simulator/users/mei/encrypted-data";
    let info = follow(&wechat, "POST", path, &json!({"kind": "user_info"}));
    let names: Vec<&String> = info.as_object().unwrap().keys().collect();
    assert_eq!(names, ["encryptedData", "iv", "rawData", "signature"]);
    for wanted in [
        json!({"kind": "phone_number", "watermark": {"appid": "wx0", "timestamp": 1}}),
        json!({"kind": "share_info", "group": "neighbours"}),
        json!({"kind": "object", "data": {"stepInfoList": []}}),
    ] {
        let minted = follow(&wechat, "POST", path, &wanted);
        let names: Vec<&String> = minted.as_object().unwrap().keys().collect();
        assert_eq!(names, ["encryptedData", "iv"]);
    }
    let key = follow(
        &wechat,
        "POST",
        "/simulator/users/mei/encrypt-key",
        &NOTHING,
    );
    assert_eq!(key["version"], 1);
    assert_eq!(key["expireTime"], NOW + 3600);
}

#[actix_web::test]
async fn session_keys_change_as_told() {
    let wechat = simulator().await;
    let path = "/simulator/session-keys";
    let laws =
        json!({"rotate_at": "exchange", "rotation_percent": 100, "lifetime_seconds": 259_200});
    assert_eq!(follow(&wechat, "GET", path, &NOTHING), laws);
    follow(&wechat, "PUT", path, &json!({"rotation_percent": 0}));
    let laws = wechat.session_key_policy();
    assert_eq!(
        (laws.rotate_at, laws.rotation_percent),
        (RotateAt::Exchange, 0)
    );
    wechat.set_key_laws(laws);
    assert_eq!(log_in(&wechat, "mei"), log_in(&wechat, "mei"));
    let laws = json!({"rotate_at": "issue", "rotation_percent": 100, "lifetime_seconds": 60});
    assert_eq!(follow(&wechat, "PUT", path, &laws), laws);
    let before = wechat.session_key("mei");
    wechat.issue_code("mei");
    assert_ne!(wechat.session_key("mei"), before);
    wechat.advance(ONE_MINUTE);
    assert_eq!(wechat.session_key("mei"), None);
}

#[actix_web::test]
async fn the_clock_moves_and_apps_are_added() {
    let wechat = simulator().await;
    let moved = follow(
        &wechat,
        "POST",
        "/simulator/clock",
        &json!({"advance_seconds": 7}),
    );
    assert_eq!(moved, json!({"now": NOW + 7}));
    assert_eq!(follow(&wechat, "GET", "/simulator/clock", &NOTHING), moved);

    let new = json!({"name": "two", "open_platform": "ours"});
    let two = follow(&wechat, "POST", "/simulator/apps", &new);
    let text = |name: &str| two[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("app_id"), text("app_secret"));
    let own = json!({"app_id": "wx1234567890abcdef", "app_secret": "s"});
    follow(&wechat, "POST", "/simulator/apps", &own);
    let apps = follow(&wechat, "GET", "/simulator/apps", &NOTHING);
    assert_eq!(apps["apps"].as_array().unwrap().len(), 3);
    assert_eq!(apps["apps"][0]["app_secret"], wechat.app_secret());

    let path = format!("/simulator/users/mei/login-code?app_id={id}");
    let code = follow(&wechat, "POST", &path, &NOTHING);
    let code = code["code"].as_str().unwrap();
    assert_eq!(refused(&exchange(&wechat, code)), 40029);
    let login = get(&wechat, &target_with(&id, &secret, code));
    let mei = follow(
        &wechat,
        "GET",
        &format!("/simulator/users/mei?app_id={id}"),
        &NOTHING,
    );
    assert_eq!(
        [&login["openid"], &login["unionid"]],
        [&mei["openid"], &mei["unionid"]]
    );
    assert!(mei["unionid"].is_string());
}

#[actix_web::test]
async fn faults_and_limits_are_ordered_and_taken_back() {
    let wechat = simulator().await;
    let path = EXCHANGE.path();
    let busy = json!({"endpoint": path, "times": 2, "fault": {"kind": "errcode", "errcode": -1}});
    follow(&wechat, "POST", "/simulator/faults", &busy);
    let asking = || refused(&exchange(&wechat, "the code is a mock one"));
    assert_eq!([asking(), asking(), asking()], [-1, -1, 0]);
    for fault in [
        json!({"kind": "delay", "milliseconds": 1}),
        json!({"kind": "raw", "status": 503, "content_type": "text/html", "body": "<html>"}),
        json!({"kind": "redirect", "location": "/"}),
        json!({"kind": "content_type", "content_type": "text/html"}),
        json!({"kind": "truncate"}),
        json!({"kind": "silence"}),
        json!({"kind": "reset_before"}),
        json!({"kind": "reset_after"}),
        json!({"kind": "bad_gateway"}),
        json!({"kind": "invalidate_access_tokens"}),
        json!({"kind": "ip_not_allowed"}),
    ] {
        let always = json!({"endpoint": path, "always": true, "fault": fault});
        follow(&wechat, "POST", "/simulator/faults", &always);
    }
    assert_eq!(asking(), 40164, "the last one stands");
    let other = "/simulator/faults?endpoint=/cgi-bin/token";
    follow(&wechat, "DELETE", other, &NOTHING);
    assert_eq!(asking(), 40164);
    follow(&wechat, "DELETE", "/simulator/faults", &NOTHING);
    assert_eq!(asking(), 0);

    let limit = json!({"endpoint": path, "per_minute": 1});
    follow(&wechat, "PUT", "/simulator/limits", &limit);
    assert_eq!(asking(), 45011);
    follow(&wechat, "DELETE", "/simulator/limits", &NOTHING);
    assert_eq!(asking(), 0);

    let (token, id) = (stable_token(&wechat, false).0, wechat.app_id());
    follow(
        &wechat,
        "POST",
        &format!("/simulator/apps/{id}/invalidate-access-tokens"),
        &NOTHING,
    );
    let target = format!("/wxa/checksession?access_token={token}");
    assert_eq!(refused(&get(&wechat, &target)), 40001);
}
