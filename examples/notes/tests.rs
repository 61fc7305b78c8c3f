//! The notes in the whole app, with a simulated WeChat and temporary files.

use actix_web::test::TestRequest;
use serde_json::json;
use weapp_login::identity::UserId;
use weapp_login::testing::TestApp;

use super::*;

async fn start() -> TestApp {
    TestApp::start(|parts| {
        let notes = Notes::open(Path::new(":memory:")).unwrap();
        app_with(parts, notes::routes()).app_data(web::Data::new(notes))
    })
    .await
}

#[actix_rt::test]
async fn a_user_finds_only_their_own_notes() {
    let app = start().await;
    let mei = app.log_in("mei").await;
    let jun = app.log_in("jun").await;
    let add = mei.post("/notes").set_json(json!({ "text": "buy tea" }));
    assert_eq!(app.call(add).await.json()["message"], "success!");
    let notes = app.call(mei.get("/notes")).await.json();
    assert_eq!(notes["data"], json!({ "notes": ["buy tea"] }));
    let notes = app.call(jun.get("/notes")).await.json();
    assert_eq!(notes["data"], json!({ "notes": [] }));
}

#[actix_rt::test]
async fn notes_require_a_session_in_any_spelling_of_the_path() {
    let app = start().await;
    let reply = app.call(TestRequest::get().uri("/Notes/")).await;
    assert_eq!(reply.json()["error"], "session_required");
}

#[actix_rt::test]
async fn the_bounds_of_notes_are_checked() {
    let app = start().await;
    let mei = app.log_in("mei").await;
    let add = |text: &str| mei.post("/notes").set_json(json!({ "text": text }));
    for text in ["", &"茶".repeat(1001)] {
        let reply = app.call(add(text)).await.json();
        assert_eq!(reply["error"], "note_malformed");
        assert!(reply["request_id"].is_string(), "{reply}");
    }
    for _ in 0..100 {
        let reply = app.call(add(&"茶".repeat(1000))).await;
        assert_eq!(reply.status, 200);
    }
    let reply = app.call(add("one more")).await.json();
    assert_eq!(reply["error"], "notes_full");
}

#[actix_rt::test]
async fn notes_are_kept_and_migrations_run_once() {
    let app = start().await;
    let file = app.folder().join("notes.db");
    let user = UserId::parse("13b59f2d606a1ae73cc4cada73866b62").unwrap();
    assert!(Notes::open(&file).unwrap().add(user, "buy tea").unwrap());
    assert_eq!(Notes::open(&file).unwrap().list(user).unwrap(), ["buy tea"]);
}

#[actix_rt::test]
async fn the_routes_are_in_the_openapi_document() {
    let app = start().await;
    let document = app
        .call(TestRequest::get().uri("/openapi.json"))
        .await
        .json();
    let add = &document["paths"]["/notes"]["post"];
    assert_eq!(add["operationId"], "add_note");
    assert_eq!(add["security"], json!([{ "bearer": [] }]));
    let examples =
        |status: &str| &add["responses"][status]["content"]["application/json"]["examples"];
    assert!(examples("400")["note_malformed"].is_object(), "{add}");
    assert!(examples("409")["notes_full"].is_object(), "{add}");
    assert!(document["components"]["schemas"]["NotesReply"].is_object());
}
