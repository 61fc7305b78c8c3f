//! `GET /auth`: authorizes a request for a gateway in front of other services.

use actix_web::http::header::HeaderName;
use actix_web::{Responder, web};

use crate::error::{ApiError, ErrorCode};
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::identity::Disclosure;
use crate::sessions::{CurrentUser, Sessions};

const USER_ID: HeaderName = HeaderName::from_static("x-user-id");
const APP: HeaderName = HeaderName::from_static("x-app");
const OPENID: HeaderName = HeaderName::from_static("x-openid");

/// Returns `X-User-Id` and `X-App` (the AppID), and `X-Openid` if the settings disclose it. Counts as a use of the session.
/// A request of any method to any path below `/auth/` has the same reply, as Envoy's `ext_authz` needs it.
///
/// # Errors
/// `session_required`, also if the openid does not decrypt, which a new login fixes; `store_unavailable`.
#[utoipa::path(
    get,
    path = "/auth",
    responses((status = 200, body = Envelope<EmptyData>, headers(
        ("X-User-Id" = String, description = "The user's id."),
        ("X-App" = String, description = "The mini program's AppID."),
        ("X-Openid" = Option<String>, description = "Only if the settings disclose it."),
    ))),
)]
pub async fn authorize(
    current: CurrentUser,
    sessions: web::Data<Sessions>,
    disclosure: web::Data<Disclosure>,
) -> Result<impl Responder, ApiError> {
    let mut response = Success(EmptyData {})
        .customize()
        .insert_header((USER_ID, current.id().to_string()))
        .insert_header((APP, current.app().id().to_string()));
    if disclosure.openid {
        let live = sessions.load(&current).await?;
        let openid = live.and_then(|live| live.openid());
        let openid = openid.ok_or(ErrorCode::SessionRequired)?;
        response = response.insert_header((OPENID, openid.expose()));
    }
    Ok(response)
}
