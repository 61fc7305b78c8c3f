//! `GET /user` and `PUT /user`: what the user shows of themselves.
//!
//! Knows the members of the request and of the reply. Never knows what a nickname may be.

use actix_web::{Responder, web};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::account::{AvatarUrl, Nickname, Profiles};
use crate::error::{ApiError, ErrorCode, Refuses};
use crate::handlers::{Envelope, Success, rfc3339};
use crate::middleware::json::Json;
use crate::session::{Change, ProfileChange, User};
use crate::sessions::{CurrentSession, CurrentUser};

/// What is to change. A member that is absent stays as it is; `null` clears it.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "nickname": "小美", "avatar_url": "https://cdn.example.com/mei.png" })))]
pub struct ProfileRequest {
    /// At most 64 characters, in one line.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 64, pattern = r"^\s*[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\s*$")]
    nickname: Option<Value>,
    /// An `https` address of at most 2048 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 2048, pattern = r"^\s*(https://[0-9A-Za-z\[\]-][0-9A-Za-z.:\[\]-]*([/?#][!#$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]*)?)?\s*$")]
    avatar_url: Option<Value>,
}

/// The reply to both.
#[derive(Serialize, ToSchema)]
struct ProfileReply {
    user: UserReply,
}

#[derive(Serialize, ToSchema)]
#[schema(as = User)]
struct UserReply {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    #[schema(required = true, examples("小美"))]
    nickname: Option<String>,
    #[schema(required = true, examples("https://cdn.example.com/mei.png"))]
    avatar_url: Option<String>,
    /// When the user first logged in.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
}

/// Shows the user.
#[utoipa::path(
    get,
    path = "/user",
    responses((status = 200, body = Envelope<ProfileReply>)),
)]
pub async fn show(live: CurrentSession) -> impl Responder {
    Success(ProfileReply::from(live.user().clone()))
}

/// Changes what the user shows, and answers with the user as they are then.
///
/// # Errors
/// `nickname_malformed` and `avatar_url_malformed`, and nothing is changed; `store_unavailable`.
#[utoipa::path(
    put,
    path = "/user",
    request_body = ProfileRequest,
    responses((status = 200, body = Envelope<ProfileReply>)),
)]
pub async fn change(
    current: CurrentUser,
    profiles: web::Data<Profiles>,
    Json(request): Json<ProfileRequest>,
) -> Result<impl Responder, ApiError> {
    let user = profiles.change(current.id(), request.change()?).await?;
    Ok(Success(ProfileReply::from(user)))
}

impl Refuses for ProfileRequest {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::NicknameMalformed, ErrorCode::AvatarUrlMalformed]
    }
}

impl ProfileRequest {
    fn change(&self) -> Result<ProfileChange, ApiError> {
        Ok(ProfileChange {
            nickname: member(
                self.nickname.as_ref(),
                Nickname::parse,
                ErrorCode::NicknameMalformed,
            )?,
            avatar_url: member(
                self.avatar_url.as_ref(),
                AvatarUrl::parse,
                ErrorCode::AvatarUrlMalformed,
            )?,
        })
    }
}

fn member<T, E>(
    given: Option<&Value>,
    parse: impl FnOnce(&str) -> Result<T, E>,
    malformed: ErrorCode,
) -> Result<Change, ApiError>
where
    Change: From<T>,
{
    match given {
        None => Ok(Change::Keep),
        Some(Value::Null) => Ok(Change::Clear),
        Some(Value::String(text)) => parse(text)
            .map(Change::from)
            .map_err(|_malformed| malformed.into()),
        Some(_) => Err(malformed.into()),
    }
}

/// Reads a member that is there, also if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl From<User> for ProfileReply {
    fn from(user: User) -> Self {
        Self {
            user: UserReply {
                id: user.id.to_string(),
                nickname: user.profile.nickname,
                avatar_url: user.profile.avatar_url,
                created_at: rfc3339(user.created_at),
            },
        }
    }
}
