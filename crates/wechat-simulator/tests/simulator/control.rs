//! The control API.

use super::user_data::phone_number;
use super::*;

/// Sends a request to the control API and returns status and JSON.
#[track_caller]
pub(super) fn control_request(
    wechat: &Simulator,
    method: &str,
    path: &str,
    body: &str,
) -> (String, Value) {
    let reply = request_with(wechat, method, path, body);
    assert_eq!(reply.content_type, "application/json", "{path}");
    let status = reply.status.replace("HTTP/1.1 ", "");
    (status, serde_json::from_str(&reply.body).unwrap())
}

/// Sends a request to the control API that succeeds, and returns its JSON.
#[track_caller]
pub(super) fn control(wechat: &Simulator, method: &str, path: &str, body: &Value) -> Value {
    let body = if body.is_null() {
        String::new()
    } else {
        body.to_string()
    };
    let (status, reply) = control_request(wechat, method, path, &body);
    assert_eq!(status, "200 OK", "{reply}");
    reply
}

pub(super) const NOTHING: Value = Value::Null;

#[actix_web::test]
async fn codes_and_users_match_the_rust_api() {
    let wechat = simulator().await;
    let code = control(&wechat, "POST", "/simulator/users/mei/login-code", &NOTHING);
    assert_eq!(code["expires_in"], 300);
    let code = code["code"].as_str().unwrap();
    assert_eq!(errcode(&log_in_with(&wechat, code)), 0);
    let user = wechat.user("mei");
    let mei = json!({
        "name": "mei",
        "app_id": wechat.app_id(),
        "openid": wechat.openid("mei"),
        "unionid": null,
        "session_key": wechat.session_key("mei"),
        "phone_number": user.phone_number,
        "country_code": "86",
        "nickname": "微信用户",
        "avatar_url": user.avatar_url,
        "blocked": false,
        "risk_rank": 0,
    });
    let got = control(&wechat, "GET", "/simulator/users/mei", &NOTHING);
    assert_eq!(got, mei);

    let name = "%E5%B0%8F%E6%98%8E";
    let path = format!("/simulator/users/{name}");
    let change = json!({"phone_number": "13500000001", "nickname": "小明 👩‍👩‍👧", "blocked": true});
    let ming = control(&wechat, "PUT", &path, &change);
    assert_eq!(ming["name"], "小明");
    assert_eq!(ming["nickname"], "小明 👩‍👩‍👧");
    assert_eq!(wechat.user("小明").phone_number, "13500000001");
    let code = wechat.issue_code("小明");
    assert_eq!(errcode(&log_in_with(&wechat, &code)), 40226);
    control(&wechat, "PUT", &path, &json!({"blocked": false}));
    assert_eq!(errcode(&log_in_with(&wechat, &code)), 0);

    let phone = control(&wechat, "POST", &format!("{path}/phone-code"), &NOTHING);
    let reply = phone_number(&wechat, &json!({"code": phone["code"]}));
    assert_eq!(reply["phone_info"]["purePhoneNumber"], "13500000001");
    let plugin = control(&wechat, "POST", &format!("{path}/plugin-code"), &NOTHING);
    assert_eq!(plugin["code"].as_str().unwrap().len(), 64);
    let users = control(&wechat, "GET", "/simulator/users", &NOTHING);
    assert_eq!(users, json!({"users": ["mei", "小明"]}));
}

#[actix_web::test]
async fn encrypted_data_has_the_fields_of_the_event() {
    let wechat = simulator().await;
    let path = "/simulator/users/mei/encrypted-data";
    let info = control(&wechat, "POST", path, &json!({"kind": "user_info"}));
    let names: Vec<&String> = info.as_object().unwrap().keys().collect();
    assert_eq!(names, ["encryptedData", "iv", "rawData", "signature"]);
    for payload in [
        json!({"kind": "phone_number", "watermark": {"appid": "wx0", "timestamp": 1}}),
        json!({"kind": "share_info", "group": "neighbours"}),
        json!({"kind": "object", "data": {"stepInfoList": []}}),
    ] {
        let data = control(&wechat, "POST", path, &payload);
        let names: Vec<&String> = data.as_object().unwrap().keys().collect();
        assert_eq!(names, ["encryptedData", "iv"]);
    }
    let path = "/simulator/users/mei/encrypt-key";
    let key = control(&wechat, "POST", path, &NOTHING);
    assert_eq!(key["version"], 1);
    assert_eq!(key["expireTime"], NOW + 3600);
}

#[actix_web::test]
async fn session_keys_follow_the_policy() {
    let wechat = simulator().await;
    let path = "/simulator/session-keys";
    let policy =
        json!({"rotate_at": "exchange", "rotation_percent": 100, "lifetime_seconds": 259_200});
    assert_eq!(control(&wechat, "GET", path, &NOTHING), policy);
    control(&wechat, "PUT", path, &json!({"rotation_percent": 0}));
    let policy = wechat.session_key_policy();
    assert_eq!(
        (policy.rotate_at, policy.rotation_percent),
        (RotateAt::Exchange, 0)
    );
    wechat.set_session_key_policy(policy);
    assert_eq!(log_in(&wechat, "mei"), log_in(&wechat, "mei"));
    let policy = json!({"rotate_at": "issue", "rotation_percent": 100, "lifetime_seconds": 60});
    assert_eq!(control(&wechat, "PUT", path, &policy), policy);
    let before = wechat.session_key("mei");
    wechat.issue_code("mei");
    assert_ne!(wechat.session_key("mei"), before);
    wechat.advance(ONE_MINUTE);
    assert_eq!(wechat.session_key("mei"), None);
}

