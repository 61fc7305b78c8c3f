//! What a mini program's events give about their user: encrypted with the session key that is current at that moment.
//!
//! Knows what is minted with which key, which initialisation vector and which watermark.
//! Never knows HTTP, the clock, or how keys change.

use std::fmt;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::encryption::{encrypt, sign};
use super::options::App;
use super::payload::{Content, Watermark, plain};
use super::sessions::Who;
use super::user::User;
use super::world::World;

/// What is to be encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    payload: Content,
    app_id: Option<String>,
    timestamp: Option<u64>,
}

/// What the mini program hands to its server.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct EncryptedData {
    /// `encryptedData`, base64.
    pub encrypted_data: String,
    /// `iv`, base64.
    pub iv: String,
    /// `rawData`, with user information alone.
    pub raw_data: Option<String>,
    /// `signature`, with user information alone: SHA-1 of `rawData` and the session key, hexadecimal.
    pub signature: Option<String>,
}

impl Payload {
    /// What `wx.getUserInfo` gives.
    pub fn user_info() -> Self {
        Self::of(Content::UserInfo)
    }

    /// What a `getPhoneNumber` button gives.
    pub fn phone_number() -> Self {
        Self::of(Content::PhoneNumber)
    }

    /// What `wx.getShareInfo` gives after sharing with the group chat of that name.
    pub fn share_info(group: &str) -> Self {
        let group = group.to_owned();
        Self::of(Content::ShareInfo { group })
    }

    /// Any members, to which the watermark is added.
    pub fn object(members: Map<String, Value>) -> Self {
        Self::of(Content::Object(members))
    }

    /// Puts this AppID into the watermark instead of the true one.
    #[must_use]
    pub fn watermark_app_id(self, app_id: &str) -> Self {
        Self {
            app_id: Some(app_id.to_owned()),
            ..self
        }
    }

    /// Puts this time, in seconds since the Unix epoch, into the watermark instead of the true one.
    #[must_use]
    pub fn watermark_timestamp(self, timestamp: u64) -> Self {
        Self {
            timestamp: Some(timestamp),
            ..self
        }
    }

    fn of(payload: Content) -> Self {
        Self {
            payload,
            app_id: None,
            timestamp: None,
        }
    }
}

/// Encrypts what the user's client gets at this moment.
pub(super) fn mint(
    world: &mut World,
    app: &App,
    user: &User,
    mint: &Payload,
    now: Duration,
) -> EncryptedData {
    let openid = world.openid(app, user);
    let watermark = Watermark {
        timestamp: mint.timestamp.unwrap_or(now.as_secs()),
        appid: mint.app_id.clone().unwrap_or(app.id.clone()),
    };
    let (plain, raw_data) = plain(world, app, user, &mint.payload, watermark);
    let who = Who {
        app_id: &app.id,
        openid: &openid,
        user,
    };
    let (generation, number) = world.sessions.encrypt(&who, now);
    let key = world.identifiers.session_key_bytes(&openid, generation);
    let iv = world.identifiers.initialisation_vector(&openid, number);
    let bytes = encrypt(&key, &iv, plain.as_bytes());
    let encrypted_data = STANDARD.encode(&bytes);
    if mint.payload == Content::PhoneNumber {
        world.phone_data.push(&app.id, &encrypted_data, &bytes, now);
    }
    EncryptedData {
        encrypted_data,
        iv: STANDARD.encode(iv),
        signature: raw_data
            .as_ref()
            .map(|raw_data| sign(raw_data, &STANDARD.encode(key))),
        raw_data,
    }
}

/// Shows no member that a test put in.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.payload {
            Content::UserInfo => "Payload(user info)",
            Content::PhoneNumber => "Payload(phone number)",
            Content::ShareInfo { .. } => "Payload(share info)",
            Content::Object(_) => "Payload(object)",
        })
    }
}

impl fmt::Debug for EncryptedData {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptedData").finish_non_exhaustive()
    }
}
