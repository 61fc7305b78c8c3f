//! Encrypted data that opens, and everything that does not.

use std::time::Duration;

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::cipher::{Block, BlockModeEncrypt as _, KeyIvInit as _};
use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::identity::{AppId, SessionKey, UnionId};
use crate::platforms::wechat::encrypted_data::decrypt;
use crate::platforms::wechat::tests::{APP_ID, SESSION_KEY};
use crate::platforms::{
    DecryptError, Decrypted, DecryptionTerms, EncryptedData, Fields, SignedRawData,
};

const MADE_AT: i64 = 1_477_314_187;
const IV: &str = "r7BXXKkLb8qrSNn05n0qiA==";
const USER: &str = "CiyLU1Aw2KjvrjMdj8YKliAjtP4gsMZMQmRzooG2xrDcvSnxIMXFufNstNGTyaGS9uT5geRa0W4oTOb1WT7fJlAC+oNPdbB+3hVbJSRgv+4lGOETKUQz6OYStslQ142dNCuabNPGBzlooOmB231qMM85d2/fV6ChevvXvQP8Hkue1poOFtnEtpyxVLW1zAo6/1Xx1COxFvrc2d7UL/lmHInNlxuacJXwu0fjpXfz/YqYzBIBzD6WUfTIF9GRHpOn/Hz7saL8xz+W//FRAUid1OksQaQx4CMs8LOddcQhULW4ucetDf96JcR3g0gfRK4PC7E/r7Z6xNrXd2UIeorGj5Ef7b1pJAYB6Y5anaHqZ9J6nKEBvB4DnNLIVWSgARns/8wR2SiRS7MNACwTyrGvt9ts8p12PKFdlqYTopNHR1Vf7XjfhQlVsAJdNiKdYmYVoKlaRv85IfVunYzO0IKXsyl7JCUjCpoG20f0a04COwfneQAGGwd5oa+T8yO5hzuyDb/XcxxmK01EpqOyuxINew==";
const USER_PLAIN: &str = r#"{"openId":"oGZUI0egBJY1zhBYw2KhdUfwVJJE","nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/aSKcBBPpibyKNicHNTMM0qJVh8Kjgiak2AHWr8MHM4WgMEm7GFhsf8OYrySdbvAMvTsw3mo8ibKicsnfN5pRjl1p8HQ/0","unionId":"ocMvos6NjeKLIBqg5Mr9QjxrP1FA","watermark":{"timestamp":1477314187,"appid":"wx4f4bc4dec97d474b"}}"#;
const PHONE: &str = "xT8p8W6jIVdEWQ+ccHuD2bmG5RSiwg14VWRFw/UGVh6Aj+jDIadafJ4xdCIBQ/uxDiyw/MZWvpFyRn3pP3xxVfNQxFtzghvK+Pj5JQI7x41EpnirOxeUcm4HWRdmzGJla5bZSoGnOCbsXv5pRwGUkKrjqXN+ahUvXsHu7s3UO17Wm7voWb/tLcxrZfVTyk0rxntL3Fq2vaQdw+WIdarjGw==";
const PHONE_PLAIN: &str = r#"{"phoneNumber":"13580006666","purePhoneNumber":"13580006666","countryCode":"86","watermark":{"appid":"wx4f4bc4dec97d474b","timestamp":1477314187}}"#;
const RAW_KEY: &str = "HyVFkGl5F5OQWJZZaNzBBg==";
const RAW_DATA: &[u8] = br#"{"nickName":"Band","gender":1,"language":"zh_CN","city":"Guangzhou","province":"Guangdong","country":"CN","avatarUrl":"http://wx.qlogo.cn/mmopen/vi_32/1vZvI39NWFQ9XM4LtQpFrQJ1xlgZxx3w7bQxKARol6503Iuswjjn6nIGBiaycAjAtpujxyzYsrztuuICqIM5ibXQ/0"}"#;
const RAW_SIGNATURE: &str = "75e81ceda165f4ffa64f4068af58c64b8f54b88c";

/// Returns data without a signature.
fn unsigned<'a>(data: &'a str, iv: &'a str) -> EncryptedData<'a> {
    EncryptedData {
        data,
        iv,
        raw: None,
    }
}

/// The same as [`open_at`], with the reason of a failure.
fn try_at(
    key: &str,
    encrypted: &EncryptedData<'_>,
    unix_seconds: i64,
) -> Result<Decrypted, DecryptError> {
    let app_id = AppId::new(APP_ID);
    let terms = DecryptionTerms {
        app_id: &app_id,
        now: Timestamp::from_second(unix_seconds).unwrap(),
        max_age: Duration::from_mins(10),
    };
    decrypt(&SessionKey::new(key), encrypted, &terms)
}

/// Decrypts data at a given time, for the app of the sample and with a maximum age of ten minutes.
fn open_at(key: &str, encrypted: &EncryptedData<'_>, unix_seconds: i64) -> Option<Decrypted> {
    try_at(key, encrypted, unix_seconds).ok()
}

