//! What goes wrong on purpose, as a client sees it.

use super::*;

#[actix_web::test]
async fn a_raw_answer_comes_as_it_is_and_once() {
    let wechat = simulator().await;
    let raw = Fault::Raw {
        status: 502,
        content_type: "text/html".to_owned(),
        body: b"<html>".to_vec(),
    };
    wechat.fail_times(EXCHANGE, 2, raw);
    wechat.fail_next(EXCHANGE, Fault::body("{\"openid\":"));
    for _ in 0..2 {
        let reply = ask(&wechat, "GET", &target(&wechat, UNISSUED));
        let expected = Reply {
            status: "HTTP/1.1 502 Bad Gateway".to_owned(),
            content_type: "text/html".to_owned(),
            location: String::new(),
            body: "<html>".to_owned(),
        };
        assert_eq!(reply, expected);
    }
    let truncated = ask(&wechat, "GET", &target(&wechat, UNISSUED));
    assert_eq!(truncated.status, "HTTP/1.1 200 OK");
    assert_eq!(truncated.content_type, "text/plain");
    assert_eq!(truncated.body, "{\"openid\":");
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
}

#[actix_web::test]
async fn a_standing_fault_lasts_until_cleared_and_comes_after_queued_ones() {
    let wechat = simulator().await;
    wechat.fail_always(EXCHANGE, Fault::errcode(-1));
    wechat.fail_next(EXCHANGE, Fault::errcode(40243));
    wechat.fail_next(EXCHANGE, Fault::errcode(7));
    let answers = [(); 4].map(|()| exchange(&wechat, UNISSUED));
    assert_eq!(answers[0], refusal(40243, "AppSecret frozen"));
    assert_eq!(answers[1], refusal(7, "unknown error"));
    assert_eq!(answers[2], refusal(-1, "system error"));
    assert_eq!(answers[3], answers[2]);
    wechat.clear_faults(EXCHANGE);
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
}

#[actix_web::test]
async fn a_redirect_names_its_target() {
    let wechat = simulator().await;
    let elsewhere = "http://127.0.0.1:9/elsewhere";
    wechat.fail_next(
        EXCHANGE,
        Fault::Redirect {
            location: elsewhere.to_owned(),
        },
    );
    let reply = ask(&wechat, "GET", &target(&wechat, UNISSUED));
    assert_eq!(reply.status, "HTTP/1.1 302 Found");
    assert_eq!(reply.location, elsewhere);
}

#[actix_web::test]
async fn a_delayed_answer_is_late_but_true() {
    let wechat = simulator().await;
    let by = Duration::from_millis(80);
    wechat.fail_next(EXCHANGE, Fault::Delay { by });
    let start = Instant::now();
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
    assert!(start.elapsed() >= by);
}

#[track_caller]
fn check_reset(wechat: &Simulator, code: &str) {
    let error = try_ask(wechat, "GET", &target(wechat, code), "").unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[actix_web::test]
async fn a_reset_before_spares_the_code_and_a_reset_after_spends_it() {
    let wechat = simulator().await;
    wechat.fail_next(EXCHANGE, Fault::ResetBefore);
    wechat.fail_next(EXCHANGE, Fault::ResetAfter);
    check_reset(&wechat, UNISSUED);
    check_reset(&wechat, UNISSUED);
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 40163);
}

#[actix_web::test]
async fn a_reset_spares_the_answers_before_it() {
    let wechat = simulator().await;
    let mut stream = TcpStream::connect(wechat.address).unwrap();
    let mut buffer = [0; 4096];
    let target = target(&wechat, "x");
    for _ in 0..3 {
        write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
        let read = stream.read(&mut buffer).unwrap();
        assert!(buffer[..read].starts_with(b"HTTP/1.1 200 OK"));
    }
    wechat.fail_next(EXCHANGE, Fault::ResetBefore);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let error = stream.read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[actix_web::test]
async fn silence_keeps_the_connection_open_and_spares_the_code() {
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
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
}

#[actix_web::test]
async fn answers_come_cut_or_misnamed_and_spend_their_codes() {
    let wechat = simulator().await;
    wechat.fail_next(EXCHANGE, Fault::Truncate);
    wechat.fail_next(
        EXCHANGE,
        Fault::ContentType {
            content_type: "text/html".to_owned(),
        },
    );
    let cut = ask(&wechat, "GET", &target(&wechat, "the code is a mock one"));
    assert_eq!(cut.content_type, "text/plain");
    assert!(cut.body.starts_with('{') && serde_json::from_str::<Value>(&cut.body).is_err());
    let misnamed = ask(&wechat, "GET", &target(&wechat, UNISSUED));
    assert_eq!(misnamed.content_type, "text/html");
    let json: Value = serde_json::from_str(&misnamed.body).unwrap();
    assert!(json["openid"].is_string());
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 40163);
}

#[actix_web::test]
async fn a_gateways_page_is_no_json() {
    let wechat = simulator().await;
    wechat.fail_next(EXCHANGE, Fault::BadGateway);
    let reply = ask(&wechat, "GET", &target(&wechat, UNISSUED));
    assert_eq!(reply.status, "HTTP/1.1 502 Bad Gateway");
    assert_eq!(reply.content_type, "text/html");
    assert!(reply.body.contains("<h1>502 Bad Gateway</h1>"));
}

#[actix_web::test]
async fn an_address_that_is_not_allowed_is_named() {
    let wechat = simulator().await;
    wechat.fail_always(EXCHANGE, Fault::IpNotAllowed);
    let words = "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist";
    assert_eq!(exchange(&wechat, UNISSUED), refusal(40164, words));
}

#[actix_web::test]
async fn a_rival_server_renews_the_token_under_ones_hands() {
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
    let words = "invalid credential, access_token is invalid or not latest";
    assert_eq!(check(&token), refusal(40001, words));
    assert_eq!(refused(&check(&token)), 40001);
    let (renewed, _) = stable_token(&wechat, false);
    assert_eq!(refused(&check(&renewed)), 0);
}

#[actix_web::test]
async fn limits_are_each_endpoints_own() {
    let wechat = simulator().await;
    let limits = |per_minute, per_day| {
        Some(Limits {
            per_minute,
            per_day,
        })
    };
    let asking = || refused(&exchange(&wechat, "the code is a mock one"));
    wechat.set_limits(EXCHANGE, limits(Some(1), None));
    assert_eq!([asking(), asking()], [0, 45011]);
    wechat.set_limits(EXCHANGE, limits(None, Some(3)));
    assert_eq!([asking(), asking()], [0, 45009]);
    stable_token(&wechat, false);
    // Midnight in China is 16:00 by the clock of the simulator.
    let to_midnight = 24 * 3600 - (NOW + 8 * 3600) % (24 * 3600);
    wechat.advance(Duration::from_secs(to_midnight - 1));
    assert_eq!(asking(), 45009);
    wechat.advance(Duration::from_secs(1));
    assert_eq!(asking(), 0);
    wechat.set_limits(EXCHANGE, None);
    assert_eq!([asking(), asking(), asking(), asking()], [0, 0, 0, 0]);
}
