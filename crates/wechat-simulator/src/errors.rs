//! WeChat's error replies: error numbers and their messages.

/// An error reply, without its rid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) errcode: i64,
    pub(crate) errmsg: &'static str,
}

/// Defines the errors that endpoints reply with, and a list of them.
macro_rules! api_errors {
    ($($name:ident = $errcode:literal, $errmsg:literal;)*) => {
        $(pub(crate) const $name: ApiError = error($errcode, $errmsg);)*
        const REPLIED: &[ApiError] = &[$($name),*];
    };
}

api_errors! {
    DATA_NOT_FOUND = 1, "encrypted data not found";
    PLUGIN_PARAMETERS = 1001, "parameter error";
    PLUGIN_MISMATCH = 1005, "plugin appid not match";
    OPENPID_NOT_FOUND = 1007, "openpid not found";
    PLUGIN_MALFORMED_BODY = 1022, "json format error";
    NOT_LATEST = 40001, "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r";
    INVALID_GRANT_TYPE = 40002, "invalid grant_type";
    INVALID_OPENID = 40003, "invalid openid";
    INVALID_APPID = 40013, "invalid appid";
    INVALID_CODE = 40029, "invalid code";
    INVALID_URL = 40066, "invalid url";
    INVALID_ARGUMENTS = 40097, "invalid args";
    INVALID_APPSECRET = 40125, "invalid appsecret";
    CODE_USED = 40163, "code been used";
    CODE_BLOCKED = 40226, "code blocked";
    ACCESS_TOKEN_MISSING = 41001, "access_token missing";
    APPID_MISSING = 41002, "appid missing";
    APPSECRET_MISSING = 41004, "appsecret missing";
    CODE_MISSING = 41008, "code missing";
    OPENID_MISSING = 41009, "openid missing";
    ACCESS_TOKEN_EXPIRED = 42001, "access_token expired";
    REFRESH_TOKEN_EXPIRED = 42002, "refresh_token expired";
    GET_REQUIRED = 43001, "require GET method";
    POST_REQUIRED = 43002, "require POST method";
    REDIRECT_MISMATCH = 10003, "redirect_uri domain is not the configured one";
    INVALID_REFRESH_TOKEN = 40030, "invalid refresh_token";
    INVALID_MESSAGE_TYPE = 40008, "invalid message type";
    INVALID_TEMPLATE = 40037, "invalid template_id";
    INVALID_PATH_LENGTH = 40159, "invalid length for path, or the data is not json string";
    INVALID_PAGE_PATH = 40165, "invalid weapp pagepath";
    INVALID_SCENE = 40169, "invalid length for scene, or the data is not json string";
    INVALID_PAGE = 41030, "invalid page";
    NO_SUBSCRIPTION = 43101, "user refuse to accept the msg";
    OPENID_MISMATCH = 43104, "appid is not match with openid";
    EMPTY_BODY = 44002, "empty post data";
    BODY_TOO_LARGE = 45002, "content size out of limit";
    DAILY_QUOTA_EXCEEDED = 45009, "reach max api daily quota limit";
    MINUTE_QUOTA_EXCEEDED = 45011, "api minute-quota reach limit  mustslower  retry next minute";
    ANSWER_TOO_LATE = 45015, "response out of time limit or subscription is canceled";
    TOO_MANY_ANSWERS = 45047, "out of response count limit";
    MALFORMED_BODY = 47001, "data format error";
    MISSING_DATA = 47003, "argument invalid!";
    UNAUTHORIZED = 48001, "api unauthorized";
    CLEAR_QUOTA_EXCEEDED = 48006, "forbid to clear quota because of reaching the limit";
    COMPONENT_NOT_AUTHORIZED = 61003, "component is not authorized by this account";
    INVALID_TICKET = 61006, "component ticket is invalid";
    USER_NOT_SEEN = 61010, "code is expired";
    RID_NOT_FOUND = 76001, "rid not found";
    RID_MALFORMED = 76002, "invalid rid";
    RID_OF_OTHER_APP = 76003, "rid of another account";
    RID_EXPIRED = 76004, "rid expired";
    PATH_NOT_FOUND = 76021, "cgi_path not found";
    PATH_FORBIDDEN = 76022, "could not use this cgi_path, no permission";
    KEY_NOT_FOUND = 87007, "session_key is not existd or expired";
    INVALID_SIG_METHOD = 87008, "invalid sig_method";
    INVALID_SIGNATURE = 87009, "invalid signature";
    RISKY_CONTENT = 87014, "risky content";
    OPEN_NOT_EXISTS = 89002, "open not exists";
    INVALID_TRADE = 89300, "invalid trade";
}

/// Errors that only an injected fault replies with.
const INJECTED: &[ApiError] = &[
    error(-1, "system error"),
    error(
        40164,
        "invalid ip 127.0.0.1 ipv6 ::ffff:127.0.0.1, not in whitelist",
    ),
    error(40014, "invalid access_token"),
    error(44990, "reach max api second frequence limit"),
    error(45029, "qrcode count out of limit"),
    error(40243, "AppSecret frozen"),
    error(50002, "user limited"),
    error(50004, "forbidden"),
    error(50007, "account frozen"),
    error(
        89503,
        "this ip is not in whitelist, waiting for the admin's confirmation",
    ),
    error(89506, "this ip was refused by the admin, retry in 24 hours"),
    error(89507, "this ip was refused by the admin, retry in 1 hour"),
];

/// Returns the documented message of an error number, or `unknown error`.
pub(crate) fn errmsg_of(errcode: i64) -> &'static str {
    let mut known = REPLIED.iter().chain(INJECTED);
    known
        .find(|error| error.errcode == errcode)
        .map_or("unknown error", |error| error.errmsg)
}

const fn error(errcode: i64, errmsg: &'static str) -> ApiError {
    ApiError { errcode, errmsg }
}
