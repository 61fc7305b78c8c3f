//! Decrypts the data that a mini program's events contain: AES-128-CBC with PKCS#7 padding, a signature, a watermark.
//!
//! CBC is not authenticated, so every failure that depends on the key looks the same to the client: a reason would be a
//! padding oracle.

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use cbc::cipher::{Block, BlockModeDecrypt as _, KeyIvInit as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value};
use sha1::{Digest as _, Sha1};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::Zeroizing;

use crate::identity::{AppId, SessionKey, UnionId};
use crate::platforms::platform::{
    DecryptError, Decrypted, DecryptionTerms, EncryptedData, Fields, SignedRawData,
};
use crate::platforms::wechat::reply::{is_identifier, number};

/// Length of an AES block, of the initialisation vector, and of an AES-128 key, in bytes.
const BLOCK: usize = 16;

/// Maximum length of encrypted data, in bytes of base64. Our choice: real data has less than one thousand.
pub const MAX_ENCRYPTED_BYTES: usize = 64 * 1024;

/// The field with the unionid. WeChat sends it only if the app is bound to an Open Platform account.
const UNIONID: &str = "unionId";

/// Fields that identify a user to WeChat, which are not for the client.
const IDENTIFIERS: [&str; 2] = ["openId", UNIONID];

/// Decrypts the data of an event, if it was created for this app, is recent, and has a valid signature where it has one.
///
/// The shape is checked without the key. Then all conditions are checked, even if one has failed.
///
/// Source: [signature and decryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html),
/// read 2026-11-23.
pub(super) fn decrypt(
    session_key: &SessionKey,
    encrypted: &EncryptedData<'_>,
    terms: &DecryptionTerms<'_>,
) -> Result<Decrypted, DecryptError> {
    let iv = block(&encrypted.iv.replace(' ', "+"));
    let iv = iv.ok_or(DecryptError::Malformed("`iv` is not base64 of 16 bytes"))?;
    let bytes = ciphertext(encrypted.data)?;
    let is_signed = encrypted.raw.is_none_or(|raw| is_signed(session_key, &raw));
    let key = block(session_key.expose()).ok_or(DecryptError::WrongKey)?;
    let (plain, is_padded) = decrypt_blocks(&key, &iv, bytes).ok_or(DecryptError::WrongKey)?;
    // Text with wrong padding is parsed like any other, so that it takes as long.
    let parsed = parse(&plain, terms);
    if !bool::from(is_padded) {
        return Err(DecryptError::WrongKey);
    }
    let (fields, unionid) = parsed?;
    if !is_signed {
        return Err(DecryptError::WrongSignature);
    }
    Ok(Decrypted {
        fields,
        unionid,
        was_repaired: encrypted.data.contains(' ') || encrypted.iv.contains(' '),
    })
}

/// Verifies the signature of `rawData`: SHA-1 over the text and the base64 text of the session key.
fn is_signed(session_key: &SessionKey, raw: &SignedRawData<'_>) -> bool {
    let digest = Sha1::new()
        .chain_update(raw.text)
        .chain_update(session_key.expose())
        .finalize();
    let expected = base16ct::lower::encode_string(&digest);
    expected.as_bytes().ct_eq(raw.signature.as_bytes()).into()
}

/// Decodes exactly one block from base64.
fn block(base64: &str) -> Option<Zeroizing<[u8; BLOCK]>> {
    let bytes = Zeroizing::new(STANDARD.decode(base64).ok()?);
    let block = <[u8; BLOCK]>::try_from(bytes.as_slice()).ok()?;
    Some(Zeroizing::new(block))
}

/// Decodes the whole blocks of the data from base64.
fn ciphertext(data: &str) -> Result<Zeroizing<Vec<u8>>, DecryptError> {
    let flaw = |flaw| Err(DecryptError::Malformed(flaw));
    if data.len() > MAX_ENCRYPTED_BYTES {
        return flaw("`encryptedData` is longer than 64 KiB");
    }
    match STANDARD.decode(data.replace(' ', "+")) {
        Err(_) => flaw("`encryptedData` is not base64"),
        Ok(bytes) if bytes.is_empty() => flaw("`encryptedData` is empty"),
        Ok(bytes) if !bytes.len().is_multiple_of(BLOCK) => {
            flaw("`encryptedData` is not a multiple of 16 bytes: it is truncated")
        }
        Ok(bytes) => Ok(Zeroizing::new(bytes)),
    }
}

