//! The notes, against the whole app, a simulated WeChat, and a store of the test's own.

use actix_web::test::{TestRequest, call_and_read_body_json, init_service};
use serde_json::{Value, json};

use super::*;

#[actix_rt::test]
async fn a_user_finds_their_notes_again() {
    let wechat = Simulator::start(Options::new(1)).await.unwrap();
    let folder = env::temp_dir().join(format!("notes-{}", std::process::id()));
    let store = format!("sqlite://{}/notes.db", folder.display());
    let settings = Settings::load([("WEAPP_STORE__URL", store)], Path::new("none")).unwrap();
    let parts = Parts::new(&settings.settings, Some(&wechat), true).unwrap();
    let notes = web::Data::new(Notes::default());
    let app = init_service(app_with(&parts, notes::routes()).app_data(notes)).await;
    let call = async |request: TestRequest| -> Value {
        call_and_read_body_json(&app, request.to_request()).await
    };

    let refused = call(TestRequest::get().uri("/notes")).await;
    assert_eq!(refused["error"], "session_required");

    let login = json!({ "code": wechat.issue_code("mei") });
    let login = call(TestRequest::post().uri("/login").set_json(login)).await;
    let token = login["data"]["token"].as_str().unwrap();
    let bearer = ("authorization", format!("Bearer {token}"));
    let post = |text: &str| {
        let request = TestRequest::post()
            .uri("/notes")
            .insert_header(bearer.clone());
        request.set_json(json!({ "text": text }))
    };
    assert_eq!(call(post("buy tea")).await["message"], "success!");
    let refused = call(post("")).await;
    assert_eq!(refused["error"], "note_malformed");
    assert!(refused["request_id"].is_string(), "{refused}");

    // The path in another spelling, as Express takes it.
    let list = TestRequest::get()
        .uri("/Notes/")
        .insert_header(bearer.clone());
    assert_eq!(call(list).await["data"], json!({ "notes": ["buy tea"] }));
    std::fs::remove_dir_all(folder).unwrap();
}
