//! Access tokens: lifetime, replacement, and the endpoints that check them; quotas and rids.

use super::*;

const STABLE: &str = "/cgi-bin/stable_token";

/// Returns a new plain token and its seconds until expiry.
#[track_caller]
fn plain_token(wechat: &Simulator) -> (String, u64) {
    let (id, secret) = (wechat.app_id(), wechat.app_secret());
    let query = format!("grant_type=client_credential&appid={id}&secret={secret}");
    token_of(&get(wechat, &format!("/cgi-bin/token?{query}")))
}

/// Returns the errcodes of calls with the tokens and without an openid: [`VALID`] if the token is valid.
#[track_caller]
fn check<const N: usize>(wechat: &Simulator, tokens: [&str; N]) -> [i64; N] {
    let target = |token: &str| format!("/wxa/checksession?access_token={token}");
    tokens.map(|token| errcode(&get(wechat, &target(token))))
}

const VALID: i64 = 41009;

#[actix_web::test]
async fn a_stable_token_stays_the_same_until_its_last_five_minutes() {
    let wechat = simulator().await;
    let (first, seconds) = stable_token(&wechat, false);
    assert_eq!(seconds, 7200);
    assert!(first.len() > 100 && first.len() < 512 && first.as_bytes()[2] == b'_');
    wechat.advance(Duration::from_mins(115));
    assert_eq!(stable_token(&wechat, false), (first.clone(), 300));
    wechat.advance(Duration::from_secs(1));
    let (second, seconds) = stable_token(&wechat, false);
    assert_ne!(second, first);
    assert_eq!(seconds, 7200);
    wechat.advance(Duration::from_secs(299));
    assert_eq!(check(&wechat, [&first, &second]), [VALID; 2]);
    wechat.advance(Duration::from_secs(1));
    let errcodes = check(&wechat, [&first, &second]);
    assert_eq!(errcodes, [42001, VALID], "expired, not replaced");
}

#[actix_web::test]
async fn a_token_expires_after_two_hours() {
    let wechat = simulator().await;
    let (token, _) = stable_token(&wechat, false);
    wechat.advance(Duration::from_secs(7199));
    assert_eq!(check(&wechat, [&token]), [VALID]);
    wechat.advance(Duration::from_secs(1));
    assert_eq!(
        get(&wechat, &format!("/wxa/checksession?access_token={token}")),
        json!({"errcode": 42001, "errmsg": format!("access_token expired, rid: {:08x}-*-*", NOW + 7200)})
    );
    let (renewed, seconds) = stable_token(&wechat, false);
    assert_eq!((check(&wechat, [&renewed]), seconds), ([VALID], 7200));
}

#[actix_web::test]
async fn a_forced_refresh_invalidates_the_old_token_and_is_limited() {
    let wechat = simulator().await;
    let (mut last, _) = stable_token(&wechat, false);
    for _ in 0..20 {
        let (forced, _) = stable_token(&wechat, true);
        assert_ne!(forced, last);
        assert_eq!(check(&wechat, [&last, &forced]), [40001, VALID]);
        wechat.advance(Duration::from_secs(29));
        assert_eq!(stable_token(&wechat, true).0, forced, "too soon");
        wechat.advance(Duration::from_secs(1));
        last = forced;
    }
    assert_eq!(stable_token(&wechat, true).0, last, "too often");
    wechat.advance(Duration::from_hours(24));
    let (fresh, _) = stable_token(&wechat, false);
    assert_ne!(stable_token(&wechat, true).0, fresh);
}

#[actix_web::test]
async fn every_plain_token_is_new_and_independent_of_stable_ones() {
    let wechat = simulator().await;
    let (stable, _) = stable_token(&wechat, false);
    let (first, seconds) = plain_token(&wechat);
    let (second, _) = plain_token(&wechat);
    assert_eq!(seconds, 7200);
    assert_ne!(first, second);
    wechat.advance(Duration::from_secs(299));
    assert_eq!(check(&wechat, [&first, &second]), [VALID; 2]);
    wechat.advance(Duration::from_secs(1));
    assert_eq!(check(&wechat, [&first, &second]), [40001, VALID]);
    assert_eq!(stable_token(&wechat, false), (stable, 6900));
}

