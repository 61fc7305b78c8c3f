//! Tests of the JSON log: one object per line, with the user and the route, and without secrets.

use serde_json::{Value, json};

use crate::harness::Folder;
use crate::server::{Binary, Connection};

const CODE: &str = "0123456789abcdef0123456789abcdef";

/// Returns a server's output after some requests, and the token and the user of the first one.
fn output_of_some_requests() -> (String, String, String) {
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &[("WEAPP_LOG__STYLE", "json")]);
    let (token, user) = server.log_in("the code is a mock one");
    let mut connection = Connection::to(server.port);
    connection.ask("DELETE", "/sessions/no-such?token=x", &token, "");
    connection.ask("GET", "/nope", "", "");
    let login = json!({ "code": CODE }).to_string();
    for _attempt in 0..2 {
        connection.ask("POST", "/login", "", &login);
    }
    (server.stop(), token, user)
}

/// Removes the fields of an access line that every line has or that depend on time.
fn fields(line: &Value) -> Value {
    assert_eq!(line["request_id"].as_str().unwrap().len(), 16, "{line}");
    assert!(line["ms"].as_f64().is_some_and(|ms| ms > 0.0), "{line}");
    let mut line = line.clone();
    for removed in ["time", "level", "target", "message", "request_id", "ms"] {
        assert!(line.as_object_mut().unwrap().remove(removed).is_some());
    }
    line
}

#[test]
fn each_line_is_one_object_with_the_user_and_the_route() {
    let (output, token, user) = output_of_some_requests();
    let parse = |line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"));
    let lines: Vec<Value> = output.lines().map(parse).collect();
    let is_access = |line: &&Value| line["target"] == "access";
    let access: Vec<_> = lines.iter().filter(is_access).collect();
    let app = &access[0]["app"];
    assert!(app.as_str().is_some_and(|app| app.starts_with("wx")));
    let user: String = user.chars().take(8).collect();
    assert_eq!(
        access.iter().map(|line| fields(line)).collect::<Vec<_>>(),
        [
            json!({ "method": "POST", "path": "/login", "status": 200, "app": app, "user": user }),
            json!({ "method": "DELETE", "path": "/sessions/{id}", "status": 404, "app": app, "user": user }),
            json!({ "method": "GET", "status": 404 }),
            json!({ "method": "POST", "path": "/login", "status": 200, "app": app, "user": access[3]["user"] }),
            json!({ "method": "POST", "path": "/login", "status": 401, "errcode": 40163 }),
        ]
    );
    let of_the_error = |line: &&Value| line["errcode"] == 40163 && !is_access(line);
    let cause = lines.iter().find(of_the_error).unwrap();
    assert_eq!(cause["request_id"], access[4]["request_id"]);
    for secret in [&token, "token=x"] {
        assert!(!output.contains(secret), "{output}");
    }
    // Only the lines of received bodies show a code, and only with a simulated WeChat.
    let mut others = lines.iter().filter(|line| line["target"] != "body");
    assert!(
        others.all(|line| !line.to_string().contains(CODE)),
        "{output}"
    );
}
