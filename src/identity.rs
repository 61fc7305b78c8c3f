//! Identifiers and secrets: codes, openids, keys, phone numbers, app and user ids.
//!
//! Secret types have no `Debug` that shows them, no `Display` and no `Serialize`, so that they cannot reach a log.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// Maximum length of a code, in bytes. Our choice: real ones have 32 or 64 characters.
pub const MAX_CODE_BYTES: usize = 512;

/// Texts that JavaScript makes of values that are no strings. A client sends one if it reads the code from the wrong place.
const CONVERTED: [&str; 8] = [
    "undefined",
    "null",
    "NaN",
    "true",
    "false",
    "[object Object]",
    "[object Promise]",
    "[object Undefined]",
];

/// A text is no code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum MalformedCode {
    /// It is empty or too long.
    #[error("a code has 1 to {MAX_CODE_BYTES} bytes")]
    Length,
    /// It is a JavaScript value that was converted to a text.
    #[error(
        "the client sent the text `{0}`, a JavaScript value that is no code: read `res.code` in the success callback of wx.login, which returns no promise if it has callbacks, and `e.detail.code` in that of the phone number button"
    )]
    Converted(&'static str),
}

fn check_code(text: &str) -> Result<(), MalformedCode> {
    if !(1..=MAX_CODE_BYTES).contains(&text.len()) {
        return Err(MalformedCode::Length);
    }
    match CONVERTED
        .iter()
        .find(|converted| **converted == text.trim())
    {
        Some(converted) => Err(MalformedCode::Converted(converted)),
        None => Ok(()),
    }
}

/// Defines a text that no log line, error or debug output may show.
macro_rules! hidden_text {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Returns the text itself. Each call is a place where the secret can leak.
            pub fn expose(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!(stringify!($name), "(***)"))
            }
        }
    };
}

/// Defines one-time codes.
macro_rules! codes {
    ($($(#[$docs:meta])* $name:ident,)+) => {$(
        hidden_text! { $(#[$docs])* $name }

        impl $name {
            /// Parses a code.
            ///
            /// # Errors
            /// [`MalformedCode`] if it is empty, longer than [`MAX_CODE_BYTES`], or a converted value such as `undefined`.
            pub fn parse(text: impl Into<String>) -> Result<Self, MalformedCode> {
                let text = Zeroizing::new(text.into());
                check_code(&text)?;
                Ok(Self(text))
            }
        }
    )+};
}

codes! {
    /// A one-time login code from `wx.login`: not empty, at most [`MAX_CODE_BYTES`] long.
    LoginCode,
    /// A one-time code from a `getPhoneNumber` button, which is no login code: not empty, at most [`MAX_CODE_BYTES`] long.
    ///
    /// Its exchange costs money, and works once within 5 minutes of the tap.
    PhoneCode,
}

/// Defines secrets and personal data.
macro_rules! secrets {
    ($($(#[$docs:meta])* $name:ident,)+) => {$(
        hidden_text! { $(#[$docs])* $name }

        impl $name {
            /// Wraps the text as it came.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }
        }
    )+};
}

secrets! {
    /// A user's identifier within one mini program. For server-side handlers only: never sent to a client.
    OpenId,
    /// A user's identifier across all apps of one Open Platform account. Often absent.
    UnionId,
    /// The key that the platform shares with us for one user, as it sends it (WeChat: base64). Never leaves the server.
    SessionKey,
    /// A mini program's AppSecret.
    AppSecret,
    /// A mini program's access token: it authorizes every server-side call of the mini program.
    AccessTokenText,
    /// The key with which another service authenticates, to introspect tokens.
    ServiceKey,
    /// The secret that signs events.
    EventsSecret,
    /// A key from which those that seal phone numbers and compute keyed digests are derived.
    DataKey,
    /// The password of the database's role.
    StorePassword,
    /// The secret access key of the bucket that keeps the avatars. For its client only.
    BucketSecret,
    /// A phone number as text, with or without its country code.
    PhoneText,
}

/// A key with which an operator uses the admin API. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AdminKey {
    /// Name of the key, for the audit log: the operator, or the program that has it.
    pub name: String,
    /// The key.
    pub key: ServiceKey,
}

/// A user's phone number, from the platform. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The number, prefixed with the country code if it is foreign.
    pub phone_number: PhoneText,
    /// The number without its country code.
    pub pure_phone_number: PhoneText,
    /// The country code, such as `86`.
    pub country_code: String,
    /// App and time for which the platform issued it.
    pub watermark: Watermark,
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(***)")
    }
}

/// The app and time that the platform adds to user data, so that data of another app or time can be rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// App for which the data was created.
    pub app_id: AppId,
    /// Time of creation, in Unix seconds.
    pub unix_seconds: i64,
}

/// A login platform.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum PlatformName {
    /// WeChat mini programs.
    #[default]
    Wechat,
}

impl PlatformName {
    /// Every platform.
    pub const ALL: [Self; 1] = [Self::Wechat];

    /// Returns the stable name, as in the settings and in the store. It is part of each user's subject, so it must never change.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Wechat => "wechat",
        }
    }

    /// Parses a stable name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|platform| platform.as_str() == name)
    }
}

