//! What a login leaves behind: the token that its owner carries, and the session that we keep.
//!
//! Knows how a token is made, recognised and digested, and when a session is over. Time is an argument.
//! Never knows HTTP, JSON, SQL, WeChat or where sessions are kept.

mod device;
mod user;

use std::fmt;

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hkdf::Hkdf;
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::identity::{AppId, UserId};

pub use device::{Device, SessionId};
pub use user::{Change, Profile, ProfileChange, User};

/// What every token begins with, so that people and secret scanners know one when they see it.
const PREFIX: &str = "wxs_";
const RANDOM_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;
const NONCE_BYTES: usize = 12;

/// A session's bearer token. Shown to the client once; we keep only its digest.
///
/// Written as `wxs_` and base64url of 32 random bytes and 4 bytes of checksum: 52 characters.
#[derive(Clone)]
pub struct Token(Zeroizing<[u8; RANDOM_BYTES]>);

/// Why a token could not be made or a secret not sealed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CryptoError {
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes: {0}")]
    NoRandomness(getrandom::Error),
    /// The secret is longer than the cipher takes: 64 GiB.
    #[error("the secret is too long to be sealed")]
    TooLong,
}

impl Token {
    /// Makes a token of 32 bytes from the operating system's generator.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(bytes.as_mut_slice()).map_err(CryptoError::NoRandomness)?;
        Ok(Self(bytes))
    }

    /// Reads a token as a client sends it. `None` for what cannot be one, so that garbage never reaches the store.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(PREFIX)?;
        let mut decoded = Zeroizing::new([0; RANDOM_BYTES + CHECKSUM_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, decoded.as_mut_slice());
        let (random, sum) = decoded.split_first_chunk::<RANDOM_BYTES>()?;
        (length == Ok(decoded.len()) && sum == checksum(random))
            .then(|| Self(Zeroizing::new(*random)))
    }

    /// The token as the client carries it.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES + CHECKSUM_BYTES]);
        let (random, sum) = bytes.split_at_mut(RANDOM_BYTES);
        random.copy_from_slice(self.0.as_slice());
        sum.copy_from_slice(&checksum(&self.0));
        Zeroizing::new(format!(
            "{PREFIX}{}",
            URL_SAFE_NO_PAD.encode(bytes.as_slice())
        ))
    }

    /// What the store knows of this token.
    pub fn digest(&self) -> TokenDigest {
        TokenDigest(Sha256::digest(self.0.as_slice()).into())
    }

    /// Encrypts a secret so that only the holder of this token can have it opened.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none for the nonce.
    pub fn seal(&self, secret: &str) -> Result<Sealed, CryptoError> {
        Seal::new(self.0.as_slice(), b"weapp-login session keys v1").seal(secret, &self.digest().0)
    }

    /// Opens what [`Token::seal`] closed. `None` if it was sealed under another token or altered.
    pub fn open(&self, sealed: &Sealed) -> Option<Zeroizing<String>> {
        Seal::new(self.0.as_slice(), b"weapp-login session keys v1").open(sealed, &self.digest().0)
    }
}

/// The first bytes of a digest: enough to tell garbage, and no secret.
fn checksum(random: &[u8; RANDOM_BYTES]) -> [u8; CHECKSUM_BYTES] {
    let digest = Sha256::new()
        .chain_update(PREFIX)
        .chain_update(random)
        .finalize();
    let mut sum = [0; CHECKSUM_BYTES];
    sum.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    sum
}

/// SHA-256 of a token: what the store keeps in its place. A stolen digest logs nobody in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest(pub [u8; 32]);

/// A secret as the store keeps it: a nonce and AES-256-GCM ciphertext.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl fmt::Debug for Sealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// A key that closes and opens secrets, derived with HKDF-SHA256 from something that the store does not hold.
pub struct Seal(Aes256Gcm);

