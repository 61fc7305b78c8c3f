//! A network that fails: what is asked again, what is not, and for how long.

use std::time::{Duration, Instant};

use crate::platforms::wechat::Client;
use crate::platforms::wechat::tests::server::{Act, Server, closed_port, http};
use crate::platforms::wechat::tests::{
    BUSY, CODE, OPENID, SUCCESS, WHOLE, check_class, client, config, log_in, log_in_for,
    log_in_with, rejection,
};
use crate::platforms::{ConfigError, ConnectError, Error, Hint, Reason};

const USED: &str = r#"{"errcode":40163,"errmsg":"code been used"}"#;

/// Tolerance for a busy machine.
const SLACK: Duration = Duration::from_millis(400);

/// Asserts the failure, that the server was asked exactly once, and that the limit held.
async fn check_asked_once(act: Act, failure: Error) {
    let server = Server::start(vec![act]);
    let start = Instant::now();
    assert_eq!(log_in(&server).await, Err(failure));
    assert!(start.elapsed() < WHOLE + SLACK, "{:?}", start.elapsed());
    assert_eq!(server.requests(), 1);
    assert_eq!(server.seen.borrow().connections, 1);
}

#[actix_web::test]
async fn a_silent_server_times_out() {
    check_asked_once(Act::Silence, Error::TimedOut).await;
}

#[actix_web::test]
async fn a_call_that_timed_out_leaves_no_open_connection() {
    let server = Server::start(vec![Act::Silence]);
    assert_eq!(log_in(&server).await, Err(Error::TimedOut));
    actix_rt::time::sleep(Duration::from_millis(50)).await;
    assert_eq!(server.seen.borrow().left, 1);
}

#[actix_web::test]
async fn a_reply_that_trickles_in_times_out() {
    let head = b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n".to_vec();
    for bytes in [head, b"HTTP/1.1 200 OK\r\nX:".to_vec()] {
        check_asked_once(Act::ReplyAndTrickle(bytes), Error::TimedOut).await;
    }
}

#[actix_web::test]
async fn a_request_that_was_received_is_not_retried() {
    let mut cut = http("200 OK", SUCCESS.as_bytes());
    cut.pop();
    for act in [
        Act::ResetHeard,
        Act::Reply(Vec::new()),
        Act::Reply(cut),
        Act::Reply(b"SSH-2.0-OpenSSH\r\n".to_vec()),
    ] {
        check_asked_once(act, Error::ConnectionLost).await;
    }
}

#[actix_web::test]
async fn a_connection_reset_before_reading_is_not_retried() {
    let server = Server::start(vec![Act::ResetUnheard]);
    assert_eq!(log_in(&server).await, Err(Error::ConnectionLost));
    assert_eq!(
        (server.requests(), server.seen.borrow().connections),
        (0, 1)
    );
}

