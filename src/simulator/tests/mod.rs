//! The simulator over its socket, by a client that knows nothing but TCP and what WeChat documents.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::*;

/// The first block of a rid at this time is `668f2aa4`.
const NOW: u64 = 0x668f_2aa4;
const EXCHANGE: Endpoint = Endpoint::Code2Session;
const UNISSUED: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";
const PHONE: &str = "e31968a7f94cc5ee25fafc2aef2773f0bb8c3937b22520eb8ee345274d00c144";
const FOUR_MINUTES: Duration = Duration::from_mins(4);
const ONE_MINUTE: Duration = Duration::from_mins(1);

#[derive(Debug, PartialEq, Eq)]
struct Reply {
    status: String,
    content_type: String,
    location: String,
    body: String,
}

fn options() -> Options {
    Options {
        clock: Clock::virtual_at(NOW),
        ..Options::new(7)
    }
}

async fn simulator() -> Simulator {
    Simulator::start(options()).await.unwrap()
}

/// Asks and reads to the end; what the network says when there is no end.
fn try_ask(simulator: &Simulator, method: &str, target: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect(simulator.address)?;
    stream.set_read_timeout(Some(Duration::from_secs(5)))?;
    write!(
        stream,
        "{method} {target} HTTP/1.1\r\nHost: api.weixin.qq.com\r\nConnection: close\r\n\r\n"
    )?;
    let mut reply = String::new();
    stream.read_to_string(&mut reply)?;
    Ok(reply)
}

fn ask(simulator: &Simulator, method: &str, target: &str) -> Reply {
    let reply = try_ask(simulator, method, target).unwrap();
    let (head, body) = reply.split_once("\r\n\r\n").unwrap();
    let header = |name: &str| {
        let mut lines = head.lines().filter_map(|line| line.split_once(": "));
        let found = lines.find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.to_owned()).unwrap_or_default()
    };
    Reply {
        status: head.lines().next().unwrap().to_owned(),
        content_type: header("content-type"),
        location: header("location"),
        body: body.to_owned(),
    }
}

fn target_with(app_id: &str, secret: &str, code: &str) -> String {
    let code = code.replace(' ', "%20");
    format!(
        "/sns/jscode2session?appid={app_id}&secret={secret}&js_code={code}&grant_type=authorization_code"
    )
}

fn target(simulator: &Simulator, code: &str) -> String {
    target_with(simulator.app_id(), simulator.app_secret(), code)
}

/// The JSON of an answer as WeChat wraps it, with the random blocks of the rid replaced by stars.
#[track_caller]
fn json_of(reply: Reply) -> Value {
    assert_eq!(reply.status, "HTTP/1.1 200 OK");
    assert_eq!(reply.content_type, "text/plain");
    let mut json: Value = serde_json::from_str(&reply.body).unwrap();
    if let Some(errmsg) = json.get("errmsg").and_then(Value::as_str) {
        let (errmsg, random) = errmsg.split_at(errmsg.len() - 17);
        let blocks: Vec<&str> = random.split('-').collect();
        assert!(
            matches!(blocks[..], [a, b] if a.len() == 8 && b.len() == 8),
            "{random}"
        );
        assert!(
            random
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f' | b'-'))
        );
        json = json!({"errcode": json["errcode"], "errmsg": format!("{errmsg}*-*")});
    }
    json
}

#[track_caller]
fn exchange(simulator: &Simulator, code: &str) -> Value {
    json_of(ask(simulator, "GET", &target(simulator, code)))
}

/// A refusal at the time at which the tests' clocks start.
fn refusal(errcode: i64, errmsg: &str) -> Value {
    json!({"errcode": errcode, "errmsg": format!("{errmsg}, rid: 668f2aa4-*-*")})
}

fn refused(answer: &Value) -> i64 {
    answer["errcode"].as_i64().unwrap_or(0)
}

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
    let bound = |name| App::named(7, name).bound_to("ours");
    let apps = vec![bound("one"), bound("two"), App::named(7, "alone")];
    let [one, two, alone] = [0, 1, 2].map(|index: usize| apps[index].clone());
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let login = |app: &App| {
        let code = wechat.in_app(&app.id).unwrap().issue_code("mei");
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
    assert_eq!(wechat.in_app(&alone.id).unwrap().unionid("mei"), None);
    assert_ne!(first["openid"], second["openid"]);
    assert!(wechat.in_app("wx0000000000000000").is_none());
}

