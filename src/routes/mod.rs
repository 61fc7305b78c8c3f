//! The route table: path, method, guard, handler.

#[macro_use]
mod row;
mod admin;
mod console;
mod registration;

use actix_web::middleware::from_fn;
use actix_web::web;

use crate::error::ErrorCode as E;
use crate::handlers::{
    auth, avatar, decrypt, docs, health, introspection, login, oauth, paid, personal_data, phone,
    session, session_key, sessions, user,
};
use crate::middleware::request_metrics;

pub use admin::{admin, admin_endpoints};
pub use console::{admin_console, console};
pub use registration::{register, register_metrics, register_not_found, register_simulator};
pub use row::{Annotated, Endpoint, Guard, Row};
#[doc(hidden)]
pub use utoipa;

/// The errors of every call to the platform, its limits included.
const PLATFORM: [E; 7] = [
    E::UserBlocked,
    E::TooManyRequests,
    E::RateLimited,
    E::PlatformMisconfigured,
    E::PlatformBusy,
    E::PlatformUnintelligible,
    E::PlatformTimedOut,
];

/// The errors of an upload.
const AVATAR: [E; 9] = [
    E::AvatarOff,
    E::AvatarMissing,
    E::AvatarMalformed,
    E::AvatarTooLarge,
    E::AvatarUnsupported,
    E::AvatarUnavailable,
    E::MalformedBody,
    E::BodyTimeout,
    E::RateLimited,
];

/// Returns the table. To add a route, add a row.
#[expect(clippy::too_many_lines, reason = "one table, with a few lines per row")]
pub fn table() -> Vec<Row> {
    use Guard::{Open, Service, Session};
    vec![
        Row::post("/login", Open, annotated!(login::log_in))
            .errors([
                E::CodeMissing,
                E::CodeMalformed,
                E::AppUnknown,
                E::AppOfAnotherKind,
                E::IdempotencyKeyMalformed,
            ])
            .errors([E::LoginCodeInvalid, E::LoginCodeUsed])
            .errors([E::UserBlockedByAdmin, E::StoreUnavailable])
            .errors(PLATFORM)
            .map_route(|route| route.wrap(from_fn(request_metrics::logins))),
        Row::get("/login/oauth/url", Open, annotated!(oauth::get_login_page)).errors([
            E::AppUnknown,
            E::AppOfAnotherKind,
            E::RedirectNotAllowed,
        ]),
        Row::post("/login/oauth", Open, annotated!(oauth::log_in_on_page))
            .errors([E::CodeMissing, E::CodeMalformed])
            .errors([E::AppUnknown, E::AppOfAnotherKind, E::StateInvalid])
            .errors([E::LoginCodeInvalid, E::LoginCodeUsed, E::SnapshotUser])
            .errors([E::UserBlockedByAdmin, E::StoreUnavailable])
            .errors(PLATFORM)
            .map_route(|route| route.wrap(from_fn(request_metrics::logins))),
        Row::get("/session", Session, annotated!(session::get_session)),
        // Open, because a logout with an expired token succeeds.
        Row::delete("/session", Open, annotated!(session::log_out))
            .errors([E::SessionRequired, E::StoreUnavailable]),
        Row::get(
            "/session/key",
            Session,
            annotated!(session_key::check_session_key),
        )
        .errors([E::SessionKeyStale, E::SessionKeyAbsent])
        .errors(PLATFORM),
        Row::post(
            "/session/key/reset",
            Session,
            annotated!(session_key::reset_session_key),
        )
        .errors([E::SessionKeyStale, E::SessionKeyAbsent])
        .errors(PLATFORM),
        Row::get("/sessions", Session, annotated!(sessions::list_sessions)),
        Row::delete("/sessions", Session, annotated!(sessions::revoke_sessions)),
        Row::delete(
            "/sessions/{id}",
            Session,
            annotated!(sessions::revoke_session),
        ),
        Row::get("/user", Session, annotated!(user::get_user)),
        Row::put("/user", Session, annotated!(user::update_user)).errors([
            E::ProfileMissing,
            E::NicknameMalformed,
            E::AvatarUrlMalformed,
        ]),
        Row::put("/user/avatar", Session, annotated!(avatar::put_avatar)).errors(AVATAR),
        Row::post("/user/avatar", Session, annotated!(avatar::post_avatar)).errors(AVATAR),
        Row::get("/avatars/{name}", Open, annotated!(avatar::get_avatar))
            .errors([E::AvatarUnavailable]),
        Row::delete("/user", Session, annotated!(personal_data::delete_user))
            .errors([E::CodeMissing, E::CodeMalformed, E::ProofCodeInvalid])
            .errors([E::AvatarUnavailable])
            .errors(PLATFORM),
        Row::get(
            "/user/export",
            Session,
            annotated!(personal_data::export_user),
        ),
        Row::post("/user/phone", Session, annotated!(phone::get_phone_number))
            .errors([
                E::CodeMissing,
                E::CodeMalformed,
                E::LoginCodeInsteadOfPhoneCode,
            ])
            .errors([
                E::PhoneCodeInvalid,
                E::PhoneCodeOfAnotherApp,
                E::PhoneCodeSpent,
                E::SessionKeyAbsent,
            ])
            .errors(PLATFORM),
        Row::post("/user/paid", Session, annotated!(paid::fetch_paid_unionid))
            .errors([E::PaymentMalformed, E::PaymentUnknown, E::SessionKeyAbsent])
            .errors(PLATFORM),
        Row::post("/user/decrypt", Session, annotated!(decrypt::decrypt_data)).errors([
            E::EncryptedDataMissing,
            E::EncryptedDataMalformed,
            E::SessionKeyStale,
            E::SessionKeyAbsent,
        ]),
        Row::get("/auth", Session, annotated!(auth::authorize)),
        Row::post(
            "/introspect",
            Service,
            annotated!(introspection::introspect),
        )
        .errors([E::TokenMissing, E::StoreUnavailable]),
        Row::get("/livez", Open, annotated!(health::livez)),
        Row::get("/readyz", Open, annotated!(health::readyz))
            .errors([E::Draining, E::StoreUnavailable]),
    ]
}

/// Returns the rows of the API's documentation, which are not part of the API.
pub fn docs() -> Vec<Row> {
    vec![
        Row::get("/openapi.json", Guard::Open, web::to(docs::get_document)),
        Row::get("/docs", Guard::Open, web::to(docs::get_page)),
        Row::get("/docs/{file}", Guard::Open, web::to(docs::get_file)),
    ]
}

/// Returns the endpoints of the table, for the OpenAPI document.
pub fn endpoints() -> Vec<Endpoint> {
    table().iter().map(|row| (**row).clone()).collect()
}
