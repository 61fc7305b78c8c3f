//! The calls that backends make after the login: codes and links, messages, moderation, quotas.

use super::control::{NOTHING, control};
use super::*;

const TEMPLATE: &str = "VSXiH3TvdLt1UMEFf5cPxaVgUj7YRLBPFq7D5aJm8sE";

/// A simulator with a logged-in user, and their openid.
struct Rig {
    wechat: Simulator,
    openid: String,
}

impl Rig {
    async fn new() -> Self {
        let wechat = simulator().await;
        log_in(&wechat, "mei");
        let openid = wechat.openid("mei");
        Self { wechat, openid }
    }

    fn target(&self, path: &str) -> String {
        with_token(&self.wechat, path)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        post(&self.wechat, &self.target(path), body)
    }

    #[track_caller]
    fn errcode(&self, path: &str, body: &Value) -> i64 {
        errcode(&self.post(path, body))
    }

    #[track_caller]
    fn check_error(&self, path: &str, body: &Value, errcode: i64, errmsg: &str) {
        assert_eq!(self.post(path, body), error(errcode, errmsg), "{body}");
    }

    #[track_caller]
    fn command(&self, method: &str, path: &str, body: &Value) -> Value {
        control(&self.wechat, method, path, body)
    }
}

#[actix_web::test]
async fn addresses_show_that_a_token_works() {
    let rig = Rig::new().await;
    for path in ["/cgi-bin/getcallbackip", "/cgi-bin/get_api_domain_ip"] {
        let reply = get(&rig.wechat, &rig.target(path));
        assert_eq!(reply["ip_list"].as_array().unwrap().len(), 2, "{path}");
    }
}