#[actix_web::test]
async fn a_closed_idle_connection_is_replaced_without_an_error() {
    let stay = Act::ReplyAndStay(http("200 OK", SUCCESS.as_bytes()));
    let server = Server::start(vec![stay.clone(), stay, Act::json(SUCCESS)]);
    let client = client(&server.url);
    for _ in 0..4 {
        log_in_with(&client, "code").await.unwrap();
        actix_rt::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(
        (server.requests(), server.seen.borrow().connections),
        (4, 2)
    );
}

#[actix_web::test]
async fn a_refused_connection_is_retried_within_the_limit() {
    let (_held, url) = closed_port();
    let start = Instant::now();
    let outcome = log_in_with(&client(&url), CODE).await;
    assert_eq!(outcome, Err(Error::Unreachable(ConnectError::Refused)));
    let elapsed = start.elapsed();
    assert!(elapsed < WHOLE, "{elapsed:?}");
    assert!(elapsed > WHOLE / 15, "there were pauses: {elapsed:?}");
}

#[actix_web::test]
async fn a_server_that_comes_back_is_reached_by_a_retry() {
    let port = closed_port();
    let client = client(&port.1);
    let call = actix_rt::spawn(async move { log_in_with(&client, CODE).await });
    actix_rt::time::sleep(Duration::from_millis(5)).await;
    let server = Server::open(port, vec![Act::json(SUCCESS)]);
    assert_eq!(call.await.unwrap().unwrap().openid.expose(), OPENID);
    assert_eq!(server.requests(), 1);
}

#[actix_web::test]
async fn an_unknown_host_name_is_reported() {
    let outcome = log_in_with(&client("http://wechat.invalid"), "code").await;
    // A machine whose DNS is silent finds out by the clock.
    assert!(
        matches!(
            outcome,
            Err(Error::Unreachable(
                ConnectError::UnknownHost | ConnectError::TimedOut
            ))
        ),
        "{outcome:?}"
    );
}

#[actix_web::test]
async fn a_busy_reply_is_retried() {
    let identity = log_in_for(&[BUSY, BUSY, SUCCESS]).await.unwrap();
    assert_eq!(identity.openid.expose(), OPENID);
}

#[actix_web::test]
async fn busy_replies_are_retried_within_the_limit_only() {
    let server = Server::start(vec![Act::json(BUSY)]);
    let start = Instant::now();
    let error = log_in(&server).await.unwrap_err();
    assert!(start.elapsed() < WHOLE, "{:?}", start.elapsed());
    let requests = server.requests();
    assert!((2..=4).contains(&requests), "{requests}");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    check_class(Err(error), Reason::Busy);
}

#[actix_web::test]
async fn a_code_spent_by_a_busy_reply_is_reported() {
    let rejection = rejection(log_in_for(&[BUSY, USED]).await);
    assert_eq!(
        (rejection.reason, rejection.hint),
        (Reason::CodeUsed, Some(Hint::SentBefore))
    );
    assert!(
        rejection.to_string().contains("got a busy reply"),
        "{rejection}"
    );
}

#[actix_web::test]
async fn a_timeout_after_a_busy_reply_is_a_timeout() {
    let server = Server::start(vec![Act::json(BUSY), Act::Silence]);
    assert_eq!(log_in(&server).await, Err(Error::TimedOut));
    assert_eq!(server.requests(), 2);
}

#[actix_web::test]
async fn only_busy_replies_are_retried() {
    for raw in [USED, r#"{"errcode":40029}"#, r#"{"errcode":45011}"#, "{}"] {
        let server = Server::start(vec![Act::json(raw)]);
        assert!(log_in(&server).await.is_err());
        assert_eq!(server.requests(), 1, "{raw}");
    }
}

#[actix_web::test]
async fn concurrent_calls_do_not_wait_for_each_other() {
    let server = Server::start(vec![Act::Silence, Act::json(SUCCESS)]);
    let client = client(&server.url);
    let slow = log_in_with(&client, "slow");
    let quick = async {
        actix_rt::time::sleep(Duration::from_millis(20)).await;
        log_in_with(&client, "quick").await
    };
    let start = Instant::now();
    let quick = async { (quick.await, start.elapsed()) };
    let (slow, (quick, elapsed)) = futures_util::future::join(slow, quick).await;
    assert_eq!(slow, Err(Error::TimedOut));
    assert!(quick.is_ok() && elapsed < WHOLE, "{elapsed:?}");
}

#[test]
fn a_base_url_with_more_than_a_base_is_rejected() {
    for base_url in [
        "",
        "api.weixin.qq.com",
        "ftp://a",
        "http://",
        "http://a?b",
        "http://a#b",
        "http://u:p@a",
    ] {
        let error = config(base_url).err();
        assert!(matches!(error, Some(ConfigError::BaseUrl)), "{base_url}");
    }
    assert!(config("http://[::1]:3100/path").is_ok());
}

#[test]
fn a_configuration_goes_to_every_worker() {
    fn is_for_workers<T: Clone + Send + Sync + 'static>(_: &T) {}
    let config = config("http://127.0.0.1:1").unwrap();
    is_for_workers(&config);
    // Outside any runtime, as in the closure that makes a worker's App.
    drop(Client::new(&config));
}
