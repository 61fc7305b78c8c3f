//! Converts the errors of the use cases and of the platform into API errors.

use crate::account::{self, access_token};
use crate::error::api_error::{ApiError, WechatError};
use crate::error::table::ErrorCode;
use crate::login;
use crate::platforms::wechat;
use crate::readiness::NotReady;
use crate::sessions;

impl From<login::Error> for ApiError {
    fn from(error: login::Error) -> Self {
        let converted = match &error {
            login::Error::AppUnknown => ErrorCode::AppUnknown.into(),
            login::Error::CodeUsed => ErrorCode::LoginCodeUsed.into(),
            login::Error::Rejected { error, .. } | login::Error::Platform(error) => {
                Self::from_wechat(error)
            }
            login::Error::Store(_) => ErrorCode::StoreUnavailable.into(),
            login::Error::Crypto(_) => ErrorCode::Internal.into(),
        };
        converted.with_cause(error)
    }
}

impl From<sessions::Error> for ApiError {
    fn from(error: sessions::Error) -> Self {
        let code = match &error {
            sessions::Error::Store(_) => ErrorCode::StoreUnavailable,
            sessions::Error::Crypto(_) => ErrorCode::Internal,
        };
        Self::from(code).with_cause(error)
    }
}

impl From<account::Error> for ApiError {
    fn from(error: account::Error) -> Self {
        use account::Error as E;
        let converted = match &error {
            E::Store(_) | E::Session(sessions::Error::Store(_)) => {
                ErrorCode::StoreUnavailable.into()
            }
            // A new login fixes each of these, and `session_required` makes a client log in by itself.
            E::UserGone | E::SessionGone | E::OpenIdSealed => ErrorCode::SessionRequired.into(),
            E::LoginCodeForPhoneCode(_) => ErrorCode::LoginCodeInsteadOfPhoneCode.into(),
            E::PhoneCodeSpent => ErrorCode::PhoneCodeSpent.into(),
            E::SessionKeyStale => ErrorCode::SessionKeyStale.into(),
            E::PhoneNumber(error) => Self::from_phone(error),
            E::SessionKey(error) => Self::from_access_token(error),
            E::Crypto(_) | E::Session(_) => ErrorCode::Internal.into(),
        };
        converted.with_cause(error)
    }
}

impl From<access_token::Error> for ApiError {
    fn from(error: access_token::Error) -> Self {
        use access_token::Error;
        let converted = match &error {
            // The client's code was not sent, so it is not used up.
            Error::Fetch(
                wechat::Error::TimedOut
                | wechat::Error::ConnectionLost
                | wechat::Error::Unintelligible { .. },
            )
            | Error::Overdue => ErrorCode::PlatformBusy.into(),
            Error::Fetch(error) | Error::Call(error) => Self::from_wechat(error),
            Error::Store(_) => ErrorCode::StoreUnavailable.into(),
            Error::Crypto(_) => ErrorCode::Internal.into(),
        };
        converted.with_cause(error)
    }
}

impl From<NotReady> for ApiError {
    fn from(error: NotReady) -> Self {
        let code = match error {
            NotReady::Draining => ErrorCode::Draining,
            NotReady::Store(_) | NotReady::StoreSilent => ErrorCode::StoreUnavailable,
        };
        Self::from(code).with_cause(error)
    }
}

impl ApiError {
    fn from_access_token(error: &access_token::Error) -> Self {
        use access_token::Error as E;
        match error {
            E::Fetch(error) | E::Call(error) => Self::from_wechat(error),
            E::Store(_) => ErrorCode::StoreUnavailable.into(),
            E::Overdue => ErrorCode::PlatformBusy.into(),
            E::Crypto(_) => ErrorCode::Internal.into(),
        }
    }

    /// Converts the error of a phone number call. A rejected phone number code is no reason to log in again.
    fn from_phone(error: &access_token::Error) -> Self {
        let converted = Self::from_access_token(error);
        let code = match (converted.code(), error) {
            (_, access_token::Error::Call(error)) if error.is_app_refused() => {
                ErrorCode::PhoneCodeOfAnotherApp
            }
            (ErrorCode::LoginCodeInvalid | ErrorCode::LoginCodeUsed, _) => {
                ErrorCode::PhoneCodeInvalid
            }
            (code, _) => code,
        };
        converted.with_code(code)
    }

    fn from_wechat(error: &wechat::Error) -> Self {
        let code = match error {
            wechat::Error::Refused(rejection) => code_for(rejection.class()),
            // The operator must fix an obstacle that does not pass by itself: a certificate, a proxy.
            wechat::Error::Unreachable(_) if error.retry_after().is_none() => {
                ErrorCode::PlatformMisconfigured
            }
            wechat::Error::Unreachable(_)
            | wechat::Error::CircuitOpen { .. }
            | wechat::Error::Overloaded => ErrorCode::PlatformBusy,
            wechat::Error::TimedOut => ErrorCode::PlatformTimedOut,
            wechat::Error::Unintelligible { .. } | wechat::Error::ConnectionLost => {
                ErrorCode::PlatformUnintelligible
            }
        };
        let wechat = error.refusal().map(|rejection| WechatError {
            errcode: rejection.errcode,
            rid: rejection.rid.as_ref().map(ToString::to_string),
        });
        let mut converted = Self::from(code);
        converted.retry_after = error.retry_after();
        converted.wechat = wechat;
        converted
    }
}

/// Returns the error code for a class of WeChat's error numbers.
pub fn code_for(class: wechat::Class) -> ErrorCode {
    use wechat::Class;
    match class {
        Class::CodeInvalid => ErrorCode::LoginCodeInvalid,
        Class::CodeUsed => ErrorCode::LoginCodeUsed,
        Class::UserBlocked => ErrorCode::UserBlocked,
        Class::TooOften => ErrorCode::TooManyRequests,
        Class::Busy | Class::QuotaSpent => ErrorCode::PlatformBusy,
        Class::NotGranted | Class::Misconfigured | Class::TokenRefused => {
            ErrorCode::PlatformMisconfigured
        }
        Class::OurBug | Class::Success => ErrorCode::Internal,
        // These do not fit a login, so the meaning is unknown.
        Class::KeyStale | Class::Unsuitable | Class::Unknown => ErrorCode::PlatformUnintelligible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access_token::Error;

    /// A code that was never sent is still valid, so the client may send it again.
    #[test]
    fn a_call_without_an_access_token_can_be_repeated() {
        for (error, code) in [
            (
                Error::Fetch(wechat::Error::TimedOut),
                ErrorCode::PlatformBusy,
            ),
            (
                Error::Fetch(wechat::Error::ConnectionLost),
                ErrorCode::PlatformBusy,
            ),
            (Error::Overdue, ErrorCode::PlatformBusy),
            (
                Error::Call(wechat::Error::TimedOut),
                ErrorCode::PlatformTimedOut,
            ),
            (
                Error::Call(wechat::Error::Overloaded),
                ErrorCode::PlatformBusy,
            ),
            (
                Error::Store(crate::store::Error::Closed),
                ErrorCode::StoreUnavailable,
            ),
        ] {
            let shown = format!("{error:?}");
            assert_eq!(ApiError::from(error).code(), code, "{shown}");
        }
    }
}
