//! `/simulator` on the server's own port: the commands of the built-in simulator, only while WeChat is simulated.

use actix_web::http::Method;
use actix_web::test::TestRequest;
use serde_json::{Value, json};

use crate::harness::{Folder, TestApp};
use crate::server::Binary;

async fn command(app: &TestApp, method: Method, path: &str, body: Value) -> (u16, Value) {
    let mut request = TestRequest::default().method(method).uri(path);
    if !body.is_null() {
        request = request.set_payload(body.to_string());
    }
    let (status, _, body) = app.fetch(request).await;
    (status, serde_json::from_slice(&body).unwrap())
}

#[actix_rt::test]
async fn commands_hand_out_codes_move_the_clock_and_order_faults() {
    let app = TestApp::start().await;
    let post = async |path: &str, body: Value| {
        let (status, reply) = command(&app, Method::POST, path, body).await;
        assert_eq!(status, 200, "{path}: {reply}");
        reply
    };
    let code = post("/simulator/users/Mei/login-code", Value::Null).await;
    let reply = app.login(code["code"].as_str().unwrap()).await;
    assert_eq!(reply.status, 200);
    assert_eq!(app.wechat.user("Mei").country_code, "86");
    let (_, users) = command(&app, Method::GET, "/simulator/users", Value::Null).await;
    assert_eq!(users, json!({"users": ["Mei"]}), "names keep their case");

    let code = post("/simulator/users/mei/login-code", Value::Null).await;
    post("/simulator/clock", json!({"advance_seconds": 300})).await;
    let reply = app.login(code["code"].as_str().unwrap()).await;
    assert_eq!(reply.json()["code"], 40029, "the code has expired");

    let fault = json!({"kind": "errcode", "errcode": 45011});
    let fault = json!({"endpoint": "/sns/jscode2session", "fault": fault});
    post("/simulator/faults", fault).await;
    assert_eq!(app.login("the code is a mock one").await.status, 429);
}

#[actix_rt::test]
async fn errors_are_those_of_the_simulator() {
    let app = TestApp::start().await;
    for (method, path, status) in [
        (Method::GET, "/simulator/no-such-path", 404),
        (Method::DELETE, "/simulator/clock", 405),
        (Method::POST, "/simulator/clock", 400),
        (Method::GET, "/simulator", 200),
        (Method::GET, "/simulators", 404),
    ] {
        let reply = command(&app, method, path, Value::Null).await;
        assert_eq!(reply.0, status, "{path}: {}", reply.1);
    }
}

#[actix_rt::test]
async fn a_foreign_page_gives_no_commands() {
    let app = TestApp::start().await;
    for header in [("host", "evil.example"), ("origin", "https://evil.example")] {
        let request = TestRequest::post()
            .uri("/simulator/users/mei/login-code")
            .insert_header(header);
        let reply = app.call(request).await;
        assert_eq!(reply.status, 403);
        assert_eq!(reply.json()["error"], "foreign_request");
    }
}

#[actix_rt::test]
async fn without_a_built_in_simulator_there_are_no_commands() {
    let app = TestApp::serving(&["main"]).await;
    let (status, reply) = command(&app, Method::GET, "/simulator/apps", Value::Null).await;
    assert_eq!((status, &reply["error"]), (404, &json!("not_found")));
}

#[test]
fn the_server_prints_a_command_that_issues_a_code() {
    let folder = Folder::new();
    let server = Binary::start(&folder, &[]);
    let path = "/simulator/users/mei/login-code";
    let line = format!(
        "a login code: curl -d '' http://127.0.0.1:{}{path}",
        server.port
    );
    assert!(server.output().contains(&line), "{}", server.output());
    let (status, code) = server.ask("POST", path, "", "");
    assert_eq!(status, 200, "{code}");
    server.log_in(code["code"].as_str().unwrap());
}
