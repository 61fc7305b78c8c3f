//! How a simulator starts, stops and remembers.

use super::*;

/// Waits for the connection to end without an answer.
#[track_caller]
fn check_over(mut silent: TcpStream) {
    silent
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    match silent.read(&mut [0; 64]) {
        Ok(read) => assert_eq!(read, 0),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

#[actix_web::test]
async fn it_stops_at_once_although_a_request_waits() {
    let wechat = simulator().await;
    let (address, silent, start) = (wechat.address, silent_request(&wechat), Instant::now());
    wechat.stop().await;
    let error = TcpStream::connect(address).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    check_over(silent);
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[actix_web::test]
async fn it_stops_when_dropped() {
    let wechat = simulator().await;
    let (address, silent, start) = (wechat.address, silent_request(&wechat), Instant::now());
    drop(wechat);
    check_over(silent);
    while TcpStream::connect(address).is_ok() {
        assert!(start.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn it_outlives_the_runtime_that_started_it() {
    let runtime = || tokio::runtime::Builder::new_current_thread().build();
    let wechat = runtime().unwrap().block_on(simulator());
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
    runtime().unwrap().block_on(wechat.stop());
}

#[actix_web::test]
async fn it_does_not_start_where_others_can_reach_it_unless_told() {
    let open = Options {
        listen: "0.0.0.0:0".parse().unwrap(),
        ..options()
    };
    let refused = Simulator::start(open.clone()).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the WeChat simulator logs in anybody, so it does not listen on `0.0.0.0:0`, which other machines can reach\n  \
         hint: listen on 127.0.0.1, or set `Options::allow_remote`"
    );
    let told = Options {
        allow_remote: true,
        ..open
    };
    assert!(Simulator::start(told).await.is_ok());
}

#[actix_web::test]
async fn it_does_not_start_without_an_app_or_on_a_taken_port() {
    let apps = Vec::new();
    let refused = Simulator::start(Options { apps, ..options() }).await;
    assert!(matches!(refused, Err(StartError::NoApp)));
    let wechat = simulator().await;
    let listen = wechat.address;
    let refused = Simulator::start(Options {
        listen,
        ..options()
    })
    .await;
    assert!(matches!(refused, Err(StartError::Listen { address, .. }) if address == listen));
}

#[actix_web::test]
async fn it_remembers_what_was_asked_and_shows_no_secret() {
    let wechat = simulator().await;
    wechat.fail_next(
        EXCHANGE,
        Fault::Raw {
            status: 200,
            content_type: String::new(),
            body: b"tiihtNczf5v6AKRyjwEUhQ==".to_vec(),
        },
    );
    ask(&wechat, "GET", &target(&wechat, "the code is a mock one"));
    ask(&wechat, "POST", "/elsewhere?access_token=61_secret");
    let [exchange, elsewhere] = <[RecordedRequest; 2]>::try_from(wechat.requests()).unwrap();
    assert_eq!(exchange.endpoint, Some(EXCHANGE));
    assert_eq!(exchange.method, "GET");
    assert_eq!(exchange.path, "/sns/jscode2session");
    let pairs = [
        ("appid", wechat.app_id()),
        ("secret", wechat.app_secret()),
        ("js_code", "the code is a mock one"),
        ("grant_type", "authorization_code"),
    ];
    let pairs = pairs.map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(exchange.query, pairs);
    assert_eq!(
        exchange.parameter("js_code"),
        Some("the code is a mock one")
    );
    assert_eq!(elsewhere.endpoint, None);

    let shown = format!("{exchange:?} {elsewhere:?} {:?}", Fault::body("secret"));
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
