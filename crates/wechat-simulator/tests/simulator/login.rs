//! code2Session: codes, identifiers, session keys and errors.

use super::*;

#[actix_web::test]
async fn an_issued_code_logs_its_user_in() {
    let wechat = simulator().await;
    let reply = log_in_with(&wechat, &wechat.issue_code("mei"));
    let key = wechat.session_key("mei").unwrap();
    assert_eq!(
        reply,
        json!({"openid": wechat.openid("mei"), "session_key": key})
    );
}

#[actix_web::test]
async fn apps_of_an_open_platform_account_share_unionids() {
    let ours = |name| App::named(7, name).with_open_platform("ours");
    let apps = [ours("one"), ours("two"), App::named(7, "alone")];
    let [one, two, alone] = apps.clone();
    let wechat = start(Options {
        apps: apps.into(),
        ..options()
    })
    .await;
    let login = |app: &App| {
        let code = wechat.app(&app.id).unwrap().issue_code("mei");
        get(&wechat, &login_target_of(app, &code))
    };
    let unionid = wechat.unionid("mei").unwrap();
    let [first, second, third] = [login(&one), login(&two), login(&alone)];
    assert_eq!(first["unionid"], json!(unionid));
    assert_eq!(second["unionid"], json!(unionid));
    assert_eq!(third.get("unionid"), None);
    assert_eq!(wechat.app(&alone.id).unwrap().unionid("mei"), None);
    assert_ne!(first["openid"], second["openid"]);
    assert!(wechat.app("wx0000000000000000").is_none());
}

#[actix_web::test]
async fn identifiers_have_the_formats_of_public_samples() {
    let wechat = simulator_with_unionids().await;
    let code = wechat.issue_code("mei");
    log_in_with(&wechat, &code);
    let alphanumeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let personal = |text: &str| text.len() == 28 && text.starts_with('o');

    assert!(code.len() == 32 && alphanumeric(&code) && code.starts_with('0'));
    assert!(personal(&wechat.openid("mei")) && personal(&wechat.unionid("mei").unwrap()));
    let key = wechat.session_key("mei").unwrap();
    assert!(key.len() == 24 && key.ends_with("=="));
    let app_id = wechat.app_id().strip_prefix("wx").unwrap();
    assert!(app_id.len() == 16 && is_hex(app_id));
    assert!(wechat.app_secret().len() == 32 && is_hex(wechat.app_secret()));
}

#[actix_web::test]
async fn the_same_seed_produces_the_same_values() {
    let replies = async |seed| {
        let wechat = start(Options {
            clock: Clock::virtual_at(NOW),
            ..Options::new(seed)
        })
        .await;
        let issued = login_reply(&wechat, &wechat.issue_code("mei"));
        let unissued = login_reply(&wechat, UNISSUED_CODE);
        let used = login_reply(&wechat, UNISSUED_CODE);
        [issued, unissued, used].map(|reply| reply.body)
    };
    assert_eq!(replies(1).await, replies(1).await);
    assert_ne!(replies(1).await, replies(2).await);
}

#[actix_web::test]
async fn an_issued_code_works_once_and_expires_after_five_minutes() {
    let wechat = simulator().await;
    let (used, unused) = (wechat.issue_code("mei"), wechat.issue_code("mei"));
    assert_eq!(errcode(&log_in_with(&wechat, &used)), 0);
    assert_eq!(log_in_with(&wechat, &used), error(40163, "code been used"));
    wechat.advance(FOUR_MINUTES);
    assert_eq!(errcode(&log_in_with(&wechat, &used)), 40163);
    wechat.advance(ONE_MINUTE);
    assert_eq!(errcode(&log_in_with(&wechat, &used)), 40029);
    assert_eq!(errcode(&log_in_with(&wechat, &unused)), 40029);
    let just_in_time = wechat.issue_code("mei");
    wechat.advance(Duration::from_secs(299));
    assert_eq!(errcode(&log_in_with(&wechat, &just_in_time)), 0);
}

#[actix_web::test]
async fn a_rid_contains_the_time() {
    let wechat = simulator().await;
    wechat.advance(Duration::from_secs(0x5c));
    assert_eq!(
        log_in_with(&wechat, "x"),
        json!({"errcode": 40029, "errmsg": "invalid code, rid: 668f2b00-*-*"})
    );
}

#[actix_web::test]
async fn the_mock_code_works_every_time_for_the_same_user() {
    let wechat = simulator().await;
    let first = log_in_with(&wechat, MOCK_CODE);
    let plus = login_target(&wechat, "the+code+is+a+mock+one");
    let second = get(&wechat, &plus);
    assert_eq!(first["openid"], json!(wechat.openid(MOCK_USER)));
    assert_eq!(second["openid"], first["openid"]);
    assert_ne!(second["session_key"], first["session_key"]);
}

#[actix_web::test]
async fn an_unissued_code_works_only_once() {
    let wechat = simulator().await;
    let other = UNISSUED_CODE.replace('0', "1");
    let (first, second) = (
        log_in_with(&wechat, UNISSUED_CODE),
        log_in_with(&wechat, &other),
    );
    assert_eq!([errcode(&first), errcode(&second)], [0, 0]);
    assert_ne!(first["openid"], second["openid"]);
    wechat.advance(FOUR_MINUTES);
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 40163);
    wechat.advance(ONE_MINUTE);
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 40029);
    wechat.advance(Duration::from_hours(24 * 365));
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 40029);
}

