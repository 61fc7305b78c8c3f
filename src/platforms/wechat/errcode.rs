//! WeChat's error numbers: the meaning of each, its reason, and advice for the developer. One closed table.
//!
//! It has the numbers of every endpoint of use to a login backend, including those that this client does not call.

use std::fmt;
use std::net::IpAddr;

use crate::identity::PlatformName;
use crate::platforms::rejection::{Hint, Reason, Rejection};
use crate::platforms::wechat::rid::Rid;

/// One error number.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// The number in `errcode`.
    pub errcode: i64,
    /// WeChat's text, without the call id that it appends.
    pub errmsg: &'static str,
    /// The reason, in terms that all platforms share.
    pub reason: Reason,
    /// Meaning for a login backend.
    pub meaning: &'static str,
    /// Advice for the developer.
    pub advice: &'static str,
}

/// Creates the rejection of a call from WeChat's number and text. Keeps nothing of the text but the call id and an IP
/// address.
pub(super) fn rejection(errcode: i64, errmsg: &str) -> Rejection {
    let row = explain(errcode);
    Rejection {
        platform: PlatformName::Wechat.as_str(),
        errcode,
        rid: Rid::find(errmsg).map(|rid| rid.to_string()),
        reason: row.map_or(Reason::Unknown, |row| row.reason),
        explanation: match row {
            Some(row) => format!("{}: {}; {}", row.errmsg, row.meaning, row.advice),
            None => "not in the table; look it up in WeChat's list".to_owned(),
        },
        hint: caller_ip(errmsg)
            .filter(|_| errcode == 40164)
            .map(Hint::CallerIp),
    }
}

/// Finds the first IP address in an `errmsg` such as `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist`.
fn caller_ip(errmsg: &str) -> Option<IpAddr> {
    errmsg
        .split([' ', ','])
        .find_map(|word| word.parse::<IpAddr>().ok())
}

/// Returns the row of an error number; `None` if it is not in the table.
pub fn explain(errcode: i64) -> Option<&'static Row> {
    let place = TABLE
        .binary_search_by_key(&errcode, |row| row.errcode)
        .ok()?;
    TABLE.get(place)
}

/// Searches by the number, or by a part of WeChat's text, ignoring case.
pub fn search(text: &str) -> Vec<&'static Row> {
    let number: Option<i64> = text.trim().parse().ok();
    let text = text.trim().to_lowercase();
    all()
        .filter(|row| match number {
            Some(number) => row.errcode == number,
            None => !text.is_empty() && row.errmsg.to_lowercase().contains(&text),
        })
        .collect()
}

/// Returns the three numbers closest to one that is not in the tables, the closest first.
pub fn nearest(errcode: i64) -> Vec<i64> {
    let mut numbers: Vec<i64> = all().map(|row| row.errcode).collect();
    numbers.sort_by_key(|number| number.abs_diff(errcode));
    numbers.truncate(3);
    numbers
}

/// Iterates over every row: first those that never come over the wire, then WeChat's.
pub fn all() -> impl Iterator<Item = &'static Row> {
    CLIENT_SIDE.iter().chain(TABLE)
}

impl Row {
    /// Returns `true` if WeChat's servers never send the number: it comes from a sample class in the developer's program.
    pub fn is_client_side(&self) -> bool {
        CLIENT_SIDE.contains(self)
    }
}

/// Formats the row on three lines, for `weapp-login explain`.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "errcode {}: {}", self.errcode, self.errmsg)?;
        writeln!(f, "  meaning       {}", self.meaning)?;
        write!(f, "  what to do    {}", self.advice)
    }
}

/// Omits the field names of the rows, so that they read as a table.
macro_rules! table {
    ($($errcode:literal $class:ident $errmsg:literal, $meaning:expr, $advice:expr;)*) => {
        &[$(Row { errcode: $errcode, errmsg: $errmsg, reason: Reason::$class, meaning: $meaning, advice: $advice }),*]
    };
}

