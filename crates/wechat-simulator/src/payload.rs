//! Data about a user, encrypted with the user's session key, as the events of a mini program return it.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::app::App;
use crate::crypto::{encrypt, sign_raw_data};
use crate::json::Object;
use crate::state::State;
use crate::state::users::TestUser;
use crate::user_id::UserId;

/// Data to encrypt for a mini program.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    content: Content,
    watermark: Watermark,
}

#[derive(Clone, PartialEq, Eq)]
enum Content {
    UserInfo,
    PhoneNumber,
    ShareInfo { group: String },
    Object(Map<String, Value>),
}

/// The values of the watermark that replace the true ones.
#[derive(Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Watermark {
    appid: Option<String>,
    timestamp: Option<u64>,
}

impl Payload {
    /// The data of `wx.getUserInfo`.
    pub fn user_info() -> Self {
        Self::new(Content::UserInfo)
    }

    /// The data of a `getPhoneNumber` button.
    pub fn phone_number() -> Self {
        Self::new(Content::PhoneNumber)
    }

    /// The data of `wx.getShareInfo` after sharing to the group chat with this name.
    pub fn share_info(group: &str) -> Self {
        let group = group.to_owned();
        Self::new(Content::ShareInfo { group })
    }

    /// These fields and a watermark.
    pub fn object(fields: Map<String, Value>) -> Self {
        Self::new(Content::Object(fields))
    }

    /// Puts this AppID into the watermark instead of the app's.
    #[must_use]
    pub fn watermark_app_id(mut self, app_id: &str) -> Self {
        self.watermark.appid = Some(app_id.to_owned());
        self
    }

    /// Puts this time, in seconds since the Unix epoch, into the watermark instead of the current time.
    #[must_use]
    pub fn watermark_timestamp(mut self, unix_seconds: u64) -> Self {
        self.watermark.timestamp = Some(unix_seconds);
        self
    }

    pub(crate) fn watermark(self, watermark: Watermark) -> Self {
        Self { watermark, ..self }
    }

    fn new(content: Content) -> Self {
        Self {
            content,
            watermark: Watermark::default(),
        }
    }

    /// Returns the plain text, whose members are in WeChat's order.
    fn plain(&self, state: &State, app: &App, user: &UserId, now: Duration) -> String {
        let data = state.users.get(user);
        let watermark = Object::watermark(
            self.watermark.timestamp.unwrap_or(now.as_secs()),
            self.watermark.appid.as_ref().unwrap_or(&app.id),
        );
        let object = match &self.content {
            Content::UserInfo => {
                let object = Object::new().with("openId", state.openid(app, user));
                with_profile(object, &data).with_some("unionId", state.unionid(app, user))
            }
            Content::PhoneNumber => data.phone_info(),
            Content::ShareInfo { group } => {
                let id = state.identifiers.group_id(&app.id, group);
                Object::new().with("openGId", id)
            }
            Content::Object(fields) => return to_json(&Watermarked { fields, watermark }),
        };
        to_json(&object.with("watermark", watermark))
    }
}

/// Encrypted data, as a mini program receives it and passes it to its server.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct EncryptedData {
    /// `encryptedData`, as base64.
    pub encrypted_data: String,
    /// `iv`, as base64.
    pub iv: String,
    /// `rawData`, only of user information.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub raw_data: Option<String>,
    /// `signature`, only of user information: SHA-1 of `rawData` and the session key, as hexadecimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
}

impl EncryptedData {
    /// Encrypts the payload with the key that the user's client has now.
    pub(crate) fn new(state: &mut State, app: &App, user: &UserId, payload: &Payload) -> Self {
        let now = state.now();
        let plain = payload.plain(state, app, user, now);
        let (version, number) = state.session_keys.encrypt(&app.id, user, now);
        let openid = state.openid(app, user);
        let key = state.identifiers.session_key(&openid, version);
        let iv = state.identifiers.initialization_vector(&openid, number);
        let bytes = encrypt(&key, &iv, plain.as_bytes());
        let encrypted_data = STANDARD.encode(&bytes);
        if payload.content == Content::PhoneNumber {
            state.phone_data.push(&app.id, &encrypted_data, &bytes, now);
        }
        let is_profile = payload.content == Content::UserInfo;
        let raw_data =
            is_profile.then(|| to_json(&with_profile(Object::new(), &state.users.get(user))));
        Self {
            encrypted_data,
            iv: STANDARD.encode(iv),
            signature: raw_data
                .as_deref()
                .map(|raw_data| sign_raw_data(raw_data, &STANDARD.encode(key))),
            raw_data,
        }
    }
}

/// Omits the fields of an object.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.content {
            Content::UserInfo => "Payload(user info)",
            Content::PhoneNumber => "Payload(phone number)",
            Content::ShareInfo { .. } => "Payload(share info)",
            Content::Object(_) => "Payload(object)",
        })
    }
}

/// Omits all values.
impl fmt::Debug for EncryptedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedData").finish_non_exhaustive()
    }
}

/// Serializes texts, numbers and maps with text keys, which cannot fail.
fn to_json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Adds the members of `rawData`, in WeChat's order. Gender and region are empty since October 2021.
fn with_profile(object: Object, user: &TestUser) -> Object {
    object
        .with("nickName", &user.nickname)
        .with("gender", 0)
        .with("language", "zh_CN")
        .with("city", "")
        .with("province", "")
        .with("country", "")
        .with("avatarUrl", &user.avatar_url)
}

#[derive(Serialize)]
struct Watermarked<'a> {
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
    watermark: Object,
}
