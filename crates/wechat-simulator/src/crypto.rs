//! WeChat's cryptography: AES-128-CBC, its two signatures, and hexadecimal text.
//!
//! Source: [signatures and encryption](https://developers.weixin.qq.com/miniprogram/dev/framework/open-ability/signature.html).

use aes::{Aes128, Aes256};
use cbc::Encryptor;
use cbc::cipher::block_padding::{NoPadding, Pkcs7};
use cbc::cipher::{BlockModeEncrypt as _, KeyIvInit as _};
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::{Digest as _, Sha1};
use sha2::Sha256;

/// Encrypts with AES-128-CBC and PKCS#7 padding.
pub(crate) fn encrypt(key: &[u8; 16], iv: &[u8; 16], plain: &[u8]) -> Vec<u8> {
    Encryptor::<Aes128>::new(key.into(), iv.into()).encrypt_padded_vec::<Pkcs7>(plain)
}

/// Encrypts a pushed message with AES-256-CBC. The padding is that of PKCS#7 for blocks of 32 bytes, and the first half of the
/// key is the initialization vector.
pub(crate) fn encrypt_push(key: &[u8; 32], mut plain: Vec<u8>) -> Vec<u8> {
    let padding = 32 - plain.len() % 32;
    let byte = u8::try_from(padding).unwrap_or_default();
    plain.resize(plain.len() + padding, byte);
    let iv = key.first_chunk::<16>().copied().unwrap_or_default();
    Encryptor::<Aes256>::new(key.into(), &iv.into()).encrypt_padded_vec::<NoPadding>(&plain)
}

/// Returns the signature of a push: SHA-1 of the sorted texts.
pub(crate) fn sign_push(texts: &[&str]) -> String {
    let mut texts = texts.to_vec();
    texts.sort_unstable();
    hex(&Sha1::digest(texts.concat()))
}

/// Returns the `signature` of `rawData`: SHA-1 of the text and the base64 session key.
pub(crate) fn sign_raw_data(raw_data: &str, session_key: &str) -> String {
    hex(&Sha1::new()
        .chain_update(raw_data)
        .chain_update(session_key)
        .finalize())
}

/// Returns the `signature` of a call on behalf of a user: HMAC-SHA-256 with the base64 session key.
pub(crate) fn sign_call(text: &str, session_key: &str) -> String {
    // HMAC accepts keys of any length.
    Hmac::<Sha256>::new_from_slice(session_key.as_bytes())
        .map(|mac| hex(&mac.chain_update(text).finalize().into_bytes()))
        .unwrap_or_default()
}

/// Returns the SHA-256 digest as hexadecimal text.
pub(crate) fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Formats bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    const KEY: &str = "tiihtNczf5v6AKRyjwEUhQ==";
    const IV: &str = "r7BXXKkLb8qrSNn05n0qiA==";

    #[track_caller]
    fn check(plain: &str, encrypted: &str) {
        let decode = |text| <[u8; 16]>::try_from(STANDARD.decode(text).unwrap()).unwrap();
        let result = encrypt(&decode(KEY), &decode(IV), plain.as_bytes());
        assert_eq!(STANDARD.encode(result), encrypted);
    }

    #[test]
    fn user_information_is_encrypted_as_in_the_published_example() {
        check(
            r#"{"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0","unionId":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA","watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"}}"#,
            "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==",
        );
    }

    #[test]
    fn a_phone_number_is_encrypted_in_the_same_way() {
        check(
            r#"{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86","watermark":{"appid":"wx4f4bc4dec97d474b","timestamp":1477314187}}"#,
            "xT8p8W6jIVdEWQ+ccHuD2bmG5RSiwg14VWRFw/UGVh6Aj+jDIadafJ4xdCIBQ/uxDiyw/MZWvpFyRn3pP3xxVfNQxFtzghvK+Pj5JQI7x41EpnirOxeUcm4HWRdmzGJla5bZSoGnOCbsXv5pRwGUkKrjqXN+ahUvXsHu7s3UO17Wm7voWb/tLcxrZfVTyk0rxntL3Fq2vaQdw+WIdarjGw==",
        );
    }

    #[test]
    fn raw_data_is_signed_as_in_the_published_example() {
        let raw_data = r#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#;
        let signature = sign_raw_data(raw_data, "HyVFkGl5F5OQWJZZaNzBBg==");
        assert_eq!(signature, "75e81ceda165f4ffa64f4068af58c64b8f54b88c");
    }

    #[test]
    fn calls_are_signed_as_in_the_published_examples() {
        for (text, key, expected) in [
            (
                r#"{"foo":"bar"}"#,
                "o0q0otL8aEzpcZL/FT9WsQ==",
                "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b",
            ),
            (
                "",
                "o0q0otL8aEzpcZL/FT9WsQ==",
                "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128",
            ),
            (
                "",
                "tiihtNczf5v6AKRyjwEUhQ==",
                "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735",
            ),
        ] {
            assert_eq!(sign_call(text, key), expected);
        }
    }
}