fn open(data: &str, iv: &str) -> Option<Decrypted> {
    open_at(SESSION_KEY, &unsigned(data, iv), MADE_AT)
}

/// Encrypts blocks that include their padding.
fn seal_blocks(key: &str, padded: &[u8]) -> String {
    let array = |text: &str| <[u8; 16]>::try_from(STANDARD.decode(text).unwrap()).unwrap();
    let mut cipher = cbc::Encryptor::<Aes128>::new(&array(key).into(), &array(IV).into());
    let mut bytes = padded.to_vec();
    for block in bytes.chunks_exact_mut(16) {
        let block: &mut Block<Aes128> = block.try_into().unwrap();
        cipher.encrypt_block(block);
    }
    STANDARD.encode(bytes)
}

fn seal(key: &str, plain: &str) -> String {
    let padding = 16 - plain.len() % 16;
    let tail = vec![u8::try_from(padding).unwrap(); padding];
    seal_blocks(key, &[plain.as_bytes(), &tail].concat())
}

/// Parses the expected fields, without the ids that are not for the client.
fn fields(json: &str) -> Fields {
    let mut fields: Map<String, Value> = serde_json::from_str(json).unwrap();
    fields.retain(|name, _| name != "openId" && name != "unionId");
    Fields(fields)
}

#[test]
fn the_documented_user_data_decrypts() {
    let opened = open(USER, IV).unwrap();
    assert_eq!(opened.fields, fields(USER_PLAIN));
    assert!(!opened.was_repaired);
    assert_eq!(
        seal(SESSION_KEY, USER_PLAIN),
        USER,
        "the test seals as WeChat does"
    );
}

#[test]
fn a_phone_number_decrypts() {
    assert_eq!(open(PHONE, IV).unwrap().fields, fields(PHONE_PLAIN));
}

#[test]
fn a_lost_plus_is_repaired() {
    let opened = open(&USER.replace('+', " "), IV).unwrap();
    assert_eq!(opened.fields, fields(USER_PLAIN));
    assert!(opened.was_repaired);
}

#[test]
fn raw_data_needs_its_signature() {
    let data = seal(RAW_KEY, USER_PLAIN);
    let open = |text, signature| {
        let raw = Some(SignedRawData { text, signature });
        let unsigned = unsigned(&data, IV);
        open_at(RAW_KEY, &EncryptedData { raw, ..unsigned }, MADE_AT)
    };
    assert_eq!(
        open(RAW_DATA, RAW_SIGNATURE).unwrap().fields,
        fields(USER_PLAIN)
    );
    let rewritten = [RAW_DATA, b" "].concat();
    assert_eq!(open(&rewritten, RAW_SIGNATURE), None);
    for signature in [
        "",
        "75e8",
        &RAW_SIGNATURE.to_uppercase(),
        &RAW_SIGNATURE.replace('7', "6"),
    ] {
        assert_eq!(open(RAW_DATA, signature), None, "{signature}");
    }
}

#[test]
fn the_maximum_age_of_a_watermark_is_exact_in_both_directions() {
    for (offset, opens) in [
        (600, true),
        (601, false),
        (-600, true),
        (-601, false),
        (i32::MAX.into(), false),
    ] {
        let opened = open_at(SESSION_KEY, &unsigned(USER, IV), MADE_AT + offset);
        assert_eq!(opened.is_some(), opens, "{offset}");
    }
}

