//! Converts the errors of the use cases and of the platform into API errors.

use crate::account;
use crate::administration;
use crate::error::api_error::ApiError;
use crate::error::table::ErrorCode;
use crate::limits::Exceeded;
use crate::login;
use crate::pictures::Unusable;
use crate::platforms::{self, CallError, Reason};
use crate::readiness::NotReady;
use crate::sessions;

impl From<login::Error> for ApiError {
    fn from(error: login::Error) -> Self {
        let converted = match &error {
            login::Error::AppUnknown(_) => ErrorCode::AppUnknown.into(),
            login::Error::WrongKind(_) => ErrorCode::AppOfAnotherKind.into(),
            login::Error::RedirectNotAllowed => ErrorCode::RedirectNotAllowed.into(),
            login::Error::State(_) => ErrorCode::StateInvalid.into(),
            login::Error::SnapshotUser => ErrorCode::SnapshotUser.into(),
            login::Error::CodeImpossible => ErrorCode::CodeMalformed.into(),
            login::Error::Limited(exceeded) => Self::limited(*exceeded),
            login::Error::UserBlocked(_) => ErrorCode::UserBlockedByAdmin.into(),
            login::Error::CodeUsed => ErrorCode::LoginCodeUsed.into(),
            login::Error::Rejected { error, .. } | login::Error::Platform(error) => {
                Self::from_platform(error)
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
            E::CodeImpossible => ErrorCode::CodeMalformed.into(),
            E::Limited(exceeded) => Self::limited(*exceeded),
            E::LoginCodeForPhoneCode => ErrorCode::LoginCodeInsteadOfPhoneCode.into(),
            E::PhoneCodeSpent => ErrorCode::PhoneCodeSpent.into(),
            E::SessionKeyStale | E::NotDecrypted(_) => ErrorCode::SessionKeyStale.into(),
            E::SessionKeyAbsent => ErrorCode::SessionKeyAbsent.into(),
            E::EncryptedDataMalformed(_) => ErrorCode::EncryptedDataMalformed.into(),
            E::PhoneNumber(error) => Self::from_phone(error),
            E::Proof(error) => Self::from_proof(error),
            E::ProofOfAnotherUser => ErrorCode::ProofCodeInvalid.into(),
            E::SessionKey(error) => Self::from_call(error),
            E::PaidUnionId(error) => Self::from_paid(error),
            E::AvatarOff => ErrorCode::AvatarOff.into(),
            E::AvatarUnusable(unusable) => unusable_code(unusable).into(),
            E::AvatarStore(_) => ErrorCode::AvatarUnavailable.into(),
            E::Crypto(_) | E::Session(_) | E::AvatarName(_) => ErrorCode::Internal.into(),
        };
        converted.with_cause(error)
    }
}

impl From<administration::Error> for ApiError {
    fn from(error: administration::Error) -> Self {
        let code = match &error {
            administration::Error::Pictures(_) => ErrorCode::AvatarUnavailable,
            administration::Error::Store(_) => ErrorCode::StoreUnavailable,
            administration::Error::ConflictBlocked => ErrorCode::ConflictOfBlockedUser,
            administration::Error::ConflictHasLaterMerge => ErrorCode::ConflictHasLaterMerge,
            administration::Error::UserUnknown
            | administration::Error::SessionUnknown
            | administration::Error::ConflictUnknown => ErrorCode::NotFound,
        };
        Self::from(code).with_cause(error)
    }
}

impl From<Exceeded> for ApiError {
    fn from(exceeded: Exceeded) -> Self {
        Self::limited(exceeded).with_cause(exceeded)
    }
}

fn unusable_code(unusable: &Unusable) -> ErrorCode {
    match unusable {
        Unusable::Format => ErrorCode::AvatarUnsupported,
        Unusable::TooLarge => ErrorCode::AvatarTooLarge,
        Unusable::Damaged(_) => ErrorCode::AvatarMalformed,
        Unusable::Failed => ErrorCode::Internal,
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
    fn limited(exceeded: Exceeded) -> Self {
        let mut mapped = Self::from(ErrorCode::RateLimited);
        mapped.retry_after = Some(exceeded.retry_after);
        mapped
    }

    /// Maps an error of a call that needs an access token.
    ///
    /// If only the token is missing, nothing of the client's was sent, so the client may send the same request again.
    fn from_call(error: &CallError) -> Self {
        use platforms::Error as E;
        match error {
            CallError::Token(E::TimedOut | E::ConnectionLost | E::InvalidReply { .. })
            | CallError::Overdue => ErrorCode::PlatformBusy.into(),
            CallError::Token(error) | CallError::Call(error) => Self::from_platform(error),
            CallError::Store(_) => ErrorCode::StoreUnavailable.into(),
            CallError::Crypto(_) => ErrorCode::Internal.into(),
        }
    }

    /// Maps an error of a phone number exchange. A rejected phone number code is no reason to log in again.
    fn from_phone(error: &CallError) -> Self {
        let mapped = Self::from_call(error);
        let code = match (mapped.code(), error) {
            (_, CallError::Call(error)) if error.reason() == Some(Reason::UnknownApp) => {
                ErrorCode::PhoneCodeOfAnotherApp
            }
            (ErrorCode::LoginCodeInvalid | ErrorCode::LoginCodeUsed, _) => {
                ErrorCode::PhoneCodeInvalid
            }
            (code, _) => code,
        };
        mapped.with_code(code)
    }

    /// Maps an error of a call for the unionid of a user who has paid. A foreign openid is one of another AppID than that of the
    /// settings.
    fn from_paid(error: &CallError) -> Self {
        let mapped = Self::from_call(error);
        let CallError::Call(error) = error else {
            return mapped;
        };
        match error.reason() {
            Some(Reason::PaymentUnknown) => mapped.with_code(ErrorCode::PaymentUnknown),
            Some(Reason::Mismatch) => mapped.with_code(ErrorCode::PlatformMisconfigured),
            _ => mapped,
        }
    }

    /// Maps an error of the exchange of a code that proves who the user is. Logging in again does not help.
    fn from_proof(error: &platforms::Error) -> Self {
        let mapped = Self::from_platform(error);
        let is_rejected = [ErrorCode::LoginCodeInvalid, ErrorCode::LoginCodeUsed];
        if is_rejected.contains(&mapped.code()) {
            return mapped.with_code(ErrorCode::ProofCodeInvalid);
        }
        mapped
    }

    fn from_platform(error: &platforms::Error) -> Self {
        use platforms::Error as E;
        let code = match error {
            E::Rejected(rejection) => code_for(rejection.reason),
            // The operator must fix a permanent cause: a certificate, a proxy.
            E::Unreachable(_) if error.retry_after().is_none() => ErrorCode::PlatformMisconfigured,
            E::Unreachable(_) | E::CircuitOpen { .. } | E::Overloaded => ErrorCode::PlatformBusy,
            E::TimedOut => ErrorCode::PlatformTimedOut,
            E::InvalidReply { .. } | E::ConnectionLost => ErrorCode::PlatformUnintelligible,
        };
        let mut mapped = Self::from(code);
        mapped.retry_after = error.retry_after();
        mapped.rejection = error
            .rejection()
            .map(|rejection| Box::new(rejection.into()));
        mapped
    }
}

/// Returns the error code for the reason of a rejection.
pub fn code_for(reason: Reason) -> ErrorCode {
    match reason {
        Reason::CodeInvalid => ErrorCode::LoginCodeInvalid,
        Reason::CodeUsed => ErrorCode::LoginCodeUsed,
        Reason::UserBlocked => ErrorCode::UserBlocked,
        Reason::RateLimited => ErrorCode::TooManyRequests,
        Reason::Busy | Reason::QuotaExhausted => ErrorCode::PlatformBusy,
        Reason::NotPermitted
        | Reason::Misconfigured
        | Reason::UnknownApp
        | Reason::TokenInvalid => ErrorCode::PlatformMisconfigured,
        Reason::InvalidRequest | Reason::Success => ErrorCode::Internal,
        // No request of ours can get these, so the meaning of the reply is unknown.
        Reason::SessionKeyStale | Reason::Mismatch | Reason::PaymentUnknown | Reason::Unknown => {
            ErrorCode::PlatformUnintelligible
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store;

    #[test]
    fn a_call_without_a_token_can_be_repeated() {
        use platforms::Error as E;
        for (error, code) in [
            (CallError::Token(E::TimedOut), ErrorCode::PlatformBusy),
            (CallError::Token(E::ConnectionLost), ErrorCode::PlatformBusy),
            (CallError::Overdue, ErrorCode::PlatformBusy),
            (CallError::Call(E::TimedOut), ErrorCode::PlatformTimedOut),
            (CallError::Call(E::Overloaded), ErrorCode::PlatformBusy),
            (
                CallError::Store(store::Error::Closed),
                ErrorCode::StoreUnavailable,
            ),
        ] {
            let shown = format!("{error:?}");
            let mapped = ApiError::from(account::Error::PhoneNumber(error));
            assert_eq!(mapped.code(), code, "{shown}");
        }
    }
}
