//! Opens what a mini program's events hand over encrypted.
//!
//! Knows AES-128-CBC with PKCS#7 padding, the signature of `rawData`, and the watermark inside.
//! Never knows who holds which key, and never tells why something did not open: CBC is not authenticated, and a reason
//! would be a padding oracle.

use std::fmt;
use std::time::Duration;

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use cbc::cipher::{Block, BlockModeDecrypt as _, KeyIvInit as _};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;
use sha1::{Digest as _, Sha1};
use subtle::{Choice, ConditionallySelectable as _, ConstantTimeEq as _, ConstantTimeLess as _};
use zeroize::Zeroizing;

use crate::identity::{AppId, SessionKey, Watermark};
use crate::platforms::wechat::answer::number;
pub use crate::platforms::wechat::members::Members;

/// AES's block, and so the length of the initialisation vector; AES-128's key is as long.
const BLOCK: usize = 16;

/// The longest text that is opened, in bytes of base64. Our choice: real ones have less than one thousand.
pub const MAX_ENCRYPTED_BYTES: usize = 64 * 1024;

/// What an event hands over, as the client sent it.
#[derive(Clone, Copy)]
pub struct Encrypted<'a> {
    /// `encryptedData`.
    pub data: &'a str,
    /// `iv`.
    pub iv: &'a str,
    /// `rawData` and its `signature`, where the event has them.
    pub raw: Option<RawData<'a>>,
}

/// What an event hands over unencrypted, with the proof that it comes from WeChat.
#[derive(Clone, Copy)]
pub struct RawData<'a> {
    /// `rawData`, byte for byte: written anew as JSON it would be another text.
    pub text: &'a [u8],
    /// `signature`: forty lower-case hexadecimal digits.
    pub signature: &'a str,
}

/// What the watermark must say.
#[derive(Debug, Clone, Copy)]
pub struct Terms<'a> {
    /// The mini program that the data must be made for.
    pub app_id: &'a AppId,
    /// The time by our clock.
    pub now: Timestamp,
    /// How far from `now` the data may be made, in the past and, as clocks differ, in the future. Exactly this far will do.
    pub max_age: Duration,
}

/// What was inside. `Debug` shows none of it.
#[derive(Clone, PartialEq, Eq)]
pub struct Opened {
    /// A JSON object, as WeChat wrote it.
    pub json: Zeroizing<String>,
    /// For whom and when WeChat wrote it.
    pub watermark: Watermark,
    /// Whether the client had lost a `+`, which a form turns into a space. It was mended; the client should be too.
    pub was_mended: bool,
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Opened(***)")
    }
}

/// The data does not open, for whatever reason: another key, damage, another app's watermark, a late one, a wrong signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the encrypted data does not open: most likely it was taken before the login whose session key was tried; log in first, then take the data"
)]
pub struct Opaque;

impl Opaque {
    /// The number under which developers look for this: `IllegalBuffer` of Tencent's sample class `WXBizDataCrypt`.
    pub const ERRCODE: i64 = -41003;
}

/// Opens what an event handed over, if it is for this app, recent, and signed where it bears a signature.
///
/// All of it is judged whatever went wrong before, and the verdict is one.
///
/// # Errors
/// [`Opaque`] if anything at all is wrong.
///
/// Source: [signature and decryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html),
/// read 2026-11-23.
pub fn decrypt(
    session_key: &SessionKey,
    encrypted: &Encrypted<'_>,
    terms: &Terms<'_>,
) -> Result<Opened, Opaque> {
    let is_signed = encrypted.raw.is_none_or(|raw| is_signed(session_key, &raw));
    let was_mended = encrypted.data.contains(' ') || encrypted.iv.contains(' ');
    let key = block(session_key.expose()).ok_or(Opaque)?;
    let iv = block(&encrypted.iv.replace(' ', "+")).ok_or(Opaque)?;
    let (plain, is_padded) = open(&key, &iv, encrypted.data).ok_or(Opaque)?;
    // Unpadded text is read like any other, and fails where it would have failed anyway.
    let read = read(&plain, terms);
    match read {
        Some((json, watermark)) if bool::from(is_padded) && is_signed => Ok(Opened {
            json,
            watermark,
            was_mended,
        }),
        _ => Err(Opaque),
    }
}

/// Whether the signature of `rawData` was made with this session key: SHA-1 over the text and the key's text.
fn is_signed(session_key: &SessionKey, raw: &RawData<'_>) -> bool {
    let digest = Sha1::new()
        .chain_update(raw.text)
        .chain_update(session_key.expose())
        .finalize();
    let expected = base16ct::lower::encode_string(&digest);
    expected.as_bytes().ct_eq(raw.signature.as_bytes()).into()
}

/// Exactly one block of bytes from base64.
fn block(base64: &str) -> Option<Zeroizing<[u8; BLOCK]>> {
    let bytes = Zeroizing::new(STANDARD.decode(base64).ok()?);
    let block = <[u8; BLOCK]>::try_from(bytes.as_slice()).ok()?;
    Some(Zeroizing::new(block))
}

/// The plain text, and whether its padding is right; if not, all of the text.
fn open(key: &[u8; BLOCK], iv: &[u8; BLOCK], data: &str) -> Option<(Zeroizing<Vec<u8>>, Choice)> {
    if data.len() > MAX_ENCRYPTED_BYTES {
        return None;
    }
    let mut bytes = Zeroizing::new(STANDARD.decode(data.replace(' ', "+")).ok()?);
    if bytes.is_empty() || !bytes.len().is_multiple_of(BLOCK) {
        return None;
    }
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

/// How much of the last block is text, and whether the rest is PKCS#7 padding. Takes as long whatever the block holds.
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

/// The one member that is looked at. The others, which are secret, are not built.
#[derive(Deserialize)]
struct Marked {
    watermark: Mark,
}

#[derive(Deserialize)]
struct Mark {
    appid: String,
    timestamp: Value,
}

/// Reads the text as JSON with a watermark that meets the terms.
fn read(plain: &[u8], terms: &Terms<'_>) -> Option<(Zeroizing<String>, Watermark)> {
    let json = str::from_utf8(plain).ok()?;
    let Marked { watermark } = serde_json::from_str(json).ok()?;
    let is_object = json.trim_start().starts_with('{');
    let unix_seconds = number(&watermark.timestamp)?;
    let made_at = Timestamp::from_second(unix_seconds).ok()?;
    let is_recent = made_at.duration_since(terms.now).unsigned_abs() <= terms.max_age;
    let is_ours = watermark.appid == terms.app_id.as_str();
    (is_object && is_ours && is_recent).then(|| {
        let watermark = Watermark {
            app_id: terms.app_id.clone(),
            unix_seconds,
        };
        (Zeroizing::new(json.to_owned()), watermark)
    })
}
