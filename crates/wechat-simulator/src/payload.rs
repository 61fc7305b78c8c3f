//! The JSON that mini programs get encrypted: user information, phone number, share information.
//!
//! Knows the members, and the order in which WeChat writes them.
//! Never knows keys or when they change.

use serde::Serialize;
use serde_json::{Map, Value};

use super::options::App;
use super::user::User;
use super::world::World;

/// What is encrypted.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Content {
    UserInfo,
    PhoneNumber,
    ShareInfo { group: String },
    Object(Map<String, Value>),
}

/// The text that is encrypted, and `rawData`, if there is such.
pub(super) fn plain(
    world: &World,
    app: &App,
    user: &User,
    payload: &Content,
    watermark: Watermark,
) -> (String, Option<String>) {
    let person = world.people.get(user);
    match payload {
        Content::UserInfo => {
            let profile = Profile::of(&person.nickname, &person.avatar_url);
            let open_id = world.openid(app, user);
            let union_id = world.unionid(app, user);
            let info = UserInfo {
                open_id,
                profile,
                union_id,
                watermark,
            };
            (json(&info), Some(json(&info.profile)))
        }
        Content::PhoneNumber => {
            let info = PhoneNumber {
                full: person.full_phone_number(),
                pure: person.phone_number,
                country_code: person.country_code,
                watermark,
            };
            (json(&info), None)
        }
        Content::ShareInfo { group } => {
            let open_g_id = world.identifiers.group_id(&app.id, group);
            (
                json(&ShareInfo {
                    open_g_id,
                    watermark,
                }),
                None,
            )
        }
        Content::Object(members) => (json(&Object { members, watermark }), None),
    }
}

/// What is serialized here cannot fail: there are texts, numbers and text keys alone.
fn json(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// Whose the data is, and when it was made.
#[derive(Serialize)]
pub(super) struct Watermark {
    pub(super) timestamp: u64,
    pub(super) appid: String,
}

/// User information, in the order in which WeChat writes it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct UserInfo<'a> {
    open_id: String,
    #[serde(flatten)]
    profile: Profile<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    union_id: Option<String>,
    watermark: Watermark,
}

/// `rawData`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Profile<'a> {
    nick_name: &'a str,
    gender: u8,
    language: &'static str,
    city: &'static str,
    province: &'static str,
    country: &'static str,
    avatar_url: &'a str,
}

impl<'a> Profile<'a> {
    /// Gender and region are empty since October 2021.
    fn of(nick_name: &'a str, avatar_url: &'a str) -> Self {
        Self {
            nick_name,
            gender: 0,
            language: "zh_CN",
            city: "",
            province: "",
            country: "",
            avatar_url,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhoneNumber {
    #[serde(rename = "phoneNumber")]
    full: String,
    #[serde(rename = "purePhoneNumber")]
    pure: String,
    country_code: String,
    watermark: Watermark,
}

#[derive(Serialize)]
struct ShareInfo {
    #[serde(rename = "openGId")]
    open_g_id: String,
    watermark: Watermark,
}

#[derive(Serialize)]
struct Object<'a> {
    #[serde(flatten)]
    members: &'a Map<String, Value>,
    watermark: Watermark,
}
