//! The types of values that only settings have.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use log::LevelFilter;
use reqwest::Url;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use crate::identity::PlatformName;

/// Defines an enum with the name of each variant in the settings. Another name is an error that lists the known ones.
macro_rules! named_values {
    ($($(#[$docs:meta])* $type:ident { $($(#[$variant_docs:meta])* $variant:ident = $name:literal,)+ })+) => {$(
        $(#[$docs])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$variant_docs])* $variant,)+
        }

        impl $type {
            /// Returns the name in the settings.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $name,)+
                }
            }

            /// Parses the name in the settings.
            ///
            /// # Errors
            /// The rule for the name, if it is unknown.
            pub(super) fn from_name(name: &str) -> Result<Self, String> {
                match name {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!("one of {}", [$($name),+].join(", "))),
                }
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::from_name(&String::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )+};
}

named_values! {
    /// The kind of an app, which decides how its users log in.
    AppKind {
        /// A mini program: its users log in with a code of `wx.login`.
        MiniProgram = "mini_program",
        /// An official account (公众号): its pages in WeChat log in by a redirect.
        OfficialAccount = "official_account",
        /// A website: its pages log in by a redirect to a QR code.
        Website = "website",
    }

    /// The profile. `WEAPP_PROFILE` selects it.
    Profile {
        /// For a development machine: received bodies are logged, and WeChat may be simulated.
        Development = "development",
        /// For real users.
        Production = "production",
    }

    /// Format of the log lines.
    LogStyle {
        /// Text.
        Text = "text",
        /// One JSON object per line.
        Json = "json",
    }
}

/// Parses `apps.<name>.platform`.
impl<'de> Deserialize<'de> for PlatformName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::parse(&name).ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            D::Error::custom(format!("one of {names}"))
        })
    }
}

impl AppKind {
    /// Returns `true` if users log in with a web page.
    pub const fn is_web(self) -> bool {
        matches!(self, Self::OfficialAccount | Self::Website)
    }
}

/// URL of an HTTP proxy, which may contain a password. `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyUrl(String);

impl ProxyUrl {
    /// Parses `http://` or `https://` with a host, and nothing after the port.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let url = Url::parse(text).ok()?;
        let is_http = matches!(url.scheme(), "http" | "https") && url.has_host();
        let is_bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
        (is_http && is_bare).then(|| Self(text.to_owned()))
    }

    /// Returns the URL itself, for the HTTP client.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ProxyUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProxyUrl(***)")
    }
}

/// The level of a log target, as in `weapp_login::store=debug`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogTarget {
    /// Prefix of the target; `None` means this crate, as `log.level` does.
    pub name: Option<String>,
    /// Its level.
    pub level: LevelFilter,
}

/// A proxy whose report of the client's address is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TrustedProxy {
    /// All addresses of a network.
    Network(IpNet),
    /// Every process that connects through a Unix socket.
    UnixSocket,
}

impl TrustedProxy {
    /// Parses an address, a network such as 10.0.0.0/8, or `unix`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let network = || {
            text.parse()
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
        };
        match text {
            "unix" => Some(Self::UnixSocket),
            _ => network().ok().map(|network| Self::Network(network.trunc())),
        }
    }
}
