//! Raw replies, compared byte for byte with the recorded ones in `samples.txt`, apart from ids and times.

use super::*;

const SAMPLES: &str = include_str!("samples.txt");

/// Members whose values are ids or times.
const VARIABLE: [&str; 10] = [
    "session_key",
    "openid",
    "unionid",
    "access_token",
    "expires_in",
    "phoneNumber",
    "purePhoneNumber",
    "timestamp",
    "appid",
    "create_time",
];

/// Returns content type and masked body of the sample with this name.
#[track_caller]
fn sample(name: &str) -> (String, String) {
    let lines = SAMPLES.lines().filter(|line| !line.starts_with('#'));
    let mut lines =
        lines.skip_while(|line| line.split_once(" | ").map(|(known, _)| known) != Some(name));
    let (_, content_type) = lines.next().unwrap().split_once(" | ").unwrap();
    (content_type.to_owned(), masked(lines.next().unwrap()))
}

/// Replaces ids and times with stars, and keeps all other bytes.
fn masked(body: &str) -> String {
    let mut masked = body.to_owned();
    for name in VARIABLE {
        let member = format!("\"{name}\":");
        if let Some((before, after)) = masked.split_once(&member) {
            let (value, rest) = after.split_at(after.find([',', '}']).unwrap());
            let star = if value.starts_with('"') { "\"*\"" } else { "*" };
            masked = format!("{before}{member}{star}{rest}");
        }
    }
    if let Some((before, after)) = masked.split_once("rid: ") {
        let (_, rest) = after.split_once('"').unwrap();
        masked = format!("{before}rid: *\"{rest}");
    }
    masked
}

#[track_caller]
fn check(name: &str, reply: &Reply) {
    let (content_type, body) = sample(name);
    assert_eq!(reply.status, "HTTP/1.1 200 OK", "{name}");
    assert_eq!(reply.content_type, content_type, "{name}");
    assert_eq!(masked(&reply.body), body, "{name}");
}

#[actix_web::test]
async fn errors_are_those_that_were_recorded() {
    let wechat = simulator().await;
    let get = |target: &str| request(&wechat, "GET", target);
    let post = |target: &str, body: &str| request_with(&wechat, "POST", target, body);
    let unknown_app = "/cgi-bin/token?appid=wx0000000000000000&secret=x";
    check("appid before grant_type", &get(unknown_app));
    check("token missing", &post("/cgi-bin/clear_quota", ""));
    let unknown = "/cgi-bin/clear_quota?access_token=61_ITMHEPnZNSRFcWJ";
    check("unknown token", &post(unknown, ""));
    let id = wechat.app_id();
    let token = "/cgi-bin/token?grant_type=client_credential&secret=wrong&appid=";
    check("wrong secret", &get(&format!("{token}{id}")));
    check("invalid code", &get(&login_target(&wechat, "x")));
    check("appid missing", &get("/sns/jscode2session"));
    let used = login_target(&wechat, &wechat.issue_code("mei"));
    get(&used);
    check("used code", &get(&used));
    wechat.fail_next(Endpoint::AccessToken, Fault::IpNotAllowed);
    check("ip not allowed", &get("/cgi-bin/token"));
    let data = with_token(&wechat, "/wxa/business/checkencryptedmsg");
    check("malformed body", &post(&data, "{"));
    check("invalid arguments", &post(&data, "{}"));
    let expired = with_token(&wechat, "/cgi-bin/clear_quota");
    wechat.advance(Duration::from_hours(2));
    check("token expired", &post(&expired, ""));
}

#[actix_web::test]
async fn successes_are_those_that_were_recorded() {
    let wechat = simulator_with_unionids().await;
    let post =
        |target: &str, body: &Value| request_with(&wechat, "POST", target, &body.to_string());
    let login = login_reply(&wechat, &wechat.issue_code("mei"));
    check("login", &login);
    let body = json!({
        "grant_type": "client_credential",
        "appid": wechat.app_id(),
        "secret": wechat.app_secret(),
    });
    check("stable token", &post("/cgi-bin/stable_token", &body));
    let token = stable_token(&wechat, false).0;
    let (openid, key) = (wechat.openid("mei"), wechat.session_key("mei").unwrap());
    let target = signed_target("/wxa/checksession", &token, &openid, &key);
    check("valid session key", &request(&wechat, "GET", &target));
    let phone = format!("/wxa/business/getuserphonenumber?access_token={token}");
    let code = json!({"code": wechat.issue_phone_code("mei")});
    check("phone number", &post(&phone, &code));
    let data = wechat.first_app().encrypt("mei", &Payload::phone_number());
    let digest = <sha2::Sha256 as sha2::Digest>::digest(data.encrypted_data.as_bytes());
    let digest = json!({"encrypted_msg_hash": hex(&digest)});
    let path = format!("/wxa/business/checkencryptedmsg?access_token={token}");
    check("encrypted data", &post(&path, &digest));
}

#[actix_web::test]
async fn slashes_in_keys_are_escaped() {
    let wechat = simulator().await;
    let with_slash = (0..100).find_map(|_| {
        let reply = login_reply(&wechat, &wechat.issue_code("mei"));
        let key = wechat.session_key("mei").unwrap();
        key.contains('/').then_some((reply.body, key))
    });
    let (body, key) = with_slash.unwrap();
    let (openid, wire_key) = (wechat.openid("mei"), key.replace('/', r"\/"));
    assert_eq!(
        body,
        format!(r#"{{"session_key":"{wire_key}","openid":"{openid}"}}"#)
    );
    assert_eq!(
        serde_json::from_str::<Value>(&body).unwrap()["session_key"],
        key
    );
}

/// Returns the head of a reply on a connection that stays open.
fn head(wechat: &Simulator, target: &str) -> Vec<String> {
    let mut stream = TcpStream::connect(wechat.address()).unwrap();
    write!(
        stream,
        "GET {target} HTTP/1.1\r\nHost: api.weixin.qq.com\r\n\r\n"
    )
    .unwrap();
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).unwrap();
    let text = std::str::from_utf8(&buffer[..read]).unwrap();
    let (head, _) = text.split_once("\r\n\r\n").unwrap();
    let mut lines: Vec<String> = head.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

#[actix_web::test]
async fn the_head_has_the_date_of_the_simulators_clock_and_keeps_the_connection() {
    let wechat = simulator().await;
    wechat.advance(Duration::from_hours(24));
    let lines = head(&wechat, "/sns/jscode2session");
    let expected = [
        "Connection: keep-alive",
        "Content-Length: 75",
        "Content-Type: text/plain",
        "Date: Fri, 12 Jul 2024 00:43:16 GMT",
        "HTTP/1.1 200 OK",
    ];
    assert_eq!(lines, expected);
}

#[actix_web::test]
async fn a_large_body_is_processed_and_a_huge_one_gets_an_error_in_json() {
    let wechat = simulator().await;
    let target = with_token(&wechat, "/wxa/business/getuserphonenumber");
    let body = |length| {
        let code = wechat.issue_phone_code("mei");
        json!({"code": code, "padding": "x".repeat(length)})
    };
    let reply = post(&wechat, &target, &body(100 * 1024));
    assert_eq!(reply["errmsg"], "ok");
    assert_eq!(wechat.requests().last().unwrap().body.len(), 16 * 1024);
    let reply = post(&wechat, &target, &body(1024 * 1024));
    assert_eq!(reply, error(45002, "content size out of limit"));
}
