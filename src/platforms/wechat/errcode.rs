//! WeChat's error numbers: what each means, what kind it is, and what a developer should do. One closed table.
//!
//! Knows the numbers of every endpoint that a login backend asks, whether this client asks it yet or not.
//! Never knows which call a number came from, nor what we answer to a client.

use std::fmt;
use std::time::Duration;

use crate::platforms::wechat::error::Fault;

/// One error number.
#[derive(Debug, PartialEq, Eq)]
pub struct Row {
    /// WeChat's number, as it stands in `errcode`.
    pub errcode: i64,
    /// WeChat's own text, without what it appends to it.
    pub errmsg: &'static str,
    /// What kind of answer it is.
    pub class: Class,
    /// What it means here.
    pub meaning: &'static str,
    /// What the developer should do.
    pub advice: &'static str,
}

/// The kinds of answers. A new kind does not compile until everybody has thought about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// No error (0).
    Success,
    /// WeChat is overloaded for a moment (-1).
    Busy,
    /// The code is not valid here, or not any more: it takes a new one.
    CodeInvalid,
    /// The code has been exchanged before: it takes a new one.
    CodeUsed,
    /// WeChat blocks this user. Asking again is pointless.
    UserBlocked,
    /// The quota of this minute is spent.
    TooOften,
    /// The quota of this day or month is spent.
    QuotaSpent,
    /// The access token is not valid any more: renew it once, and ask again.
    TokenRefused,
    /// The session key is not valid any more: it takes a new login.
    KeyStale,
    /// What was asked does not fit what WeChat knows: another app's openid, an unknown payment.
    Unsuitable,
    /// This mini program may not use the endpoint.
    NotGranted,
    /// A setting here or on WeChat's console is wrong.
    Misconfigured,
    /// The request is malformed: a bug of this server.
    OurBug,
    /// A number that is not in the table.
    Unknown,
}

impl Class {
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::CodeInvalid | Self::CodeUsed | Self::UserBlocked | Self::KeyStale => {
                Fault::Client
            }
            Self::Unsuitable => Fault::Client,
            Self::NotGranted | Self::Misconfigured | Self::QuotaSpent => Fault::Operator,
            Self::OurBug | Self::Success => Fault::Ours,
            Self::Busy | Self::TooOften | Self::TokenRefused | Self::Unknown => Fault::Wechat,
        }
    }

    pub(crate) fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            Self::TooOften => Some(Duration::from_mins(1)),
            // The quota comes back at midnight in China. Our choice: asking every hour finds that soon enough.
            Self::QuotaSpent => Some(Duration::from_hours(1)),
            Self::Success
            | Self::CodeInvalid
            | Self::CodeUsed
            | Self::UserBlocked
            | Self::TokenRefused
            | Self::KeyStale
            | Self::Unsuitable
            | Self::NotGranted
            | Self::Misconfigured
            | Self::OurBug
            | Self::Unknown => None,
        }
    }
}

/// The row of an error number; `None` if the number is not in the table.
pub fn explain(errcode: i64) -> Option<&'static Row> {
    let place = TABLE
        .binary_search_by_key(&errcode, |row| row.errcode)
        .ok()?;
    TABLE.get(place)
}

/// The rows that a person may mean: by the number, or by WeChat's text in any case. More than one if the text is not whole.
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

/// The three numbers that come closest to one that is not in the tables, the closest first.
pub fn nearest(errcode: i64) -> Vec<i64> {
    let mut numbers: Vec<i64> = all().map(|row| row.errcode).collect();
    numbers.sort_by_key(|number| number.abs_diff(errcode));
    numbers.truncate(3);
    numbers
}

/// Every row: first those that never come over the wire, then WeChat's.
pub fn all() -> impl Iterator<Item = &'static Row> {
    CLIENT_SIDE.iter().chain(TABLE)
}

impl Row {
    /// Whether WeChat's servers never send the number: a sample class in the developer's own program made it.
    pub fn is_client_side(&self) -> bool {
        CLIENT_SIDE.contains(self)
    }
}

