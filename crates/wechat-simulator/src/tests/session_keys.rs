//! Session keys: one for each user and app, what replaces it, and how servers ask about it.

use super::*;

const CHECK: &str = "/wxa/checksession";
const RESET: &str = "/wxa/resetusersessionkey";
const ENCRYPT_KEY: &str = "/wxa/business/getuserencryptkey";

struct Asking {
    wechat: Simulator,
    token: String,
    openid: String,
}

async fn asking(options: Options) -> Asking {
    let wechat = Simulator::start(options).await.unwrap();
    Asking {
        token: stable_token(&wechat, false).0,
        openid: wechat.openid("mei"),
        wechat,
    }
}

impl Asking {
    #[track_caller]
    fn about(&self, path: &str, session_key: &str) -> Value {
        let target = signed_target(path, &self.token, &self.openid, session_key);
        get(&self.wechat, &target)
    }
}

#[actix_web::test]
async fn the_key_of_the_last_login_is_the_only_one() {
    let mei = asking(options()).await;
    let nobody = mei.about(CHECK, "x");
    assert_eq!(nobody, refusal(40003, "invalid openid"), "never logged in");
    let (first, second) = (log_in(&mei.wechat, "mei"), log_in(&mei.wechat, "mei"));
    let replaced = refusal(87009, "invalid signature");
    assert_eq!(mei.about(CHECK, &first), replaced);
    let ok = json!({"errcode": 0, "errmsg": "ok"});
    assert_eq!(mei.about(CHECK, &second), ok);
}

#[actix_web::test]
async fn a_reset_replaces_the_key_and_not_its_end() {
    let mei = asking(options()).await;
    let first = log_in(&mei.wechat, "mei");
    mei.wechat.advance(Duration::from_mins(10));
    let answer = mei.about(RESET, &first);
    let second = mei.wechat.session_key("mei").unwrap();
    assert_ne!(first, second);
    let openid = &mei.openid;
    assert_eq!(
        answer,
        json!({"errcode": 0, "errmsg": "ok", "openid": openid, "session_key": second})
    );
    assert_eq!(refused(&mei.about(RESET, &first)), 87009);
    assert_eq!(refused(&mei.about(CHECK, &second)), 0);
    mei.wechat
        .advance(Duration::from_hours(72) - Duration::from_mins(10));
    let token = stable_token(&mei.wechat, false).0;
    let mei = Asking { token, ..mei };
    assert_eq!(refused(&mei.about(CHECK, &second)), 87009);
    assert_eq!(refused(&mei.about(RESET, &second)), 87007);
    assert_eq!(mei.wechat.session_key("mei"), None);
}

#[actix_web::test]
async fn a_stranger_and_the_mock_user_have_keys_too() {
    let wechat = simulator().await;
    let token = stable_token(&wechat, false).0;
    for code in [UNISSUED, "the code is a mock one"] {
        let login = exchange(&wechat, code);
        let text = |name: &str| login[name].as_str().unwrap().to_owned();
        let (openid, key) = (text("openid"), text("session_key"));
        let check = |key: &str| refused(&get(&wechat, &signed_target(CHECK, &token, &openid, key)));
        assert_eq!(check(&key), 0);
        let reset = get(&wechat, &signed_target(RESET, &token, &openid, &key));
        assert_eq!(check(&key), 87009);
        assert_eq!(check(reset["session_key"].as_str().unwrap()), 0);
    }
}

#[actix_web::test]
async fn what_a_signature_lacks_is_said() {
    let mei = asking(options()).await;
    log_in(&mei.wechat, "mei");
    let (token, openid) = (&mei.token, &mei.openid);
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
            let target = format!("{path}?access_token={token}{rest}");
            assert_eq!(
                get(&mei.wechat, &target),
                refusal(*errcode, errmsg),
                "{target}"
            );
        }
    }
}

#[actix_web::test]
async fn an_openid_of_another_app_is_invalid() {
    let apps = vec![App::named(7, "one"), App::named(7, "two")];
    let mei = asking(Options { apps, ..options() }).await;
    let key = log_in(&mei.wechat, "mei");
    let two = App::named(7, "two");
    let other = mei.wechat.app(&two.id).unwrap();
    let code = other.issue_code("mei");
    get(&mei.wechat, &target_with(&two.id, &two.secret, &code));
    let openid = other.openid("mei");
    let target = signed_target(CHECK, &mei.token, &openid, &key);
    assert_eq!(refused(&get(&mei.wechat, &target)), 40003);
}

#[actix_web::test]
async fn a_code_may_bring_its_key_when_it_is_issued() {
    let mei = asking(Options {
        session_keys: SessionKeyPolicy {
            rotate_at: RotateAt::Issue,
            ..options().session_keys
        },
        ..options()
    })
    .await;
    let first = mei.wechat.issue_code("mei");
    let key_of_first = mei.wechat.session_key("mei").unwrap();
    let second = mei.wechat.issue_code("mei");
    let key_of_second = mei.wechat.session_key("mei").unwrap();
    assert_ne!(key_of_first, key_of_second);
    assert_eq!(exchange(&mei.wechat, &second)["session_key"], key_of_second);
    assert_eq!(exchange(&mei.wechat, &first)["session_key"], key_of_first);
    assert_eq!(refused(&mei.about(CHECK, &key_of_first)), 87009);
    assert_eq!(refused(&mei.about(CHECK, &key_of_second)), 0);
}

#[actix_web::test]
async fn of_a_users_encryption_keys_the_last_three_are_told() {
    let mei = asking(options()).await;
    let session_key = log_in(&mei.wechat, "mei");
    let of_client = mei.wechat.first_app().encrypt_key("mei").unwrap();
    let target = signed_target(ENCRYPT_KEY, &mei.token, &mei.openid, &session_key);
    let answer = post(&mei.wechat, &target, &json!({}));
    assert_eq!(
        answer["key_info_list"],
        json!([{
            "encrypt_key": of_client.encrypt_key,
            "version": 1,
            "expire_in": 3600,
            "iv": of_client.iv,
            "create_time": NOW,
        }])
    );
    assert_eq!((of_client.encrypt_key.len(), of_client.iv.len()), (24, 16));
    let versions = |list: &Value| -> Vec<(u64, u64)> {
        let keys = list["key_info_list"].as_array().unwrap().iter();
        let number = |key: &Value, name: &str| key[name].as_u64().unwrap();
        keys.map(|key| (number(key, "version"), number(key, "expire_in")))
            .collect()
    };
    for _ in 0..3 {
        mei.wechat.advance(Duration::from_mins(61));
        mei.wechat.first_app().encrypt_key("mei");
    }
    let token = stable_token(&mei.wechat, false).0;
    let mei = Asking { token, ..mei };
    let answer = mei.about(ENCRYPT_KEY, &session_key);
    assert_eq!(versions(&answer), [(4, 3600), (3, 0), (2, 0)]);
}
