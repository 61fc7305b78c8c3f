//! The endpoints of `api.weixin.qq.com` that the simulator has.
//!
//! Knows their paths and methods.
//! Never knows what any of them does.

/// An endpoint of `api.weixin.qq.com`, by the name of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// `GET /sns/jscode2session`.
    Code2Session,
    /// `GET /wxa/checksession`.
    CheckSessionKey,
    /// `GET /wxa/resetusersessionkey`.
    ResetUserSessionKey,
    /// `GET /cgi-bin/token`.
    AccessToken,
    /// `POST /cgi-bin/stable_token`.
    StableAccessToken,
    /// `POST /wxa/business/getuserphonenumber`.
    PhoneNumber,
    /// `GET /wxa/getpaidunionid`.
    PaidUnionid,
    /// `POST /wxa/getpluginopenpid`.
    PluginOpenPid,
    /// `POST /wxa/business/checkencryptedmsg`.
    CheckEncryptedData,
    /// `GET` or `POST /wxa/business/getuserencryptkey`.
    UserEncryptKey,
    /// `POST /cgi-bin/openapi/quota/get`.
    ApiQuota,
    /// `POST /cgi-bin/openapi/rid/get`.
    RidInfo,
    /// `POST /cgi-bin/clear_quota`.
    ClearQuota,
}

/// Which methods an endpoint answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Methods {
    Get,
    Post,
    Either,
}

impl Endpoint {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Code2Session,
        Self::CheckSessionKey,
        Self::ResetUserSessionKey,
        Self::AccessToken,
        Self::StableAccessToken,
        Self::PhoneNumber,
        Self::PaidUnionid,
        Self::PluginOpenPid,
        Self::CheckEncryptedData,
        Self::UserEncryptKey,
        Self::ApiQuota,
        Self::RidInfo,
        Self::ClearQuota,
    ];

    /// The path, as WeChat documents it.
    pub fn path(self) -> &'static str {
        self.address().1
    }

    /// The endpoint of that very path.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.path() == path)
    }

    pub(super) fn methods(self) -> Methods {
        self.address().0
    }

    fn address(self) -> (Methods, &'static str) {
        match self {
            Self::Code2Session => (Methods::Get, "/sns/jscode2session"),
            Self::CheckSessionKey => (Methods::Get, "/wxa/checksession"),
            Self::ResetUserSessionKey => (Methods::Get, "/wxa/resetusersessionkey"),
            Self::AccessToken => (Methods::Get, "/cgi-bin/token"),
            Self::StableAccessToken => (Methods::Post, "/cgi-bin/stable_token"),
            Self::PhoneNumber => (Methods::Post, "/wxa/business/getuserphonenumber"),
            Self::PaidUnionid => (Methods::Get, "/wxa/getpaidunionid"),
            Self::PluginOpenPid => (Methods::Post, "/wxa/getpluginopenpid"),
            Self::CheckEncryptedData => (Methods::Post, "/wxa/business/checkencryptedmsg"),
            Self::UserEncryptKey => (Methods::Either, "/wxa/business/getuserencryptkey"),
            Self::ApiQuota => (Methods::Post, "/cgi-bin/openapi/quota/get"),
            Self::RidInfo => (Methods::Post, "/cgi-bin/openapi/rid/get"),
            Self::ClearQuota => (Methods::Post, "/cgi-bin/clear_quota"),
        }
    }
}
