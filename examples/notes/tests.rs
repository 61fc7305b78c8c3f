//! The notes, against the whole app, a simulated WeChat, and a store of the test's own.

use actix_web::test::{TestRequest, call_and_read_body_json, init_service};
use serde_json::{Value, json};

use super::*;

#[actix_rt::test]
async fn a_user_finds_their_notes_again_and_nobody_elses() {
    let wechat = Simulator::start(Options::new(1)).await.unwrap();
    let folder = env::temp_dir().join(format!("notes-{}", std::process::id()));
    let store = format!("sqlite://{}/notes.db", folder.display());
    let settings = Settings::load([("WEAPP_STORE__URL", store)], Path::new("none")).unwrap();
    let parts = Parts::new(&settings.settings, Some(&wechat), true)
        .await
        .unwrap();
    let notes = web::Data::new(Notes::default());
    let app = init_service(app_with(&parts, notes::routes()).app_data(notes)).await;
    let call = async |request: TestRequest| -> Value {
        call_and_read_body_json(&app, request.to_request()).await
    };
    let log_in = async |user: &str| {
        let body = json!({ "code": wechat.issue_code(user) });
        let reply = call(TestRequest::post().uri("/login").set_json(body)).await;
        let token = reply["data"]["token"].as_str().unwrap();
        ("authorization", format!("Bearer {token}"))
    };
    let (mei, jun) = (&log_in("mei").await, &log_in("jun").await);
    let list = |user: &(_, String)| TestRequest::get().uri("/notes").insert_header(user.clone());
    let add = |text: &str| {
        let request = TestRequest::post().uri("/notes").insert_header(mei.clone());
        request.set_json(json!({ "text": text }))
    };

    assert_eq!(call(add("buy tea")).await["message"], "success!");
    assert_eq!(
        call(list(mei)).await["data"],
        json!({ "notes": ["buy tea"] })
    );
    assert_eq!(call(list(jun)).await["data"], json!({ "notes": [] }));
    let nobody = call(TestRequest::get().uri("/Notes/")).await;
    assert_eq!(nobody["error"], "session_required", "in any spelling");

    for text in ["", &"茶".repeat(1001)] {
        let refused = call(add(text)).await;
        assert_eq!(refused["error"], "note_malformed");
        assert!(refused["request_id"].is_string(), "{refused}");
    }
    for _ in 1..100 {
        assert_eq!(call(add(&"茶".repeat(1000))).await["code"], 0);
    }
    assert_eq!(call(add("one more")).await["error"], "notes_full");
    std::fs::remove_dir_all(folder).unwrap();
}
