//! Who somebody is to WeChat and to us: codes, openids, keys, phone numbers, app identifiers, user ids.
//!
//! Knows which texts are secrets, and gives those no way into a log: no `Debug` that shows them, no `Display`, no `Serialize`.
//! Never knows HTTP, JSON, SQL, WeChat's endpoints or any other module.

use std::fmt;
use std::sync::Arc;

use zeroize::Zeroizing;

/// The longest code that is sent on to WeChat, in bytes. Our choice: real ones have 32 or 64 characters.
pub const MAX_CODE_BYTES: usize = 512;

/// A text that is not what it was sent as: empty, or too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a code has 1 to {MAX_CODE_BYTES} bytes")]
pub struct MalformedCode;

/// A one-time code. `Debug` shows its shape, never the code.
macro_rules! code {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Takes a text for such a code.
            ///
            /// # Errors
            /// [`MalformedCode`] if it is empty or longer than [`MAX_CODE_BYTES`].
            pub fn parse(text: impl Into<String>) -> Result<Self, MalformedCode> {
                let text = Zeroizing::new(text.into());
                if (1..=MAX_CODE_BYTES).contains(&text.len()) {
                    Ok(Self(text))
                } else {
                    Err(MalformedCode)
                }
            }

            /// The code itself, for the request to WeChat.
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

code! {
    /// A one-time login code from `wx.login`: not empty, at most [`MAX_CODE_BYTES`] long.
    LoginCode
}
code! {
    /// A one-time code from a `getPhoneNumber` button, which is no login code: not empty, at most [`MAX_CODE_BYTES`] long.
    ///
    /// Its exchange costs money, and works once within 5 minutes of the tap.
    PhoneCode
}

/// A text that no log line, error or debug output may show.
macro_rules! secret_text {
    ($(#[$docs:meta])* $name:ident) => {
        $(#[$docs])*
        #[derive(Clone, PartialEq, Eq)]
        pub struct $name(Zeroizing<String>);

        impl $name {
            /// Wraps the text as it came.
            pub fn new(text: impl Into<String>) -> Self {
                Self(Zeroizing::new(text.into()))
            }

            /// The text itself. Every call is a road out for a secret.
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

secret_text! {
    /// A user's identifier within one mini program. For server-side handlers only: never sent to a client.
    OpenId
}
secret_text! {
    /// A user's identifier across all apps of one Open Platform account. Often absent.
    UnionId
}
secret_text! {
    /// The key that WeChat shares with us about one user, as the base64 text it sends. Never leaves the server.
    SessionKey
}
secret_text! {
    /// A mini program's AppSecret.
    AppSecret
}
secret_text! {
    /// A mini program's access token: whoever has it may do on WeChat's servers what the mini program may.
    AccessTokenText
}
secret_text! {
    /// What another service shows to be told whose a token is.
    ServiceKey
}
secret_text! {
    /// A phone number as text, with or without its country code.
    PhoneText
}

/// A user's phone number, as WeChat knows it. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct PhoneNumber {
    /// The number; with its country code before it if it is a foreign one.
    pub phone_number: PhoneText,
    /// The number without its country code.
    pub pure_phone_number: PhoneText,
    /// The country code, such as `86`.
    pub country_code: String,
    /// For whom and when WeChat gave it.
    pub watermark: Watermark,
}

impl fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PhoneNumber(***)")
    }
}

/// What WeChat puts into data about a user, so that it cannot be passed off as another app's, or as recent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watermark {
    /// The mini program that the data was made for.
    pub app_id: AppId,
    /// When it was made, in Unix seconds.
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

    /// Returns the stable name, as in the settings and in the store.
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
    /// Wraps the text; the settings have judged its shape.
    pub fn new(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// The AppID as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What gateways and services behind are told of a user beside the user's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disclosure {
    /// Whether they are told the openid.
    pub openid: bool,
}

/// A user's internal identifier: 16 random bytes, shown as 32 hexadecimal digits. Safe to show to its owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub [u8; 16]);

impl UserId {
    /// Reads an identifier as it was shown. `None` for what cannot be one.
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

/// SHA-256 over who somebody is to WeChat: finds a user again without keeping the openid in the clear.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Subject(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_neither_empty_nor_endless() {
        assert_eq!(LoginCode::parse(""), Err(MalformedCode));
        assert_eq!(LoginCode::parse("x".repeat(513)), Err(MalformedCode));
        assert!(LoginCode::parse("x".repeat(512)).is_ok());
    }

    #[test]
    fn an_empty_phone_code_is_malformed() {
        assert_eq!(PhoneCode::parse(""), Err(MalformedCode));
    }

    #[test]
    fn a_user_is_named_as_they_are_shown() {
        let id = UserId([0x0f; 16]);
        assert_eq!(UserId::parse(&id.to_string()), Some(id));
        assert_eq!(UserId::parse("0F"), None);
    }

    #[test]
    fn secrets_do_not_show_themselves() {
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
    fn a_phone_number_does_not_show_itself() {
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
