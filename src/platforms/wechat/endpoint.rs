//! The endpoints of WeChat that this client calls.

use crate::platforms::retry::RetryOn;

/// An endpoint of WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Endpoint {
    CodeToSession,
    WebToken,
    StableToken,
    PhoneNumber,
    CheckSessionKey,
    ResetSessionKey,
    PaidUnionId,
}

impl Endpoint {
    /// Returns the path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::CodeToSession => "/sns/jscode2session",
            Self::WebToken => "/sns/oauth2/access_token",
            Self::StableToken => "/cgi-bin/stable_token",
            Self::PhoneNumber => "/wxa/business/getuserphonenumber",
            Self::CheckSessionKey => "/wxa/checksession",
            Self::ResetSessionKey => "/wxa/resetusersessionkey",
            Self::PaidUnionId => "/wxa/getpaidunionid",
        }
    }

    /// Returns the failures after which a call is retried.
    ///
    /// WeChat does not document what errcode -1 leaves behind. A login code that is sent again is at worst rejected as used,
    /// which costs the client one `wx.login`. Where the first attempt may have had a lasting effect (a phone number that is
    /// paid for, a key that is replaced), only the caller can decide.
    pub(crate) const fn retry_on(self) -> RetryOn {
        match self {
            Self::CodeToSession
            | Self::WebToken
            | Self::StableToken
            | Self::CheckSessionKey
            | Self::PaidUnionId => RetryOn::UnsentOrBusy,
            Self::PhoneNumber | Self::ResetSessionKey => RetryOn::Unsent,
        }
    }
}
