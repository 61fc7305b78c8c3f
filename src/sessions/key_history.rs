//! The session keys of a session: its own and those of the logins before it, newest first, sealed together.

use crate::identity::SessionKey;
use crate::session::{CryptoError, Sealed, Token};

/// Separates two keys. Keys are base64, so none contains it.
const SEPARATOR: char = '\n';

/// Returns the newest key, if there is one, followed by the older ones, without duplicates, `at_most` in total. The newest is
/// always included.
pub(crate) fn of(
    newest: Option<SessionKey>,
    older: impl IntoIterator<Item = SessionKey>,
    at_most: u32,
) -> Vec<SessionKey> {
    let at_most = usize::try_from(at_most).unwrap_or(usize::MAX).max(1);
    let mut keys = Vec::from_iter(newest);
    for key in older {
        if keys.len() < at_most && !keys.contains(&key) {
            keys.push(key);
        }
    }
    keys
}

/// Seals the keys under a token.
pub(crate) fn seal(token: &Token, keys: &[SessionKey]) -> Result<Sealed, CryptoError> {
    let mut text = zeroize::Zeroizing::new(String::new());
    for key in keys {
        if !text.is_empty() {
            text.push(SEPARATOR);
        }
        text.push_str(key.expose());
    }
    token.seal(&text)
}

/// Decrypts the keys. Empty if they were sealed under another token, or altered.
pub(crate) fn open(token: &Token, sealed: &Sealed) -> Vec<SessionKey> {
    let Some(text) = token.open(sealed) else {
        return Vec::new();
    };
    let keys = text.split(SEPARATOR).filter(|key| !key.is_empty());
    keys.map(SessionKey::new).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(names: &str) -> Vec<SessionKey> {
        names.split(' ').map(SessionKey::new).collect()
    }

    #[track_caller]
    fn check(newest: &str, older: &str, at_most: u32, expected: &str) {
        let kept = of(Some(SessionKey::new(newest)), keys(older), at_most);
        assert_eq!(kept, keys(expected), "{newest} before {older}");
    }

    #[test]
    fn the_history_is_bounded_and_has_no_duplicates() {
        check("d==", "c== b== a==", 3, "d== c== b==");
        check("d==", "c== b== a==", 1, "d==");
        check("d==", "c== b== a==", 0, "d==");
        check("d==", "d== c==", 3, "d== c==");
        check("d==", "c== d== b==", 3, "d== c== b==");
    }

    #[test]
    fn keys_open_under_their_own_token_only() {
        let (mine, other) = (Token::generate().unwrap(), Token::generate().unwrap());
        let sealed = seal(&mine, &keys("b== a==")).unwrap();
        assert_eq!(open(&mine, &sealed), keys("b== a=="));
        assert!(open(&other, &sealed).is_empty());
        assert!(open(&mine, &seal(&mine, &[]).unwrap()).is_empty());
    }
}