/// The row for a person, on three lines.
impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "errcode {}: {}", self.errcode, self.errmsg)?;
        writeln!(f, "  it means      {}", self.meaning)?;
        write!(f, "  what to do    {}", self.advice)
    }
}

/// Writes rows without their field names, so that the table reads as one.
macro_rules! table {
    ($($errcode:literal $class:ident $errmsg:literal, $meaning:expr, $advice:expr;)*) => {
        &[$(Row { errcode: $errcode, errmsg: $errmsg, class: Class::$class, meaning: $meaning, advice: $advice }),*]
    };
}

const RENEW: &str = "the token is renewed once; if this stays, another program fetches tokens for the same AppID, or `apps.<name>.app_secret` is wrong";
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
/// and of the endpoints named in the rows, read 2026-11-23; what the lists lack was seen in the field.
pub static TABLE: &[Row] = table! {
    -1 Busy "system error", "WeChat is overloaded for a moment", "nothing to fix; it was asked again within the time limit";
    0 Success "ok", "no error", "nothing to do";
    40001 TokenRefused "invalid credential, access_token is invalid or not latest", "the access token was replaced by a newer one, or the AppSecret is wrong", RENEW;
    40002 OurBug "invalid grant_type", "the request names another grant_type than the endpoint takes", BUG;
    40003 Unsuitable "invalid openid", "the openid belongs to another mini program", "compare the AppID of the user's login with `apps.<name>.app_id`";
    40013 Misconfigured "invalid appid", "WeChat knows no such AppID, or the phone number code is another mini program's", "set `apps.<name>.app_id` to the AppID on WeChat's console (`wx` and 16 characters), and the same in project.config.json";
    40014 TokenRefused "invalid access_token", "the access token is malformed or another app's", RENEW;
    40029 CodeInvalid "invalid code", "WeChat does not accept this code", "either it is older than 5 minutes, or the mini program's AppID (project.config.json) is not `apps.<name>.app_id`, or it is a phone number code and not one from wx.login, or DevTools made it without an AppID (`the code is a mock one`), or it was mangled on the way, as `+` and spaces are in a URL";
    40066 Misconfigured "invalid url", "WeChat knows no such path", "set `wechat.base_url` to https://api.weixin.qq.com, without a path";
    40097 OurBug "invalid args", "an argument is malformed", BUG;
    40125 Misconfigured "invalid appsecret", "the AppSecret does not belong to this AppID", SECRET;
    40163 CodeUsed "code been used", "the code has been exchanged before", "send each code once: look for a double tap, a client that repeats the request, or two servers that exchange the same code";
    40164 Misconfigured "invalid ip, not in whitelist", "WeChat does not take calls from this server's IP address", WHITELIST;
    40226 UserBlocked "code blocked", "WeChat blocks this user's login as high-risk", "do not try again; only the user can settle it with WeChat";
    40243 Misconfigured "AppSecret frozen", "an administrator has frozen the AppSecret", "unfreeze the AppSecret on WeChat's console, or reset it and set `apps.<name>.app_secret`";
    41001 OurBug "access_token missing", "the request bears no access token", BUG;
    41002 Misconfigured "appid missing", "the request bears no AppID", "set `apps.<name>.app_id`";
    41004 Misconfigured "appsecret missing", "the request bears no AppSecret", "set `apps.<name>.app_secret`";
    41008 OurBug "missing code", "the request bears no code", BUG;
    41009 OurBug "missing openid", "the request bears no openid", BUG;
    42001 TokenRefused "access_token expired", "the access token is too old", RENEW;
    42003 CodeInvalid "code expired", "the code is too old", "send the code within 5 minutes of wx.login";
    43002 OurBug "require POST method", "the endpoint takes POST only", BUG;
    43003 Misconfigured "require https", "the endpoint takes HTTPS only", "let `wechat.base_url` begin with https://";
    43104 Unsuitable "openid does not match appid", "the openid belongs to another mini program", "compare the AppID of the user's login with `apps.<name>.app_id`";
    44002 OurBug "empty post data", "the request has no body", BUG;
    44991 TooOften "reach max minute quota", "the quota of this minute is spent", SLOWER;
    45009 QuotaSpent "reach max api daily quota limit", "the quota of this day is spent", "wait until midnight in China, or clear the quota on WeChat's console; look for a client that calls in a loop";
    45011 TooOften "api minute-quota reach limit", "the quota of this minute is spent", SLOWER;
    47001 OurBug "data format error", "the request's body is no JSON", BUG;
    48001 NotGranted "api unauthorized", "this mini program may not use the endpoint", "see on WeChat's console which endpoints the account has; phone numbers take a verified, non-individual one";
    48006 QuotaSpent "forbid to clear quota because of reaching the limit", "the ten quota resets of this month are spent", "wait until next month, or until midnight in China for the quota itself";
    50002 UserBlocked "user limited", "the user's WeChat account is frozen or cancelled", "do not try again";
    50004 Misconfigured "token api forbidden", "WeChat forbids this mini program to fetch tokens", "read the notices on WeChat's console, and appeal there";
    50007 Misconfigured "account frozen", "the mini program's account is frozen", "read the notices on WeChat's console, and appeal there";
    61003 Misconfigured "component is not authorized by this account", "the third-party platform has no authorisation for this mini program", GRANT;
    61007 Misconfigured "api is unauthorized to component", "the third-party platform may not use the endpoint for this mini program", GRANT;
    61010 Unsuitable "code is expired", "the user has not been in the mini program for 2 hours", "skip this check for users who are away";
    76001 Unsuitable "rid not found", "WeChat knows no such rid", "check the rid";
    76002 Unsuitable "rid is error", "the rid is empty or malformed", "a rid is three blocks of eight hexadecimal digits";
    76003 Unsuitable "could not query this rid,no permission", "the rid belongs to another account", "ask with the access token of the account that made the call";
    76004 Unsuitable "rid time is error", "the rid is older than 7 days", "ask within 7 days of the call";
    76021 Unsuitable "cgi_path not found", "WeChat knows no such path", "begin the path with a slash and leave out its query";
    76022 Unsuitable "could not use this cgi_path,no permission", "the path cannot be asked about, as none of the login endpoints can", "leave it out";
    87007 KeyStale "session_key is not existd or expired", "the session key is gone", NEW_LOGIN;
    87008 OurBug "invalid sig_method", "the signature's method is not hmac_sha256", BUG;
    87009 KeyStale "invalid signature", "the session key was replaced, has expired or is wrong", NEW_LOGIN;
    89002 Unsuitable "open not exists", "the mini program is not bound to an Open Platform account, so there is no unionid", "bind it on the Open Platform, or do without unionids";
    89300 Unsuitable "invalid trade", "WeChat knows no such payment of this user", "ask within 5 minutes of the payment, with its own identifiers";
    89501 Misconfigured "ip is waiting for confirmation", "a new server IP address waits for the administrator", CONFIRM;
    89503 Misconfigured "ip needs confirmation", "a new server IP address needs the administrator", CONFIRM;
    89506 Misconfigured "ip refused twice", "the administrator has refused this server's IP address twice; WeChat asks again after 24 hours", CONFIRM;
    89507 Misconfigured "ip refused once", "the administrator has refused this server's IP address; WeChat asks again after 1 hour", CONFIRM;
};

/// The numbers of Tencent's sample class `WXBizDataCrypt`, in ascending order. No server sends them: developers know them
/// from its ports, whose comments contradict the constants, so the names are what to go by.
///
/// Source: [signature and decryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html),
/// read 2026-11-23.
pub static CLIENT_SIDE: &[Row] = table! {
    -41004 KeyStale "DecodeBase64Error", "a sample decryption class could not read the base64", BASE64;
    -41003 KeyStale "IllegalBuffer", "a sample decryption class could not decrypt, or the watermark is another app's; here the data does not open", "log in first and take the data afterwards: the next wx.login may replace the key that it was encrypted with";
    -41002 KeyStale "IllegalIv", "a sample decryption class was given an `iv` of other than 24 characters", BASE64;
    -41001 KeyStale "IllegalAesKey", "a sample decryption class was given a session key of other than 24 characters", NEW_LOGIN;
};
