//! `GET /user` and `PUT /user`: the user's profile.

use actix_web::{HttpRequest, Responder, web};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use utoipa::ToSchema;

use crate::account::{AvatarUrl, Avatars, KeptPhoneNumbers, Nickname, Profiles};
use crate::error::{ApiError, ErrorCode};
use crate::handlers::phone::PhoneNumberData;
use crate::handlers::reply::{Envelope, Success};
use crate::middleware::json::Json;
use crate::session::{Change, ProfileChange, User};
use crate::sessions::CurrentSession;
use crate::time::rfc3339;

/// The changes: at least one field. An absent field keeps its value; `null` clears it.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "nickname": "小美", "avatar_url": "https://cdn.example.com/mei.png" })))]
pub struct UpdateUserRequest {
    /// At most 64 characters in one line.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 64, pattern = r"^\s*[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*\s*$")]
    nickname: Option<Value>,
    /// An `https` URL of at most 2048 bytes.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, max_length = 2048, pattern = r"^\s*(https://[0-9A-Za-z\[\]-][0-9A-Za-z.:\[\]-]*([/?#][!#$%&()*+,./0-9:;=?@A-Z\[\]_a-z~-]*)?)?\s*$")]
    avatar_url: Option<Value>,
    /// The same as `nickname`, as WeChat names it. Ignored if `nickname` is present.
    #[serde(default, rename = "nickName", deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    wechat_nickname: Option<Value>,
    /// The same as `avatar_url`, as WeChat names it. Ignored if `avatar_url` is present.
    #[serde(default, rename = "avatarUrl", deserialize_with = "present")]
    #[schema(value_type = Option<String>)]
    wechat_avatar_url: Option<Value>,
}

/// The user, for both routes.
#[derive(Serialize, ToSchema)]
pub(super) struct UserData {
    user: UserProfile,
}

/// The user and their profile.
#[derive(Serialize, ToSchema)]
struct UserProfile {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
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

/// Returns the user.
#[utoipa::path(
    get,
    path = "/user",
    responses((status = 200, body = Envelope<UserData>)),
)]
pub async fn get_user(live: CurrentSession, http: HttpRequest) -> impl Responder {
    Success(UserData::new(live.user().clone(), &http))
}

/// Updates the profile and returns the user.
///
/// # Errors
/// `profile_missing`, `nickname_malformed` and `avatar_url_malformed` without any change; `store_unavailable`.
#[utoipa::path(
    put,
    path = "/user",
    request_body = UpdateUserRequest,
    responses((status = 200, body = Envelope<UserData>)),
)]
pub async fn update_user(
    current: CurrentSession,
    profiles: web::Data<Profiles>,
    avatars: web::Data<Avatars>,
    http: HttpRequest,
    Json(request): Json<UpdateUserRequest>,
) -> Result<impl Responder, ApiError> {
    let before = current.user();
    let user = profiles.change(before.id, request.change()?).await?;
    avatars.remove_replaced(before, &user).await;
    Ok(Success(UserData::new(user, &http)))
}

impl UpdateUserRequest {
    fn change(&self) -> Result<ProfileChange, ApiError> {
        let nickname = self.nickname.as_ref().or(self.wechat_nickname.as_ref());
        let avatar_url = self.avatar_url.as_ref().or(self.wechat_avatar_url.as_ref());
        // A body that is no JSON object reads as one without fields.
        if nickname.is_none() && avatar_url.is_none() {
            return Err(ErrorCode::ProfileMissing.into());
        }
        Ok(ProfileChange {
            nickname: field(nickname, Nickname::parse, ErrorCode::NicknameMalformed)?,
            avatar_url: field(avatar_url, AvatarUrl::parse, ErrorCode::AvatarUrlMalformed)?,
        })
    }
}

fn field<T, E>(
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

/// Reads a field that is present, even if it is `null`.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

impl UserData {
    /// Describes a user, with the phone number that the request's App keeps.
    pub(super) fn new(user: User, http: &HttpRequest) -> Self {
        let phone_numbers = http.app_data::<web::Data<KeptPhoneNumbers>>();
        let phone = phone_numbers.and_then(|numbers| numbers.of(&user));
        Self {
            user: UserProfile {
                id: user.id.to_string(),
                phone: phone.map(Into::into),
                nickname: user.profile.nickname,
                avatar_url: user.profile.avatar_url,
                created_at: rfc3339(user.created_at),
            },
        }
    }
}