#[actix_web::test]
async fn every_endpoint_checks_the_token_first() {
    let wechat = simulator().await;
    let unknown = "61_ITMHEPnZNSRFcWJ";
    for endpoint in Endpoint::ALL {
        let path = endpoint.path();
        if ["/sns/", "/connect/", "/cgi-bin/component/"]
            .iter()
            .any(|family| path.starts_with(family))
            || ["/cgi-bin/token", STABLE, "/cgi-bin/clear_quota/v2"].contains(&path)
        {
            continue;
        }
        let method = if ["session", "paid", "gettemplate"]
            .iter()
            .any(|part| path.contains(part))
        {
            "GET"
        } else {
            "POST"
        };
        let call =
            |query: &str| json_of(path, &request(&wechat, method, &format!("{path}{query}")));
        assert_eq!(call(""), error(41001, "access_token missing"), "{path}");
        let invalid = error(40001, NOT_LATEST);
        assert_eq!(call(&format!("?access_token={unknown}")), invalid, "{path}");
    }
}

#[actix_web::test]
async fn invalid_requests_for_a_stable_token_get_wechats_errors() {
    let wechat = simulator().await;
    let (id, secret) = (wechat.app_id(), wechat.app_secret());
    let grant = "client_credential";
    let rows = [
        (String::new(), 44002, "empty post data"),
        ("{\"grant_type\":".to_owned(), 47001, "data format error"),
        ("[]".to_owned(), 47001, "data format error"),
        ("{}".to_owned(), 41002, "appid missing"),
        (
            json!({"appid": id}).to_string(),
            40002,
            "invalid grant_type",
        ),
        (json!({"appid": "wx0"}).to_string(), 40013, "invalid appid"),
        (
            json!({"grant_type": grant, "appid": id}).to_string(),
            41004,
            "appsecret missing",
        ),
        (
            json!({"grant_type": grant, "appid": "wx0", "secret": secret}).to_string(),
            40013,
            "invalid appid",
        ),
        (
            json!({"grant_type": grant, "appid": id, "secret": "x"}).to_string(),
            40125,
            "invalid appsecret",
        ),
    ];
    for (body, errcode, errmsg) in rows {
        let reply = json_of(STABLE, &request_with(&wechat, "POST", STABLE, &body));
        assert_eq!(reply, error(errcode, errmsg), "{body}");
    }
    let got = json_of(STABLE, &request(&wechat, "GET", STABLE));
    assert_eq!(got, error(43002, "require POST method"));
    let long = request_with(&wechat, "POST", STABLE, &" ".repeat(17_000));
    assert_eq!(json_of(STABLE, &long), error(47001, "data format error"));
}

#[actix_web::test]
async fn quotas_can_be_queried_and_cleared_ten_times_a_month() {
    let wechat = simulator().await;
    let (token, _) = stable_token(&wechat, false);
    let quota = |path: &str| {
        let target = format!("/cgi-bin/openapi/quota/get?access_token={token}");
        post(&wechat, &target, &json!({"cgi_path": path}))
    };
    assert_eq!(
        quota(STABLE),
        json!({
            "errcode": 0,
            "errmsg": "ok",
            "quota": {"daily_limit": 500_000, "used": 1, "remain": 499_999},
            "rate_limit": {"call_count": 10_000, "refresh_second": 60},
        })
    );
    assert_eq!(errcode(&quota("/sns/jscode2session")), 76022);
    assert_eq!(errcode(&quota("/unknown")), 76021);
    let clear = |app_id: &str| {
        let target = format!("/cgi-bin/clear_quota?access_token={token}");
        errcode(&post(&wechat, &target, &json!({"appid": app_id})))
    };
    assert_eq!(clear("wx0000000000000000"), 40013);
    let cleared: Vec<i64> = (0..11).map(|_| clear(wechat.app_id())).collect();
    assert_eq!(cleared[..10], [0; 10]);
    assert_eq!(cleared[10], 48006);
    assert_eq!(quota(STABLE)["quota"]["used"], json!(0));
}

#[actix_web::test]
async fn a_rid_identifies_its_request_without_secrets() {
    let wechat = simulator().await;
    let (token, _) = stable_token(&wechat, false);
    let error_reply = login_reply(&wechat, "short").body;
    let (_, rid) = error_reply.rsplit_once("rid: ").unwrap();
    let rid = rid.trim_end_matches("\"}");
    let info = |rid: &str| {
        let target = format!("/cgi-bin/openapi/rid/get?access_token={token}");
        post(&wechat, &target, &json!({"rid": rid}))
    };
    let id = wechat.app_id();
    let url = format!(
        "/sns/jscode2session?appid={id}&secret=***&js_code=***&grant_type=authorization_code"
    );
    assert_eq!(
        info(rid)["request"],
        json!({
            "invoke_time": NOW,
            "cost_in_ms": 1,
            "request_url": url,
            "request_body": "",
            "response_body": error_reply,
            "client_ip": "127.0.0.1",
        })
    );
    assert_eq!(errcode(&info("not-a-rid")), 76002);
    assert_eq!(errcode(&info("668f2aa4-00000000-00000000")), 76001);
}
