//! Session keys and encryption keys: rotation, check and reset.

use super::*;

const CHECK: &str = "/wxa/checksession";
const RESET: &str = "/wxa/resetusersessionkey";
const ENCRYPT_KEY: &str = "/wxa/business/getuserencryptkey";

/// Calls with a valid access token, and the openid of `mei`.
#[track_caller]
fn call(wechat: &Simulator, path: &str, session_key: &str) -> Value {
    let (token, openid) = (stable_token(wechat, false).0, wechat.openid("mei"));
    get(wechat, &signed_target(path, &token, &openid, session_key))
}

async fn simulator_with_policy(session_keys: SessionKeyPolicy) -> Simulator {
    start(Options {
        session_keys,
        ..options()
    })
    .await
}

#[actix_web::test]
async fn only_the_key_of_the_last_login_is_valid() {
    let wechat = simulator().await;
    let unknown = call(&wechat, CHECK, "x");
    assert_eq!(unknown, error(40003, "invalid openid"), "never logged in");
    let (first, second) = (log_in(&wechat, "mei"), log_in(&wechat, "mei"));
    let replaced = error(87009, "invalid signature");
    assert_eq!(call(&wechat, CHECK, &first), replaced);
    let ok = json!({"errcode": 0, "errmsg": "ok"});
    assert_eq!(call(&wechat, CHECK, &second), ok);
}

#[actix_web::test]
async fn a_reset_replaces_the_key_and_keeps_its_expiry() {
    let wechat = simulator().await;
    let first = log_in(&wechat, "mei");
    wechat.advance(Duration::from_mins(10));
    let reply = call(&wechat, RESET, &first);
    let second = wechat.session_key("mei").unwrap();
    assert_ne!(first, second);
    let openid = wechat.openid("mei");
    assert_eq!(
        reply,
        json!({"errcode": 0, "errmsg": "ok", "openid": openid, "session_key": second})
    );
    assert_eq!(errcode(&call(&wechat, RESET, &first)), 87009);
    assert_eq!(errcode(&call(&wechat, CHECK, &second)), 0);
    wechat.advance(Duration::from_hours(72) - Duration::from_mins(10));
    assert_eq!(errcode(&call(&wechat, CHECK, &second)), 87009);
    assert_eq!(errcode(&call(&wechat, RESET, &second)), 87007);
    assert_eq!(wechat.session_key("mei"), None);
}

#[actix_web::test]
async fn users_of_unissued_and_mock_codes_have_keys() {
    let wechat = simulator().await;
    let token = stable_token(&wechat, false).0;
    for code in [UNISSUED_CODE, MOCK_CODE] {
        let login = log_in_with(&wechat, code);
        let text = |name: &str| login[name].as_str().unwrap().to_owned();
        let (openid, key) = (text("openid"), text("session_key"));
        let check = |key: &str| errcode(&get(&wechat, &signed_target(CHECK, &token, &openid, key)));
        assert_eq!(check(&key), 0);
        let reset = get(&wechat, &signed_target(RESET, &token, &openid, &key));
        assert_eq!(check(&key), 87009);
        assert_eq!(check(reset["session_key"].as_str().unwrap()), 0);
    }
}

#[actix_web::test]
async fn missing_and_invalid_signatures_get_wechats_errors() {
    let wechat = simulator().await;
    log_in(&wechat, "mei");
    let openid = wechat.openid("mei");
    let rows = [
        (String::new(), 41009, "openid missing"),
        ("&openid=oother".to_owned(), 40003, "invalid openid"),
        (format!("&openid={openid}"), 87008, "invalid sig_method"),
        (
            format!("&openid={openid}&sig_method=sha1"),
            87008,
            "invalid sig_method",
        ),
        (
            format!("&openid={openid}&sig_method=hmac_sha256"),
            87009,
            "invalid signature",
        ),
    ];
    for path in [CHECK, RESET, ENCRYPT_KEY] {
        for (rest, errcode, errmsg) in &rows {
            let target = with_token(&wechat, path) + rest;
            let reply = get(&wechat, &target);
            assert_eq!(reply, error(*errcode, errmsg), "{target}");
        }
    }
}

