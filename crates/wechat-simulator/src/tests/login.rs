//! Logging in: codes, identifiers, session keys, and what is refused.

use super::*;

#[actix_web::test]
async fn an_issued_code_logs_its_user_in() {
    let wechat = simulator().await;
    let code = wechat.issue_code("mei");
    let answer = exchange(&wechat, &code);
    let key = wechat.session_key("mei").unwrap();
    assert_eq!(
        answer,
        json!({"openid": wechat.openid("mei"), "session_key": key})
    );
}

#[actix_web::test]
async fn unionids_are_for_apps_of_an_open_platform_account() {
    let bound = |name| App::named(7, name).with_open_platform("ours");
    let apps = vec![bound("one"), bound("two"), App::named(7, "alone")];
    let [one, two, alone] = [0, 1, 2].map(|index: usize| apps[index].clone());
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let login = |app: &App| {
        let code = wechat.app(&app.id).unwrap().issue_code("mei");
        json_of(ask(
            &wechat,
            "GET",
            &target_with(&app.id, &app.secret, &code),
        ))
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
async fn identifiers_have_the_shapes_that_are_seen() {
    let app = App::named(7, "main").with_open_platform("ours");
    let apps = vec![app];
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let code = wechat.issue_code("mei");
    exchange(&wechat, &code);
    let alphanumeric = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let hexadecimal = |text: &str| {
        text.bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let personal = |text: &str| text.len() == 28 && text.starts_with('o');

    assert!(code.len() == 32 && alphanumeric(&code) && code.starts_with('0'));
    assert!(personal(&wechat.openid("mei")) && personal(&wechat.unionid("mei").unwrap()));
    let key = wechat.session_key("mei").unwrap();
    assert!(key.len() == 24 && key.ends_with("=="));
    let app_id = wechat.app_id().strip_prefix("wx").unwrap();
    assert!(app_id.len() == 16 && hexadecimal(app_id));
    assert!(wechat.app_secret().len() == 32 && hexadecimal(wechat.app_secret()));
}

#[actix_web::test]
async fn the_same_seed_gives_the_same_texts() {
    let texts = async |seed| {
        let wechat = Simulator::start(Options {
            seed,
            clock: Clock::virtual_at(NOW),
            ..Options::new(seed)
        })
        .await
        .unwrap();
        let issued = ask(&wechat, "GET", &target(&wechat, &wechat.issue_code("mei")));
        let unissued = ask(&wechat, "GET", &target(&wechat, UNISSUED));
        let refused = ask(&wechat, "GET", &target(&wechat, UNISSUED));
        [issued, unissued, refused].map(|reply| reply.body)
    };
    assert_eq!(texts(1).await, texts(1).await);
    assert_ne!(texts(1).await, texts(2).await);
}

#[actix_web::test]
async fn an_issued_code_works_once_and_dies_after_five_minutes() {
    let wechat = simulator().await;
    let (used, unused) = (wechat.issue_code("mei"), wechat.issue_code("mei"));
    assert_eq!(refused(&exchange(&wechat, &used)), 0);
    assert_eq!(exchange(&wechat, &used), refusal(40163, "code been used"));
    wechat.advance(FOUR_MINUTES);
    assert_eq!(refused(&exchange(&wechat, &used)), 40163);
    wechat.advance(ONE_MINUTE);
    assert_eq!(refused(&exchange(&wechat, &used)), 40029);
    assert_eq!(refused(&exchange(&wechat, &unused)), 40029);
    let just_in_time = wechat.issue_code("mei");
    wechat.advance(Duration::from_secs(299));
    assert_eq!(refused(&exchange(&wechat, &just_in_time)), 0);
}

#[actix_web::test]
async fn a_rid_tells_the_time_of_the_clock() {
    let wechat = simulator().await;
    wechat.advance(Duration::from_secs(0x5c));
    assert_eq!(
        exchange(&wechat, "x"),
        json!({"errcode": 40029, "errmsg": "invalid code, rid: 668f2b00-*-*"})
    );
}

#[actix_web::test]
async fn the_mock_code_works_every_time_for_the_same_user() {
    let wechat = simulator().await;
    let first = exchange(&wechat, "the code is a mock one");
    let plus = target(&wechat, "the+code+is+a+mock+one");
    let second = json_of(ask(&wechat, "GET", &plus));
    assert_eq!(first["openid"], json!(wechat.openid(MOCK_USER)));
    assert_eq!(second["openid"], first["openid"]);
    assert_ne!(second["session_key"], first["session_key"]);
}

#[actix_web::test]
async fn an_unissued_code_works_once_in_a_simulators_life() {
    let wechat = simulator().await;
    let other = UNISSUED.replace('0', "1");
    let (first, second) = (exchange(&wechat, UNISSUED), exchange(&wechat, &other));
    assert_eq!([refused(&first), refused(&second)], [0, 0]);
    assert_ne!(first["openid"], second["openid"]);
    wechat.advance(FOUR_MINUTES);
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 40163);
    wechat.advance(ONE_MINUTE);
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 40029);
    wechat.advance(Duration::from_hours(24 * 365));
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 40029);
}

#[actix_web::test]
async fn what_does_not_look_like_a_login_code_is_invalid() {
    let wechat = simulator().await;
    for code in [
        PHONE,
        "short",
        "051bIzT629FmMN0zraV62WLnT62bIz-A",
        "%E7%A0%81",
    ] {
        assert_eq!(exchange(&wechat, code), refusal(40029, "invalid code"));
    }
}

