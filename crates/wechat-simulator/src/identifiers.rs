//! The shapes of WeChat's identifiers, spelled from a seed: the same seed gives the same texts.
//!
//! Knows what a login code, an openid, a unionid, a session key, an AppID and a rid look like. The shapes are observed
//! in public samples; WeChat specifies none of them.
//! Never knows who holds an identifier, or for how long.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

/// Spells identifiers. Two that are of different kinds or about different things never resemble each other.
#[derive(Clone, Copy)]
pub(super) struct Identifiers {
    seed: u64,
}

/// Whether the text could be a login code: 32 letters and digits.
pub(super) fn is_shaped_like_a_login_code(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

/// Whether the text could be a phone code: 64 hexadecimal digits.
pub(super) fn is_shaped_like_a_phone_code(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl Identifiers {
    pub(super) fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// `wx` and 16 hexadecimal digits.
    pub(super) fn app_id(self, name: &str) -> String {
        format!("wx{:016x}", self.derive_number("AppID", &[name]))
    }

    /// 32 hexadecimal digits.
    pub(super) fn app_secret(self, name: &str) -> String {
        hexadecimal(&self.derive_16("AppSecret", &[name]))
    }

    /// 28 characters: `o`, five that all users of the app share, and 22 of the user's own.
    pub(super) fn openid(self, app_id: &str, user: &str) -> String {
        let shared = self.derive_16("openid, app", &[app_id]);
        let own = self.derive_16("openid, user", &[app_id, user]);
        personal(&shared, &own)
    }

    /// 28 characters: `o`, five that the whole Open Platform account shares, and 22 of the user's own.
    pub(super) fn unionid(self, account: &str, user: &str) -> String {
        let shared = self.derive_16("unionid, account", &[account]);
        let own = self.derive_16("unionid, user", &[account, user]);
        personal(&shared, &own)
    }

    /// The base64 text of 16 bytes.
    pub(super) fn session_key(self, openid: &str, generation: u64) -> String {
        STANDARD.encode(self.session_key_bytes(openid, generation))
    }

    /// The bytes that a session key stands for.
    pub(super) fn session_key_bytes(self, openid: &str, generation: u64) -> [u8; 16] {
        self.derive_16("session key", &[openid, &generation.to_string()])
    }

    /// 32 letters and digits, of which the first three are `0`, a hexadecimal digit and a decimal one.
    pub(super) fn login_code(self, number: u64) -> String {
        let [first, second, rest @ .., _] = self.derive("login code", &[&number.to_string()]);
        let prefix = format!("0{:x}{}", first % 16, second % 10);
        let rest = rest.into_iter().map(alphanumeric);
        prefix.chars().chain(rest).collect()
    }

    /// 64 hexadecimal digits.
    pub(super) fn phone_code(self, number: u64) -> String {
        hexadecimal(&self.derive("phone code", &[&number.to_string()]))
    }

    /// 64 hexadecimal digits.
    pub(super) fn plugin_code(self, number: u64) -> String {
        hexadecimal(&self.derive("plugin code", &[&number.to_string()]))
    }

    /// 28 characters, of which the first is `G`.
    pub(super) fn openpid(self, app_id: &str, user: &str) -> String {
        let own = URL_SAFE_NO_PAD.encode(self.derive("openpid", &[app_id, user]));
        "G".chars().chain(own.chars().take(27)).collect()
    }

    /// A Chinese mobile number, without the country code.
    pub(super) fn phone_number(self, user: &str) -> String {
        let own = self.derive_number("phone number", &[user]) % 100_000_000;
        format!("135{own:08}")
    }

    /// Two digits, an underscore and 129 characters of the alphabet of URLs.
    pub(super) fn access_token(self, app_id: &str, line: &str, number: u64) -> String {
        let number = number.to_string();
        let parts = ["1", "2", "3"].map(|part| {
            let derived = self.derive("access token", &[app_id, line, &number, part]);
            URL_SAFE_NO_PAD.encode(derived)
        });
        let version = self.derive_number("access token version", &[app_id]) % 90 + 10;
        format!("{version}_{}", parts.concat())
    }

    /// The initialisation vector of the user's encrypted text of that number.
    pub(super) fn initialisation_vector(self, openid: &str, number: u64) -> [u8; 16] {
        self.derive_16("iv", &[openid, &number.to_string()])
    }

    /// A user's own encryption key, the base64 text of 16 bytes, and its vector, 16 hexadecimal digits.
    pub(super) fn encrypt_key(self, openid: &str, version: u64) -> (String, String) {
        let parts = [openid, &version.to_string()];
        let vector = self.derive_number("encrypt key, iv", &parts);
        let key = STANDARD.encode(self.derive_16("encrypt key", &parts));
        (key, format!("{vector:016x}"))
    }

    /// The openid of a group chat: 28 characters, `t` and 27 more.
    pub(super) fn group_id(self, app_id: &str, group: &str) -> String {
        let own = URL_SAFE_NO_PAD.encode(self.derive("openGId", &[app_id, group]));
        "t".chars().chain(own.chars().take(27)).collect()
    }

    /// Three blocks of 8 hexadecimal digits, of which the first is the time in seconds.
    pub(super) fn rid(self, now: Duration, number: u64) -> String {
        let seconds = now.as_secs() & 0xffff_ffff;
        let rest = self.derive_number("rid", &[&number.to_string()]);
        format!(
            "{seconds:08x}-{:08x}-{:08x}",
            rest >> 32,
            rest & 0xffff_ffff
        )
    }

    /// A number that stands for the parts: equal parts, equal number.
    pub(super) fn derive_number(self, kind: &str, parts: &[&str]) -> u64 {
        let derived = self.derive(kind, parts).into_iter().take(8);
        derived.fold(0, |number, byte| number << 8 | u64::from(byte))
    }

    fn derive_16(self, kind: &str, parts: &[&str]) -> [u8; 16] {
        let mut first_half = [0; 16];
        first_half
            .iter_mut()
            .zip(self.derive(kind, parts))
            .for_each(|(byte, derived)| *byte = derived);
        first_half
    }

    fn derive(self, kind: &str, parts: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(self.seed.to_be_bytes());
        for part in [kind].iter().chain(parts) {
            hash.update(Sha256::digest(part.as_bytes()));
        }
        hash.finalize().into()
    }
}

fn personal(shared: &[u8; 16], own: &[u8; 16]) -> String {
    let shared = URL_SAFE_NO_PAD.encode(shared);
    let own = URL_SAFE_NO_PAD.encode(own);
    let shared = shared.chars().take(5);
    "o".chars().chain(shared).chain(own.chars()).collect()
}

fn alphanumeric(byte: u8) -> char {
    char::from(match byte % 62 {
        digit @ 0..10 => b'0' + digit,
        lower @ 10..36 => b'a' + lower - 10,
        upper => b'A' + upper - 36,
    })
}

/// The bytes as lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