#[actix_web::test]
async fn an_openid_of_another_app_is_invalid() {
    let (wechat, two) = simulator_with_two_apps().await;
    let key = log_in(&wechat, "mei");
    let other = wechat.app(&two.id).unwrap();
    let code = other.issue_code("mei");
    get(&wechat, &login_target_of(&two, &code));
    let (token, openid) = (stable_token(&wechat, false).0, other.openid("mei"));
    let target = signed_target(CHECK, &token, &openid, &key);
    assert_eq!(errcode(&get(&wechat, &target)), 40003);
}

#[actix_web::test]
async fn a_key_can_be_replaced_when_the_code_is_issued() {
    let wechat = simulator_with_policy(SessionKeyPolicy {
        rotate_at: RotateAt::Issue,
        ..options().session_keys
    })
    .await;
    let first = wechat.issue_code("mei");
    let key_of_first = wechat.session_key("mei").unwrap();
    let second = wechat.issue_code("mei");
    let key_of_second = wechat.session_key("mei").unwrap();
    assert_ne!(key_of_first, key_of_second);
    assert_eq!(log_in_with(&wechat, &second)["session_key"], key_of_second);
    assert_eq!(log_in_with(&wechat, &first)["session_key"], key_of_first);
    assert_eq!(errcode(&call(&wechat, CHECK, &key_of_first)), 87009);
    assert_eq!(errcode(&call(&wechat, CHECK, &key_of_second)), 0);
}

#[actix_web::test]
async fn the_last_three_encryption_keys_are_returned() {
    let wechat = simulator().await;
    let session_key = log_in(&wechat, "mei");
    let client_key = wechat.first_app().encrypt_key("mei").unwrap();
    let (token, openid) = (stable_token(&wechat, false).0, wechat.openid("mei"));
    let target = signed_target(ENCRYPT_KEY, &token, &openid, &session_key);
    let reply = post(&wechat, &target, &json!({}));
    assert_eq!(
        reply["key_info_list"],
        json!([{
            "encrypt_key": client_key.encrypt_key,
            "version": 1,
            "expire_in": 3600,
            "iv": client_key.iv,
            "create_time": NOW,
        }])
    );
    assert_eq!(
        (client_key.encrypt_key.len(), client_key.iv.len()),
        (24, 16)
    );
    let versions = |list: &Value| -> Vec<(u64, u64)> {
        let keys = list["key_info_list"].as_array().unwrap().iter();
        let number = |key: &Value, name: &str| key[name].as_u64().unwrap();
        keys.map(|key| (number(key, "version"), number(key, "expire_in")))
            .collect()
    };
    for _ in 0..3 {
        wechat.advance(Duration::from_mins(61));
        wechat.first_app().encrypt_key("mei");
    }
    let reply = call(&wechat, ENCRYPT_KEY, &session_key);
    assert_eq!(versions(&reply), [(4, 3600), (3, 0), (2, 0)]);
}

/// Returns the number of 20 logins of one user that replaced the key.
async fn rotations(rotation_percent: u8) -> usize {
    let wechat = simulator_with_policy(SessionKeyPolicy {
        rotation_percent,
        ..options().session_keys
    })
    .await;
    assert_eq!(wechat.session_key("mei"), None);
    let login = |_| {
        let key = log_in(&wechat, "mei");
        assert_eq!(Some(&key), wechat.session_key("mei").as_ref());
        key
    };
    let keys: Vec<_> = (0..20).map(login).collect();
    keys.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[actix_web::test]
async fn a_login_replaces_the_session_key_with_the_configured_probability() {
    assert_eq!(rotations(100).await, 19);
    assert_eq!(rotations(0).await, 0);
    assert!((1..19).contains(&rotations(50).await));
}
