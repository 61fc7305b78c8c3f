//! Strict codes, users and apps from a file, and the export of both.

use super::control::{NOTHING, control, control_request};
use super::user_data::phone_number;
use super::*;
use wechat_simulator::{SavedState, SavedStateError};

const OPENID: &str = "oGZUI0egBJY1zhBYw2KhdUfwVJJE";
const UNIONID: &str = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA";

const TOML: &str = r#"
    [users.mei]
    phone_number = "13580006666"
    nickname = "Mei"
    openid = "oGZUI0egBJY1zhBYw2KhdUfwVJJE"
    unionid = "ocMvos6NjeKLIBqg5Mr9QjxrP1FA"
    [users.lan]
    blocked = true
"#;

fn with(saved: SavedState) -> Options {
    Options {
        apps: vec![App::named(7, "main").with_open_platform("ours")],
        saved,
        ..options()
    }
}

#[actix_web::test]
async fn a_code_that_was_not_issued_can_be_rejected() {
    let wechat = start(Options {
        issued_codes_only: true,
        ..options()
    })
    .await;
    let invalid = error(40029, "invalid code");
    for code in [UNISSUED_CODE, MOCK_CODE] {
        assert_eq!(log_in_with(&wechat, code), invalid);
    }
    let made_up = json!({"code": UNISSUED_PHONE_CODE});
    assert_eq!(phone_number(&wechat, &made_up), invalid);
    let issued = json!({"code": wechat.issue_phone_code("mei")});
    assert_eq!(errcode(&phone_number(&wechat, &issued)), 0);
    assert_eq!(errcode(&log_in_with(&wechat, &wechat.issue_code("mei"))), 0);
}

#[actix_web::test]
async fn a_command_chooses_the_accepted_codes_until_a_reset() {
    let wechat = simulator().await;
    let path = "/simulator/codes";
    let strict = json!({"issued_only": true});
    assert_eq!(
        control(&wechat, "GET", path, &NOTHING),
        json!({"issued_only": false})
    );
    assert_eq!(control(&wechat, "PUT", path, &strict), strict);
    assert_eq!(errcode(&log_in_with(&wechat, MOCK_CODE)), 40029);
    control(&wechat, "POST", "/simulator/reset", &NOTHING);
    assert_eq!(errcode(&log_in_with(&wechat, MOCK_CODE)), 0);
}

#[actix_web::test]
async fn users_of_a_file_have_its_ids_and_data() {
    let wechat = start(with(SavedState::from_toml(TOML).unwrap())).await;
    let reply = log_in_with(&wechat, &wechat.issue_code("mei"));
    assert_eq!(
        (&reply["openid"], &reply["unionid"]),
        (&json!(OPENID), &json!(UNIONID))
    );
    let mei = wechat.user("mei");
    assert_eq!((&*mei.phone_number, &*mei.nickname), ("13580006666", "Mei"));
    assert_eq!(mei.country_code, "86", "not in the file");
    let blocked = log_in_with(&wechat, &wechat.issue_code("lan"));
    assert_eq!(errcode(&blocked), 40226);
    let (token, key) = (stable_token(&wechat, false).0, wechat.session_key("mei"));
    let target = signed_target("/wxa/checksession", &token, OPENID, &key.unwrap());
    let found = errcode(&get(&wechat, &target));
    assert_eq!(found, 0, "calls find the user by the fixed openid");
    wechat.update_user("mei", |mei| mei.nickname = "other".to_owned());
    wechat.reset();
    assert_eq!(wechat.user("mei").nickname, "Mei");
    assert_eq!(wechat.openid("mei"), OPENID);
}

#[actix_web::test]
async fn an_export_starts_the_same_people_and_apps_with_any_seed() {
    let before = start(with(SavedState::from_toml(TOML).unwrap())).await;
    before.add_app(App::named(7, "two"));
    before.update_user("hua", |hua| hua.phone_number = "13500000000".to_owned());
    let exported = control(&before, "GET", "/simulator/state", &NOTHING);
    let saved = SavedState::from_json(&exported.to_string()).unwrap();
    assert!(saved == before.saved_state());
    assert_eq!(saved.seed, Some(7));
    let after = start(Options {
        saved: saved.clone(),
        clock: Clock::virtual_at(NOW),
        ..Options::new(99)
    })
    .await;
    assert_eq!(after.app_id(), before.app_id());
    assert_eq!(after.app_secret(), before.app_secret());
    for name in ["mei", "lan", "hua"] {
        assert_eq!(after.user(name), before.user(name), "{name}");
        assert_eq!(after.unionid(name), before.unionid(name), "{name}");
        for app in &saved.apps {
            let openid = |wechat: &Simulator| wechat.app(&app.id).unwrap().openid(name);
            assert_eq!(openid(&after), openid(&before), "{name}");
        }
    }
    assert!(after.saved_state().users == saved.users);
    assert!(!format!("{saved:?}").contains("13580006666"));
}

#[actix_web::test]
async fn an_invalid_file_is_an_error() {
    let unknown = SavedState::from_toml("[users.mei]\nphone = '1'").unwrap_err();
    assert!(
        unknown.to_string().contains("unknown field `phone`"),
        "{unknown}"
    );
    for text in [
        "[users.mei]\nopenid = 'o1'\n[users.lan]\nopenid = 'o1'",
        "[users.lan]\nopenid = ''",
        "[users.mei.unionids]\nours = 'u'\n[users.lan]\nunionid = 'u'",
    ] {
        let saved = SavedState::from_toml(text).unwrap();
        let error = Simulator::start(with(saved)).await.unwrap_err();
        let StartError::SavedState(SavedStateError::Id(_)) = error else {
            panic!("{error}");
        };
    }
}

#[actix_web::test]
async fn an_export_is_imported_into_a_running_simulator() {
    let before = simulator().await;
    let user = json!({"nickname": "Mei", "phone_number": "13580006666"});
    control(&before, "PUT", "/simulator/users/mei", &user);
    let exported = control(&before, "GET", "/simulator/state", &NOTHING);
    control(&before, "PUT", "/simulator/users/ming", &json!({}));
    let imported = control(&before, "PUT", "/simulator/state", &exported);
    assert_eq!(imported, exported, "the users are those of the export");
    assert_eq!(before.user("mei").nickname, "Mei");

    let mut twice = exported.clone();
    twice["users"]["ming"] = exported["users"]["mei"].clone();
    let (status, reply) = control_request(&before, "PUT", "/simulator/state", &twice.to_string());
    assert_eq!(status, "400 Bad Request", "{reply}");
    let kept = control(&before, "GET", "/simulator/state", &NOTHING);
    assert_eq!(kept, exported, "an invalid import changes nothing");
}
