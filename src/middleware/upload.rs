//! Extracts an uploaded file: the body itself, or the file in a multipart body.

use std::collections::HashSet;
use std::future::ready;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use actix_multipart::Multipart;
use actix_web::dev::Payload;
use actix_web::http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use actix_web::rt::time::timeout;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, web};
use futures_util::future::LocalBoxFuture;
use futures_util::{StreamExt as _, stream};

use crate::error::{ApiError, ErrorCode};
use crate::identity::UserId;
use crate::middleware::json::ClientDisconnected;
use crate::sessions::CurrentUser;

/// Maximum number of uploads in progress, one for each user. Our choice: their bodies fit into memory.
const MAX_UPLOADS: usize = 16;
/// Maximum time in which a body must arrive. Our choice: 2 MiB over a slow mobile connection.
const TIME_LIMIT: Duration = Duration::from_secs(30);
/// Room for the headers and other fields of a multipart body, in bytes.
const MULTIPART_OVERHEAD: usize = 16 * 1024;

/// An uploaded file, which counts as in progress until this is dropped.
pub struct Upload {
    file: Vec<u8>,
    _place: Place,
}

impl Upload {
    /// Takes the file. Keep the rest until the file has been processed.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.file)
    }
}

/// The uploads in progress.
#[derive(Debug)]
pub struct Uploads {
    is_on: bool,
    max_bytes: usize,
    users: Mutex<HashSet<UserId>>,
}

impl Uploads {
    /// Allows files of this size. Unless `is_on`, every upload is rejected.
    pub fn new(is_on: bool, max_bytes: usize) -> Self {
        Self {
            is_on,
            max_bytes,
            users: Mutex::default(),
        }
    }
}

/// The place of one upload among those in progress.
struct Place {
    uploads: web::Data<Uploads>,
    user: UserId,
}

impl Place {
    fn take(uploads: web::Data<Uploads>, user: UserId) -> Result<Self, ErrorCode> {
        if !uploads.is_on {
            return Err(ErrorCode::AvatarOff);
        }
        let mut users = uploads.users.lock().unwrap_or_else(PoisonError::into_inner);
        if users.len() >= MAX_UPLOADS || !users.insert(user) {
            return Err(ErrorCode::AvatarUnavailable);
        }
        drop(users);
        Ok(Self { uploads, user })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let users = self.uploads.users.lock();
        users
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&self.user);
    }
}

impl FromRequest for Upload {
    type Error = ApiError;
    type Future = LocalBoxFuture<'static, Result<Self, ApiError>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let user = request.extensions().get().map(CurrentUser::id);
        let uploads = request.app_data::<web::Data<Uploads>>().cloned();
        let (Some(user), Some(uploads)) = (user, uploads) else {
            let cause = "the route is not guarded, or the app has no `Uploads`";
            let error = ApiError::from(ErrorCode::Internal).with_cause(cause);
            return Box::pin(ready(Err(error)));
        };
        let (request, mut payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let max_bytes = uploads.max_bytes;
            let place = Place::take(uploads, user)?;
            let file = if is_multipart(&request) {
                let body = read(&request, &mut payload, max_bytes + MULTIPART_OVERHEAD).await?;
                file_in(&request, body, max_bytes).await?
            } else {
                read(&request, &mut payload, max_bytes).await?
            };
            if file.is_empty() {
                return Err(ErrorCode::AvatarMissing.into());
            }
            Ok(Self {
                file: file.into(),
                _place: place,
            })
        })
    }
}

fn is_multipart(request: &HttpRequest) -> bool {
    let content_type = request.headers().get(CONTENT_TYPE);
    let kind = content_type.map(|value| value.as_bytes().to_ascii_lowercase());
    kind.is_some_and(|kind| kind.starts_with(b"multipart/"))
}

/// Reads a body within the limits.
async fn read(
    request: &HttpRequest,
    payload: &mut Payload,
    limit: usize,
) -> Result<Bytes, ApiError> {
    let length = request.headers().get(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > limit) {
        return Err(ErrorCode::AvatarTooLarge.into());
    }
    let reading = async {
        let mut body = BytesMut::new();
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|error| {
                request.extensions_mut().insert(ClientDisconnected);
                ApiError::from(ErrorCode::MalformedBody).with_cause(error)
            })?;
            if body.len() + chunk.len() > limit {
                return Err(ErrorCode::AvatarTooLarge.into());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body.freeze())
    };
    let read = timeout(TIME_LIMIT, reading).await;
    read.map_err(|_elapsed| ErrorCode::BodyTimeout)?
}

/// Returns the first file in a multipart body. Other fields are ignored, and the name of the file's field does not matter.
async fn file_in(request: &HttpRequest, body: Bytes, limit: usize) -> Result<Bytes, ApiError> {
    let malformed = |error: actix_multipart::MultipartError| {
        ApiError::from(ErrorCode::MalformedBody).with_cause(error.to_string())
    };
    let body = stream::iter([Ok(body)]);
    let mut parts = Multipart::new(request.headers(), body);
    while let Some(part) = parts.next().await {
        let mut part = part.map_err(malformed)?;
        let disposition = part.content_disposition();
        if disposition.is_some_and(|part| part.get_filename().is_some()) {
            let file = part.bytes(limit).await;
            return file
                .map_err(|_limit| ErrorCode::AvatarTooLarge)?
                .map_err(malformed);
        }
    }
    Err(ErrorCode::AvatarMissing.into())
}
