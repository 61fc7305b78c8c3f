//! `GET /admin/users` and `POST /admin/users/find`: searches for users.

use actix_web::{Error, Responder, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::account::KeptPhoneNumbers;
use crate::administration::{Administration, Cursor, MAX_PAGE, Page, Search};
use crate::error::{ApiError, ErrorCode};
use crate::handlers::reply::{Envelope, Success};
use crate::identity::{OpenId, PhoneText, UnionId};
use crate::middleware::json::{Json, StringField};
use crate::session::User;
use crate::time::rfc3339;

/// Number of users on a page, unless the request names another.
const PAGE: u8 = 50;

/// The filters. All are optional.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsersQuery {
    /// Name or AppID of a mini program.
    #[param(required = false)]
    app: Option<String>,
    /// A part of the nickname, in the same case.
    #[param(required = false)]
    nickname: Option<String>,
    /// Only users whose first login was at this time or later, as RFC 3339.
    #[param(required = false, format = DateTime)]
    created_since: Option<String>,
    /// `true` for blocked users only.
    #[param(required = false)]
    blocked: Option<bool>,
    /// `next` of the previous page.
    #[param(required = false)]
    cursor: Option<String>,
    /// Maximum number of users on the page; 50 if it is absent.
    #[param(required = false, minimum = 1, maximum = 100)]
    limit: Option<u8>,
}

/// The search by openid, by unionid or by phone number: one of them. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
pub struct FindUsersRequest {
    /// The user's id in a mini program at WeChat.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, examples("oGZUI0egBJY1zhBYw2KhdUfwVJJE"))]
    openid: StringField,
    /// The user's id in an Open Platform account. Found only for apps with `apps.<name>.open_platform`.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, examples("o6_bmasdasdsad6_2sgVt7hMZOPfL"))]
    unionid: StringField,
    /// A phone number that is kept with its user (`user.keep_phone_number`), with `+` and its country code if it is not Chinese.
    #[serde(default)]
    #[schema(value_type = String, required = false, min_length = 1, examples("13580006666"))]
    phone_number: StringField,
    /// Name or AppID of the app of an openid or unionid. Without it, all are searched.
    #[schema(required = false)]
    app: Option<String>,
    /// Name of the Open Platform account of a unionid, in place of `app`.
    #[schema(required = false)]
    open_platform: Option<String>,
}

/// A page of users, the newest first.
#[derive(Serialize, ToSchema)]
struct UserListData {
    /// There may be fewer than the limit, or none, although others follow.
    users: Vec<AdminUser>,
    /// The `cursor` of the next page. `null` on the last one.
    #[schema(required = true)]
    next: Option<String>,
}

/// The users with the openid, at most one for each mini program, or with the unionid or the phone number.
#[derive(Serialize, ToSchema)]
struct FoundUsersData {
    users: Vec<AdminUser>,
}

/// A user. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize, ToSchema)]
pub(super) struct AdminUser {
    #[schema(examples("13b59f2d606a1ae73cc4cada73866b62"))]
    id: String,
    /// The AppID of the mini program. `null` if the last login was before this was recorded.
    #[schema(required = true, examples("wx0123456789abcdef"))]
    app: Option<String>,
    /// The user's id in the mini program at WeChat, if `admin.disclose_openid` is set.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = String, required = false, examples("oGZUI0egBJY1zhBYw2KhdUfwVJJE"))]
    openid: Option<String>,
    #[schema(required = true, examples("小美"))]
    nickname: Option<String>,
    #[schema(required = true, examples("https://cdn.example.com/mei.png"))]
    avatar_url: Option<String>,
    /// The time of the first login.
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    created_at: String,
    /// The block. `null` for a user who may log in.
    #[schema(required = true)]
    block: Option<AdminBlock>,
}

/// The block of a user.
#[derive(Serialize, ToSchema)]
struct AdminBlock {
    #[schema(format = DateTime, examples("2026-11-24T08:30:00.000Z"))]
    at: String,
    #[schema(required = true, examples("spam"))]
    reason: Option<String>,
}

