//! The endpoints, one file each: what was asked in, a success or a refusal out.
//!
//! Knows which file answers for which endpoint, and by which method.
//! Never knows HTTP beyond that, the clock, or faults.

mod access_token;
mod check_encrypted_data;
mod check_session_key;
mod clear_quota;
mod code2session;
mod judge;
mod paid_unionid;
mod phone_number;
mod plugin_openpid;
mod quota;
mod reset_session_key;
mod rid;
mod stable_token;
mod user_encrypt_key;

use std::time::Duration;

use serde_json::Value;

use super::asked::RecordedRequest;
use super::endpoint::{Endpoint, Methods};
use super::refusal::{GET_REQUIRED, INVALID_URL, POST_REQUIRED, Refusal};
use super::world::World;

/// Answers one call.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let endpoint = asked.endpoint.ok_or(INVALID_URL)?;
    match (endpoint.methods(), asked.method.as_str()) {
        (Methods::Get | Methods::Either, "GET") | (Methods::Post | Methods::Either, "POST") => {}
        (Methods::Get, _) => return Err(GET_REQUIRED),
        (Methods::Post | Methods::Either, _) => return Err(POST_REQUIRED),
    }
    let answer = match endpoint {
        Endpoint::Code2Session => code2session::answer,
        Endpoint::CheckSessionKey => check_session_key::answer,
        Endpoint::ResetUserSessionKey => reset_session_key::answer,
        Endpoint::AccessToken => access_token::answer,
        Endpoint::StableAccessToken => stable_token::answer,
        Endpoint::PhoneNumber => phone_number::answer,
        Endpoint::PaidUnionid => paid_unionid::answer,
        Endpoint::PluginOpenPid => plugin_openpid::answer,
        Endpoint::CheckEncryptedData => check_encrypted_data::answer,
        Endpoint::UserEncryptKey => user_encrypt_key::answer,
        Endpoint::ApiQuota => quota::answer,
        Endpoint::RidInfo => rid::answer,
        Endpoint::ClearQuota => clear_quota::answer,
    };
    answer(world, asked, now)
}

/// The AppID of the app that a call is about, as far as it names one that exists.
pub(super) fn app_of(world: &World, asked: &RecordedRequest, now: Duration) -> Option<String> {
    let members = judge::body(asked).unwrap_or_default();
    let named = asked
        .filled("appid")
        .or_else(|| judge::text(&members, "appid"));
    if let Some(app) = named.and_then(|id| world.app(id)) {
        return Some(app.id.clone());
    }
    let access_token = asked.filled("access_token")?;
    world
        .tokens
        .owner(access_token, now)
        .ok()
        .map(str::to_owned)
}
