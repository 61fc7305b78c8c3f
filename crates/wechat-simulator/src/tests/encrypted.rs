//! What mini programs encrypt, as a server decrypts it: by the key of the moment, with a watermark.

use aes::Aes128;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use cbc::Decryptor;
use cbc::cipher::block_padding::Pkcs7;
use cbc::cipher::{BlockModeDecrypt as _, KeyIvInit as _};
use sha1::Digest as _;

use super::identifiers::hexadecimal;
use super::*;

/// The text that was encrypted, if this is the key.
fn decrypt(minted: &EncryptedData, session_key: &str) -> Option<String> {
    let decode = |text: &str| STANDARD.decode(text).unwrap();
    let (key, iv) = (decode(session_key), decode(&minted.iv));
    let encrypted = decode(&minted.encrypted_data);
    let plain = Decryptor::<Aes128>::new_from_slices(&key, &iv)
        .unwrap()
        .decrypt_padded_vec::<Pkcs7>(&encrypted);
    String::from_utf8(plain.ok()?).ok()
}

#[actix_web::test]
async fn user_information_is_what_wechat_gives_since_2022() {
    let apps = vec![App::named(7, "main").with_open_platform("ours")];
    let wechat = Simulator::start(Options { apps, ..options() })
        .await
        .unwrap();
    let key = log_in(&wechat, "mei");
    let minted = wechat.first_app().encrypt("mei", &Payload::user_info());
    let raw_data = minted.raw_data.clone().unwrap();
    let picture = wechat.user("mei").avatar_url;
    assert_eq!(
        raw_data,
        format!(
            r#"{{"nickName":"微信用户","gender":0,"language":"zh_CN","city":"","province":"","country":"","avatarUrl":"{picture}"}}"#
        )
    );
    let signature = sha1::Sha1::digest(format!("{raw_data}{key}"));
    assert_eq!(minted.signature, Some(hexadecimal(&signature)));
    let openid = wechat.openid("mei");
    let unionid = wechat.unionid("mei").unwrap();
    let appid = wechat.app_id();
    let profile = raw_data.trim_start_matches('{').trim_end_matches('}');
    assert_eq!(
        decrypt(&minted, &key).unwrap(),
        format!(
            r#"{{"openId":"{openid}",{profile},"unionId":"{unionid}","watermark":{{"timestamp":{NOW},"appid":"{appid}"}}}}"#
        )
    );
}

#[actix_web::test]
async fn a_phone_number_and_a_group_are_encrypted_too() {
    let wechat = simulator().await;
    let key = log_in(&wechat, "mei");
    let app = wechat.first_app();
    let opened = |what: &Payload| -> Value {
        let minted = app.encrypt("mei", what);
        assert_eq!((&minted.raw_data, &minted.signature), (&None, &None));
        serde_json::from_str(&decrypt(&minted, &key).unwrap()).unwrap()
    };
    let number = wechat.user("mei").phone_number;
    assert_eq!(
        opened(
            &Payload::phone_number()
                .watermark_app_id("wx0")
                .watermark_timestamp(9)
        ),
        json!({
            "phoneNumber": number,
            "purePhoneNumber": number,
            "countryCode": "86",
            "watermark": {"timestamp": 9, "appid": "wx0"},
        })
    );
    let group = opened(&Payload::share_info("neighbours"));
    assert_eq!(group["openGId"].as_str().unwrap().len(), 28);
    let members = json!({"stepInfoList": []}).as_object().unwrap().clone();
    let watermark = json!({"timestamp": NOW, "appid": wechat.app_id()});
    assert_eq!(
        opened(&Payload::object(members)),
        json!({"stepInfoList": [], "watermark": watermark})
    );
}

#[actix_web::test]
async fn what_was_taken_before_a_login_opens_with_the_key_of_before() {
    let wechat = simulator().await;
    let app = wechat.first_app();
    let before = log_in(&wechat, "mei");
    let taken = app.encrypt("mei", &Payload::user_info());
    let after = log_in(&wechat, "mei");
    assert!(decrypt(&taken, &before).is_some());
    assert_ne!(decrypt(&taken, &after), decrypt(&taken, &before));
    let again = app.encrypt("mei", &Payload::user_info());
    assert!(decrypt(&again, &after).is_some());
    assert_ne!(taken.iv, again.iv);
}

#[actix_web::test]
async fn a_client_without_a_key_encrypts_with_one_that_no_server_holds() {
    let wechat = simulator().await;
    let taken = wechat.first_app().encrypt("mei", &Payload::user_info());
    let unheld = wechat.session_key("mei").unwrap();
    assert!(decrypt(&taken, &unheld).is_some());
    assert_ne!(log_in(&wechat, "mei"), unheld);
}

#[actix_web::test]
async fn the_same_seed_encrypts_alike() {
    let minted = async || {
        let wechat = simulator().await;
        log_in(&wechat, "mei");
        let minted = wechat.first_app().encrypt("mei", &Payload::phone_number());
        (minted.encrypted_data, minted.iv)
    };
    assert_eq!(minted().await, minted().await);
}

#[actix_web::test]
async fn wechat_knows_its_own_phone_data_for_three_days() {
    let wechat = simulator().await;
    let app = wechat.first_app();
    let phone = app.encrypt("mei", &Payload::phone_number());
    let digest = |data: &[u8]| hexadecimal(&sha2::Sha256::digest(data));
    let of_text = digest(phone.encrypted_data.as_bytes());
    let of_bytes = digest(&STANDARD.decode(&phone.encrypted_data).unwrap());
    let checked = |digest: &str| {
        let token = stable_token(&wechat, false).0;
        let target = format!("/wxa/business/checkencryptedmsg?access_token={token}");
        post(&wechat, &target, &json!({"encrypted_msg_hash": digest}))
    };
    let known = json!({"errcode": 0, "errmsg": "ok", "vaild": true, "create_time": NOW});
    wechat.advance(Duration::from_hours(72) - Duration::from_secs(1));
    assert_eq!(
        [checked(&of_text), checked(&of_bytes)],
        [known.clone(), known]
    );
    let other = app.encrypt("mei", &Payload::user_info());
    assert_eq!(
        refused(&checked(&digest(other.encrypted_data.as_bytes()))),
        1
    );
    wechat.advance(Duration::from_secs(1));
    assert_eq!(refused(&checked(&of_text)), 1);
    assert_eq!(refused(&checked("")), 40097);
}