#[actix_web::test]
async fn the_clock_can_be_advanced_and_apps_can_be_added() {
    let wechat = simulator().await;
    let advance = json!({"advance_seconds": 7});
    let moved = control(&wechat, "POST", "/simulator/clock", &advance);
    assert_eq!(moved, json!({"now": NOW + 7}));
    assert_eq!(control(&wechat, "GET", "/simulator/clock", &NOTHING), moved);

    let new = json!({"name": "two", "open_platform": "ours"});
    let two = control(&wechat, "POST", "/simulator/apps", &new);
    let text = |name: &str| two[name].as_str().unwrap().to_owned();
    let (id, secret) = (text("app_id"), text("app_secret"));
    let open_platform = Some(text("open_platform"));
    let own = json!({"app_id": "wx1234567890abcdef", "app_secret": "s"});
    control(&wechat, "POST", "/simulator/apps", &own);
    let apps = control(&wechat, "GET", "/simulator/apps", &NOTHING);
    assert_eq!(apps["apps"].as_array().unwrap().len(), 3);
    assert_eq!(apps["apps"][0]["app_secret"], wechat.app_secret());

    let path = format!("/simulator/users/mei/login-code?app_id={id}");
    let code = control(&wechat, "POST", &path, &NOTHING);
    let code = code["code"].as_str().unwrap();
    assert_eq!(errcode(&log_in_with(&wechat, code)), 40029);
    let path = format!("/simulator/users/mei?app_id={id}");
    let mei = control(&wechat, "GET", &path, &NOTHING);
    let two = App {
        id,
        secret,
        open_platform,
    };
    let login = get(&wechat, &login_target_of(&two, code));
    assert_eq!(
        [&login["openid"], &login["unionid"]],
        [&mei["openid"], &mei["unionid"]]
    );
    assert!(mei["unionid"].is_string());
}

#[actix_web::test]
async fn faults_and_limits_can_be_set_and_removed() {
    let wechat = simulator().await;
    let path = LOGIN.path();
    let busy = json!({"endpoint": path, "times": 2, "fault": {"kind": "errcode", "errcode": -1}});
    control(&wechat, "POST", "/simulator/faults", &busy);
    let log_in = || errcode(&log_in_with(&wechat, MOCK_CODE));
    assert_eq!([log_in(), log_in(), log_in()], [-1, -1, 0]);
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
        control(&wechat, "POST", "/simulator/faults", &always);
    }
    assert_eq!(log_in(), 40164, "the last one replaces the others");
    let other = "/simulator/faults?endpoint=/cgi-bin/token";
    control(&wechat, "DELETE", other, &NOTHING);
    assert_eq!(log_in(), 40164);
    control(&wechat, "DELETE", "/simulator/faults", &NOTHING);
    assert_eq!(log_in(), 0);

    let limit = json!({"endpoint": path, "per_minute": 1});
    control(&wechat, "PUT", "/simulator/limits", &limit);
    assert_eq!(log_in(), 45011);
    control(&wechat, "DELETE", "/simulator/limits", &NOTHING);
    assert_eq!(log_in(), 0);

    let (target, id) = (with_token(&wechat, "/wxa/checksession"), wechat.app_id());
    let path = format!("/simulator/apps/{id}/invalidate-access-tokens");
    control(&wechat, "POST", &path, &NOTHING);
    assert_eq!(errcode(&get(&wechat, &target)), 40001);
}

#[actix_web::test]
async fn faults_and_limits_are_listed() {
    let wechat = simulator().await;
    let path = "/sns/jscode2session";
    let busy = json!({"endpoint": path, "fault": {"kind": "errcode", "errcode": -1}, "times": 2});
    control(&wechat, "POST", "/simulator/faults", &busy);
    let silence =
        json!({"endpoint": "/cgi-bin/token", "fault": {"kind": "silence"}, "always": true});
    control(&wechat, "POST", "/simulator/faults", &silence);
    let listed = control(&wechat, "GET", "/simulator/faults", &NOTHING);
    assert_eq!(
        listed["faults"],
        json!([
            {"endpoint": "/cgi-bin/token", "next": null, "queued": 0, "always": "Silence"},
            {"endpoint": path, "next": "Errcode(-1)", "queued": 2, "always": null},
        ])
    );
    let limits = json!({"endpoint": path, "per_minute": 5, "per_day": null});
    control(&wechat, "PUT", "/simulator/limits", &limits);
    let listed = control(&wechat, "GET", "/simulator/limits", &NOTHING);
    assert_eq!(listed["limits"], json!([limits]));
}
