//! Which rows of the table a route can refuse with, told by what its handler takes as arguments.
//!
//! Knows what each part that a handler calls may answer. Never knows which route calls it.

use actix_web::{HttpRequest, web};

use crate::account::{Decryption, Phones, Profiles, SessionKeys};
use crate::error::ErrorCode;
use crate::identity::Disclosure;
use crate::login::Logins;
use crate::readiness::Readiness;
use crate::sessions::Sessions;

/// What may go wrong with an argument of a handler, or with the part that it brings.
///
/// A handler's signature shows its reach, so it shows its refusals too: they are declared once for each kind of argument,
/// and for no route. The OpenAPI document lists them, and the tests hold each refusal that they see against it.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say what it may refuse with",
    note = "implement `weapp_login::error::Refuses` for it; if it never refuses, with an empty list"
)]
pub trait Refuses {
    /// The rows, in any order; one may come twice.
    fn refusals() -> Vec<ErrorCode>;
}

/// What a call to WeChat may end with, whatever it is about.
const WECHAT: [ErrorCode; 6] = [
    ErrorCode::UserBlocked,
    ErrorCode::TooManyRequests,
    ErrorCode::PlatformMisconfigured,
    ErrorCode::PlatformBusy,
    ErrorCode::PlatformUnintelligible,
    ErrorCode::PlatformTimedOut,
];

impl Refuses for Logins {
    fn refusals() -> Vec<ErrorCode> {
        let own = [
            ErrorCode::AppUnknown,
            ErrorCode::LoginCodeInvalid,
            ErrorCode::LoginCodeUsed,
            ErrorCode::StoreUnavailable,
        ];
        [&own[..], &WECHAT].concat()
    }
}

impl Refuses for Phones {
    fn refusals() -> Vec<ErrorCode> {
        let own = [
            ErrorCode::LoginCodeInsteadOfPhoneCode,
            ErrorCode::PhoneCodeInvalid,
            ErrorCode::PhoneCodeOfAnotherApp,
            ErrorCode::PhoneCodeSpent,
            ErrorCode::SessionRequired,
            ErrorCode::StoreUnavailable,
        ];
        [&own[..], &WECHAT].concat()
    }
}

impl Refuses for SessionKeys {
    fn refusals() -> Vec<ErrorCode> {
        let own = [
            ErrorCode::SessionKeyStale,
            ErrorCode::SessionRequired,
            ErrorCode::StoreUnavailable,
        ];
        [&own[..], &WECHAT].concat()
    }
}

impl Refuses for Sessions {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::StoreUnavailable]
    }
}

impl Refuses for Profiles {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::SessionRequired, ErrorCode::StoreUnavailable]
    }
}

impl Refuses for Decryption {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::SessionKeyStale]
    }
}

impl Refuses for Readiness {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::Draining, ErrorCode::StoreUnavailable]
    }
}

impl<T: Refuses> Refuses for web::Data<T> {
    fn refusals() -> Vec<ErrorCode> {
        T::refusals()
    }
}

/// What is disclosed is a setting, and refuses nobody.
impl Refuses for Disclosure {
    fn refusals() -> Vec<ErrorCode> {
        Vec::new()
    }
}

/// A form is read by actix, whose own refusals come in our shape.
impl<T: Refuses> Refuses for web::Form<T> {
    fn refusals() -> Vec<ErrorCode> {
        let own = vec![
            ErrorCode::BadRequest,
            ErrorCode::BodyTooLarge,
            ErrorCode::UnsupportedMediaType,
        ];
        [own, T::refusals()].concat()
    }
}

/// Whoever takes a failure as an argument refuses with it.
impl<T: Refuses, E> Refuses for Result<T, E> {
    fn refusals() -> Vec<ErrorCode> {
        T::refusals()
    }
}

/// A path names something, which may not be there.
impl<T> Refuses for web::Path<T> {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::NotFound]
    }
}

/// Whoever reads a query judges it.
impl Refuses for HttpRequest {
    fn refusals() -> Vec<ErrorCode> {
        vec![ErrorCode::BadRequest]
    }
}

macro_rules! arguments {
    ($($argument:ident)*) => {
        impl<$($argument: Refuses),*> Refuses for ($($argument,)*) {
            fn refusals() -> Vec<ErrorCode> {
                let each: &[Vec<ErrorCode>] = &[$($argument::refusals()),*];
                each.concat()
            }
        }
    };
}

arguments! {}
arguments! { A }
arguments! { A B }
arguments! { A B C }
arguments! { A B C D }
arguments! { A B C D E }
