//! Identifiers, codes and keys in WeChat's formats, derived from a seed.
//!
//! WeChat specifies none of these formats; they are taken from public samples.

use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use sha2::{Digest as _, Sha256};

use crate::crypto::hex;
use crate::fixed_ids::{Ids, IdsByScope};
use crate::user_id::UserId;

/// Derives identifiers from a seed. Values of different kinds or with different inputs are unrelated.
#[derive(Clone)]
pub(crate) struct Identifiers {
    seed: u64,
    /// The openids and unionids that are not derived.
    fixed: Arc<Ids>,
}

impl Identifiers {
    pub(crate) fn new(seed: u64) -> Self {
        Self::with_ids(seed, Ids::default())
    }

    /// Derives all identifiers except for these.
    pub(crate) fn with_ids(seed: u64, ids: Ids) -> Self {
        let fixed = Arc::new(ids);
        Self { seed, fixed }
    }

    /// Derives an AppID: `wx` and 16 hexadecimal digits.
    pub(crate) fn app_id(&self, name: &str) -> String {
        format!("wx{:016x}", self.number("AppID", &[name]))
    }

    /// Derives an AppSecret: 32 hexadecimal digits.
    pub(crate) fn app_secret(&self, name: &str) -> String {
        hex(&self.bytes_16("AppSecret", &[name]))
    }

    /// Derives an openid: `o`, 5 characters of the app and 22 of the user.
    pub(crate) fn openid(&self, app_id: &str, user: &UserId) -> String {
        let kinds = ["openid, app", "openid, user"];
        self.personal(&self.fixed.openids, kinds, app_id, user)
    }

    /// Derives a unionid: `o`, 5 characters of the Open Platform account and 22 of the user.
    pub(crate) fn unionid(&self, account: &str, user: &UserId) -> String {
        let kinds = ["unionid, account", "unionid, user"];
        self.personal(&self.fixed.unionids, kinds, account, user)
    }

    /// Returns the fixed id of the user in the scope, or derives one from both.
    fn personal(
        &self,
        fixed: &IdsByScope,
        [of_scope, of_user]: [&str; 2],
        scope: &str,
        user: &UserId,
    ) -> String {
        if let Some(fixed) = user.name().and_then(|name| fixed.get(scope, name)) {
            return fixed.to_owned();
        }
        let shared = URL_SAFE_NO_PAD.encode(self.bytes_16(of_scope, &[scope]));
        let own = URL_SAFE_NO_PAD.encode(self.bytes_16(of_user, &[scope, user.as_str()]));
        format!("o{shared:.5}{own}")
    }

    /// Derives an openpid: `G` and 27 characters.
    pub(crate) fn openpid(&self, app_id: &str, user: &str) -> String {
        self.prefixed('G', "openpid", &[app_id, user])
    }

    /// Derives the openid of a group chat: `t` and 27 characters.
    pub(crate) fn group_id(&self, app_id: &str, group: &str) -> String {
        self.prefixed('t', "openGId", &[app_id, group])
    }

    /// Derives the 16 bytes of a session key.
    pub(crate) fn session_key(&self, openid: &str, version: u64) -> [u8; 16] {
        self.bytes_16("session key", &[openid, &version.to_string()])
    }

    /// Derives the initialization vector of a user's encrypted data with this number.
    pub(crate) fn initialization_vector(&self, openid: &str, number: u64) -> [u8; 16] {
        self.bytes_16("iv", &[openid, &number.to_string()])
    }

    /// Derives a user's encryption key (base64 of 16 bytes) and its initialization vector (16 hexadecimal digits).
    pub(crate) fn encrypt_key(&self, openid: &str, version: u64) -> (String, String) {
        let inputs = [openid, &version.to_string()];
        let key = STANDARD.encode(self.bytes_16("encrypt key", &inputs));
        let vector = self.number("encrypt key, iv", &inputs);
        (key, format!("{vector:016x}"))
    }

