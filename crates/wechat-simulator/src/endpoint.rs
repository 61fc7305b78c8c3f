//! The endpoints that the simulator implements: paths, methods and documented quotas.

/// The number of calls that each app may make to an endpoint; `None` is unlimited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Calls per minute of the clock; further calls get error 45011.
    pub per_minute: Option<u32>,
    /// Calls per day in China's time zone; further calls get error 45009.
    pub per_day: Option<u32>,
}

/// The HTTP methods that an endpoint accepts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Methods {
    Get,
    Post,
    GetOrPost,
}

/// Defines [`Endpoint`] from rows of method, path, and documented calls per minute and per day.
macro_rules! endpoints {
    ($($name:ident = $methods:ident $path:literal, $per_minute:expr, $per_day:expr;)*) => {
        /// An endpoint of `api.weixin.qq.com`, named after its documentation page.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum Endpoint {
            $(#[doc = concat!("`", $path, "`")] $name,)*
        }

        impl Endpoint {
            /// All endpoints.
            pub const ALL: &[Self] = &[$(Self::$name),*];

            fn row(self) -> (Methods, &'static str, Limits) {
                match self {
                    $(Self::$name => {
                        let limits = Limits { per_minute: $per_minute, per_day: $per_day };
                        (Methods::$methods, $path, limits)
                    })*
                }
            }
        }
    };
}

endpoints! {
    Code2Session = GetOrPost "/sns/jscode2session", None, None;
    CheckSessionKey = Get "/wxa/checksession", None, None;
    ResetUserSessionKey = Get "/wxa/resetusersessionkey", Some(60_000), None;
    AccessToken = GetOrPost "/cgi-bin/token", None, Some(2_000);
    StableAccessToken = Post "/cgi-bin/stable_token", Some(10_000), Some(500_000);
    PhoneNumber = Post "/wxa/business/getuserphonenumber", None, None;
    PaidUnionid = Get "/wxa/getpaidunionid", None, None;
    PluginOpenPid = Post "/wxa/getpluginopenpid", None, None;
    CheckEncryptedData = Post "/wxa/business/checkencryptedmsg", None, None;
    UserEncryptKey = GetOrPost "/wxa/business/getuserencryptkey", None, None;
    ApiQuota = Post "/cgi-bin/openapi/quota/get", None, None;
    RidInfo = Post "/cgi-bin/openapi/rid/get", None, None;
    ClearQuota = Post "/cgi-bin/clear_quota", None, None;
    ClearQuotaBySecret = Post "/cgi-bin/clear_quota/v2", None, None;
    ComponentToken = Post "/cgi-bin/component/api_component_token", None, None;
    ComponentLogin = Get "/sns/component/jscode2session", None, None;
    OauthAuthorize = Get "/connect/oauth2/authorize", None, None;
    QrConnect = Get "/connect/qrconnect", None, None;
    OauthToken = GetOrPost "/sns/oauth2/access_token", None, None;
    OauthRefresh = GetOrPost "/sns/oauth2/refresh_token", None, None;
    OauthUserInfo = GetOrPost "/sns/userinfo", None, None;
    OauthCheck = GetOrPost "/sns/auth", None, None;
    CallbackIp = GetOrPost "/cgi-bin/getcallbackip", None, None;
    ApiDomainIp = GetOrPost "/cgi-bin/get_api_domain_ip", None, None;
    UnlimitedQrCode = Post "/wxa/getwxacodeunlimit", Some(5_000), None;
    QrCode = Post "/wxa/getwxacode", None, None;
    ShortQrCode = Post "/cgi-bin/wxaapp/createwxaqrcode", None, None;
    UrlLink = Post "/wxa/generate_urllink", None, Some(500_000);
    UrlScheme = Post "/wxa/generatescheme", None, Some(500_000);
    ShortLink = Post "/wxa/genwxashortlink", None, None;
    SubscribeMessage = Post "/cgi-bin/message/subscribe/send", None, None;
    Templates = Get "/wxaapi/newtmpl/gettemplate", None, None;
    AddTemplate = Post "/wxaapi/newtmpl/addtemplate", None, None;
    DeleteTemplate = Post "/wxaapi/newtmpl/deltemplate", None, None;
    CustomMessage = Post "/cgi-bin/message/custom/send", None, None;
    TextCheck = Post "/wxa/msg_sec_check", Some(4_000), Some(2_000_000);
    MediaCheck = Post "/wxa/media_check_async", Some(2_000), Some(200_000);
    UserRisk = Post "/wxa/getuserriskrank", None, None;
}

impl Endpoint {
    /// Returns the path, as documented by WeChat.
    pub fn path(self) -> &'static str {
        self.row().1
    }

    /// Returns the endpoint at exactly this path.
    pub fn at(path: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|known| known.path() == path)
    }

    /// Returns `true` if parameters may be in a form in the body. Many backends call these endpoints that way.
    pub(crate) fn accepts_form(self) -> bool {
        matches!(self, Self::Code2Session | Self::AccessToken)
    }

    pub(crate) fn methods(self) -> Methods {
        self.row().0
    }

    pub(crate) fn documented_limits(self) -> Limits {
        self.row().2
    }
}

/// Returns the `Content-Type` of WeChat's JSON, which depends on the family of the path. The one of `/wxa` is our assumption:
/// only its media type is known.
pub(crate) fn content_type_of(path: &str) -> &'static str {
    if path.starts_with("/sns/") || path.starts_with("/cgi-bin/media/get") {
        "text/plain"
    } else if path.starts_with("/wxa") {
        "application/json; charset=UTF-8"
    } else {
        "application/json; encoding=utf-8"
    }
}

/// Returns the text before a rid in an error message.
pub(crate) fn rid_separator(path: &str) -> &'static str {
    if path.starts_with("/sns/") {
        ", rid: "
    } else {
        " rid: "
    }
}