#[actix_web::test]
async fn identifiers_have_the_shapes_that_are_seen() {
    let app = App::named(7, "main").bound_to("ours");
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
    wechat.block("mei");
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
async fn rotations(key_rotation_percent: u8) -> usize {
    let wechat = Simulator::start(Options {
        key_rotation_percent,
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

#[actix_web::test]
async fn a_raw_answer_comes_as_it_is_and_once() {
    let wechat = simulator().await;
    let raw = Fault::Raw {
        status: actix_web::http::StatusCode::BAD_GATEWAY,
        content_type: "text/html".to_owned(),
        body: b"<html>".to_vec(),
    };
    wechat.next_answers(EXCHANGE, 2, raw);
    wechat.next_answer(EXCHANGE, Fault::body("{\"openid\":"));
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
    wechat.every_answer(EXCHANGE, Fault::errcode(-1));
    wechat.next_answer(EXCHANGE, Fault::errcode(40243));
    wechat.next_answer(EXCHANGE, Fault::errcode(7));
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
    wechat.next_answer(EXCHANGE, Fault::Redirect(elsewhere.to_owned()));
    let reply = ask(&wechat, "GET", &target(&wechat, UNISSUED));
    assert_eq!(reply.status, "HTTP/1.1 302 Found");
    assert_eq!(reply.location, elsewhere);
}

#[actix_web::test]
async fn a_delayed_answer_is_late_but_true() {
    let wechat = simulator().await;
    let by = Duration::from_millis(80);
    wechat.next_answer(EXCHANGE, Fault::Delay(by));
    let start = Instant::now();
    assert_eq!(refused(&exchange(&wechat, UNISSUED)), 0);
    assert!(start.elapsed() >= by);
}

#[track_caller]
fn check_reset(wechat: &Simulator, code: &str) {
    let error = try_ask(wechat, "GET", &target(wechat, code)).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

#[actix_web::test]
async fn a_reset_before_spares_the_code_and_a_reset_after_spends_it() {
    let wechat = simulator().await;
    wechat.next_answer(EXCHANGE, Fault::ResetBefore);
    wechat.next_answer(EXCHANGE, Fault::ResetAfter);
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
    wechat.next_answer(EXCHANGE, Fault::ResetBefore);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    let error = stream.read(&mut buffer).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// A connection on which a request waits for ever.
fn silent_request(wechat: &Simulator) -> TcpStream {
    let before = wechat.asked().len();
    wechat.next_answer(EXCHANGE, Fault::Silence);
    let mut stream = TcpStream::connect(wechat.address).unwrap();
    let target = target(wechat, UNISSUED);
    write!(stream, "GET {target} HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    while wechat.asked().len() == before {
        thread::sleep(Duration::from_millis(1));
    }
    stream
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
         hint: listen on 127.0.0.1, or allow it with `Exposure::Network`"
    );
    let told = Options {
        exposure: Exposure::Network,
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
    wechat.next_answer(
        EXCHANGE,
        Fault::Raw {
            status: actix_web::http::StatusCode::OK,
            content_type: String::new(),
            body: b"tiihtNczf5v6AKRyjwEUhQ==".to_vec(),
        },
    );
    ask(&wechat, "GET", &target(&wechat, "the code is a mock one"));
    ask(&wechat, "POST", "/elsewhere?access_token=61_secret");
    let [exchange, elsewhere] = <[Asked; 2]>::try_from(wechat.asked()).unwrap();
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
        "Asked { endpoint: Some(Code2Session), method: \"GET\", \
         parameters: [\"appid\", \"secret\", \"js_code\", \"grant_type\"], .. } \
         Asked { endpoint: None, method: \"POST\", parameters: [\"access_token\"], .. } \
         Raw(200 OK, 6 bytes)"
    );
    let shown = format!("{wechat:?} {:?}", App::named(7, "main"));
    assert!(!shown.contains(wechat.app_secret()), "{shown}");
}
