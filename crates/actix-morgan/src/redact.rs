//! Masks the values of secret parameters in URLs.

/// The text printed instead of a secret.
pub(crate) const MASK: &str = "***";

/// Names of secret parameters, in lower case, without `_` and `-`.
const SECRETS: [&str; 18] = [
    "accesstoken",
    "appsecret",
    "clientsecret",
    "code",
    "encrypteddata",
    "idtoken",
    "iv",
    "jscode",
    "openid",
    "password",
    "phonecode",
    "phonenumber",
    "refreshtoken",
    "secret",
    "sessionkey",
    "signature",
    "token",
    "unionid",
];

const SEPARATORS: [char; 4] = ['?', '&', '#', ';'];

/// Maximum number of percent-encodings within each other that are decoded. Our choice; redirects need two.
const MAX_DECODINGS: usize = 4;

/// Masks the values of secret parameters anywhere in a URL.
pub(crate) fn redact(url: &str) -> String {
    let mut redacted = String::with_capacity(url.len());
    let mut parts = url.split_inclusive(SEPARATORS);
    redacted.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let pair = part.trim_end_matches(SEPARATORS);
        let separator = part.get(pair.len()..).unwrap_or_default();
        match pair.split_once('=') {
            Some((name, value)) if is_secret(name) || contains_secret(value) => {
                redacted.extend([name, "=", MASK]);
            }
            _ => redacted.push_str(pair),
        }
        redacted.push_str(separator);
    }
    redacted
}

/// Also finds names such as `user[code]`, `SESSION-KEY` and `sessionKey`, and percent-encoded letters.
fn is_secret(name: &str) -> bool {
    let name = decode(name).to_lowercase().replace(['_', '-'], "");
    name.split(['[', ']', '.'])
        .any(|name| SECRETS.contains(&name.trim()))
}

/// Returns `true` if a value is itself a URL with a secret, as in `?next=https%3A%2F%2Fx%3Fcode%3D1`, or is encoded too
/// often to tell.
fn contains_secret(value: &str) -> bool {
    let mut value = value.to_owned();
    for _ in 0..MAX_DECODINGS {
        let decoded = decode(&value);
        if decoded.len() == value.len() {
            return false;
        }
        let mut pairs = decoded
            .split(SEPARATORS)
            .filter_map(|pair| pair.split_once('='));
        if pairs.any(|(name, _)| is_secret(name)) {
            return true;
        }
        value = decoded;
    }
    true
}

/// Decodes percent-encoding; leaves malformed sequences as they are.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = match (first, tail) {
            (b'%', [high, low, tail @ ..])
                if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_default();
                bytes.extend(u8::try_from(digit(*high) * 16 + digit(*low)));
                tail
            }
            _ => {
                bytes.push(first);
                tail
            }
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(url: &str, expected: &str) {
        assert_eq!(redact(url), expected);
    }

    #[test]
    fn secrets_are_masked_anywhere_in_a_url() {
        check("/login?code=x&y=1", "/login?code=***&y=1");
        check("/login?a=1&CODE=x#token=y", "/login?a=1&CODE=***#token=***");
        check(
            "/x?%63od%65=1&access_token=2;secret=",
            "/x?%63od%65=***&access_token=***;secret=***",
        );
        check(
            "/x?user[code]=1&code[]=2&a.token=3",
            "/x?user[code]=***&code[]=***&a.token=***",
        );
        check("/x?a=1?code=2", "/x?a=1?code=***");
        check("/x?next=https%3A%2F%2Fy%3Fcode%3D1", "/x?next=***");
        check(
            "/x?next=https%253A%252F%252Fy%253Fcode%253D1",
            "/x?next=***",
        );
    }

    #[test]
    fn a_secret_name_is_found_in_every_spelling() {
        for name in [
            "js_code",
            "app_secret",
            "appsecret",
            "sessionKey",
            "session_key",
            "encryptedData",
            "iv",
            "openid",
            "open_id",
            "unionId",
            "phone_code",
            "phoneNumber",
            "client_secret",
            "refresh_token",
            "id_token",
            "access_token",
            "password",
            "signature",
            "code",
            "token",
            "secret",
        ] {
            let spellings = [
                name.to_owned(),
                name.to_uppercase(),
                name.replace('_', "-"),
                name.replace('_', ""),
                format!("user[{name}]"),
                format!("a.{name}"),
                name.replace('e', "%65"),
            ];
            for name in spellings {
                check(&format!("/x?{name}=1&a=2"), &format!("/x?{name}=***&a=2"));
            }
        }
    }

    #[test]
    fn the_rest_of_a_url_is_kept() {
        for url in [
            "",
            "/",
            "*",
            "/code=1",
            "/nope?a=%22b%22&c=1",
            "/?code",
            "/?barcode=1&codes=2&&=?#",
            "/?ivory=1&token_type=2&errcode=3&passwords=4",
            "/x?a=%zz%",
            "http://h/p?x=a%20b",
        ] {
            check(url, url);
        }
    }
}
