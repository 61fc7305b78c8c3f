//! A session's keys: its own and those that the logins before it handed on, newest first, in one sealed box.
//!
//! Knows how many stay and in which order. Never knows what they open.

use crate::identity::SessionKey;
use crate::session::{CryptoError, Sealed, Token};

/// Stands between two keys. No key has it: they are base64.
const BETWEEN: char = '\n';

/// The newest key and those before it, each once, `at_most` in all; the newest is always among them.
pub(super) fn of(
    newest: SessionKey,
    older: impl IntoIterator<Item = SessionKey>,
    at_most: u32,
) -> Vec<SessionKey> {
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX).max(1);
    let mut keys = vec![newest];
    for key in older {
        if keys.len() < at_most && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Closes the box under a token.
pub(super) fn seal(token: &Token, keys: &[SessionKey]) -> Result<Sealed, CryptoError> {
    let mut text = zeroize::Zeroizing::new(String::new());
    for key in keys {
        if !text.is_empty() {
            text.push(BETWEEN);
        }
        text.push_str(key.expose());
    }
    token.seal(&text)
}

/// Opens the box. Empty if it was closed under another token, or altered.
pub(super) fn open(token: &Token, sealed: &Sealed) -> Vec<SessionKey> {
    let Some(text) = token.open(sealed) else {
        return Vec::new();
    };
    text.split(BETWEEN).map(SessionKey::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &str) -> Vec<SessionKey> {
        names.split(' ').map(SessionKey::new).collect()
    }

    #[track_caller]
    fn check(newest: &str, older: &str, at_most: u32, expected: &str) {
        let kept = of(SessionKey::new(newest), keys(older), at_most);
        assert_eq!(kept, keys(expected), "{newest} before {older}");
    }

    #[test]
    fn so_many_stay_and_each_once() {
        check("d==", "c== b== a==", 3, "d== c== b==");
        check("d==", "c== b== a==", 1, "d==");
        check("d==", "c== b== a==", 0, "d==");
        check("d==", "d== c==", 3, "d== c==");
        check("d==", "c== d== b==", 3, "d== c== b==");
    }

    #[test]
    fn a_box_opens_under_its_own_token_only() {
        let (mine, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let sealed = seal(&mine, &keys("b== a==")).unwrap();
        assert_eq!(open(&mine, &sealed), keys("b== a=="));
        assert!(open(&other, &sealed).is_empty());
    }
}
