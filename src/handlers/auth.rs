//! `GET /auth`: tells a gateway in front of other services whose request it holds.
//!
//! Knows the headers that the gateway hands on. Never knows which gateway asks, or what for.

use actix_web::http::header::HeaderName;
use actix_web::{Responder, web};

use crate::error::{ApiError, ErrorCode};
use crate::handlers::{Envelope, Nothing, Success};
use crate::identity::Disclosure;
use crate::sessions::{CurrentUser, Sessions};

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const APP: HeaderName = HeaderName::from_static("x-app");
const OPENID: HeaderName = HeaderName::from_static("x-openid");

/// Answers 200 with `X-User-Id` and `X-App` (the AppID); with `X-Openid` if the settings disclose it. Counts as a use of the
/// session.
///
/// # Errors
/// `session_required`, also where the openid is wanted and cannot be opened, which a login mends; `store_unavailable`.
#[utoipa::path(
    get,
    path = "/auth",
    responses((status = 200, body = Envelope<Nothing>, headers(
        ("X-User-Id" = String, description = "The user's id."),
        ("X-App" = String, description = "The mini program's AppID."),
        ("X-Openid" = Option<String>, description = "Only if the settings disclose it."),
    ))),
)]
pub async fn check(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    disclosure: web::Data<Disclosure>,
) -> Result<impl Responder, ApiError> {
    let mut headers = vec![
        (USER_ID, current.id().to_string()),
        (APP, current.app().id().to_string()),
    ];
    if disclosure.openid {
        let live = sessions.load(&current).await?;
        let openid = live.and_then(|live| live.openid());
        let openid = openid.ok_or(ErrorCode::SessionRequired)?;
        headers.push((OPENID, openid.expose().to_owned()));
    }
    let mut reply = Success(Nothing {}).customize();
    for header in headers {
        reply = reply.insert_header(header);
    }
    Ok(reply)
}
