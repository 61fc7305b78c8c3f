//! Projects of DevTools with a real AppID while WeChat is simulated.

use actix_web::test::TestRequest;
use serde_json::json;
use wechat_simulator::Payload;

use crate::decrypt::{event, mint};
use crate::harness::{Folder, Reply, TestApp};
use crate::server::Binary;

const REAL: &str = "wx4f4bc4dec97d474b";
const DEVTOOLS: &str = "Mozilla/5.0 wechatdevtools/1.06.2209190 MicroMessenger/8.0.5";
const PHONE: &str =
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_1 like Mac OS X) MicroMessenger/8.0.50(0x18003231)";

/// Returns a code in the form of those of `wx.login`.
fn code(number: u8) -> String {
    format!("{number:02}1bIzT629FmMN0zraV62WLnT62bIzTA")
        .chars()
        .take(32)
        .collect()
}

fn login(code: &str, app_id: &str, agent: &str) -> TestRequest {
    TestRequest::post()
        .uri("/login")
        .insert_header((
            "referer",
            format!("https://servicewechat.com/{app_id}/devtools/page-frame.html"),
        ))
        .insert_header(("user-agent", agent))
        .set_json(json!({ "code": code }))
}

async fn user_of(app: &TestApp, code: &str, app_id: &str, agent: &str) -> String {
    app.call(login(code, app_id, agent)).await.user_id()
}

#[actix_rt::test]
async fn one_device_in_one_mini_program_is_one_user() {
    let app = TestApp::start().await;
    let first = user_of(&app, &code(1), REAL, DEVTOOLS).await;
    assert_eq!(user_of(&app, &code(2), REAL, DEVTOOLS).await, first);
    let phone = user_of(&app, &code(3), REAL, PHONE).await;
    let other = user_of(&app, &code(4), "wx0000000000000000", DEVTOOLS).await;
    assert!(first != phone && first != other && phone != other);
    let used: Reply = app.call(login(&code(1), REAL, DEVTOOLS)).await;
    used.assert_error(401, "login_code_used");
}

#[actix_rt::test]
async fn codes_of_the_simulator_keep_their_users() {
    let app = TestApp::start().await;
    let issued = [app.wechat.issue_code("mei"), app.wechat.issue_code("bo")];
    let mei = user_of(&app, &issued[0], REAL, DEVTOOLS).await;
    let bo = user_of(&app, &issued[1], REAL, DEVTOOLS).await;
    assert_ne!(mei, bo);
    let tourist = user_of(&app, &code(1), "touristappid", DEVTOOLS).await;
    assert_ne!(
        user_of(&app, &code(2), "touristappid", DEVTOOLS).await,
        tourist
    );
}

#[test]
fn the_log_explains_it_once() {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[]);
    let referer = format!("referer: https://servicewechat.com/{REAL}/devtools/page-frame.html\r\n");
    let mut token = String::new();
    for number in 1..4 {
        let (_, reply) = server.login_with(&referer, &json!({ "code": code(number) }));
        token = reply["data"]["token"].as_str().unwrap().to_owned();
    }
    let block = "AAAAAAAAAAAAAAAAAAAAAA==";
    let data = json!({ "encryptedData": block, "iv": block }).to_string();
    for _ in 0..2 {
        let (status, _) = server.ask("POST", "/user/decrypt", &token, &data);
        assert_eq!(status, 409);
    }
    let output = server.stop();
    for text in [
        "a login came from the real mini program wx4f4bc4dec97d474b, but WeChat is simulated",
        "data of the real WeChat never does",
    ] {
        let lines = output.lines().filter(|line| line.contains(text));
        assert_eq!(lines.count(), 1, "{text} in:\n{output}");
    }
}

#[actix_rt::test]
async fn data_of_the_simulator_still_decrypts() {
    let app = TestApp::start().await;
    let reply = app
        .call(login(&app.wechat.issue_code("mei"), REAL, DEVTOOLS))
        .await;
    let event = event(&mint(&app, "mei", &Payload::phone_number()));
    let decrypted = app.post("/user/decrypt", &reply.token(), event).await;
    assert_eq!(decrypted.status, 200);
}
