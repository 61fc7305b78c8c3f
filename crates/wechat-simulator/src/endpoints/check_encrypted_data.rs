//! checkEncryptedData: `POST /wxa/business/checkencryptedmsg`, whether WeChat made an encrypted phone number.
//!
//! Knows the endpoint's member and its answer, whose `vaild` WeChat misspells.
//! Never knows HTTP, the clock, or what was encrypted.
//!
//! Source: [checkEncryptedData](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/checkEncryptedData.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::refusal::{DATA_NOT_FOUND, INVALID_ARGUMENTS, Refusal};
use crate::world::World;

/// Answers one call. The digest may be of the base64 text or of the bytes that it stands for.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked)?;
    let digest = judge::text(&members, "encrypted_msg_hash").ok_or(INVALID_ARGUMENTS)?;
    let digest = digest.to_ascii_lowercase();
    let made_at = world.phone_data.made_at(&app.id, &digest, now);
    let made_at = made_at.ok_or(DATA_NOT_FOUND)?;
    Ok(json!({"errcode": 0, "errmsg": "ok", "vaild": true, "create_time": made_at.as_secs()}))
}
