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
    Code2Session = Get "/sns/jscode2session", None, None;
    CheckSessionKey = Get "/wxa/checksession", None, None;
    ResetUserSessionKey = Get "/wxa/resetusersessionkey", Some(60_000), None;
    AccessToken = Get "/cgi-bin/token", None, Some(2_000);
    StableAccessToken = Post "/cgi-bin/stable_token", Some(10_000), Some(500_000);
    PhoneNumber = Post "/wxa/business/getuserphonenumber", None, None;
    PaidUnionid = Get "/wxa/getpaidunionid", None, None;
    PluginOpenPid = Post "/wxa/getpluginopenpid", None, None;
    CheckEncryptedData = Post "/wxa/business/checkencryptedmsg", None, None;
    UserEncryptKey = GetOrPost "/wxa/business/getuserencryptkey", None, None;
    ApiQuota = Post "/cgi-bin/openapi/quota/get", None, None;
    RidInfo = Post "/cgi-bin/openapi/rid/get", None, None;
    ClearQuota = Post "/cgi-bin/clear_quota", None, None;
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

    pub(crate) fn methods(self) -> Methods {
        self.row().0
    }

    pub(crate) fn documented_limits(self) -> Limits {
        self.row().2
    }
}
