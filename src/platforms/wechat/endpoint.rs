//! What this client asks WeChat: one closed list.
//!
//! Knows each endpoint's path, and after which failures it may be asked again.
//! Never knows what is sent there, or what comes back.

use crate::platforms::wechat::patience::Again;

/// One of WeChat's endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Endpoint {
    CodeToSession,
    StableToken,
    /// The same path as [`Endpoint::StableToken`], but it kills the token before, and has a quota of its own.
    FreshToken,
    PhoneNumber,
    CheckSessionKey,
    ResetSessionKey,
}

impl Endpoint {
    /// The path.
    pub(crate) const fn path(self) -> &'static str {
        match self {
            Self::CodeToSession => "/sns/jscode2session",
            Self::StableToken | Self::FreshToken => "/cgi-bin/stable_token",
            Self::PhoneNumber => "/wxa/business/getuserphonenumber",
            Self::CheckSessionKey => "/wxa/checksession",
            Self::ResetSessionKey => "/wxa/resetusersessionkey",
        }
    }

    /// What errcode -1 leaves behind is not documented. A login code sent again at worst is refused as used, which costs the
    /// client one `wx.login`. Where the first try may have had an effect that lasts or costs (a phone number that is paid
    /// for, a key that is replaced, a forced token), the caller decides, because it alone knows what it has kept.
    pub(crate) const fn again(self) -> Again {
        match self {
            Self::CodeToSession | Self::StableToken | Self::CheckSessionKey => Again::AlsoBusy,
            Self::FreshToken | Self::PhoneNumber | Self::ResetSessionKey => Again::OnlyUnsent,
        }
    }
}
