//! The id that WeChat assigns to each call and appends to an `errmsg`.

/// Finds WeChat's id of a call in an `errmsg`. Safe to log and to send, because its shape is checked.
///
/// `rid: 668f2aa4-51c08c03-3d141241` today; until about 2020 a `req_id: uhJDVZyFe-YZguHA`. A `rid` takes precedence.
pub(super) fn find(errmsg: &str) -> Option<String> {
    word_after(errmsg, "rid:", is_rid).or_else(|| word_after(errmsg, "req_id:", is_req_id))
}

/// Returns the time of a call by WeChat's clock, in Unix seconds: the first block of its `rid`. `None` for a `req_id`.
///
/// WeChat does not document it; observed: `6437cc6f-…` was sent at 1681378415.
pub(super) fn unix_seconds(rid: &str) -> Option<u32> {
    let (seconds, _) = rid.split_once('-').filter(|_| is_rid(rid))?;
    u32::from_str_radix(seconds, 16).ok()
}

/// Returns the first word after any `label` that is an id.
fn word_after(text: &str, label: &str, is_id: fn(&str) -> bool) -> Option<String> {
    text.split(label)
        .skip(1)
        .filter_map(|tail| tail.split_whitespace().next())
        .map(|word| word.trim_end_matches([']', ',', '.']))
        .find(|word| is_id(word))
        .map(str::to_owned)
}

/// Returns `true` for three blocks of eight lower-case hexadecimal digits.
fn is_rid(word: &str) -> bool {
    let is_block = |block: &str| {
        block.len() == 8
            && block
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    word.split('-').count() == 3 && word.split('-').all(is_block)
}

/// Returns `true` for 8 to 24 characters of base64url: shorter than an openid, a login code or a secret.
fn is_req_id(word: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    (8..=24).contains(&word.len()) && word.bytes().all(is_letter)
}