impl Seal {
    /// Derives the key for one purpose; another purpose gives another key.
    pub fn new(from: &[u8], purpose: &[u8]) -> Self {
        let mut key = Zeroizing::new([0; 32]);
        // HKDF-SHA256 can give up to 8160 bytes: 32 never fail.
        let expanded = Hkdf::<Sha256>::new(None, from).expand(purpose, key.as_mut_slice());
        debug_assert!(expanded.is_ok(), "32 bytes are within HKDF's bounds");
        Self(Aes256Gcm::new(&(*key).into()))
    }

    /// Encrypts a secret, bound to `context`: it opens only together with the same context.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none for the nonce.
    pub fn seal(&self, secret: &str, context: &[u8]) -> Result<Sealed, CryptoError> {
        let mut nonce = [0; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(CryptoError::NoRandomness)?;
        let payload = Payload {
            msg: secret.as_bytes(),
            aad: context,
        };
        let ciphertext = self
            .0
            .encrypt(&Nonce::from(nonce), payload)
            .map_err(|_opaque| CryptoError::TooLong)?;
        Ok(Sealed([nonce.as_slice(), &ciphertext].concat()))
    }

    /// Opens what [`Seal::seal`] closed. `None` if the key or the context is another one, or the bytes were altered.
    pub fn open(&self, sealed: &Sealed, context: &[u8]) -> Option<Zeroizing<String>> {
        let (nonce, ciphertext) = sealed.0.split_first_chunk::<NONCE_BYTES>()?;
        let payload = Payload {
            msg: ciphertext,
            aad: context,
        };
        let secret = Zeroizing::new(self.0.decrypt(&Nonce::from(*nonce), payload).ok()?);
        std::str::from_utf8(&secret)
            .ok()
            .map(|text| Zeroizing::new(text.to_owned()))
    }
}

/// How long sessions live.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lifetimes {
    /// From login to the end, whatever happens in between.
    pub absolute: SignedDuration,
    /// From the last use to the end.
    pub idle: SignedDuration,
    /// How old the noted last use may get before a use is noted again. Shorter than `idle`.
    pub touch_after: SignedDuration,
}

/// A session as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The digest of the token that opens it.
    pub digest: TokenDigest,
    /// What its owner knows it by.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// The mini program that it was opened in.
    pub app: AppId,
    /// When the login happened, to the millisecond.
    pub created_at: Timestamp,
    /// When it ends at the latest. That very instant counts as over.
    pub expires_at: Timestamp,
    /// When it was last seen in use; written at most once per [`Lifetimes::touch_after`].
    pub last_seen: Timestamp,
    /// What it was opened on.
    pub device: Device,
    /// WeChat's session keys, newest first, sealed together under the token.
    pub session_keys: Sealed,
}

/// Where a session stands: whether it is live, and whose it is. That is all that most requests need of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionStatus {
    /// Whose it is.
    pub user: UserId,
    /// When that user first logged in.
    pub user_created_at: Timestamp,
    /// The mini program that it was opened in.
    pub app: AppId,
    /// When the login happened, to the millisecond.
    pub created_at: Timestamp,
    /// When it ends at the latest. That very instant counts as over.
    pub expires_at: Timestamp,
    /// When it was last seen in use; written at most once per [`Lifetimes::touch_after`].
    pub last_seen: Timestamp,
}

impl Lifetimes {
    /// When a session ends if it is not used again: the earlier of its two limits.
    fn end(&self, last_seen: Timestamp, expires_at: Timestamp) -> Timestamp {
        let idle = last_seen.saturating_add(self.idle);
        idle.unwrap_or(Timestamp::MAX).min(expires_at)
    }
}

impl Session {
    /// When this session ends if it is not used again: the earlier of its two limits.
    pub fn ends_at(&self, lifetimes: &Lifetimes) -> Timestamp {
        lifetimes.end(self.last_seen, self.expires_at)
    }

