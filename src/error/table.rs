//! The table of errors.

use actix_web::http::StatusCode;

use crate::error::definition::ErrorDefinition;

/// Defines [`ErrorCode`] from rows `Variant: STATUS, name, English sentence, Chinese sentence`.
macro_rules! table {
    ($($(#[$doc:meta])+ $code:ident: $status:ident, $name:literal, $message:literal, $chinese:literal;)+) => {
        /// An error of the API. Each has a status, a stable name and a sentence in each language.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ErrorCode {
            $($(#[$doc])+ $code,)+
        }

        impl ErrorCode {
            /// Every error of the table.
            pub const ALL: &[Self] = &[$(Self::$code),+];

            /// Returns the status, the name and the sentences.
            pub const fn definition(self) -> ErrorDefinition {
                match self {
                    $(Self::$code => ErrorDefinition::new(StatusCode::$status, $name, $message)
                        .in_chinese($chinese),)+
                }
            }
        }
    };
}

table! {
    /// The body is not a JSON object or array.
    MalformedJson: BAD_REQUEST, "malformed_json",
        "The body is not a JSON object or array: send JSON.stringify(data).",
        "请求体不是 JSON 对象或数组：请发送 JSON.stringify(data)。";
    /// The body could not be inflated or read.
    MalformedBody: BAD_REQUEST, "malformed_body",
        "The body could not be read: check Content-Length and Content-Encoding.",
        "请求体读取失败：请检查 Content-Length 和 Content-Encoding。";
    /// The body is JSON, but does not have the fields that the handler takes.
    UnexpectedBody: BAD_REQUEST, "unexpected_body",
        "The body is JSON, but its fields are not what this route takes.",
        "请求体是 JSON，但字段不符合该接口的要求。";
    /// The request is invalid for a reason that has no code of its own.
    BadRequest: BAD_REQUEST, "bad_request",
        "The request is invalid: check its path, query and headers.",
        "请求无效：请检查路径、查询参数和请求头。";
    /// The settings have no mini program of this name or AppID, nor of the Referer's.
    AppUnknown: BAD_REQUEST, "app_unknown",
        "The server does not know which mini program this login is for, and its log lists those that it knows: send the name or AppID of one as app.",
        "无法确定要登录哪个小程序：请在 app 中传小程序的名字或 AppID，服务端日志里有可选的列表。";
    /// The login is for an app of another kind than this route takes.
    AppOfAnotherKind: BAD_REQUEST, "app_of_another_kind",
        "This app logs in with another route: mini programs with POST /login, websites and official accounts with POST /login/oauth.",
        "这个应用要用另一个接口登录：小程序用 POST /login，网站应用和公众号用 POST /login/oauth。";
    /// The page is not one of the app's redirects.
    RedirectNotAllowed: BAD_REQUEST, "redirect_not_allowed",
        "The login may not return to this page: add its URL to apps.<name>.redirects in the server's settings, exactly as the page sends it.",
        "登录后不能跳转到这个页面：请把它的 URL 加入服务端的 apps.<name>.redirects，必须与页面发送的完全一致。";
    /// The state of a web login is missing, foreign, expired or used.
    StateInvalid: BAD_REQUEST, "state_invalid",
        "The state is expired, used, or not of this browser: get a new one from /login/oauth/url, keep its nonce, and send both.",
        "state 已过期、已使用，或不属于当前浏览器：请重新从 /login/oauth/url 获取，保存 nonce，登录时两个一起发送。";
    /// The page is shown as a snapshot, whose user is a virtual one.
    SnapshotUser: FORBIDDEN, "snapshot_user",
        "WeChat shows this page as a snapshot with a virtual user: let the user open the full page, then log in.",
        "微信以快照模式打开了这个页面，用户是虚拟账号：请让用户点击“使用完整服务”，再登录。";
    /// The body has no `code`.
    CodeMissing: BAD_REQUEST, "code_missing",
        "The code is missing: send {\"code\": …} as application/json, with the code from wx.login or the phone number button.",
        "缺少 code：请以 application/json 发送 {\"code\": …}，code 来自 wx.login 或手机号按钮。";
    /// `code` is not a string, or cannot be a code, such as `undefined`.
    CodeMalformed: BAD_REQUEST, "code_malformed",
        "This cannot be a code: send the string that wx.login or the phone number button returns, unchanged, and no converted value such as undefined.",
        "这不可能是 code：请原样发送 wx.login 或手机号按钮返回的字符串，不要发送 undefined 这类转换出来的值。";
    /// The `Idempotency-Key` header is malformed.
    IdempotencyKeyMalformed: BAD_REQUEST, "idempotency_key_malformed",
        "The Idempotency-Key must be a single value of 1 to 255 visible ASCII characters.",
        "Idempotency-Key 必须是单个值，由 1 到 255 个可见 ASCII 字符组成。";
    /// The body of a profile update has no field to change.
    ProfileMissing: BAD_REQUEST, "profile_missing",
        "Nothing was changed: send nickname or avatar_url, or WeChat's nickName or avatarUrl, as application/json.",
        "没有修改任何内容：请以 application/json 发送 nickname 或 avatar_url，也可以用微信的 nickName 或 avatarUrl。";
    /// `nickname` is not a string of one line, or is too long.
    NicknameMalformed: BAD_REQUEST, "nickname_malformed",
        "The nickname must be a string of at most 64 characters without line breaks and control characters, or null.",
        "nickname 必须是不超过 64 个字符的字符串，不能有换行和控制字符；传 null 表示清空。";
    /// `avatar_url` is not an `https` URL, or is too long.
    AvatarUrlMalformed: BAD_REQUEST, "avatar_url_malformed",
        "The avatar_url must be an https URL of at most 2048 bytes, or null: upload the picture first.",
        "avatar_url 必须是不超过 2048 字节的 https URL，传 null 表示清空：请先上传图片。";
    /// The settings have no store for avatars.
    AvatarOff: FORBIDDEN, "avatar_off",
        "Uploads of avatars are off: set avatar.store in the server's settings.",
        "没有开放头像上传：请在服务端配置 avatar.store。";
    /// The body has no file.
    AvatarMissing: BAD_REQUEST, "avatar_missing",
        "The picture is missing: send the file as the body of a PUT, or as the file of a multipart POST, as wx.uploadFile does.",
        "缺少图片：请用 PUT 把文件作为请求体发送，或像 wx.uploadFile 那样用 multipart 表单 POST。";
    /// The file is damaged.
    AvatarMalformed: BAD_REQUEST, "avatar_malformed",
        "The picture is damaged: send the file unchanged, as chooseAvatar returns it.",
        "图片已损坏：请原样发送 chooseAvatar 返回的文件。";
    /// The file or the picture is too large.
    AvatarTooLarge: PAYLOAD_TOO_LARGE, "avatar_too_large",
        "The picture is larger than avatar.max_bytes or has more than 12 million pixels: make it smaller, for example with wx.compressImage.",
        "图片超过 avatar.max_bytes 或 1200 万像素：请缩小图片，例如用 wx.compressImage。";
    /// The file is no JPEG, PNG or WebP.
    AvatarUnsupported: UNSUPPORTED_MEDIA_TYPE, "avatar_unsupported",
        "The picture must be a JPEG, PNG or WebP: convert other formats such as HEIC first, for example with wx.compressImage.",
        "图片必须是 JPEG、PNG 或 WebP：HEIC 等格式请先转换，例如用 wx.compressImage。";
    /// The folder or bucket of the avatars fails, or too many uploads are in progress.
    AvatarUnavailable: SERVICE_UNAVAILABLE, "avatar_unavailable",
        "Avatars cannot be stored or read at the moment: try again as Retry-After says.",
        "暂时无法存储或读取头像：请按 Retry-After 等待后重试。";
    /// WeChat does not accept the code (40029).
    LoginCodeInvalid: UNAUTHORIZED, "login_code_invalid",
        "WeChat does not accept this login code: send a new code, from wx.login in a mini program or from a new GET /login/oauth/url on the web.",
        "微信不接受这个登录 code。请发送新的 code：小程序重新调用 wx.login，网页重新请求 GET /login/oauth/url。";
    /// WeChat has seen the code before (40163).
    LoginCodeUsed: UNAUTHORIZED, "login_code_used",
        "This login code was used before and works only once: send a new code, from wx.login in a mini program or from a new GET /login/oauth/url on the web.",
        "这个登录 code 已经用过，每个 code 只能用一次。请发送新的 code：小程序重新调用 wx.login，网页重新请求 GET /login/oauth/url。";
    /// The client sent a login code in place of a phone number code.
    LoginCodeInsteadOfPhoneCode: BAD_REQUEST, "login_code_instead_of_phone_code",
        "This is a code from wx.login: send e.detail.code of the phone number button's event.",
        "这是 wx.login 的 code：请发送手机号按钮事件里的 e.detail.code。";
    /// WeChat does not accept the phone number code (40029).
    PhoneCodeInvalid: BAD_REQUEST, "phone_code_invalid",
        "WeChat does not accept this phone number code, which works once within 5 minutes of the tap: let the user tap the button again.",
        "微信不接受这个手机号 code，它在点击后 5 分钟内有效，只能用一次：请让用户重新点击按钮。";
    /// The phone number code belongs to another mini program (40013).
    PhoneCodeOfAnotherApp: BAD_REQUEST, "phone_code_of_another_app",
        "This phone number code is not from the mini program of this session: compare the AppIDs.",
        "这个手机号 code 不属于当前会话的小程序：请核对 AppID。";
    /// The phone number code was sent to WeChat before, and the response was lost.
    PhoneCodeSpent: CONFLICT, "phone_code_spent",
        "This phone number code was sent to WeChat before and the response was lost: let the user tap the button again.",
        "这个手机号 code 已经发给过微信，但响应丢失了：请让用户重新点击按钮。";
    /// The body does not identify a payment.
    PaymentMalformed: BAD_REQUEST, "payment_malformed",
        "The payment is missing: send {\"transaction_id\": …}, or {\"mch_id\": …, \"out_trade_no\": …}, as application/json.",
        "缺少支付信息：请以 application/json 发送 {\"transaction_id\": …}，或 {\"mch_id\": …, \"out_trade_no\": …}。";
    /// WeChat has no such payment of this user (89300).
    PaymentUnknown: CONFLICT, "payment_unknown",
        "WeChat has no such payment of this user within the last 5 minutes: send the identifiers of the payment right after it.",
        "微信查不到该用户最近 5 分钟内的这笔支付：请在支付成功后立即发送订单号。";
    /// The body has no encrypted data, or not all of its fields.
    EncryptedDataMissing: BAD_REQUEST, "encrypted_data_missing",
        "Send encryptedData and iv, and rawData only together with its signature, as the event returns them, as application/json.",
        "请以 application/json 原样发送事件返回的 encryptedData 和 iv；rawData 必须和 signature 一起发送。";
    /// The base64 of the encrypted data or its `iv` is damaged.
    EncryptedDataMalformed: BAD_REQUEST, "encrypted_data_malformed",
        "The encryptedData or the iv is damaged: send both unchanged, as the event returns them.",
        "encryptedData 或 iv 已损坏：请原样发送事件返回的这两个值。";
    /// The encrypted data does not decrypt, or the session key is no longer valid at WeChat.
    SessionKeyStale: CONFLICT, "session_key_stale",
        "The session key does not match: first call wx.login and POST the code to /login, then repeat the event and send its new data.",
        "session_key 不匹配：请先调用 wx.login，把 code POST 到 /login，然后重新触发事件，发送新的数据。";
    /// The session is of a website or an official account.
    SessionKeyAbsent: CONFLICT, "session_key_absent",
        "This session has no session key: only mini programs have session keys, encrypted data and phone number codes.",
        "当前会话没有 session_key：只有小程序才有 session_key、加密数据和手机号 code。";
    /// The login code does not prove that the request comes from the user of the session.
    ProofCodeInvalid: BAD_REQUEST, "proof_code_invalid",
        "The code does not prove who you are: call wx.login as the user of this session, and send the new code.",
        "code 无法证明用户身份：请以当前会话的用户调用 wx.login，发送新的 code。";
    /// The token is missing, unknown, revoked or expired.
    SessionRequired: UNAUTHORIZED, "session_required",
        "There is no live session: call wx.login, POST the code to /login, and send the token as Authorization: Bearer.",
        "没有有效的登录态：请调用 wx.login，把 code POST 到 /login，再用 Authorization: Bearer 发送 token。";
    /// The service key is missing or not in the settings.
    ServiceKeyRequired: UNAUTHORIZED, "service_key_required",
        "A valid service key is required: send one of gateway.service_keys as Authorization: Bearer.",
        "需要有效的服务密钥：请用 Authorization: Bearer 发送 gateway.service_keys 中的一个密钥。";
    /// The settings have no service key, so introspection is off.
    IntrospectionOff: FORBIDDEN, "introspection_off",
        "Introspection is off: set gateway.service_keys in the server's settings, then send one of them.",
        "没有开启 token 自省：请在服务端配置 gateway.service_keys，再发送其中一个密钥。";
    /// The body has no `token`, or is neither a form nor JSON.
    TokenMissing: BAD_REQUEST, "token_missing",
        "The token is missing: send token=… as application/x-www-form-urlencoded, or {\"token\": …} as application/json.",
        "缺少 token：请以 application/x-www-form-urlencoded 发送 token=…，或以 application/json 发送 {\"token\": …}。";
    /// While WeChat is simulated, the request has a foreign `Host`, `Origin` or `Sec-Fetch-Site`.
    ForeignRequest: FORBIDDEN, "foreign_request",
        "While WeChat is simulated, requests of other sites are rejected: add the host name to server.allowed_hosts.",
        "模拟微信时会拒绝其他站点的请求：请把该域名加入 server.allowed_hosts。";
    /// A page of another machine reads the console without the key that the server printed.
    ConsoleKeyRequired: FORBIDDEN, "console_key_required",
        "The console's data needs its key: open the address that the server printed at its start.",
        "读取控制台的数据需要密钥：请打开服务器启动时输出的地址。";
    /// WeChat has blocked this user (40226).
    UserBlocked: FORBIDDEN, "user_blocked",
        "WeChat has blocked this user's login: do not try again.",
        "微信禁止该用户登录：请不要重试。";
    /// An operator of this server has blocked the user.
    UserBlockedByAdmin: FORBIDDEN, "user_blocked_by_admin",
        "The operator of this service has blocked this user: do not try again.",
        "该用户已被本服务的管理员封禁：请不要重试。";
    /// The admin key is missing or not in the settings.
    AdminKeyRequired: UNAUTHORIZED, "admin_key_required",
        "A valid admin key is required: send the key of one of admin.keys, without its name, as Authorization: Bearer.",
        "需要有效的管理密钥：请用 Authorization: Bearer 发送 admin.keys 中任意一项的密钥，不带名字。";
    /// The query of a search for users is malformed.
    UserQueryMalformed: BAD_REQUEST, "user_query_malformed",
        "The query is invalid: it takes app, nickname, created_since as RFC 3339, blocked as true or false, limit from 1 to 100, and a cursor of the previous page.",
        "查询参数无效：可以用 app、nickname、created_since（RFC 3339）、blocked（true 或 false）、limit（1 到 100）和上一页返回的 cursor。";
    /// The body of a search has no `openid`, `unionid` or `phone_number`, or more than one of them.
    OpenidMissing: BAD_REQUEST, "openid_missing",
        "The openid is missing: send {\"openid\": …}, {\"unionid\": …} or {\"phone_number\": …} as application/json, only one of them.",
        "缺少 openid：请以 application/json 发送 {\"openid\": …}、{\"unionid\": …} 或 {\"phone_number\": …}，只能发送其中一个。";
    /// The query of a search for conflicts is malformed.
    ConflictQueryMalformed: BAD_REQUEST, "conflict_query_malformed",
        "The query is invalid: it takes open as true or false, the id of a user, limit from 1 to 100, and a cursor of the previous page.",
        "查询参数无效：可以用 open（true 或 false）、user（用户 id）、limit（1 到 100）和上一页返回的 cursor。";
    /// The body has no decision about a conflict.
    DecisionMalformed: BAD_REQUEST, "decision_malformed",
        "The decision is missing: send {\"decision\": …} as application/json, with merge, apart or reopen.",
        "缺少 decision：请以 application/json 发送 {\"decision\": …}，值为 merge、apart 或 reopen。";
    /// A decision about a conflict concerns a blocked user.
    ConflictOfBlockedUser: CONFLICT, "conflict_of_blocked_user",
        "One of the two users is blocked, so a merge would lift the block or spread it: unblock the user first.",
        "其中一个用户已被封禁，合并会解除或扩大封禁：请先解封。";
    /// A merge cannot be undone, because a later one has joined other users through it.
    ConflictHasLaterMerge: CONFLICT, "conflict_has_later_merge",
        "A later merge depends on this one: undo that first. /admin/conflicts?user=… lists the merges of a user.",
        "后来的合并依赖于这次合并：请先撤销后来的合并。/admin/conflicts?user=… 列出用户的合并。";
    /// The reason of a block is no string of one line, or too long.
    ReasonMalformed: BAD_REQUEST, "reason_malformed",
        "The reason must be a string of at most 200 characters in one line: send {\"reason\": …} as application/json, or no body.",
        "reason 必须是不超过 200 个字符的单行字符串：请以 application/json 发送 {\"reason\": …}，也可以不发送请求体。";
    /// The path does not exist.
    NotFound: NOT_FOUND, "not_found",
        "There is nothing at this path: check the URL.",
        "该路径不存在：请检查 URL。";
    /// The path exists, but not for this method.
    MethodNotAllowed: METHOD_NOT_ALLOWED, "method_not_allowed",
        "This path does not take this method: see the Allow header.",
        "该路径不支持这个请求方法：请查看响应头 Allow。";
    /// The body did not arrive in time.
    BodyTimeout: REQUEST_TIMEOUT, "body_timeout",
        "The body did not arrive in time: send it again.",
        "请求体没有在规定时间内发完：请重新发送。";
    /// The body exceeds the size limit.
    BodyTooLarge: PAYLOAD_TOO_LARGE, "body_too_large",
        "The body exceeds the size limit: send less.",
        "请求体超过大小限制：请减少内容。";
    /// The Content-Type of the body is not `application/json`.
    UnsupportedMediaType: UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type",
        "The body must be JSON: send the header Content-Type: application/json.",
        "请求体必须是 JSON：请发送请求头 Content-Type: application/json。";
    /// The charset of the body is not a Unicode one.
    UnsupportedCharset: UNSUPPORTED_MEDIA_TYPE, "unsupported_charset",
        "The body's charset is not supported: send UTF-8.",
        "不支持请求体的字符集：请使用 UTF-8。";
    /// The Content-Encoding of the body is not supported.
    UnsupportedEncoding: UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding",
        "The body's Content-Encoding is not supported: send it plain, or as gzip, deflate or br.",
        "不支持请求体的 Content-Encoding：请不压缩，或使用 gzip、deflate、br。";
    /// The quota of the platform for this minute is used up (WeChat: 45011).
    TooManyRequests: TOO_MANY_REQUESTS, "too_many_requests",
        "WeChat's limit for this minute is reached: wait as Retry-After says.",
        "已达到微信每分钟的调用上限：请按 Retry-After 等待。";
    /// A limit of this server is reached.
    RateLimited: TOO_MANY_REQUESTS, "rate_limited",
        "Too many rejected logins or too many calls: wait as Retry-After says, and send each code only once.",
        "登录失败次数或调用次数过多：请按 Retry-After 等待，每个 code 只发送一次。";
    /// A panic or a bug.
    Internal: INTERNAL_SERVER_ERROR, "internal",
        "The server failed to handle this request: its log has the cause.",
        "服务端处理请求时出错：原因见服务端日志。";
    /// The platform rejects the server's settings (WeChat: 40013, 40125, 40164, 40243 and similar).
    PlatformMisconfigured: SERVICE_UNAVAILABLE, "platform_misconfigured",
        "WeChat rejects the server's settings: the server's log names the one to change.",
        "微信拒绝了服务端的配置：服务端日志里写明了要改哪一项。";
    /// The platform is busy or unreachable, or its daily quota is used up (WeChat: -1, 45009).
    PlatformBusy: SERVICE_UNAVAILABLE, "platform_busy",
        "WeChat is not available at the moment: wait as Retry-After says, then try again; a login needs a new code from wx.login.",
        "微信暂时不可用：请按 Retry-After 等待后重试，登录要用 wx.login 取新的 code。";
    /// The response of the platform is invalid.
    PlatformUnintelligible: BAD_GATEWAY, "platform_unintelligible",
        "WeChat sent an invalid response, and the code may be used up: try again with a new one.",
        "微信返回的内容无效，code 可能已经用掉：请换一个新的 code 重试。";
    /// The platform did not respond in time.
    PlatformTimedOut: GATEWAY_TIMEOUT, "platform_timed_out",
        "WeChat did not respond in time, and the code may be used up: try again with a new one.",
        "微信没有及时响应，code 可能已经用掉：请换一个新的 code 重试。";
    /// The store does not respond.
    StoreUnavailable: SERVICE_UNAVAILABLE, "store_unavailable",
        "The session store does not respond: try again as Retry-After says; all sessions are kept.",
        "会话存储没有响应：请按 Retry-After 等待后重试，登录态不会丢失。";
    /// The server is shutting down.
    Draining: SERVICE_UNAVAILABLE, "draining",
        "The server is shutting down: try again as Retry-After says.",
        "服务正在关闭：请按 Retry-After 等待后重试。";
}
