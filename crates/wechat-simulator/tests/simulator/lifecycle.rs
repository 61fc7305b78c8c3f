//! Start, stop, and the log of requests.

use super::*;

/// Waits for the connection to end without a reply.
#[track_caller]
fn check_closed(mut silent: TcpStream) {
    silent
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    match silent.read(&mut [0; 64]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[actix_web::test]
async fn it_stops_at_once_with_a_request_pending() {
    let wechat = simulator().await;
    let (address, silent, start) = (wechat.address(), silent_request(&wechat), Instant::now());
    wechat.stop().await;
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    check_closed(silent);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[actix_web::test]
async fn it_stops_when_dropped() {
    let wechat = simulator().await;
    let (address, silent, start) = (wechat.address(), silent_request(&wechat), Instant::now());
    drop(wechat);
    check_closed(silent);
    while TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_outlives_the_runtime_that_started_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build();
    let wechat = runtime().unwrap().block_on(simulator());
    assert_eq!(errcode(&log_in_with(&wechat, UNISSUED_CODE)), 0);
    runtime().unwrap().block_on(wechat.stop());
}

#[actix_web::test]
async fn it_listens_on_a_remote_address_only_if_allowed() {
    let remote = Options {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..options()
    };
    let error = Simulator::start(remote.clone()).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "the WeChat simulator logs in everyone, so it does not listen on `0.0.0.0:0`, which other machines can reach\n  \
         hint: listen on 127.0.0.1, or set `Options::allow_remote`"
    );
    let allowed = Options {
        allow_remote: true,
        ..remote
    };
    assert!(Simulator::start(allowed).await.is_ok());
}

#[actix_web::test]
async fn it_does_not_start_without_an_app_or_on_a_taken_port() {
    let apps = Vec::new();
    let result = Simulator::start(Options { apps, ..options() }).await;
    assert!(matches!(result, Err(StartError::NoApp)));
    let wechat = simulator().await;
    let listen = wechat.address();
    let result = Simulator::start(Options {
        listen,
        ..options()
    })
    .await;
    assert!(matches!(result, Err(StartError::Listen { address, .. }) if address == listen));
}

#[actix_web::test]
async fn requests_are_recorded_and_debug_output_has_no_secrets() {
    let wechat = simulator().await;
    wechat.fail_next(
        LOGIN,
        Fault::Raw {
            status: 200,
            content_type: None,
            body: b"tiihtNczf5v6AKRyjwEUhQ==".to_vec(),
        },
    );
    login_reply(&wechat, MOCK_CODE);
    request(&wechat, "POST", "/unknown?access_token=61_secret");
    let [login, unknown] = <[RecordedRequest; 2]>::try_from(wechat.requests()).unwrap();
    assert_eq!(login.endpoint, Some(LOGIN));
    assert_eq!(login.method, "GET");
    assert_eq!(login.path, "/sns/jscode2session");
    let pairs = [
        ("appid", wechat.app_id()),
        ("secret", wechat.app_secret()),
        ("js_code", MOCK_CODE),
        ("grant_type", "authorization_code"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(login.query, pairs);
    assert_eq!(login.parameter("js_code"), Some(MOCK_CODE));
    assert_eq!(unknown.endpoint, None);

    let shown = format!("{login:?} {unknown:?} {:?}", Fault::body("secret"));
    assert_eq!(
        shown,
        "RecordedRequest { endpoint: Some(Code2Session), method: \"GET\", \
         parameters: [\"appid\", \"secret\", \"js_code\", \"grant_type\"], .. } \
         RecordedRequest { endpoint: None, method: \"POST\", parameters: [\"access_token\"], .. } \
         Raw(200, 6 bytes)"
    );
    let shown = format!("{wechat:?} {:?}", App::named(7, "main"));
    assert!(!shown.contains(wechat.app_secret()), "{shown}");
}
