//! The calls that backends make after the login: codes and links, messages, moderation, quotas.

use super::control::{NOTHING, control};
use super::*;

const TEMPLATE: &str = "VSXiH3TvdLt1UMEFf5cPxaVgUj7YRLBPFq7D5aJm8sE";

/// A simulator with a logged-in user, their openid, and an access token.
struct Rig {
    wechat: Simulator,
    openid: String,
    token: String,
}

impl Rig {
    async fn new() -> Self {
        let wechat = simulator().await;
        log_in(&wechat, "mei");
        let (openid, token) = (wechat.openid("mei"), stable_token(&wechat, false).0);
        Self {
            wechat,
            openid,
            token,
        }
    }

    fn target(&self, path: &str) -> String {
        format!("{path}?access_token={}", self.token)
    }

    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        post(&self.wechat, &self.target(path), body)
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
    let scene = error(
        40169,
        "invalid length for scene, or the data is not json string",
    );
    for body in [
        json!({}),
        json!({"scene": "x".repeat(33)}),
        json!({"scene": "a b"}),
    ] {
        assert_eq!(rig.post(unlimited, &body), scene);
    }
    for page in ["/pages/x", "pages/x?a=1"] {
        let body = json!({"scene": "a", "page": page});
        assert_eq!(rig.post(unlimited, &body), error(41030, "invalid page"));
    }
    let environment = json!({"scene": "a", "env_version": "other"});
    assert_eq!(
        rig.post(unlimited, &environment),
        error(40097, "invalid args")
    );
    let long = json!({"path": "x".repeat(129)});
    let length = "invalid length for path, or the data is not json string";
    assert_eq!(
        rig.post("/cgi-bin/wxaapp/createwxaqrcode", &long),
        error(40159, length)
    );
    rig.wechat
        .fail_next(Endpoint::QrCode, Fault::errcode(45029));
    let too_many = error(45029, "qrcode count out of limit");
    assert_eq!(rig.post("/wxa/getwxacode", &json!({"path": "a"})), too_many);
}

#[actix_web::test]
async fn links_lead_to_a_page() {
    let rig = Rig::new().await;
    let link = rig.post(
        "/wxa/generate_urllink",
        &json!({"path": "pages/x", "query": "a=1"}),
    );
    assert!(
        link["url_link"]
            .as_str()
            .unwrap()
            .starts_with("https://wxaurl.cn/")
    );
    let scheme = rig.post(
        "/wxa/generatescheme",
        &json!({"jump_wxa": {"path": "pages/x"}}),
    );
    assert!(
        scheme["openlink"]
            .as_str()
            .unwrap()
            .starts_with("weixin://dl/business/?t=")
    );
    let short = rig.post("/wxa/genwxashortlink", &json!({"page_url": "pages/x"}));
    assert!(short["link"].as_str().unwrap().starts_with("#小程序://"));
    let wrong = json!({"path": "https://example.com"});
    let page = error(40165, "invalid weapp pagepath");
    assert_eq!(rig.post("/wxa/generate_urllink", &wrong), page);
    rig.wechat
        .fail_next(Endpoint::UrlLink, Fault::errcode(44990));
    assert_eq!(
        errcode(&rig.post("/wxa/generate_urllink", &json!({}))),
        44990
    );
}

#[actix_web::test]
async fn a_subscription_allows_one_message_with_all_fields() {
    let rig = Rig::new().await;
    let path = "/cgi-bin/message/subscribe/send";
    let message =
        |data: Value| json!({"touser": rig.openid, "template_id": TEMPLATE, "data": data});
    let complete = message(json!({"thing1": {"value": "tea"}, "time2": {"value": "15:00"}}));
    assert_eq!(
        rig.post(path, &complete),
        error(40037, "invalid template_id")
    );
    let content = "Order:{{thing1.DATA}}\nTime:{{time2.DATA}}\n";
    let template = json!({"template_id": TEMPLATE, "title": "Order", "content": content});
    rig.command("POST", "/simulator/templates", &template);
    let refused = error(43101, "user refuse to accept the msg");
    assert_eq!(rig.post(path, &complete), refused);
    let subscription = json!({"template_id": TEMPLATE});
    rig.command("POST", "/simulator/users/mei/subscriptions", &subscription);
    let incomplete = message(json!({"thing1": {"value": "tea"}}));
    assert_eq!(
        rig.post(path, &incomplete),
        error(47003, "argument invalid!")
    );
    let sent = rig.post(path, &complete);
    assert_eq!(
        (errcode(&sent), sent["msgid"].is_u64()),
        (0, true),
        "{sent}"
    );
    assert_eq!(
        rig.post(path, &complete),
        refused,
        "one message for each consent"
    );
    let stranger = json!({"touser": "o", "template_id": TEMPLATE});
    assert_eq!(rig.post(path, &stranger), error(40003, "invalid openid"));
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
    let deleted = rig.post("/wxaapi/newtmpl/deltemplate", &json!({"priTmplId": id}));
    assert_eq!(errcode(&deleted), 0);
    assert_eq!(
        errcode(&rig.post("/wxaapi/newtmpl/deltemplate", &json!({"priTmplId": id}))),
        40037
    );
}

