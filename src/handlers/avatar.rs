//! `PUT /user/avatar`, `POST /user/avatar` and `GET /avatars/{name}`: the user's own picture.

use std::sync::Arc;

use actix_web::http::header::{
    CACHE_CONTROL, ETAG, EntityTag, HOST, Header as _, IfNoneMatch, X_CONTENT_TYPE_OPTIONS,
};
use actix_web::{HttpRequest, HttpResponse, Responder, web};
use utoipa::ToSchema;

use crate::account::Avatars;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::reply::{Envelope, Success};
use crate::handlers::user::UserData;
use crate::limits::Limits;
use crate::middleware::upload::{Upload, Uploads};
use crate::pictures::{PictureName, Storage};
use crate::sessions::CurrentSession;
use crate::settings::Settings;
use crate::store::Store;

/// The URL below which clients find the pictures.
#[derive(Debug, Clone)]
pub struct AvatarUrlBase {
    /// From the settings; empty if they have none.
    public_url: Arc<str>,
    /// Of this server.
    path: Arc<str>,
}

impl AvatarUrlBase {
    /// Takes `avatar.public_url` and `server.base_path`.
    pub fn new(public_url: &str, base_path: &str) -> Self {
        Self {
            public_url: public_url.into(),
            path: format!("{base_path}/avatars").into(),
        }
    }

    /// Returns the URL: absolute, because an `<image>` of a mini program takes no other one.
    fn of(&self, request: &HttpRequest) -> String {
        if !self.public_url.is_empty() {
            return self.public_url.to_string();
        }
        let scheme = match request.connection_info().scheme() {
            "https" => "https",
            _ => "http",
        };
        // Unlike a forwarded host, this one has been checked, and is no text that could break out of an HTML attribute.
        let host = request.headers().get(HOST);
        let host = host.and_then(|host| host.to_str().ok());
        let host = host.filter(|host| !host.is_empty()).unwrap_or("localhost");
        format!("{scheme}://{host}{}", self.path)
    }
}

/// The data of the handlers of avatars, which all workers share.
#[derive(Clone)]
pub struct AvatarData {
    /// The use case.
    pub avatars: web::Data<Avatars>,
    uploads: web::Data<Uploads>,
    url: web::Data<AvatarUrlBase>,
}

impl AvatarData {
    /// Creates the data from the settings. Without a storage, uploads are off.
    pub fn new(
        settings: &Settings,
        store: &Arc<dyn Store>,
        limits: &Arc<Limits>,
        storage: Option<Storage>,
    ) -> Self {
        let (avatar, base_path) = (&settings.avatar, &settings.server.base_path);
        let uploads = Uploads::new(storage.is_some(), avatar.max_bytes);
        let avatars = Avatars::new(Arc::clone(store), Arc::clone(limits), storage);
        Self {
            avatars: web::Data::new(avatars),
            uploads: web::Data::new(uploads),
            url: web::Data::new(AvatarUrlBase::new(&avatar.public_url, base_path)),
        }
    }

    /// Adds the data to a service.
    pub fn register(&self, api: &mut web::ServiceConfig) {
        api.app_data(self.avatars.clone())
            .app_data(self.uploads.clone())
            .app_data(self.url.clone());
    }
}

/// A picture.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[expect(dead_code, reason = "describes a body")]
pub struct Picture(Vec<u8>);

/// The picture in a multipart body, as `wx.uploadFile` sends it.
#[derive(ToSchema)]
pub struct AvatarForm {
    /// A JPEG, PNG or WebP. The field may have any name.
    #[expect(dead_code, reason = "describes a body")]
    file: Picture,
}

/// Makes the body, a JPEG, PNG or WebP, the user's picture, and returns the user.
///
/// The picture is scaled down to at most 512 by 512 pixels and stored as a JPEG without metadata. It replaces an earlier one.
///
/// # Errors
/// The `avatar_…` errors without any change; `store_unavailable`.
#[utoipa::path(
    put,
    path = "/user/avatar",
    request_body(content(
        (Picture = "image/jpeg"),
        (Picture = "image/png"),
        (Picture = "image/webp"),
    )),
    responses((status = 200, body = Envelope<UserData>)),
)]
pub async fn put_avatar(
    current: CurrentSession,
    avatars: web::Data<Avatars>,
    base: web::Data<AvatarUrlBase>,
    http: HttpRequest,
    mut upload: Upload,
) -> Result<impl Responder, ApiError> {
    let (user, file) = (current.user().clone(), upload.take());
    let avatars = avatars.into_inner();
    let changed = avatars.replace(user, file, base.of(&http)).await?;
    Ok(Success(UserData::new(changed, &http)))
}

/// Does the same with a multipart body: `wx.uploadFile` with the file of `chooseAvatar` and `name: "file"`.
///
/// # Errors
/// Those of `PUT /user/avatar`.
#[utoipa::path(
    post,
    path = "/user/avatar",
    request_body(content = AvatarForm, content_type = "multipart/form-data"),
    responses((status = 200, body = Envelope<UserData>)),
)]
pub async fn post_avatar(
    current: CurrentSession,
    avatars: web::Data<Avatars>,
    base: web::Data<AvatarUrlBase>,
    http: HttpRequest,
    upload: Upload,
) -> Result<impl Responder, ApiError> {
    put_avatar(current, avatars, base, http, upload).await
}

/// Returns a picture. It never changes, so clients may cache it without a limit.
///
/// # Errors
/// `not_found` if the picture was replaced or its user deleted; `avatar_unavailable`.
#[utoipa::path(
    get,
    path = "/avatars/{name}",
    params(("name" = String, Path, pattern = r"^[0-9a-f]{64}\.jpg$")),
    responses((status = 200, body = Picture, content_type = "image/jpeg"), (status = 304)),
)]
pub async fn get_avatar(
    name: web::Path<String>,
    avatars: web::Data<Avatars>,
    http: HttpRequest,
) -> Result<HttpResponse, ApiError> {
    let name = PictureName::parse(&name).ok_or(ErrorCode::NotFound)?;
    let picture = avatars.find(&name).await?.ok_or(ErrorCode::NotFound)?;
    let tag = EntityTag::new_strong(name.to_string());
    let is_known = match IfNoneMatch::parse(&http) {
        Ok(IfNoneMatch::Any) => true,
        Ok(IfNoneMatch::Items(tags)) => tags.iter().any(|known| known.weak_eq(&tag)),
        Err(_malformed) => false,
    };
    let mut response = if is_known {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((ETAG, tag.to_string()))
        .insert_header((CACHE_CONTROL, "public, max-age=31536000, immutable"))
        .insert_header((X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if is_known {
        return Ok(response.finish());
    }
    Ok(response.content_type("image/jpeg").body(picture))
}