#[actix_web::test]
async fn a_code_with_the_wrong_format_is_invalid() {
    let wechat = simulator().await;
    for code in [
        UNISSUED_PHONE_CODE,
        "short",
        "051bIzT629FmMN0zraV62WLnT62bIz-A",
        "%E7%A0%81",
    ] {
        assert_eq!(log_in_with(&wechat, code), error(40029, "invalid code"));
    }
}

#[actix_web::test]
async fn a_code_is_invalid_in_another_app_and_stays_valid_in_its_own() {
    let (wechat, two) = simulator_with_two_apps().await;
    let code = wechat.issue_code("mei");
    let wrong_app = login_target_of(&two, &code);
    assert_eq!(errcode(&get(&wechat, &wrong_app)), 40029);
    assert_eq!(errcode(&log_in_with(&wechat, &code)), 0);
    assert_eq!(errcode(&get(&wechat, &wrong_app)), 40029);
}

#[actix_web::test]
async fn missing_and_invalid_parameters_get_wechats_errors() {
    let wechat = simulator().await;
    let (id, secret) = (wechat.app_id(), wechat.app_secret());
    let rest = format!("js_code={UNISSUED_CODE}&grant_type=authorization_code");
    let rows = [
        (String::new(), 41002, "appid missing"),
        (
            format!("appid=&secret={secret}&{rest}"),
            41002,
            "appid missing",
        ),
        (
            "appid=wx0000000000000000".to_owned(),
            40013,
            "invalid appid",
        ),
        (format!("appid={id}&{rest}"), 41004, "appsecret missing"),
        (
            format!("appid={id}&secret={secret}&grant_type=authorization_code"),
            41008,
            "code missing",
        ),
        (
            format!("appid={id}&secret={secret}&js_code={UNISSUED_CODE}"),
            40002,
            "invalid grant_type",
        ),
        (
            format!(
                "appid={id}&secret={secret}&js_code={UNISSUED_CODE}&grant_type=client_credential"
            ),
            40002,
            "invalid grant_type",
        ),
        (
            format!("appid=wx0000000000000000&secret={secret}&{rest}"),
            40013,
            "invalid appid",
        ),
        (
            format!("appid={id}&secret=wrong&{rest}"),
            40125,
            "invalid appsecret",
        ),
    ];
    for (query, errcode, errmsg) in rows {
        let reply = get(&wechat, &format!("{}?{query}", LOGIN.path()));
        assert_eq!(reply, error(errcode, errmsg), "{query}");
    }
    let unused = errcode(&log_in_with(&wechat, UNISSUED_CODE));
    assert_eq!(unused, 0, "the code is unused");
}

#[actix_web::test]
async fn unknown_paths_and_wrong_methods_are_errors() {
    let wechat = simulator().await;
    let unknown = get(&wechat, "/sns/jscode2session/");
    assert_eq!(unknown, error(40066, "invalid url"));
    let target = login_target(&wechat, UNISSUED_CODE);
    let put = json_of(&target, &request(&wechat, "PUT", &target));
    assert_eq!(put, error(43002, "require POST method"));
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
}

#[actix_web::test]
async fn a_login_may_be_a_post_with_a_query_or_a_form() {
    let wechat = simulator().await;
    let target = login_target(&wechat, &wechat.issue_code("mei"));
    let posted = json_of(&target, &request(&wechat, "POST", &target));
    assert_eq!(posted["openid"], json!(wechat.openid("mei")));
    let target = login_target(&wechat, &wechat.issue_code("mei"));
    let (path, form) = target.split_once('?').unwrap();
    let posted = json_of(path, &request_with(&wechat, "POST", path, form));
    assert_eq!(posted["openid"], json!(wechat.openid("mei")));
    let recorded = super::control::control(&wechat, "GET", "/simulator/requests", &json!(null));
    assert_eq!(recorded["requests"][1]["body"]["secret"], "***");
}

#[actix_web::test]
async fn a_blocked_user_cannot_log_in() {
    let wechat = simulator().await;
    let code = wechat.issue_code("mei");
    wechat.update_user("mei", |user| user.blocked = true);
    for code in [&code, &code, &wechat.issue_code("mei")] {
        assert_eq!(log_in_with(&wechat, code), error(40226, "code blocked"));
    }
    assert_eq!(errcode(&log_in_with(&wechat, &wechat.issue_code("lan"))), 0);
}

#[actix_web::test]
async fn calls_over_the_quota_leave_the_code_unused() {
    let wechat = start(Options {
        calls_per_minute: Some(2),
        ..options()
    })
    .await;
    let codes = [(); 3].map(|()| wechat.issue_code("mei"));
    let replies = codes.each_ref().map(|code| log_in_with(&wechat, code));
    assert_eq!([errcode(&replies[0]), errcode(&replies[1])], [0, 0]);
    let errmsg = "api minute-quota reach limit  mustslower  retry next minute";
    assert_eq!(replies[2], error(45011, errmsg));
    wechat.advance(ONE_MINUTE);
    assert_eq!(errcode(&log_in_with(&wechat, &codes[2])), 0);
}

#[actix_web::test]
async fn one_of_fifty_concurrent_logins_with_a_code_succeeds() {
    let wechat = simulator().await;
    for code in [&wechat.issue_code("mei"), UNISSUED_CODE] {
        let target = login_target(&wechat, code);
        let errcodes: Vec<i64> = thread::scope(|scope| {
            let threads: Vec<_> = (0..50)
                .map(|_| scope.spawn(|| errcode(&get(&wechat, &target))))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect()
        });
        assert_eq!(errcodes.iter().filter(|errcode| **errcode == 0).count(), 1);
        let used = errcodes.iter().filter(|errcode| **errcode == 40163);
        assert_eq!(used.count(), 49);
    }
}
