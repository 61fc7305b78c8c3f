//! Injected faults and limits.

use super::*;

#[actix_web::test]
async fn a_raw_reply_is_sent_unchanged_as_often_as_requested() {
    let wechat = simulator().await;
    let raw = Fault::Raw {
        status: 502,
        content_type: Some("text/html".to_owned()),
        body: b"<html>".to_vec(),
    };
    wechat.fail_times(LOGIN, 2, raw);
    wechat.fail_next(LOGIN, Fault::body("{\"openid\":"));
    for _ in 0..2 {
        let reply = login_reply(&wechat, UNISSUED_CODE);
        let expected = Reply {
            status: "HTTP/1.1 502 Bad Gateway".to_owned(),
            content_type: "text/html".to_owned(),
            location: String::new(),
            body: "<html>".to_owned(),
        };
        assert_eq!(reply, expected);
    }
    let truncated = login_reply(&wechat, UNISSUED_CODE);
    assert_eq!(truncated.status, "HTTP/1.1 200 OK");
    assert_eq!(truncated.content_type, "text/plain");
    assert_eq!(truncated.body, "{\"openid\":");
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
}

#[actix_web::test]
async fn any_path_can_be_stubbed() {
    let wechat = simulator().await;
    let path = "/wxa/business/no_such_call";
    assert!(wechat.stub(path, Fault::body(r#"{"errcode":0,"n":1}"#)));
    assert_eq!(get(&wechat, path), json!({"errcode": 0, "n": 1}));
    super::control::control(&wechat, "DELETE", "/simulator/faults", &json!(null));
    assert_eq!(get(&wechat, path), error(40066, "invalid url"));
    let fault = json!({"endpoint": path, "fault": {"kind": "errcode", "errcode": 48001}});
    super::control::control(&wechat, "POST", "/simulator/faults", &fault);
    assert_eq!(get(&wechat, path), error(48001, "api unauthorized"));
    assert_eq!(get(&wechat, path), error(40066, "invalid url"));
}

#[actix_web::test]
async fn a_permanent_fault_follows_queued_ones_until_cleared() {
    let wechat = simulator().await;
    wechat.fail_always(LOGIN, Fault::errcode(-1));
    wechat.fail_next(LOGIN, Fault::errcode(40243));
    wechat.fail_next(LOGIN, Fault::errcode(7));
    let replies = [(); 4].map(|()| log_in_with(&wechat, UNISSUED_CODE));
    assert_eq!(replies[0], error(40243, "AppSecret frozen"));
    assert_eq!(replies[1], error(7, "unknown error"));
    assert_eq!(replies[2], error(-1, "system error"));
    assert_eq!(replies[3], replies[2]);
    wechat.clear_faults(LOGIN);
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
}

#[actix_web::test]
async fn a_redirect_has_a_location() {
    let wechat = simulator().await;
    let location = "http://127.0.0.1:9/other";
    wechat.fail_next(
        LOGIN,
        Fault::Redirect {
            location: location.to_owned(),
        },
    );
    let reply = login_reply(&wechat, UNISSUED_CODE);
    assert_eq!(reply.status, "HTTP/1.1 302 Found");
    assert_eq!(reply.location, location);
}

#[actix_web::test]
async fn a_delayed_reply_is_late_and_correct() {
    let wechat = simulator().await;
    let by = Duration::from_millis(80);
    wechat.fail_next(LOGIN, Fault::Delay { by });
    let start = Instant::now();
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
    assert!(start.elapsed() >= by);
}

#[track_caller]
fn check_reset(wechat: &Simulator, code: &str) {
    let error = send(wechat, "GET", &login_target(wechat, code), "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[actix_web::test]
async fn only_a_reset_after_processing_uses_the_code() {
    let wechat = simulator().await;
    wechat.fail_next(LOGIN, Fault::ResetBefore);
    wechat.fail_next(LOGIN, Fault::ResetAfter);
    check_reset(&wechat, UNISSUED_CODE);
    check_reset(&wechat, UNISSUED_CODE);
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 40163);
}

#[actix_web::test]
async fn a_reset_leaves_earlier_replies_of_the_connection_intact() {
    let wechat = simulator().await;
    let mut stream = TcpStream::connect(wechat.address()).unwrap();
    let mut buffer = [0; 4096];
    let target = login_target(&wechat, "x");
    for _ in 0..3 {
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
    wechat.fail_next(LOGIN, Fault::ResetBefore);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let error = stream.read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[actix_web::test]
async fn silence_keeps_the_connection_open_and_the_code_unused() {
    let wechat = simulator().await;
    let mut stream = silent_request(&wechat);
    stream
        .set_read_timeout(Some(Duration::from_millis(50)))
        .unwrap();
    let error = stream.read(&mut [0; 64]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
}

#[actix_web::test]
async fn truncated_and_mislabelled_replies_use_the_code() {
    let wechat = simulator().await;
    wechat.fail_next(LOGIN, Fault::Truncate);
    wechat.fail_next(
        LOGIN,
        Fault::ContentType {
            content_type: "text/html".to_owned(),
        },
    );
    let truncated = login_reply(&wechat, MOCK_CODE);
    assert_eq!(truncated.content_type, "text/plain");
    assert!(
        truncated.body.starts_with('{') && serde_json::from_str::<Value>(&truncated.body).is_err()
    );
    let mislabelled = login_reply(&wechat, UNISSUED_CODE);
    assert_eq!(mislabelled.content_type, "text/html");
    let json: Value = serde_json::from_str(&mislabelled.body).unwrap();
    assert!(json["openid"].is_string());
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 40163);
}

#[actix_web::test]
async fn a_bad_gateway_is_an_html_page() {
    let wechat = simulator().await;
    wechat.fail_next(LOGIN, Fault::BadGateway);
    let reply = login_reply(&wechat, UNISSUED_CODE);
    assert_eq!(reply.status, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(reply.content_type, "text/html");
    assert!(reply.body.contains("<h1>502 Bad Gateway</h1>"));
}

#[actix_web::test]
async fn an_ip_that_is_not_allowed_is_in_the_message() {
    let wechat = simulator().await;
    wechat.fail_always(LOGIN, Fault::IpNotAllowed);
    let errmsg = "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist";
    assert_eq!(log_in_with(&wechat, UNISSUED_CODE), error(40164, errmsg));
}

#[actix_web::test]
async fn access_tokens_can_be_invalidated_just_before_a_call() {
    let wechat = simulator().await;
    let (openid, session_key) = (wechat.openid("mei"), log_in(&wechat, "mei"));
    let check = |token: &str| {
        get(
            &wechat,
            &signed_target("/wxa/checksession", token, &openid, &session_key),
        )
    };
    let (token, _) = stable_token(&wechat, false);
    assert_eq!(check(&token), json!({"errcode": 0, "errmsg": "ok"}));
    wechat.fail_next(Endpoint::CheckSessionKey, Fault::InvalidateAccessTokens);
    let errmsg = NOT_LATEST;
    assert_eq!(check(&token), error(40001, errmsg));
    assert_eq!(errcode(&check(&token)), 40001);
    let (renewed, _) = stable_token(&wechat, false);
    assert_eq!(errcode(&check(&renewed)), 0);
}

#[actix_web::test]
async fn limits_apply_per_endpoint() {
    let wechat = simulator().await;
    let limits = |per_minute, per_day| {
        Some(Limits {
            per_minute,
            per_day,
        })
    };
    let log_in = || errcode(&log_in_with(&wechat, MOCK_CODE));
    wechat.set_limits(LOGIN, limits(Some(1), None));
    assert_eq!([log_in(), log_in()], [0, 45011]);
    wechat.set_limits(LOGIN, limits(None, Some(3)));
    assert_eq!([log_in(), log_in()], [0, 45009]);
    stable_token(&wechat, false);
    // Midnight in China is 16:00 by the clock of the simulator.
    let to_midnight = 24 * 3600 - (NOW + 8 * 3600) % (24 * 3600);
    wechat.advance(Duration::from_secs(to_midnight - 1));
    assert_eq!(log_in(), 45009);
    wechat.advance(Duration::from_secs(1));
    assert_eq!(log_in(), 0);
    wechat.set_limits(LOGIN, None);
    assert_eq!([log_in(), log_in(), log_in(), log_in()], [0, 0, 0, 0]);
}