#[test]
fn a_watermark_names_this_app_and_a_time() {
    let good = r#"{"watermark":{"appid":"wx4f4bc4dec97d474b","timestamp":"1477314187"}}"#;
    assert!(
        open(&seal(SESSION_KEY, good), IV).is_some(),
        "a time may be a text"
    );
    let others = [
        good.replace(APP_ID, "wx0000000000000000"),
        good.replace(APP_ID, "WX4F4BC4DEC97D474B"),
        good.replace("appid", "appId"),
        good.replace("timestamp", "time"),
        good.replace(r#""1477314187""#, "1e99"),
        good.replace(r#""1477314187""#, "null"),
        good.replace("watermark", "mark"),
        format!("[{good}]"),
        r#"[{"appid":"wx4f4bc4dec97d474b","timestamp":1477314187}]"#.to_owned(),
        format!("{good}x"),
        String::new(),
    ];
    for plain in others {
        assert_eq!(open(&seal(SESSION_KEY, &plain), IV), None, "{plain}");
    }
}

#[test]
fn only_whole_blocks_and_whole_keys_decrypt() {
    let cut = USER.trim_end_matches("ew==");
    for data in [
        "",
        "=",
        "AAAA",
        cut,
        "CiyLU1Aw2KjvrjMdj8YKlg==",
        USER.trim_start_matches('C'),
        &format!("{USER}\n"),
    ] {
        assert_eq!(open(data, IV), None, "{data}");
    }
    for iv in [
        "",
        "r7BXXKkLb8qrSNn05n0q",
        "r7BXXKkLb8qrSNn05n0qiA",
        "r7BXXKkLb8qrSNn05n0qiAAA",
        "é",
    ] {
        assert_eq!(open(USER, iv), None, "{iv}");
    }
    for key in [
        "",
        "HyVFkGl5F5OQWJZZaNzBBg==",
        "HyVFkGl5F5OQWJZZaNzB",
        "tiihtNczf5v6AKRyjwEUhQ",
    ] {
        assert_eq!(open_at(key, &unsigned(USER, IV), MADE_AT), None, "{key}");
    }
    assert_eq!(open(&"A".repeat(65 * 1024), IV), None);
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table of cases")]
fn a_failure_has_a_reason_for_the_log() {
    let raw = Some(SignedRawData {
        text: RAW_DATA,
        signature: "75e8",
    });
    let other_app = USER_PLAIN.replace(APP_ID, "wx0000000000000000");
    let other_app = seal(SESSION_KEY, &other_app);
    let whole = |data, iv, raw| EncryptedData { data, iv, raw };
    let shown = |key: &str, encrypted: &EncryptedData<'_>, at: i64| {
        try_at(key, encrypted, at).unwrap_err().to_string()
    };
    for (key, encrypted, offset, reason) in [
        (
            SESSION_KEY,
            whole("AAAA", IV, None),
            0,
            "the data is malformed: `encryptedData` is not a multiple of 16 bytes: it is truncated",
        ),
        (
            "not a key",
            whole(USER, "AAAA", None),
            0,
            "the data is malformed: `iv` is not base64 of 16 bytes",
        ),
        (
            RAW_KEY,
            whole(USER, IV, raw),
            0,
            "no session key of the session decrypts the data: it was encrypted under the key of another login, or for another \
             user, or it was altered",
        ),
        (
            SESSION_KEY,
            whole(USER, IV, raw),
            0,
            "the data decrypts, but `signature` is not that of `rawData`",
        ),
        (
            SESSION_KEY,
            whole(&other_app, IV, None),
            0,
            "the data decrypts, but it is for the AppID wx0000000000000000, and the session is for wx4f4bc4dec97d474b",
        ),
        (
            SESSION_KEY,
            whole(USER, IV, None),
            1000,
            "the data decrypts, but its time is 1000 s behind our clock, and `wechat.watermark_seconds` allows 600 s: it is a \
             late or repeated request, or our clock is wrong",
        ),
        (
            SESSION_KEY,
            whole(USER, IV, None),
            -3600,
            "the data decrypts, but its time is 3600 s ahead of our clock, and `wechat.watermark_seconds` allows 600 s: it is a \
             late or repeated request, or our clock is wrong",
        ),
    ] {
        assert_eq!(shown(key, &encrypted, MADE_AT + offset), reason);
    }
}

#[test]
fn an_app_id_of_the_data_is_safe_to_log() {
    let plain = USER_PLAIN.replace(APP_ID, "wx\\u001b[31m oops");
    let data = seal(SESSION_KEY, &plain);
    let error = try_at(SESSION_KEY, &unsigned(&data, IV), MADE_AT).unwrap_err();
    assert!(error.to_string().contains("AppID wx31moops,"), "{error}");
}

#[test]
fn the_reason_of_the_key_that_decrypts_comes_first() {
    let wrong_time = DecryptError::WrongTime { ahead: 0, max: 0 };
    assert!(wrong_time > DecryptError::WrongSignature);
    assert!(DecryptError::WrongSignature > DecryptError::WrongKey);
}

#[test]
fn wrong_padding_never_decrypts() {
    let plain = r#"{"watermark":{"appid":"wx4f4bc4dec97d474b","timestamp":1477314187}}"#;
    let kept = plain.len() / 16 * 16;
    for space in 0..=16 {
        // As JSON the text is the same however many spaces end it.
        let text = format!("{plain}{}", " ".repeat(kept + 32 - plain.len() - space));
        for claim in 0..=255_u8 {
            let padded = [text.as_bytes(), &vec![claim; space]].concat();
            // Fewer bytes than there are leave some over, which as tab or line break are JSON's spaces too.
            let right = match usize::from(claim) {
                0 => false,
                bytes => bytes == space || (bytes < space && matches!(claim, 9 | 10 | 13)),
            };
            let opened = open(&seal_blocks(SESSION_KEY, &padded), IV);
            assert_eq!(opened.is_some(), right, "{space} bytes say {claim}");
        }
    }
    // The last byte alone is not enough.
    let mut padded = [plain.as_bytes(), &[32; 32][..kept + 32 - plain.len()]].concat();
    padded.truncate(kept + 16);
    let last = padded.len() - 1;
    padded[last] = 2;
    assert_eq!(open(&seal_blocks(SESSION_KEY, &padded), IV), None);
}

#[test]
fn decrypted_data_is_not_shown_by_debug() {
    let opened = open(USER, IV).unwrap();
    assert_eq!(
        opened.unionid.as_ref().map(UnionId::expose),
        Some("ocMvos6NjeKLIBqg5Mr9QjxrP1FA")
    );
    let shown =
        "Decrypted { fields: Fields(***), unionid: Some(UnionId(***)), was_repaired: false }";
    assert_eq!(format!("{opened:?}"), shown);
}
