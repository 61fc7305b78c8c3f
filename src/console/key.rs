//! The key by which a page on another machine reads the console's data. Each process has a new one.

use std::fmt;

use getrandom::Error;
use subtle::ConstantTimeEq as _;

/// The key of the console: 32 random hexadecimal digits. `Debug` hides it.
#[derive(Clone)]
pub struct ConsoleKey(String);

impl ConsoleKey {
    /// Makes a random key.
    ///
    /// # Errors
    /// The operating system returned no random bytes.
    pub fn random() -> Result<Self, Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(base16ct::lower::encode_string(&bytes)))
    }

    /// Returns the key itself, for the address that the server prints.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Compares with a presented key, in constant time.
    pub fn is(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }
}

impl fmt::Debug for ConsoleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConsoleKey(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_random_and_hidden() {
        let (one, other) = (ConsoleKey::random().unwrap(), ConsoleKey::random().unwrap());
        assert!(one.is(one.expose().as_bytes()) && !one.is(other.expose().as_bytes()));
        assert!(!one.is(b""));
        assert!(!format!("{one:?}").contains(one.expose()));
    }
}
