//! `GET /user/export` and `DELETE /user`: everything that is stored about the user, and its deletion.

use actix_web::{Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::account::{Deletion, Identities, Identity, KeptPhoneNumbers};
use crate::error::ApiError;
use crate::handlers::code_field;
use crate::handlers::phone::PhoneNumberData;
use crate::handlers::real_projects::RealProjects;
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::handlers::stored_session::StoredSession;
use crate::identity::{LoginCode, UserId};
use crate::middleware::client::Client;
use crate::middleware::json::{Json, StringField};
use crate::sessions::{CurrentSession, Sessions};
use crate::time::rfc3339;

/// The proof that the user asks for the deletion. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
pub struct DeleteUserRequest {
    /// A new code of `wx.login`.
    #[serde(default)]
    #[schema(value_type = String, required = true, pattern = "^(the code is a mock one|[0-9A-Za-z_-]{1,128})$")]
    code: StringField,
}

/// Everything that is stored about the user. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
struct ExportData {
    user: ExportedUser,
    /// The user in each app. There are several if apps share users.
    identities: Vec<ExportedIdentity>,
    sessions: Vec<StoredSession>,
}

/// The user and their profile.
#[derive(Serialize, ToSchema)]
struct ExportedUser {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// The user's id in the mini program at WeChat. `null` if the AppSecret has changed since the last login.
    #[schema(required = true, examples("oGZUI0egBJY1zhBYw2KhdUfwVJJE"))]
    openid: Option<String>,
    /// The user's id in the Open Platform account, if WeChat has sent one.
    #[schema(required = true, examples("o6_bmasdasdsad6_2sgVt7hMZOPfL"))]
    unionid: Option<String>,
    #[schema(required = true, examples("小美"))]
    nickname: Option<String>,
    #[schema(required = true, examples("https://cdn.example.com/mei.png"))]
    avatar_url: Option<String>,
    /// The time of the first login.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// The phone number, if it is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone: Option<PhoneNumberData>,
}

/// The user in one app.
#[derive(Serialize, ToSchema)]
struct ExportedIdentity {
    /// The id of the identity. If it was a user who was merged into this one, it is the id that they had before.
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// The AppID. `null` if the last login was before this was recorded.
    #[schema(required = true, examples("wx0123456789abcdef"))]
    app: Option<String>,
    /// The user's id in the app at WeChat. `null` if the app is not in the settings, or its AppSecret has changed since the last
    /// login.
    #[schema(required = true, examples("oGZUI0egBJY1zhBYw2KhdUfwVJJE"))]
    openid: Option<String>,
    /// The user's id in the Open Platform account, if WeChat has sent one.
    #[schema(required = true, examples("o6_bmasdasdsad6_2sgVt7hMZOPfL"))]
    unionid: Option<String>,
    /// The time of the first login in the app.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// The nickname of a user who was merged into this one. It is kept so that the merge can be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("小美"))]
    nickname: Option<String>,
    /// The picture of a merged user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, examples("https://cdn.example.com/mei.png"))]
    avatar_url: Option<String>,
    /// The phone number of a merged user.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    phone: Option<PhoneNumberData>,
}

/// Returns everything that is stored about the user.
///
/// # Errors
/// `store_unavailable`.
#[utoipa::path(
    get,
    path = "/user/export",
    responses((status = 200, body = Envelope<ExportData>)),
)]
pub async fn export_user(
    current: CurrentSession,
    sessions: web::Data<Sessions>,
    identities: web::Data<Identities>,
    phone_numbers: web::Data<KeptPhoneNumbers>,
) -> Result<impl Responder, ApiError> {
    let user = current.user().id;
    let stored = sessions.stored(user).await?;
    let identities = identities.of(user).await?;
    let identities = identities
        .into_iter()
        .map(|identity| ExportedIdentity::new(identity, user));
    let exported = stored
        .iter()
        .map(|session| StoredSession::new(session, sessions.ends_at(session)));
    Ok(Success(ExportData {
        sessions: exported.collect(),
        identities: identities.collect(),
        user: ExportedUser::new(&current, &phone_numbers),
    }))
}

/// Deletes the user with their profile and all sessions (账号注销).
///
/// The code proves that the user asks for it in their mini program. Their next login creates a new user.
///
/// # Errors
/// `code_missing` and `code_malformed`; `proof_code_invalid` if the code is not a new one of this user; the errors of the
/// call to WeChat and of the store.
#[utoipa::path(
    delete,
    path = "/user",
    request_body = DeleteUserRequest,
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn delete_user(
    current: CurrentSession,
    deletion: web::Data<Deletion>,
    real_projects: web::Data<RealProjects>,
    client: Client,
    Json(request): Json<DeleteUserRequest>,
) -> Result<impl Responder, ApiError> {
    let code = code_field::parse(&request.code, LoginCode::parse)?;
    real_projects.adopt(&code, client.referer.as_ref(), &client.device);
    deletion.into_inner().delete(current, code).await?;
    Ok(Success(EmptyData {}))
}

impl ExportedIdentity {
    fn new(identity: Identity, user: UserId) -> Self {
        let is_own = identity.id == user;
        // The user's own profile is in `user`.
        let merged = (!is_own).then_some((identity.profile, identity.phone_number));
        let (profile, phone_number) = merged.unwrap_or_default();
        Self {
            id: identity.id.to_string(),
            nickname: profile.nickname,
            avatar_url: profile.avatar_url,
            phone: phone_number.map(Into::into),
            app: identity.app.map(|app| app.as_str().to_owned()),
            openid: identity.openid.map(|id| id.expose().to_owned()),
            unionid: identity.unionid.map(|id| id.expose().to_owned()),
            created_at: rfc3339(identity.created_at),
        }
    }
}

impl ExportedUser {
    fn new(current: &CurrentSession, phone_numbers: &KeptPhoneNumbers) -> Self {
        let user = current.user();
        Self {
            id: user.id.to_string(),
            openid: current.openid().map(|id| id.expose().to_owned()),
            unionid: current.unionid().map(|id| id.expose().to_owned()),
            nickname: user.profile.nickname.clone(),
            avatar_url: user.profile.avatar_url.clone(),
            created_at: rfc3339(user.created_at),
            phone: phone_numbers.of(user).map(Into::into),
        }
    }
}