    /// Whether this session is over at `now`. The very instant of expiry counts as over.
    pub fn is_over(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        self.ends_at(lifetimes) <= now
    }
}

impl SessionStatus {
    /// When this session ends if it is not used again: the earlier of its two limits.
    pub fn ends_at(&self, lifetimes: &Lifetimes) -> Timestamp {
        lifetimes.end(self.last_seen, self.expires_at)
    }

    /// Whether this session is over at `now`. The very instant of expiry counts as over.
    pub fn is_over(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        self.ends_at(lifetimes) <= now
    }

    /// Whether this use is worth writing down.
    pub fn wants_touch(&self, lifetimes: &Lifetimes, now: Timestamp) -> bool {
        now.duration_since(self.last_seen) >= lifetimes.touch_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIFETIMES: Lifetimes = Lifetimes {
        absolute: SignedDuration::from_hours(7 * 24),
        idle: SignedDuration::from_hours(3 * 24),
        touch_after: SignedDuration::from_hours(1),
    };

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn session(created: i64, last_seen: i64) -> SessionStatus {
        SessionStatus {
            user: UserId([0; 16]),
            user_created_at: at(created),
            app: AppId::new("wx0123456789abcdef"),
            created_at: at(created),
            expires_at: at(created) + LIFETIMES.absolute,
            last_seen: at(last_seen),
        }
    }

    #[test]
    fn a_token_has_52_characters_and_comes_back_as_itself() {
        let token = Token::generate().unwrap();
        let text = token.expose();
        assert_eq!((text.len(), text.starts_with("wxs_")), (52, true));
        assert_eq!(Token::parse(&text).unwrap().digest(), token.digest());
    }

    #[test]
    fn garbage_is_no_token() {
        let good = Token::generate().unwrap().expose();
        for place in 0..good.len() {
            let mut bytes = good.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            assert!(
                Token::parse(std::str::from_utf8(&bytes).unwrap()).is_none(),
                "at {place}"
            );
        }
        let cut = good.chars().take(51).collect::<String>();
        for text in [
            "",
            "wxs_",
            "wxs_é",
            &cut,
            &format!("{}A", *good),
            &good.replace("wxs_", ""),
        ] {
            assert!(Token::parse(text).is_none(), "{text:?}");
        }
    }

    #[test]
    fn a_sealed_secret_opens_under_its_own_token_only() {
        let (mine, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let sealed = mine.seal("tiihtNczf5v6AKRyjwEUhQ==").unwrap();
        assert_eq!(
            mine.open(&sealed).unwrap().as_str(),
            "tiihtNczf5v6AKRyjwEUhQ=="
        );
        assert!(other.open(&sealed).is_none());
        for place in 0..sealed.0.len() {
            let mut altered = sealed.clone();
            altered.0[place] ^= 1;
            assert!(mine.open(&altered).is_none(), "at {place}");
        }
        assert!(mine.open(&Sealed(Vec::new())).is_none());
        assert_ne!(
            mine.seal("x").unwrap(),
            mine.seal("x").unwrap(),
            "nonces must differ"
        );
    }

    #[test]
    fn the_instant_of_expiry_counts_as_over() {
        let week = 7 * 24 * 3600;
        let used = session(0, week - 10);
        assert!(!used.is_over(&LIFETIMES, at(week - 1)));
        assert!(used.is_over(&LIFETIMES, at(week)));
    }

    #[test]
    fn an_idle_session_ends_before_its_lifetime_does() {
        let three_days = 3 * 24 * 3600;
        let idle = session(0, 100);
        assert!(!idle.is_over(&LIFETIMES, at(three_days + 99)));
        assert!(idle.is_over(&LIFETIMES, at(three_days + 100)));
    }

    #[test]
    fn a_use_is_noted_once_an_hour() {
        let session = session(0, 0);
        assert!(!session.wants_touch(&LIFETIMES, at(3599)));
        assert!(session.wants_touch(&LIFETIMES, at(3600)));
    }
}
