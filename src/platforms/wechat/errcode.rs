//! WeChat's error numbers: the meaning of each, its reason, and advice for the developer. One closed table.
//!
//! It has the numbers of every endpoint of use to a login backend, including those that this client does not call.

use std::net::IpAddr;

use crate::identity::PlatformName;
use crate::language::Text;
use crate::platforms::rejection::{Hint, Reason, Rejection};
use crate::platforms::wechat::rid;

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
    pub meaning: Text,
    /// Advice for the developer.
    pub advice: Text,
}

/// Creates the rejection of a call from WeChat's number and text. Keeps nothing of the text but the call id and an IP
/// address.
pub(super) fn rejection(errcode: i64, errmsg: &str) -> Rejection {
    let row = explain(errcode);
    Rejection {
        platform: PlatformName::Wechat.as_str(),
        errcode,
        rid: rid::find(errmsg),
        reason: row.map_or(Reason::Unknown, |row| row.reason),
        explanation: match row {
            Some(row) => {
                let (meaning, advice) = (row.meaning.english, row.advice.english);
                format!("{}: {meaning}; {advice}", row.errmsg)
            }
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

/// Pairs the texts, by a name that keeps the rows short.
const fn text(english: &'static str, chinese: &'static str) -> Text {
    Text::new(english, chinese)
}

/// Omits the field names of the rows, so that they read as a table.
macro_rules! table {
    ($($errcode:literal $class:ident $errmsg:literal, $meaning:expr, $advice:expr;)*) => {
        &[$(Row { errcode: $errcode, errmsg: $errmsg, reason: Reason::$class, meaning: $meaning, advice: $advice }),*]
    };
}

const RENEW: Text = text(
    "the token is renewed once; if the error persists, another program fetches tokens for the same AppID, or `apps.<name>.app_secret` is wrong",
    "token 会自动更新一次；如果错误仍然出现，说明有其他程序在获取同一个 AppID 的 token，或者 `apps.<name>.app_secret` 不正确",
);
const BUG: Text = text(
    "please report it as a bug of weapp-login, with this line",
    "请附上这一行，把它作为 weapp-login 的 bug 提交",
);
const SECRET: Text = text(
    "set `apps.<name>.app_secret` to the AppSecret on WeChat's console (Development > Settings); a reset one may take minutes to work",
    "把 `apps.<name>.app_secret` 设为微信公众平台上的 AppSecret（开发管理 > 开发设置）；重置后可能要几分钟才生效",
);
const WHITELIST: Text = text(
    "add the server's public IP address to the IP whitelist on WeChat's console (Development > Settings)",
    "在微信公众平台（开发管理 > 开发设置）的 IP 白名单中加入服务器的公网 IP 地址",
);
const CONFIRM: Text = text(
    "have the mini program's administrator confirm this server's IP address in the message that WeChat sent them",
    "请小程序管理员在微信发来的消息里确认这台服务器的 IP 地址",
);
const NEW_LOGIN: Text = text(
    "let the client call wx.login and log in again",
    "让客户端调用 wx.login 重新登录",
);
const SLOWER: Text = text(
    "wait until the next minute; look for a client that calls in a loop",
    "等到下一分钟；检查是否有客户端在循环调用",
);
const BASE64: Text = text(
    "send `encryptedData` and `iv` exactly as the event gives them, as JSON: a form turns `+` into a space",
    "以 JSON 原样发送事件返回的 `encryptedData` 和 `iv`：用表单发送时，`+` 会变成空格",
);
const GRANT: Text = text(
    "have the account owner authorise the third-party platform again",
    "请账号所有者重新授权给第三方平台",
);

/// Every number, in ascending order.
///
/// Source: the error lists of [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html)
/// and of the endpoints named in the rows, read 2026-11-23. Numbers missing from the lists were observed.
pub static TABLE: &[Row] = table! {
    -1 Busy "system error", text("WeChat is overloaded for a moment", "微信系统繁忙"),
        text("nothing to fix; the call was retried within the time limit", "无需处理；在时间限制内已自动重试");
    0 Success "ok", text("no error", "没有错误"),
        text("nothing to do", "无需处理");
    40001 TokenInvalid "invalid credential, access_token is invalid or not latest", text("the access token was replaced by a newer one, or the AppSecret is wrong", "access_token 已被更新的 token 替换，或者 AppSecret 不正确"),
        RENEW;
    40002 InvalidRequest "invalid grant_type", text("the request names another grant_type than the endpoint takes", "请求中的 grant_type 与接口要求的不同"),
        BUG;
    40003 Mismatch "invalid openid", text("the openid belongs to another mini program", "openid 属于另一个小程序"),
        text("compare the AppID of the user's login with `apps.<name>.app_id`", "核对用户登录时的 AppID 与 `apps.<name>.app_id`");
    40013 UnknownApp "invalid appid", text("the AppID does not exist, or the phone number code belongs to another mini program", "AppID 不存在，或者手机号 code 属于另一个小程序"),
        text("set `apps.<name>.app_id` to the AppID on WeChat's console (`wx` and 16 characters), and the same in project.config.json", "把 `apps.<name>.app_id` 设为微信公众平台上的 AppID（`wx` 加 16 个字符），project.config.json 里也要相同");
    40014 TokenInvalid "invalid access_token", text("the access token is malformed or belongs to another app", "access_token 格式不正确，或属于另一个应用"),
        RENEW;
    40029 CodeInvalid "invalid code", text("WeChat does not accept this code", "微信不接受这个 code"),
        text("either it is older than 5 minutes, or the mini program's AppID (project.config.json) is not `apps.<name>.app_id`, or it is a phone number code and not one from wx.login, or DevTools made it without an AppID (`the code is a mock one`), or it was mangled on the way, as `+` and spaces are in a URL", "可能的原因：code 超过了 5 分钟；小程序的 AppID（project.config.json）不是 `apps.<name>.app_id`；这是手机号 code，而不是 wx.login 的 code；开发者工具没有设置 AppID（`the code is a mock one`）；或者 code 在传输中被改动，例如 URL 里的 `+` 和空格");
    40066 Misconfigured "invalid url", text("the path does not exist", "路径不存在"),
        text("set `wechat.base_url` to https://api.weixin.qq.com, without a path", "把 `wechat.base_url` 设为 https://api.weixin.qq.com，不带路径");
    40097 InvalidRequest "invalid args", text("an argument is malformed", "参数格式不正确"),
        BUG;
    40125 Misconfigured "invalid appsecret", text("the AppSecret does not belong to this AppID", "AppSecret 不属于这个 AppID"),
        SECRET;
    40163 CodeUsed "code been used", text("the code has been exchanged before", "code 已经用过"),
        text("send each code once: look for a double tap, a client that repeats the request, or two servers that exchange the same code", "每个 code 只能发送一次：检查是否有重复点击、客户端重发请求，或两台服务器使用了同一个 code");
    40164 Misconfigured "invalid ip, not in whitelist", text("WeChat does not take calls from this server's IP address", "微信不接受来自这台服务器 IP 地址的调用"),
        WHITELIST;
    40226 UserBlocked "code blocked", text("WeChat blocks this user's login as high-risk", "微信认为该用户是高风险用户，禁止登录"),
        text("do not try again; only the user can settle it with WeChat", "不要重试；只能由用户自己联系微信解决");
    40243 Misconfigured "AppSecret frozen", text("an administrator has frozen the AppSecret", "管理员冻结了 AppSecret"),
        text("unfreeze the AppSecret on WeChat's console, or reset it and set `apps.<name>.app_secret`", "在微信公众平台解冻 AppSecret，或重置后更新 `apps.<name>.app_secret`");
    41001 InvalidRequest "access_token missing", text("the request has no access token", "请求中没有 access_token"),
        BUG;
    41002 Misconfigured "appid missing", text("the request has no AppID", "请求中没有 AppID"),
        text("set `apps.<name>.app_id`", "设置 `apps.<name>.app_id`");
    41004 Misconfigured "appsecret missing", text("the request has no AppSecret", "请求中没有 AppSecret"),
        text("set `apps.<name>.app_secret`", "设置 `apps.<name>.app_secret`");
    41008 InvalidRequest "missing code", text("the request has no code", "请求中没有 code"),
        BUG;
    41009 InvalidRequest "missing openid", text("the request has no openid", "请求中没有 openid"),
        BUG;
    42001 TokenInvalid "access_token expired", text("the access token is too old", "access_token 已过期"),
        RENEW;
    42003 CodeInvalid "code expired", text("the code is too old", "code 已过期"),
        text("send the code within 5 minutes of wx.login", "在调用 wx.login 后 5 分钟内发送 code");
    43002 InvalidRequest "require POST method", text("the endpoint takes POST only", "该接口只接受 POST"),
        BUG;
    43003 Misconfigured "require https", text("the endpoint takes HTTPS only", "该接口只接受 HTTPS"),
        text("let `wechat.base_url` begin with https://", "`wechat.base_url` 要以 https:// 开头");
    43104 Mismatch "openid does not match appid", text("the openid belongs to another mini program", "openid 属于另一个小程序"),
        text("compare the AppID of the user's login with `apps.<name>.app_id`", "核对用户登录时的 AppID 与 `apps.<name>.app_id`");
    44002 InvalidRequest "empty post data", text("the request has no body", "请求没有请求体"),
        BUG;
    44991 RateLimited "reach max minute quota", text("the quota of this minute is exhausted", "本分钟的调用额度已用完"),
        SLOWER;
    45009 QuotaExhausted "reach max api daily quota limit", text("the quota of this day is exhausted", "当天的调用额度已用完"),
        text("wait until midnight in China, or clear the quota on WeChat's console: the server notices within a minute; look for a client that calls in a loop", "等到北京时间零点，或在微信公众平台清零额度（服务端会在一分钟内恢复）；检查是否有客户端在循环调用");
    45011 RateLimited "api minute-quota reach limit", text("the quota of this minute is exhausted", "本分钟的调用额度已用完"),
        SLOWER;
    47001 InvalidRequest "data format error", text("the request's body is no JSON", "请求体不是 JSON"),
        BUG;
    48001 NotPermitted "api unauthorized", text("this mini program may not use the endpoint", "该小程序没有权限调用这个接口"),
        text("see on WeChat's console which endpoints the account has; phone numbers take a verified, non-individual one", "在微信公众平台查看账号的接口权限；获取手机号需要已认证的非个人主体");
    48006 QuotaExhausted "forbid to clear quota because of reaching the limit", text("the ten quota resets of this month are used up", "本月 10 次清零机会已用完"),
        text("wait until next month, or until midnight in China for the quota itself", "等到下个月；如果只需要额度恢复，等到北京时间零点");
    50002 UserBlocked "user limited", text("the user's WeChat account is frozen or cancelled", "用户的微信号已被冻结或注销"),
        text("do not try again", "不要重试");
    50004 Misconfigured "token api forbidden", text("WeChat forbids this mini program to fetch tokens", "微信禁止该小程序获取 access_token"),
        text("read the notices on WeChat's console, and appeal there", "查看微信公众平台上的通知，并在那里申诉");
    50007 Misconfigured "account frozen", text("the mini program's account is frozen", "小程序账号已被冻结"),
        text("read the notices on WeChat's console, and appeal there", "查看微信公众平台上的通知，并在那里申诉");
    61003 Misconfigured "component is not authorized by this account", text("the third-party platform has no authorisation for this mini program", "该小程序没有授权给第三方平台"),
        GRANT;
    61007 Misconfigured "api is unauthorized to component", text("the third-party platform may not use the endpoint for this mini program", "第三方平台没有该小程序的这项接口权限"),
        GRANT;
    61010 Mismatch "code is expired", text("the user has not been in the mini program for 2 hours", "用户 2 小时内没有使用过小程序"),
        text("skip this check for users who are away", "用户不在小程序里时不要做这项检查");
    76001 Mismatch "rid not found", text("the rid does not exist", "rid 不存在"),
        text("check the rid", "检查 rid");
    76002 Mismatch "rid is error", text("the rid is empty or malformed", "rid 为空或格式不正确"),
        text("a rid is three blocks of eight hexadecimal digits", "rid 是三组 8 位十六进制数字");
    76003 Mismatch "could not query this rid,no permission", text("the rid belongs to another account", "rid 属于另一个账号"),
        text("ask with the access token of the account that made the call", "用发起调用的账号的 access_token 查询");
    76004 Mismatch "rid time is error", text("the rid is older than 7 days", "rid 超过 7 天"),
        text("ask within 7 days of the call", "在调用后 7 天内查询");
    76021 Mismatch "cgi_path not found", text("the path does not exist", "路径不存在"),
        text("begin the path with a slash and leave out its query", "路径要以斜杠开头，不带查询参数");
    76022 Mismatch "could not use this cgi_path,no permission", text("the path cannot be asked about, as none of the login endpoints can", "不能查询这个路径，登录相关接口都不能查询"),
        text("leave it out", "去掉这个路径");
    87007 SessionKeyStale "session_key is not existd or expired", text("the session key is gone", "session_key 已失效"),
        NEW_LOGIN;
    87008 InvalidRequest "invalid sig_method", text("the signature's method is not hmac_sha256", "sig_method 不是 hmac_sha256"),
        BUG;
    87009 SessionKeyStale "invalid signature", text("the session key was replaced, has expired or is wrong", "session_key 已被替换、已过期或不正确"),
        NEW_LOGIN;
    89002 Misconfigured "open not exists", text("the mini program is not bound to an Open Platform account, so there is no unionid", "小程序没有绑定到微信开放平台账号，所以没有 unionid"),
        text("bind it on the Open Platform, or do without unionids", "在微信开放平台绑定小程序，或者不使用 unionid");
    89300 PaymentUnknown "invalid trade", text("the user has no such payment", "用户没有这笔支付"),
        text("ask within 5 minutes of the payment, with its own identifiers", "在支付后 5 分钟内，用这笔支付的订单号查询");
    89501 Misconfigured "ip is waiting for confirmation", text("a new server IP address waits for the administrator", "新的服务器 IP 地址正在等待管理员确认"),
        CONFIRM;
    89503 Misconfigured "ip needs confirmation", text("a new server IP address needs the administrator", "新的服务器 IP 地址需要管理员确认"),
        CONFIRM;
    89506 Misconfigured "ip refused twice", text("the administrator has refused this server's IP address twice; WeChat asks again after 24 hours", "管理员两次拒绝了这台服务器的 IP 地址，24 小时后微信会再次询问"),
        CONFIRM;
    89507 Misconfigured "ip refused once", text("the administrator has refused this server's IP address; WeChat asks again after 1 hour", "管理员拒绝了这台服务器的 IP 地址，1 小时后微信会再次询问"),
        CONFIRM;
};

/// The numbers of Tencent's sample class `WXBizDataCrypt`, in ascending order. No server sends them. Comments in its ports
/// contradict the constants, so the names decide.
///
/// Source: [signature and decryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html),
/// read 2026-11-23.
pub static CLIENT_SIDE: &[Row] = table! {
    -41004 SessionKeyStale "DecodeBase64Error", text("a sample decryption class could not read the base64", "官方示例的解密类无法解码 base64"),
        BASE64;
    -41003 SessionKeyStale "IllegalBuffer", text("a sample decryption class could not decrypt, or the watermark is another app's; here the data does not open", "官方示例的解密类解密失败，或者水印属于另一个小程序；在本服务中表示数据解不开"),
        text("log in first and take the data afterwards: the next wx.login may replace the key that it was encrypted with", "先登录，再获取加密数据：下一次 wx.login 可能会替换加密所用的 session_key");
    -41002 SessionKeyStale "IllegalIv", text("a sample decryption class was given an `iv` of other than 24 characters", "官方示例的解密类收到的 `iv` 不是 24 个字符"),
        BASE64;
    -41001 SessionKeyStale "IllegalAesKey", text("a sample decryption class was given a session key of other than 24 characters", "官方示例的解密类收到的 session_key 不是 24 个字符"),
        NEW_LOGIN;
};