#[actix_web::test]
async fn a_code_is_invalid_in_another_app_and_stays_good_in_its_own() {
    let apps = vec![App::named(7, "one"), App::named(7, "two")];
    let two = apps[1].clone();
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let code = wechat.issue_code("mei");
    let foreign = target_with(&two.id, &two.secret, &code);
    assert_eq!(refused(&json_of(ask(&wechat, "GET", &foreign))), 40029);
    assert_eq!(refused(&exchange(&wechat, &code)), 0);
    assert_eq!(refused(&json_of(ask(&wechat, "GET", &foreign))), 40029);
}

#[actix_web::test]
async fn parameters_are_judged_as_wechat_judges_them() {
    let wechat = simulator().await;
    let (id, secret) = (wechat.app_id(), wechat.app_secret());
    let rest = format!("js_code={UNISSUED}&grant_type=authorization_code");
    let rows = [
        (String::new(), 41002, "appid missing"),
        (
            format!("appid=&secret={secret}&{rest}"),
            41002,
            "appid missing",
        ),
        (format!("appid={id}&{rest}"), 41004, "appsecret missing"),
        (
            format!("appid={id}&secret={secret}&grant_type=authorization_code"),
            41008,
            "code missing",
        ),
        (
            format!("appid={id}&secret={secret}&js_code={UNISSUED}"),
            40002,
            "invalid grant_type",
        ),
        (
            format!("appid={id}&secret={secret}&js_code={UNISSUED}&grant_type=client_credential"),
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
        let answer = json_of(ask(&wechat, "GET", &format!("{}?{query}", EXCHANGE.path())));
        assert_eq!(answer, refusal(errcode, errmsg), "{query}");
    }
    assert_eq!(
        refused(&exchange(&wechat, UNISSUED)),
        0,
        "nothing was spent"
    );
}

#[actix_web::test]
async fn paths_and_methods_are_told_apart() {
    let wechat = simulator().await;
    let elsewhere = json_of(ask(&wechat, "GET", "/sns/jscode2session/"));
    assert_eq!(elsewhere, refusal(40066, "invalid url"));
    let posted = json_of(ask(&wechat, "POST", &target(&wechat, UNISSUED)));
    assert_eq!(posted, refusal(43001, "require GET method"));
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
}

#[actix_web::test]
async fn a_blocked_user_stays_out() {
    let wechat = simulator().await;
    let code = wechat.issue_code("mei");
    wechat.update_user("mei", |user| user.blocked = true);
    for code in [&code, &code, &wechat.issue_code("mei")] {
        assert_eq!(exchange(&wechat, code), refusal(40226, "code blocked"));
    }
    assert_eq!(refused(&exchange(&wechat, &wechat.issue_code("lan"))), 0);
}

#[actix_web::test]
async fn the_quota_counts_by_minute_and_spends_no_code() {
    let wechat = Simulator::start(Options {
        calls_per_minute: Some(2),
        ..options()
    })
    .await
    .unwrap();
    let codes = [(); 3].map(|()| wechat.issue_code("mei"));
    let answers = codes.each_ref().map(|code| exchange(&wechat, code));
    assert_eq!([refused(&answers[0]), refused(&answers[1])], [0, 0]);
    let words = "api minute-quota reach limit  mustslower  retry next minute";
    assert_eq!(answers[2], refusal(45011, words));
    wechat.advance(ONE_MINUTE);
    assert_eq!(refused(&exchange(&wechat, &codes[2])), 0);
}

/// How many of 20 logins of one user replaced the key.
async fn rotations(rotation_percent: u8) -> usize {
    let wechat = Simulator::start(Options {
        session_keys: SessionKeyPolicy {
            rotation_percent,
            ..options().session_keys
        },
        ..options()
    })
    .await
    .unwrap();
    assert_eq!(wechat.session_key("mei"), None);
    let login = |_| {
        let answer = exchange(&wechat, &wechat.issue_code("mei"));
        let key = answer["session_key"].as_str().map(str::to_owned);
        assert_eq!(key, wechat.session_key("mei"));
        key
    };
    let keys: Vec<_> = (0..20).map(login).collect();
    keys.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[actix_web::test]
async fn an_exchange_replaces_the_session_key_as_often_as_told() {
    assert_eq!(rotations(100).await, 19);
    assert_eq!(rotations(0).await, 0);
    assert!((1..19).contains(&rotations(50).await));
}

#[actix_web::test]
async fn of_fifty_exchanges_at_once_one_succeeds() {
    let wechat = simulator().await;
    for code in [&wechat.issue_code("mei"), UNISSUED] {
        let target = target(&wechat, code);
        let answers: Vec<i64> = thread::scope(|scope| {
            let asking: Vec<_> = (0..50)
                .map(|_| scope.spawn(|| refused(&json_of(ask(&wechat, "GET", &target)))))
                .collect();
            asking.into_iter().map(|one| one.join().unwrap()).collect()
        });
        assert_eq!(answers.iter().filter(|errcode| **errcode == 0).count(), 1);
        let used = answers.iter().filter(|errcode| **errcode == 40163);
        assert_eq!(used.count(), 49);
    }
}