#[actix_web::test]
async fn a_code_is_a_jpeg_and_its_errors_are_json() {
    let rig = Rig::new().await;
    let rows = [
        (
            "/wxa/getwxacodeunlimit",
            json!({"scene": "a=1", "page": "pages/x/y"}),
        ),
        (
            "/wxa/getwxacode",
            json!({"path": "pages/x/y?a=1", "env_version": "trial"}),
        ),
        (
            "/cgi-bin/wxaapp/createwxaqrcode",
            json!({"path": "pages/x/y?a=1", "width": 430}),
        ),
    ];
    for (path, body) in rows {
        let (address, target) = (rig.wechat.address(), rig.target(path));
        let mut stream = TcpStream::connect(address).unwrap();
        let body = body.to_string();
        let head = "Host: api.weixin.qq.com\r\nConnection: close";
        write!(
            stream,
            "POST {target} HTTP/1.1\r\n{head}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut reply = Vec::new();
        stream.read_to_end(&mut reply).unwrap();
        let end = reply
            .windows(4)
            .position(|bytes| bytes == b"\r\n\r\n")
            .unwrap();
        let head = String::from_utf8_lossy(&reply[..end]);
        assert!(head.contains("Content-Type: image/jpeg"), "{head}");
        assert!(reply[end + 4..].starts_with(b"\xff\xd8\xff") && reply.ends_with(b"\xff\xd9"));
    }
    let unlimited = "/wxa/getwxacodeunlimit";
    let scene = "invalid length for scene, or the data is not json string";
    for body in [
        json!({}),
        json!({"scene": "x".repeat(33)}),
        json!({"scene": "a b"}),
    ] {
        rig.check_error(unlimited, &body, 40169, scene);
    }
    for page in ["/pages/x", "pages/x?a=1"] {
        let body = json!({"scene": "a", "page": page});
        rig.check_error(unlimited, &body, 41030, "invalid page");
    }
    let environment = json!({"scene": "a", "env_version": "other"});
    rig.check_error(unlimited, &environment, 40097, "invalid args");
    let short = "/cgi-bin/wxaapp/createwxaqrcode";
    let long = json!({"path": "x".repeat(129)});
    let length = "invalid length for path, or the data is not json string";
    rig.check_error(short, &long, 40159, length);
    rig.wechat
        .fail_next(Endpoint::QrCode, Fault::errcode(45029));
    let (path, body) = ("/wxa/getwxacode", json!({"path": "a"}));
    rig.check_error(path, &body, 45029, "qrcode count out of limit");
}

#[actix_web::test]
async fn links_lead_to_a_page() {
    let rig = Rig::new().await;
    let link = "/wxa/generate_urllink";
    let (scheme, short) = ("/wxa/generatescheme", "/wxa/genwxashortlink");
    let of_link = json!({"path": "pages/x", "query": "a=1"});
    let of_scheme = json!({"jump_wxa": {"path": "pages/x"}});
    let of_short = json!({"page_url": "pages/x"});
    for (path, body, field, start) in [
        (link, of_link, "url_link", "https://wxaurl.cn/"),
        (scheme, of_scheme, "openlink", "weixin://dl/business/?t="),
        (short, of_short, "link", "#小程序://"),
    ] {
        let reply = rig.post(path, &body);
        assert!(reply[field].as_str().unwrap().starts_with(start), "{reply}");
    }
    let wrong = json!({"path": "https://example.com"});
    rig.check_error(link, &wrong, 40165, "invalid weapp pagepath");
    rig.wechat
        .fail_next(Endpoint::UrlLink, Fault::errcode(44990));
    assert_eq!(rig.errcode(link, &json!({})), 44990);
}

#[actix_web::test]
async fn a_subscription_allows_one_message_with_all_fields() {
    let rig = Rig::new().await;
    let path = "/cgi-bin/message/subscribe/send";
    let message =
        |data: Value| json!({"touser": rig.openid, "template_id": TEMPLATE, "data": data});
    let complete = message(json!({"thing1": {"value": "tea"}, "time2": {"value": "15:00"}}));
    rig.check_error(path, &complete, 40037, "invalid template_id");
    let content = "Order:{{thing1.DATA}}\nTime:{{time2.DATA}}\n";
    let template = json!({"template_id": TEMPLATE, "title": "Order", "content": content});
    rig.command("POST", "/simulator/templates", &template);
    let refused = "user refuse to accept the msg";
    rig.check_error(path, &complete, 43101, refused);
    let subscription = json!({"template_id": TEMPLATE});
    rig.command("POST", "/simulator/users/mei/subscriptions", &subscription);
    let incomplete = message(json!({"thing1": {"value": "tea"}}));
    rig.check_error(path, &incomplete, 47003, "argument invalid!");
    let sent = rig.post(path, &complete);
    assert_eq!(
        (errcode(&sent), sent["msgid"].is_u64()),
        (0, true),
        "{sent}"
    );
    // One message for each consent.
    rig.check_error(path, &complete, 43101, refused);
    let stranger = json!({"touser": "o", "template_id": TEMPLATE});
    rig.check_error(path, &stranger, 40003, "invalid openid");
    let recorded = rig.command("GET", "/simulator/messages", &NOTHING);
    assert_eq!(recorded["messages"][0]["body"], complete);
    assert_eq!(recorded["messages"].as_array().unwrap().len(), 1);
}

#[actix_web::test]
async fn templates_can_be_added_listed_and_deleted() {
    let rig = Rig::new().await;
    let added = rig.post(
        "/wxaapi/newtmpl/addtemplate",
        &json!({"tid": "401", "kidList": [1, 2]}),
    );
    let id = added["priTmplId"].as_str().unwrap();
    let listed = get(&rig.wechat, &rig.target("/wxaapi/newtmpl/gettemplate"));
    assert_eq!(listed["data"][0]["priTmplId"], id);
    assert_eq!(listed["data"][0]["type"], 2);
    let delete = || rig.errcode("/wxaapi/newtmpl/deltemplate", &json!({"priTmplId": id}));
    assert_eq!([delete(), delete()], [0, 40037]);
}

#[actix_web::test]
async fn a_user_who_wrote_gets_five_answers_within_48_hours() {
    let rig = Rig::new().await;
    let path = "/cgi-bin/message/custom/send";
    let answer = json!({"touser": rig.openid, "msgtype": "text", "text": {"content": "hello"}});
    let late = "response out of time limit or subscription is canceled";
    rig.check_error(path, &answer, 45015, late);
    rig.command("POST", "/simulator/users/mei/messages", &NOTHING);
    for _ in 0..5 {
        assert_eq!(rig.errcode(path, &answer), 0);
    }
    rig.check_error(path, &answer, 45047, "out of response count limit");
    rig.command("POST", "/simulator/users/mei/messages", &NOTHING);
    assert_eq!(rig.errcode(path, &answer), 0);
    let unknown = json!({"touser": rig.openid, "msgtype": "video"});
    rig.check_error(path, &unknown, 40008, "invalid message type");
    rig.wechat.advance(Duration::from_hours(48));
    assert_eq!(rig.errcode(path, &answer), 45015);
}

#[actix_web::test]
async fn texts_are_judged_by_the_words_of_a_command() {
    let rig = Rig::new().await;
    let path = "/wxa/msg_sec_check";
    let words = json!({"review": ["dubious"], "risky": ["bad"]});
    rig.command("PUT", "/simulator/words", &words);
    let text =
        |content: &str| json!({"content": content, "version": 2, "scene": 1, "openid": rig.openid});
    for (content, suggest) in [
        ("fine", "pass"),
        ("dubious", "review"),
        ("bad and dubious", "risky"),
    ] {
        let reply = rig.post(path, &text(content));
        assert_eq!(reply["result"]["suggest"], suggest, "{reply}");
        assert!(reply["trace_id"].is_string() && reply["detail"][0]["label"].is_u64());
    }
    rig.check_error(path, &json!({"content": "bad"}), 87014, "risky content");
    assert_eq!(rig.errcode(path, &json!({"content": "fine"})), 0);
    assert_eq!(rig.errcode(path, &text(&"x".repeat(2_501))), 45002);
    let wrong_scene = json!({"content": "a", "version": 2, "scene": 9});
    assert_eq!(rig.errcode(path, &wrong_scene), 40097);
    let media = json!({"media_url": "https://example.com/a.png", "media_type": 2, "version": 2, "scene": 1, "openid": rig.openid});
    let accepted = rig.post("/wxa/media_check_async", &media);
    assert!(accepted["trace_id"].is_string(), "{accepted}");
    assert_eq!(rig.errcode("/wxa/media_check_async", &json!({})), 40097);
    rig.wechat.advance(Duration::from_hours(2));
    let not_seen = rig.errcode(path, &text("fine"));
    assert_eq!(not_seen, 61010, "the user was not seen for two hours");
}

#[actix_web::test]
async fn an_openid_of_another_app_does_not_match() {
    let (wechat, two) = simulator_with_two_apps().await;
    let code = wechat.app(&two.id).unwrap().issue_code("mei");
    let openid = get(&wechat, &login_target_of(&two, &code))["openid"].clone();
    let target = with_token(&wechat, "/wxa/msg_sec_check");
    let body = json!({"content": "a", "version": 2, "scene": 1, "openid": openid});
    let mismatch = error(43104, "appid is not match with openid");
    assert_eq!(post(&wechat, &target, &body), mismatch);
}

#[actix_web::test]
async fn the_risk_rank_is_that_of_the_user() {
    let rig = Rig::new().await;
    rig.command("PUT", "/simulator/users/mei", &json!({"risk_rank": 4}));
    let path = "/wxa/getuserriskrank";
    let ask = |openid: &str| json!({"appid": rig.wechat.app_id(), "openid": openid, "scene": 0, "client_ip": "192.0.2.1"});
    let reply = rig.post(path, &ask(&rig.openid));
    assert_eq!(
        (&reply["risk_rank"], &reply["errmsg"]),
        (&json!(4), &json!("getuserriskrank succ"))
    );
    assert!(reply["unoin_id"].is_u64());
    assert_eq!(rig.errcode(path, &ask("o")), 61010);
    assert_eq!(rig.errcode(path, &json!({"appid": "wx0"})), 40013);
}

#[actix_web::test]
async fn quotas_can_be_cleared_with_the_secret() {
    let rig = Rig::new().await;
    let limits = Limits {
        per_minute: Some(1),
        per_day: None,
    };
    rig.wechat.set_limits(LOGIN, Some(limits));
    assert_eq!(errcode(&log_in_with(&rig.wechat, MOCK_CODE)), 45011);
    let (id, secret) = (rig.wechat.app_id(), rig.wechat.app_secret());
    let path = "/cgi-bin/clear_quota/v2";
    let in_body = json!({"appid": id, "appsecret": secret});
    assert_eq!(errcode(&post(&rig.wechat, path, &in_body)), 0);
    assert_eq!(errcode(&log_in_with(&rig.wechat, MOCK_CODE)), 0);
    let in_query = format!("{path}?appid={id}&appsecret={secret}");
    assert_eq!(errcode(&post(&rig.wechat, &in_query, &json!({}))), 0);
    let wrong = json!({"appid": id, "appsecret": "x"});
    assert_eq!(errcode(&post(&rig.wechat, path, &wrong)), 40125);
}