/// Lists users, the newest first.
///
/// # Errors
/// `user_query_malformed`; `store_unavailable`.
#[utoipa::path(
    get,
    path = "/admin/users",
    params(ListUsersQuery),
    responses((status = 200, body = Envelope<UserListData>)),
)]
pub async fn list_users(
    administration: web::Data<Administration>,
    query: Result<web::Query<ListUsersQuery>, Error>,
) -> Result<impl Responder, ApiError> {
    let malformed = |cause: String| ApiError::from(ErrorCode::UserQueryMalformed).with_cause(cause);
    let query = query.map_err(|error| malformed(error.to_string()))?;
    let search = query.into_inner().search().map_err(malformed)?;
    let Page { users, next } = administration.list(search).await?;
    Ok(Success(UserListData {
        users: AdminUser::all(&users, &administration),
        next: next.map(|cursor| cursor.to_string()),
    }))
}

/// Finds users by openid, by unionid or by phone number.
///
/// They are in the body, because URLs are logged.
///
/// # Errors
/// `openid_missing`; `store_unavailable`.
#[utoipa::path(
    post,
    path = "/admin/users/find",
    request_body = FindUsersRequest,
    responses((status = 200, body = Envelope<FoundUsersData>)),
)]
pub async fn find_users(
    administration: web::Data<Administration>,
    phone_numbers: web::Data<KeptPhoneNumbers>,
    Json(request): Json<FindUsersRequest>,
) -> Result<impl Responder, ApiError> {
    use StringField::{Missing, String};
    let app = request.app.as_deref();
    let users = match (&request.openid, &request.unionid, &request.phone_number) {
        (String(openid), Missing, Missing) if !openid.is_empty() => {
            let openid = OpenId::new(openid.as_str());
            administration.find(&openid, app).await?
        }
        (Missing, String(unionid), Missing) if !unionid.is_empty() => {
            let unionid = UnionId::new(unionid.as_str());
            let within = request.open_platform.as_deref().or(app);
            administration.find_person(&unionid, within).await?
        }
        (Missing, Missing, String(number)) if !number.is_empty() => {
            let number = PhoneText::new(number.as_str());
            phone_numbers.users(&number).await?
        }
        _ => return Err(ErrorCode::OpenidMissing.into()),
    };
    Ok(Success(FoundUsersData {
        users: AdminUser::all(&users, &administration),
    }))
}

impl ListUsersQuery {
    fn search(self) -> Result<Search, String> {
        let created_since = self.created_since.map(|time| time.parse()).transpose();
        let after = self.cursor.map(|text| Cursor::parse(&text));
        let limit = self.limit.unwrap_or(PAGE);
        if !(1..=MAX_PAGE).contains(&limit) {
            return Err(format!("a limit of {limit}"));
        }
        Ok(Search {
            app: self.app,
            nickname: self.nickname,
            created_since: created_since.map_err(|error: jiff::Error| error.to_string())?,
            blocked: self.blocked.unwrap_or(false),
            after: after
                .map(|cursor| cursor.ok_or("a malformed cursor"))
                .transpose()?,
            limit,
        })
    }
}

impl AdminUser {
    pub(super) fn new(user: &User, administration: &Administration) -> Self {
        let openid = administration.openid(user);
        Self {
            id: user.id.to_string(),
            app: user.app.as_ref().map(|app| app.as_str().to_owned()),
            openid: openid.map(|openid| openid.expose().to_owned()),
            nickname: user.profile.nickname.clone(),
            avatar_url: user.profile.avatar_url.clone(),
            created_at: rfc3339(user.created_at),
            block: user.block.as_ref().map(|block| AdminBlock {
                at: rfc3339(block.at),
                reason: block.reason.clone(),
            }),
        }
    }

    fn all(users: &[User], administration: &Administration) -> Vec<Self> {
        let new = |user| Self::new(user, administration);
        users.iter().map(new).collect()
    }
}