#[actix_web::test]
async fn a_user_who_wrote_gets_five_answers_within_48_hours() {
    let rig = Rig::new().await;
    let path = "/cgi-bin/message/custom/send";
    let answer = json!({"touser": rig.openid, "msgtype": "text", "text": {"content": "hello"}});
    let late = error(
        45015,
        "response out of time limit or subscription is canceled",
    );
    assert_eq!(rig.post(path, &answer), late);
    rig.command("POST", "/simulator/users/mei/messages", &NOTHING);
    for _ in 0..5 {
        assert_eq!(errcode(&rig.post(path, &answer)), 0);
    }
    let many = error(45047, "out of response count limit");
    assert_eq!(rig.post(path, &answer), many);
    rig.command("POST", "/simulator/users/mei/messages", &NOTHING);
    assert_eq!(errcode(&rig.post(path, &answer)), 0);
    let unknown = json!({"touser": rig.openid, "msgtype": "video"});
    assert_eq!(
        rig.post(path, &unknown),
        error(40008, "invalid message type")
    );
    rig.wechat.advance(Duration::from_hours(48));
    let renewed = stable_token(&rig.wechat, false).0;
    let target = format!("{path}?access_token={renewed}");
    assert_eq!(errcode(&post(&rig.wechat, &target, &answer)), 45015);
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
    assert_eq!(
        rig.post(path, &json!({"content": "bad"})),
        error(87014, "risky content")
    );
    assert_eq!(errcode(&rig.post(path, &json!({"content": "fine"}))), 0);
    assert_eq!(errcode(&rig.post(path, &text(&"x".repeat(2_501)))), 45002);
    assert_eq!(
        errcode(&rig.post(path, &json!({"content": "a", "version": 2, "scene": 9}))),
        40097
    );
    let media = json!({"media_url": "https://example.com/a.png", "media_type": 2, "version": 2, "scene": 1, "openid": rig.openid});
    let accepted = rig.post("/wxa/media_check_async", &media);
    assert!(accepted["trace_id"].is_string(), "{accepted}");
    assert_eq!(
        errcode(&rig.post("/wxa/media_check_async", &json!({}))),
        40097
    );
    rig.wechat.advance(Duration::from_hours(2));
    let renewed = stable_token(&rig.wechat, false).0;
    let not_seen = post(
        &rig.wechat,
        &format!("{path}?access_token={renewed}"),
        &text("fine"),
    );
    assert_eq!(
        errcode(&not_seen),
        61010,
        "the user was not seen for two hours"
    );
}

#[actix_web::test]
async fn an_openid_of_another_app_does_not_match() {
    let (wechat, two) = simulator_with_two_apps().await;
    let code = wechat.app(&two.id).unwrap().issue_code("mei");
    let openid = get(&wechat, &login_target_of(&two, &code))["openid"].clone();
    let target = format!(
        "/wxa/msg_sec_check?access_token={}",
        stable_token(&wechat, false).0
    );
    let body = json!({"content": "a", "version": 2, "scene": 1, "openid": openid});
    assert_eq!(
        post(&wechat, &target, &body),
        error(43104, "appid is not match with openid")
    );
}

#[actix_web::test]
async fn the_risk_rank_is_that_of_the_user() {
    let rig = Rig::new().await;
    rig.command("PUT", "/simulator/users/mei", &json!({"risk_rank": 4}));
    let path = "/wxa/getuserriskrank";
    let ask = json!({"appid": rig.wechat.app_id(), "openid": rig.openid, "scene": 0, "client_ip": "192.0.2.1"});
    let reply = rig.post(path, &ask);
    assert_eq!(
        (&reply["risk_rank"], &reply["errmsg"]),
        (&json!(4), &json!("getuserriskrank succ"))
    );
    assert!(reply["unoin_id"].is_u64());
    let stranger =
        json!({"appid": rig.wechat.app_id(), "openid": "o", "scene": 0, "client_ip": "192.0.2.1"});
    assert_eq!(errcode(&rig.post(path, &stranger)), 61010);
    assert_eq!(errcode(&rig.post(path, &json!({"appid": "wx0"}))), 40013);
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
