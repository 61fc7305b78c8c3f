//! A reached limit.

use std::time::Duration;

/// A limit was reached, so nothing was sent to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the limit per {} is reached for another {} s", .limit.as_str(), .retry_after.as_secs())]
pub struct Exceeded {
    /// The limit.
    pub limit: LimitName,
    /// Time until the next call is admitted, if no other client takes it. In whole seconds, at least one.
    pub retry_after: Duration,
}

/// A limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitName {
    /// Rejected logins of one client address.
    Address,
    /// Rejected logins of one mini program.
    App,
    /// Platform calls of one user.
    User,
}

/// The use case that makes a call to the platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LimitedCall {
    /// A login.
    Login,
    /// A phone number.
    PhoneNumber,
    /// A check or reset of a session key.
    SessionKey,
    /// The unionid of a user who has paid.
    PaidUnionId,
    /// The deletion of a user.
    Deletion,
    /// A request with a wrong admin key.
    AdminKey,
    /// The upload of an avatar, which calls no platform.
    Avatar,
}

impl LimitName {
    /// Returns the name, for metrics and log lines.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::App => "app",
            Self::User => "user",
        }
    }
}

impl LimitedCall {
    /// Returns the name, for metrics.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::PhoneNumber => "phone_number",
            Self::SessionKey => "session_key",
            Self::PaidUnionId => "paid_unionid",
            Self::Deletion => "deletion",
            Self::AdminKey => "admin_key",
            Self::Avatar => "avatar",
        }
    }
}