    /// Derives a login code, or one of `sns/oauth2`: `0`, a hexadecimal digit, a decimal digit and 29 letters or digits.
    pub(crate) fn short_code(&self, kind: &str, number: u64) -> String {
        let [first, second, rest @ .., _] = self.bytes_32(kind, &[&number.to_string()]);
        let prefix = format!("0{:x}{}", first % 16, second % 10);
        let rest = rest.into_iter().map(alphanumeric);
        prefix.chars().chain(rest).collect()
    }

    /// Derives a phone code or plugin code: 64 hexadecimal digits.
    pub(crate) fn long_code(&self, kind: &str, number: u64) -> String {
        hex(&self.bytes_32(kind, &[&number.to_string()]))
    }

    /// Derives an access token: two digits, an underscore and 129 URL-safe characters.
    pub(crate) fn access_token(&self, app_id: &str, kind: &str, number: u64) -> String {
        let number = number.to_string();
        let parts = ["1", "2", "3"].map(|part| {
            let bytes = self.bytes_32("access token", &[app_id, kind, &number, part]);
            URL_SAFE_NO_PAD.encode(bytes)
        });
        let version = self.number("access token version", &[app_id]) % 90 + 10;
        format!("{version}_{}", parts.concat())
    }

    /// Derives the id of a template: 43 URL-safe characters.
    pub(crate) fn template_id(&self, app_id: &str, inputs: &[&str]) -> String {
        let inputs = [&[app_id], inputs].concat();
        URL_SAFE_NO_PAD.encode(self.bytes_32("template", &inputs))
    }

    /// Derives the name of a link to a page: 11 URL-safe characters.
    pub(crate) fn link_name(&self, app_id: &str, page: &str, now: Duration) -> String {
        let time = now.as_nanos().to_string();
        let text = URL_SAFE_NO_PAD.encode(self.bytes_16("link", &[app_id, page, &time]));
        format!("{text:.11}")
    }

    /// Derives a Chinese mobile number, without the country code.
    pub(crate) fn phone_number(&self, user: &str) -> String {
        format!(
            "135{:08}",
            self.number("phone number", &[user]) % 100_000_000
        )
    }

    /// Derives a rid: the time in seconds and two random numbers, each as 8 hexadecimal digits.
    pub(crate) fn rid(&self, now: Duration, number: u64) -> String {
        let seconds = now.as_secs() & 0xffff_ffff;
        let random = self.number("rid", &[&number.to_string()]);
        let (high, low) = (random >> 32, random & 0xffff_ffff);
        format!("{seconds:08x}-{high:08x}-{low:08x}")
    }

    /// Derives a number: the same kind and inputs give the same number.
    pub(crate) fn number(&self, kind: &str, inputs: &[&str]) -> u64 {
        let bytes = self.bytes_32(kind, inputs).into_iter().take(8);
        bytes.fold(0, |number, byte| number << 8 | u64::from(byte))
    }

    fn prefixed(&self, prefix: char, kind: &str, inputs: &[&str]) -> String {
        let text = URL_SAFE_NO_PAD.encode(self.bytes_32(kind, inputs));
        format!("{prefix}{text:.27}")
    }

    fn bytes_16(&self, kind: &str, inputs: &[&str]) -> [u8; 16] {
        let bytes = self.bytes_32(kind, inputs);
        bytes.first_chunk::<16>().copied().unwrap_or_default()
    }

    fn bytes_32(&self, kind: &str, inputs: &[&str]) -> [u8; 32] {
        let mut hash = Sha256::new_with_prefix(self.seed.to_be_bytes());
        for input in [kind].iter().chain(inputs) {
            hash.update(Sha256::digest(input.as_bytes()));
        }
        hash.finalize().into()
    }
}

fn alphanumeric(byte: u8) -> char {
    char::from(match byte % 62 {
        digit @ 0..10 => b'0' + digit,
        lower @ 10..36 => b'a' + lower - 10,
        upper => b'A' + upper - 36,
    })
}
