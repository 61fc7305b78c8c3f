//! Session tokens: generation, parsing and digests.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::session::seal::{CryptoError, Seal, Sealed};

/// Prefix of every token, so that people and secret scanners recognize one.
const PREFIX: &str = "wxs_";
const RANDOM_BYTES: usize = 32;
const CHECKSUM_BYTES: usize = 4;

/// A session's bearer token. Shown to the client once; the store keeps only its digest.
///
/// Written as `wxs_` and base64url of 32 random bytes and a checksum, the first 4 bytes of their digest: 52 characters.
#[derive(Clone)]
pub struct Token {
    random: Zeroizing<[u8; RANDOM_BYTES]>,
    digest: TokenDigest,
}

impl Token {
    /// Generates a token of 32 random bytes from the operating system's generator.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none.
    pub fn generate() -> Result<Self, CryptoError> {
        let mut random = Zeroizing::new([0; RANDOM_BYTES]);
        getrandom::fill(random.as_mut_slice()).map_err(CryptoError::NoRandomness)?;
        Ok(Self::of(random))
    }

    fn of(random: Zeroizing<[u8; RANDOM_BYTES]>) -> Self {
        let digest = TokenDigest(Sha256::digest(random.as_slice()).into());
        Self { random, digest }
    }

    /// Parses a token as a client sends it. `None` if the shape or the checksum is wrong, so that garbage never reaches the store.
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.strip_prefix(PREFIX)?;
        let mut decoded = Zeroizing::new([0; RANDOM_BYTES + CHECKSUM_BYTES]);
        let length = URL_SAFE_NO_PAD.decode_slice(text, decoded.as_mut_slice());
        let (random, sum) = decoded.split_first_chunk::<RANDOM_BYTES>()?;
        let is_whole = length == Ok(decoded.len());
        let token = is_whole.then(|| Self::of(Zeroizing::new(*random)))?;
        (sum == token.checksum()).then_some(token)
    }

    /// Returns `true` if the text begins as a token does.
    pub fn is_token_like(text: &str) -> bool {
        text.starts_with(PREFIX)
    }

    /// Returns the token as text, as the client sends it.
    pub fn expose(&self) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; RANDOM_BYTES + CHECKSUM_BYTES]);
        let (random, sum) = bytes.split_at_mut(RANDOM_BYTES);
        random.copy_from_slice(self.random.as_slice());
        sum.copy_from_slice(self.checksum());
        Zeroizing::new(format!(
            "{PREFIX}{}",
            URL_SAFE_NO_PAD.encode(bytes.as_slice())
        ))
    }

    /// Returns the digest under which the store keeps the session.
    pub fn digest(&self) -> TokenDigest {
        self.digest
    }

    /// Detects garbage, and reveals nothing that the token does not.
    fn checksum(&self) -> &[u8] {
        self.digest.0.split_at(CHECKSUM_BYTES).0
    }

    /// Encrypts a secret under a key derived from this token.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system has none for the nonce.
    pub fn seal(&self, secret: &str) -> Result<Sealed, CryptoError> {
        self.seal_of_secrets().seal(secret, &self.digest.0)
    }

    /// Decrypts the output of [`Token::seal`]. `None` if it was sealed under another token or altered.
    pub fn open(&self, sealed: &Sealed) -> Option<Zeroizing<String>> {
        self.seal_of_secrets().open(sealed, &self.digest.0)
    }

    fn seal_of_secrets(&self) -> Seal {
        Seal::new(self.random.as_slice(), b"weapp-login session keys v1")
    }
}

/// SHA-256 of a token, which the store keeps in place of the token. A stolen digest cannot be used to log in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenDigest(pub [u8; 32]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_52_characters_and_parses_to_itself() {
        let token = Token::generate().unwrap();
        let text = token.expose();
        assert_eq!((text.len(), text.starts_with("wxs_")), (52, true));
        assert_eq!(Token::parse(&text).unwrap().digest(), token.digest());
    }

    #[test]
    fn garbage_does_not_parse() {
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
}