/// A mini program's AppID: `wx` and 16 hexadecimal digits. Public. Clones share the text: each session names one.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AppId(Arc<str>);

impl AppId {
    /// Wraps the text, whose shape the settings have checked.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// Returns the AppID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// User data that gateways and introspecting services get in addition to the user's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    /// If `true`, they get the openid.
    pub openid: bool,
}

/// A user's internal identifier: 16 random bytes, shown as 32 hexadecimal digits. Safe to show to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub [u8; 16]);

impl UserId {
    /// Parses an id as it is shown. `None` if the text has another shape.
    pub fn parse(text: &str) -> Option<Self> {
        parse_hex(text).map(Self)
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(f, self.0)
    }
}

/// Parses 32 lower-case hexadecimal digits.
pub(crate) fn parse_hex(text: &str) -> Option<[u8; 16]> {
    let mut bytes = [0; 16];
    let length = base16ct::lower::decode(text, &mut bytes).ok()?.len();
    (length == bytes.len()).then_some(bytes)
}

/// Writes 32 lower-case hexadecimal digits.
pub(crate) fn write_hex(f: &mut fmt::Formatter<'_>, bytes: [u8; 16]) -> fmt::Result {
    let mut digits = [0; 32];
    let digits = base16ct::lower::encode_str(&bytes, &mut digits);
    f.write_str(digits.unwrap_or_default())
}

/// SHA-256 over platform, AppID and openid: identifies a user without storing the openid in plaintext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(pub [u8; 32]);

/// HMAC-SHA-256 of a personal identifier under a [`DataKey`]: finds it without storing it in plaintext, and cannot be
/// computed without the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeyedDigest(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_a_minimum_and_a_maximum_length() {
        assert_eq!(LoginCode::parse(""), Err(MalformedCode::Length));
        assert_eq!(
            LoginCode::parse("x".repeat(513)),
            Err(MalformedCode::Length)
        );
        assert!(LoginCode::parse("x".repeat(512)).is_ok());
    }

    #[test]
    fn a_converted_javascript_value_is_no_code() {
        for text in ["undefined", "null", "NaN", "[object Object]", " undefined "] {
            let expected = MalformedCode::Converted(text.trim());
            assert!(LoginCode::parse(text) == Err(expected), "{text}");
            assert!(PhoneCode::parse(text) == Err(expected), "{text}");
        }
        assert!(LoginCode::parse("undefined2").is_ok());
    }

    #[test]
    fn an_empty_phone_code_is_malformed() {
        assert_eq!(PhoneCode::parse(""), Err(MalformedCode::Length));
    }

    #[test]
    fn a_user_id_parses_to_itself() {
        let id = UserId([0x0f; 16]);
        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        assert_eq!(UserId::parse("0F"), None);
    }

    #[test]
    fn secrets_are_not_shown_by_debug() {
        let shown = format!(
            "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
            OpenId::new("oGZUI0egBJY1zhBYw2KhdUfwVJJE"),
            UnionId::new("ocMvos6NjeKLIBqg5Mr9QjxrP1FA"),
            SessionKey::new("tiihtNczf5v6AKRyjwEUhQ=="),
            AppSecret::new("secret"),
            AccessTokenText::new("57_token"),
            PhoneText::new("13580006666"),
            ServiceKey::new("b9f3"),
            LoginCode::parse("051bIzT629FmMN0zraV62WLnT62bIzTA").unwrap(),
        );
        assert_eq!(
            shown,
            "OpenId(***) UnionId(***) SessionKey(***) AppSecret(***) AccessTokenText(***) PhoneText(***) ServiceKey(***) LoginCode(***)"
        );
    }

    #[test]
    fn a_phone_number_is_not_shown_by_debug() {
        let number = PhoneNumber {
            phone_number: PhoneText::new("+8613580006666"),
            pure_phone_number: PhoneText::new("13580006666"),
            country_code: "86".to_owned(),
            watermark: Watermark {
                app_id: AppId::new("wx4f4bc4dec97d474b"),
                unix_seconds: 1_477_314_187,
            },
        };
        assert_eq!(format!("{number:?}"), "PhoneNumber(***)");
        assert_eq!(
            format!("{:?}", PhoneCode::parse("0a".repeat(32)).unwrap()),
            "PhoneCode(***)"
        );
    }
}
