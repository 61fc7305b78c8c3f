//! Encrypted data, decrypted as a server decrypts it.

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use sha1::Digest as _;

use super::*;

/// Returns the plain text, if this is the key.
fn decrypt(data: &EncryptedData, session_key: &str) -> Option<String> {
    let decode = |text: &str| STANDARD.decode(text).unwrap();
    let (key, iv) = (decode(session_key), decode(&data.iv));
    let encrypted = decode(&data.encrypted_data);
    let plain = Decryptor::<Aes128>::new_from_slices(&key, &iv)
        .unwrap()
        .decrypt_padded_vec::<Pkcs7>(&encrypted);
    String::from_utf8(plain.ok()?).ok()
}

#[actix_web::test]
async fn user_information_has_the_format_since_2022() {
    let wechat = simulator_with_unionids().await;
    let key = log_in(&wechat, "mei");
    let data = wechat.first_app().encrypt("mei", &Payload::user_info());
    let raw_data = data.raw_data.clone().unwrap();
    let picture = wechat.user("mei").avatar_url;
    assert_eq!(
        raw_data,
        format!(
            r#"{{"nickName":"微信用户","gender":0,"language":"zh_CN","city":"","province":"","country":"","avatarUrl":"{picture}"}}"#
        )
    );
    let signature = sha1::Sha1::digest(format!("{raw_data}{key}"));
    assert_eq!(data.signature, Some(hex(&signature)));
    let openid = wechat.openid("mei");
    let unionid = wechat.unionid("mei").unwrap();
    let appid = wechat.app_id();
    let profile = raw_data.trim_start_matches('{').trim_end_matches('}');
    assert_eq!(
        decrypt(&data, &key).unwrap(),
        format!(
            r#"{{"openId":"{openid}",{profile},"unionId":"{unionid}","watermark":{{"timestamp":{NOW},"appid":"{appid}"}}}}"#
        )
    );
}

#[actix_web::test]
async fn phone_numbers_groups_and_objects_are_encrypted() {
    let wechat = simulator().await;
    let key = log_in(&wechat, "mei");
    let app = wechat.first_app();
    let decrypted = |payload: &Payload| -> Value {
        let data = app.encrypt("mei", payload);
        assert_eq!((&data.raw_data, &data.signature), (&None, &None));
        serde_json::from_str(&decrypt(&data, &key).unwrap()).unwrap()
    };
    let number = wechat.user("mei").phone_number;
    let phone = Payload::phone_number().watermark_app_id("wx0");
    assert_eq!(
        decrypted(&phone.watermark_timestamp(9)),
        json!({
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": "86",
            "watermark": {"timestamp": 9, "appid": "wx0"},
        })
    );
    let group = decrypted(&Payload::share_info("neighbours"));
    assert_eq!(group["openGId"].as_str().unwrap().len(), 28);
    let fields = json!({"stepInfoList": []}).as_object().unwrap().clone();
    let watermark = json!({"timestamp": NOW, "appid": wechat.app_id()});
    assert_eq!(
        decrypted(&Payload::object(fields)),
        json!({"stepInfoList": [], "watermark": watermark})
    );
}

#[actix_web::test]
async fn data_from_before_a_login_needs_the_previous_key() {
    let wechat = simulator().await;
    let app = wechat.first_app();
    let before = log_in(&wechat, "mei");
    let earlier = app.encrypt("mei", &Payload::user_info());
    let after = log_in(&wechat, "mei");
    assert!(decrypt(&earlier, &before).is_some());
    assert_ne!(decrypt(&earlier, &after), decrypt(&earlier, &before));
    let later = app.encrypt("mei", &Payload::user_info());
    assert!(decrypt(&later, &after).is_some());
    assert_ne!(earlier.iv, later.iv);
}

#[actix_web::test]
async fn data_from_before_the_first_login_has_a_key_of_its_own() {
    let wechat = simulator().await;
    let data = wechat.first_app().encrypt("mei", &Payload::user_info());
    let client_key = wechat.session_key("mei").unwrap();
    assert!(decrypt(&data, &client_key).is_some());
    assert_ne!(log_in(&wechat, "mei"), client_key);
}

#[actix_web::test]
async fn the_same_seed_produces_the_same_encrypted_data() {
    let encrypted = async || {
        let wechat = simulator().await;
        log_in(&wechat, "mei");
        let data = wechat.first_app().encrypt("mei", &Payload::phone_number());
        (data.encrypted_data, data.iv)
    };
    assert_eq!(encrypted().await, encrypted().await);
}

#[actix_web::test]
async fn encrypted_phone_numbers_are_known_for_three_days() {
    let wechat = simulator().await;
    let app = wechat.first_app();
    let phone = app.encrypt("mei", &Payload::phone_number());
    let digest = |data: &[u8]| hex(&sha2::Sha256::digest(data));
    let of_text = digest(phone.encrypted_data.as_bytes());
    let of_bytes = digest(&STANDARD.decode(&phone.encrypted_data).unwrap());
    let check = |digest: &str| {
        let target = with_token(&wechat, "/wxa/business/checkencryptedmsg");
        post(&wechat, &target, &json!({"encrypted_msg_hash": digest}))
    };
    let known = json!({"errcode": 0, "errmsg": "ok", "vaild": true, "create_time": NOW});
    wechat.advance(Duration::from_hours(72) - Duration::from_secs(1));
    assert_eq!([check(&of_text), check(&of_bytes)], [known.clone(), known]);
    let other = app.encrypt("mei", &Payload::user_info());
    assert_eq!(errcode(&check(&digest(other.encrypted_data.as_bytes()))), 1);
    wechat.advance(Duration::from_secs(1));
    assert_eq!(errcode(&check(&of_text)), 1);
    assert_eq!(errcode(&check("")), 40097);
}