/// Returns the plaintext without its padding and `true`, or all of it and `false` if the padding is wrong.
fn decrypt_blocks(
    key: &[u8; BLOCK],
    iv: &[u8; BLOCK],
    mut bytes: Zeroizing<Vec<u8>>,
) -> Option<(Zeroizing<Vec<u8>>, Choice)> {
    let mut cipher = Decryptor::<Aes128>::new(key.into(), iv.into());
    for block in bytes.chunks_exact_mut(BLOCK) {
        let block: &mut Block<Aes128> = block.try_into().ok()?;
        cipher.decrypt_block(block);
    }
    let (length, is_padded) = unpadded(bytes.last_chunk::<BLOCK>()?);
    let kept = bytes.len() - BLOCK + usize::from(length);
    bytes.truncate(kept);
    Some((bytes, is_padded))
}

/// Returns the length of the text in the last block, and whether the rest is PKCS#7 padding. Runs in constant time.
fn unpadded(block: &[u8; BLOCK]) -> (u8, Choice) {
    const LENGTH: u8 = 16;
    let [.., padding] = *block;
    let mut is_padded = !padding.ct_eq(&0) & padding.ct_lt(&(LENGTH + 1));
    for (byte, from_end) in block.iter().zip((1..=LENGTH).rev()) {
        let is_text = padding.ct_lt(&from_end);
        is_padded &= is_text | byte.ct_eq(&padding);
    }
    let length = u8::conditional_select(&LENGTH, &LENGTH.wrapping_sub(padding), is_padded);
    (length, is_padded)
}

/// The watermark inside the data.
#[derive(Deserialize)]
struct Watermarked {
    watermark: Watermark,
}

#[derive(Deserialize)]
struct Watermark {
    appid: String,
    timestamp: Value,
}

/// Parses the text as a JSON object whose watermark meets the terms, and separates the user's ids from the fields.
fn parse(
    plain: &[u8],
    terms: &DecryptionTerms<'_>,
) -> Result<(Fields, Option<UnionId>), DecryptError> {
    let (watermark, created_at, mut fields) = read(plain).ok_or(DecryptError::NoWatermark)?;
    let age = created_at.duration_since(terms.now);
    // Data without a usable one is no error.
    let unionid = fields.get(UNIONID).and_then(Value::as_str);
    let unionid = unionid.filter(|text| is_identifier(text)).map(UnionId::new);
    fields.retain(|name, _| !IDENTIFIERS.contains(&name.as_str()));
    if watermark.appid != terms.app_id.as_str() {
        return Err(DecryptError::OtherApp {
            found: loggable(&watermark.appid),
            expected: terms.app_id.clone(),
        });
    }
    if age.unsigned_abs() > terms.max_age {
        return Err(DecryptError::WrongTime {
            ahead: age.as_secs(),
            max: terms.max_age.as_secs(),
        });
    }
    Ok((Fields(fields), unionid))
}

/// Returns the watermark, its time and all fields.
fn read(plain: &[u8]) -> Option<(Watermark, Timestamp, Map<String, Value>)> {
    let json = str::from_utf8(plain).ok()?;
    let Watermarked { watermark } = serde_json::from_str(json).ok()?;
    let created_at = Timestamp::from_second(number(&watermark.timestamp)?).ok()?;
    Some((watermark, created_at, serde_json::from_str(json).ok()?))
}

/// Returns an AppID that is safe to log. Its text is the sender's.
fn loggable(app_id: &str) -> AppId {
    let letters = app_id.chars().filter(char::is_ascii_alphanumeric);
    AppId::new(letters.take(32).collect::<String>())
}
