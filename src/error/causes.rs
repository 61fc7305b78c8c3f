//! Which errors of the floors below become which row.
//!
//! Knows all of those errors, and what of WeChat's words goes along. Never knows the sentences.

use crate::account::{self, access_token};
use crate::error::{ApiError, ErrorCode, WechatRefusal};
use crate::login;
use crate::platforms::wechat;
use crate::readiness::NotReady;
use crate::sessions;

impl From<login::Error> for ApiError {
    fn from(error: login::Error) -> Self {
        let refusal = match &error {
            login::Error::AppUnknown => ErrorCode::AppUnknown.into(),
            login::Error::CodeUsed => ErrorCode::LoginCodeUsed.into(),
            login::Error::Rejected { error, .. } | login::Error::Platform(error) => {
                Self::from_wechat(error)
            }
            login::Error::Store(_) => ErrorCode::StoreUnavailable.into(),
            login::Error::Crypto(_) => ErrorCode::Internal.into(),
        };
        refusal.because(error)
    }
}

impl From<sessions::Error> for ApiError {
    fn from(error: sessions::Error) -> Self {
        let code = match &error {
            sessions::Error::Store(_) => ErrorCode::StoreUnavailable,
            sessions::Error::Crypto(_) => ErrorCode::Internal,
        };
        Self::from(code).because(error)
    }
}

impl From<account::Error> for ApiError {
    fn from(error: account::Error) -> Self {
        use account::Error as E;
        let refusal = match &error {
            E::Store(_) | E::Session(sessions::Error::Store(_)) => {
                ErrorCode::StoreUnavailable.into()
            }
            // Each of these is mended by a login, which `session_required` makes a client do by itself.
            E::UserGone | E::SessionGone | E::OpenIdSealed => ErrorCode::SessionRequired.into(),
            E::LoginCodeForPhoneCode(_) => ErrorCode::LoginCodeInsteadOfPhoneCode.into(),
            E::PhoneCodeSpent => ErrorCode::PhoneCodeSpent.into(),
            E::SessionKeyStale => ErrorCode::SessionKeyStale.into(),
            E::PhoneNumber(error) => Self::from_phone(error),
            E::SessionKey(error) => Self::from_access_token(error),
            E::Crypto(_) | E::Session(_) => ErrorCode::Internal.into(),
        };
        refusal.because(error)
    }
}

impl From<access_token::Error> for ApiError {
    fn from(error: access_token::Error) -> Self {
        use access_token::Error;
        let refusal = match &error {
            // Nothing of the client's was sent, so nothing of it can be spent.
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
        refusal.because(error)
    }
}

impl From<NotReady> for ApiError {
    fn from(error: NotReady) -> Self {
        let code = match error {
            NotReady::Draining => ErrorCode::Draining,
            NotReady::Store(_) | NotReady::StoreSilent => ErrorCode::StoreUnavailable,
        };
        Self::from(code).because(error)
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

    /// A phone number code that WeChat refuses is no reason to log in again.
    fn from_phone(error: &access_token::Error) -> Self {
        let refusal = Self::from_access_token(error);
        let code = match (refusal.code, error) {
            (_, access_token::Error::Call(error)) if error.is_app_refused() => {
                ErrorCode::PhoneCodeOfAnotherApp
            }
            (ErrorCode::LoginCodeInvalid | ErrorCode::LoginCodeUsed, _) => {
                ErrorCode::PhoneCodeInvalid
            }
            (code, _) => code,
        };
        Self { code, ..refusal }
    }

    fn from_wechat(error: &wechat::Error) -> Self {
        let code = match error {
            wechat::Error::Refused(refusal) => code_of(refusal.class()),
            // What does not pass by itself is for whoever runs the server to mend: a certificate, a proxy.
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
        let wechat = error.refusal().map(|refusal| WechatRefusal {
            errcode: refusal.errcode,
            rid: refusal.rid.as_ref().map(ToString::to_string),
        });
        Self {
            retry_after: error.retry_after(),
            wechat,
            ..code.into()
        }
    }
}

/// Which row a kind of refusal becomes.
pub fn code_of(class: wechat::Class) -> ErrorCode {
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
        // A login asks nothing that these answer, so WeChat means something that we do not know.
        Class::KeyStale | Class::Unsuitable | Class::Unknown => ErrorCode::PlatformUnintelligible,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use access_token::Error;

    /// What was never sent is not spent, so the client may send the same again; what was sent may be.
    #[test]
    fn a_call_that_lacks_a_token_may_be_made_again() {
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
