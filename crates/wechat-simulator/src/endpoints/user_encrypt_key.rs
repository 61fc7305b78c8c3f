//! getUserEncryptKey: `GET` or `POST /wxa/business/getuserencryptkey`, the last three keys by which a user's client
//! encrypts.
//!
//! Knows the endpoint's parameters and its answer.
//! Never knows HTTP, the clock, or how keys are kept.
//!
//! Source: [getUserEncryptKey](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/internet/getUserEncryptKey.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{KEY_NOT_FOUND, Refusal};
use crate::world::World;

/// Answers one call, newest key first. For a user whose client has asked for no key it makes one.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let (openid, _) = judge::user(world, &app, asked)?;
    judge::signature(world, asked, openid, KEY_NOT_FOUND, now)?;
    let keys = world.encrypt_keys.latest(openid, now).into_iter();
    let keys: Vec<Value> = keys
        .map(|key| {
            json!({
                "encrypt_key": key.encrypt_key,
                "version": key.version,
                "expire_in": key.expire_in,
                "iv": key.iv,
                "create_time": key.create_time,
            })
        })
        .collect();
    Ok(json!({"errcode": 0, "errmsg": "ok", "key_info_list": keys}))
}