const RENEW: &str = "the token is renewed once; if the error persists, another program fetches tokens for the same AppID, or `apps.<name>.app_secret` is wrong";
const BUG: &str = "please report it as a bug of weapp-login, with this line";
const SECRET: &str = "set `apps.<name>.app_secret` to the AppSecret on WeChat's console (Development > Settings); a reset one may take minutes to work";
const WHITELIST: &str = "add the server's public IP address to the IP whitelist on WeChat's console (Development > Settings)";
const CONFIRM: &str = "have the mini program's administrator confirm this server's IP address in the message that WeChat sent them";
const NEW_LOGIN: &str = "let the client call wx.login and log in again";
const SLOWER: &str = "wait until the next minute; look for a client that calls in a loop";
const BASE64: &str = "send `encryptedData` and `iv` exactly as the event gives them, as JSON: a form turns `+` into a space";
const GRANT: &str = "have the account owner authorise the third-party platform again";

/// Every number, in ascending order.
///
/// Source: the error lists of [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html)
/// and of the endpoints named in the rows, read 2026-11-23. Numbers missing from the lists were observed.
pub static TABLE: &[Row] = table! {
    -1 Busy "system error", "WeChat is overloaded for a moment", "nothing to fix; the call was retried within the time limit";
    0 Success "ok", "no error", "nothing to do";
    40001 TokenInvalid "invalid credential, access_token is invalid or not latest", "the access token was replaced by a newer one, or the AppSecret is wrong", RENEW;
    40002 InvalidRequest "invalid grant_type", "the request names another grant_type than the endpoint takes", BUG;
    40003 Mismatch "invalid openid", "the openid belongs to another mini program", "compare the AppID of the user's login with `apps.<name>.app_id`";
    40013 UnknownApp "invalid appid", "the AppID does not exist, or the phone number code belongs to another mini program", "set `apps.<name>.app_id` to the AppID on WeChat's console (`wx` and 16 characters), and the same in project.config.json";
    40014 TokenInvalid "invalid access_token", "the access token is malformed or belongs to another app", RENEW;
    40029 CodeInvalid "invalid code", "WeChat does not accept this code", "either it is older than 5 minutes, or the mini program's AppID (project.config.json) is not `apps.<name>.app_id`, or it is a phone number code and not one from wx.login, or DevTools made it without an AppID (`the code is a mock one`), or it was mangled on the way, as `+` and spaces are in a URL";
    40066 Misconfigured "invalid url", "the path does not exist", "set `wechat.base_url` to https://api.weixin.qq.com, without a path";
    40097 InvalidRequest "invalid args", "an argument is malformed", BUG;
    40125 Misconfigured "invalid appsecret", "the AppSecret does not belong to this AppID", SECRET;
    40163 CodeUsed "code been used", "the code has been exchanged before", "send each code once: look for a double tap, a client that repeats the request, or two servers that exchange the same code";
    40164 Misconfigured "invalid ip, not in whitelist", "WeChat does not take calls from this server's IP address", WHITELIST;
    40226 UserBlocked "code blocked", "WeChat blocks this user's login as high-risk", "do not try again; only the user can settle it with WeChat";
    40243 Misconfigured "AppSecret frozen", "an administrator has frozen the AppSecret", "unfreeze the AppSecret on WeChat's console, or reset it and set `apps.<name>.app_secret`";
    41001 InvalidRequest "access_token missing", "the request has no access token", BUG;
    41002 Misconfigured "appid missing", "the request has no AppID", "set `apps.<name>.app_id`";
    41004 Misconfigured "appsecret missing", "the request has no AppSecret", "set `apps.<name>.app_secret`";
    41008 InvalidRequest "missing code", "the request has no code", BUG;
    41009 InvalidRequest "missing openid", "the request has no openid", BUG;
    42001 TokenInvalid "access_token expired", "the access token is too old", RENEW;
    42003 CodeInvalid "code expired", "the code is too old", "send the code within 5 minutes of wx.login";
    43002 InvalidRequest "require POST method", "the endpoint takes POST only", BUG;
    43003 Misconfigured "require https", "the endpoint takes HTTPS only", "let `wechat.base_url` begin with https://";
    43104 Mismatch "openid does not match appid", "the openid belongs to another mini program", "compare the AppID of the user's login with `apps.<name>.app_id`";
    44002 InvalidRequest "empty post data", "the request has no body", BUG;
    44991 RateLimited "reach max minute quota", "the quota of this minute is exhausted", SLOWER;
    45009 QuotaExhausted "reach max api daily quota limit", "the quota of this day is exhausted", "wait until midnight in China, or clear the quota on WeChat's console: the server notices within a minute; look for a client that calls in a loop";
    45011 RateLimited "api minute-quota reach limit", "the quota of this minute is exhausted", SLOWER;
    47001 InvalidRequest "data format error", "the request's body is no JSON", BUG;
    48001 NotPermitted "api unauthorized", "this mini program may not use the endpoint", "see on WeChat's console which endpoints the account has; phone numbers take a verified, non-individual one";
    48006 QuotaExhausted "forbid to clear quota because of reaching the limit", "the ten quota resets of this month are used up", "wait until next month, or until midnight in China for the quota itself";
    50002 UserBlocked "user limited", "the user's WeChat account is frozen or cancelled", "do not try again";
    50004 Misconfigured "token api forbidden", "WeChat forbids this mini program to fetch tokens", "read the notices on WeChat's console, and appeal there";
    50007 Misconfigured "account frozen", "the mini program's account is frozen", "read the notices on WeChat's console, and appeal there";
    61003 Misconfigured "component is not authorized by this account", "the third-party platform has no authorisation for this mini program", GRANT;
    61007 Misconfigured "api is unauthorized to component", "the third-party platform may not use the endpoint for this mini program", GRANT;
    61010 Mismatch "code is expired", "the user has not been in the mini program for 2 hours", "skip this check for users who are away";
    76001 Mismatch "rid not found", "the rid does not exist", "check the rid";
    76002 Mismatch "rid is error", "the rid is empty or malformed", "a rid is three blocks of eight hexadecimal digits";
    76003 Mismatch "could not query this rid,no permission", "the rid belongs to another account", "ask with the access token of the account that made the call";
    76004 Mismatch "rid time is error", "the rid is older than 7 days", "ask within 7 days of the call";
    76021 Mismatch "cgi_path not found", "the path does not exist", "begin the path with a slash and leave out its query";
    76022 Mismatch "could not use this cgi_path,no permission", "the path cannot be asked about, as none of the login endpoints can", "leave it out";
    87007 SessionKeyStale "session_key is not existd or expired", "the session key is gone", NEW_LOGIN;
    87008 InvalidRequest "invalid sig_method", "the signature's method is not hmac_sha256", BUG;
    87009 SessionKeyStale "invalid signature", "the session key was replaced, has expired or is wrong", NEW_LOGIN;
    89002 Mismatch "open not exists", "the mini program is not bound to an Open Platform account, so there is no unionid", "bind it on the Open Platform, or do without unionids";
    89300 Mismatch "invalid trade", "the user has no such payment", "ask within 5 minutes of the payment, with its own identifiers";
    89501 Misconfigured "ip is waiting for confirmation", "a new server IP address waits for the administrator", CONFIRM;
    89503 Misconfigured "ip needs confirmation", "a new server IP address needs the administrator", CONFIRM;
    89506 Misconfigured "ip refused twice", "the administrator has refused this server's IP address twice; WeChat asks again after 24 hours", CONFIRM;
    89507 Misconfigured "ip refused once", "the administrator has refused this server's IP address; WeChat asks again after 1 hour", CONFIRM;
};

/// The numbers of Tencent's sample class `WXBizDataCrypt`, in ascending order. No server sends them. Comments in its ports
/// contradict the constants, so the names decide.
///
/// Source: [signature and decryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html),
/// read 2026-11-23.
pub static CLIENT_SIDE: &[Row] = table! {
    -41004 SessionKeyStale "DecodeBase64Error", "a sample decryption class could not read the base64", BASE64;
    -41003 SessionKeyStale "IllegalBuffer", "a sample decryption class could not decrypt, or the watermark is another app's; here the data does not open", "log in first and take the data afterwards: the next wx.login may replace the key that it was encrypted with";
    -41002 SessionKeyStale "IllegalIv", "a sample decryption class was given an `iv` of other than 24 characters", BASE64;
    -41001 SessionKeyStale "IllegalAesKey", "a sample decryption class was given a session key of other than 24 characters", NEW_LOGIN;
};
