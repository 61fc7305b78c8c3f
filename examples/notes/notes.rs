//! Notes that users keep: `GET /notes` and `POST /notes`.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use actix_web::http::StatusCode;
use actix_web::{Responder, web};
use serde::Deserialize;
use serde_json::json;
use weapp_login::error::{ApiError, ErrorDefinition};
use weapp_login::handlers::Success;
use weapp_login::identity::UserId;
use weapp_login::middleware::json::Json;
use weapp_login::routes::{Guard, Row};
use weapp_login::sessions::CurrentUser;

/// The longest note, in characters.
const MAX_CHARACTERS: usize = 1000;
/// How many notes a user may have.
const MAX_NOTES: usize = 100;

const NOTE_MALFORMED: ErrorDefinition = ErrorDefinition::new(
    StatusCode::BAD_REQUEST,
    "note_malformed",
    "A note must have 1 to 1000 characters.",
);

const NOTES_FULL: ErrorDefinition = ErrorDefinition::new(
    StatusCode::CONFLICT,
    "notes_full",
    "There is room for 100 notes: delete one first.",
);

/// The notes of all users. In memory: they are gone when the process ends.
#[derive(Default)]
pub(crate) struct Notes(Mutex<HashMap<UserId, Vec<String>>>);

/// The body of `POST /notes`.
#[derive(Deserialize)]
struct NewNote {
    text: String,
}

/// The routes. Behind `Guard::Session` a handler may take `CurrentUser`.
pub(crate) fn routes() -> Vec<Row> {
    vec![
        Row::get("/notes", Guard::Session, web::to(list)),
        Row::post("/notes", Guard::Session, web::to(add)).errors([NOTE_MALFORMED, NOTES_FULL]),
    ]
}

async fn list(user: CurrentUser, notes: web::Data<Notes>) -> impl Responder {
    Success(json!({ "notes": notes.of(user.id()) }))
}

async fn add(
    user: CurrentUser,
    notes: web::Data<Notes>,
    Json(note): Json<NewNote>,
) -> Result<impl Responder, ApiError> {
    if !(1..=MAX_CHARACTERS).contains(&note.text.chars().count()) {
        return Err(NOTE_MALFORMED.into());
    }
    if !notes.add(user.id(), note.text) {
        return Err(NOTES_FULL.into());
    }
    Ok(Success(json!({})))
}

impl Notes {
    fn of(&self, user: UserId) -> Vec<String> {
        let notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        notes.get(&user).cloned().unwrap_or_default()
    }

    /// Keeps a note; whether there was room.
    fn add(&self, user: UserId, text: String) -> bool {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let notes = notes.entry(user).or_default();
        let room = notes.len() < MAX_NOTES;
        if room {
            notes.push(text);
        }
        room
    }
}
