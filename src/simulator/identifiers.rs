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
        STANDARD.encode(self.derive_16("session key", &[openid, &generation.to_string()]))
    }

    /// 32 letters and digits, of which the first three are `0`, a hexadecimal digit and a decimal one.
    pub(super) fn login_code(self, number: u64) -> String {
        let [first, second, rest @ .., _] = self.derive("login code", &[&number.to_string()]);
        let prefix = format!("0{:x}{}", first % 16, second % 10);
        let rest = rest.into_iter().map(alphanumeric);
        prefix.chars().chain(rest).collect()
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

fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}
