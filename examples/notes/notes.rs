//! `GET /notes` and `POST /notes`: the notes of the current user.

use actix_web::http::StatusCode;
use actix_web::{Responder, web};
use serde::{Deserialize, Serialize};
use weapp_login::annotated;
use weapp_login::error::{ApiError, ErrorCode, ErrorDefinition};
use weapp_login::handlers::{EmptyData, Envelope, Success};
use weapp_login::middleware::json::Json;
use weapp_login::routes::{Guard, Row};
use weapp_login::sessions::CurrentUser;
use weapp_login::utoipa::{self, ToSchema};

use crate::store::Notes;

/// Maximum length of a note, in characters.
const MAX_CHARACTERS: usize = 1000;

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

/// The notes of the user, oldest first.
#[derive(Serialize, ToSchema)]
struct NotesData {
    notes: Vec<String>,
}

/// The body of `POST /notes`.
#[derive(Deserialize, ToSchema)]
struct NewNote {
    text: String,
}

pub(crate) fn routes() -> Vec<Row> {
    vec![
        Row::get("/notes", Guard::Session, annotated!(list_notes)),
        Row::post("/notes", Guard::Session, annotated!(add_note))
            .errors([NOTE_MALFORMED, NOTES_FULL]),
    ]
}

/// Returns the user's notes.
#[utoipa::path(get, path = "/notes", responses((status = 200, body = Envelope<NotesData>)))]
async fn list_notes(
    user: CurrentUser,
    notes: web::Data<Notes>,
) -> Result<impl Responder, ApiError> {
    let notes = query(notes, move |notes| notes.list(user.id())).await?;
    Ok(Success(NotesData { notes }))
}

/// Adds a note.
#[utoipa::path(
    post,
    path = "/notes",
    request_body = NewNote,
    responses((status = 200, body = Envelope<EmptyData>)),
)]
async fn add_note(
    user: CurrentUser,
    notes: web::Data<Notes>,
    Json(note): Json<NewNote>,
) -> Result<impl Responder, ApiError> {
    if !(1..=MAX_CHARACTERS).contains(&note.text.chars().count()) {
        return Err(NOTE_MALFORMED.into());
    }
    if !query(notes, move |notes| notes.add(user.id(), &note.text)).await? {
        return Err(NOTES_FULL.into());
    }
    Ok(Success(EmptyData {}))
}

/// Runs a query on actix's pool of blocking threads.
async fn query<T: Send + 'static>(
    notes: web::Data<Notes>,
    run: impl FnOnce(&Notes) -> rusqlite::Result<T> + Send + 'static,
) -> Result<T, ApiError> {
    let internal = || ApiError::from(ErrorCode::Internal);
    let result = web::block(move || run(&notes)).await;
    let result = result.map_err(|error| internal().with_cause(error))?;
    result.map_err(|error| internal().with_cause(error))
}
