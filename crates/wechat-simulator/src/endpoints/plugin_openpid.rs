//! getPluginOpenPId: `POST /wxa/getpluginopenpid`, a plugin code in, an openpid out.
//!
//! Knows the endpoint's member and its answer, and that this endpoint has errcodes of its own.
//! Never knows HTTP, the clock, or how codes are kept.
//!
//! Source: [getPluginOpenPId](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPluginOpenPId.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::codes::Unusable;
use crate::refusal::{
    MALFORMED_BODY, OPENPID_NOT_FOUND, PLUGIN_JSON, PLUGIN_MISMATCH, PLUGIN_PARAMETERS, Refusal,
};
use crate::world::World;

/// Answers one call. A refused code is not spent.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked).map_err(|refusal| {
        if refusal == MALFORMED_BODY {
            PLUGIN_JSON
        } else {
            refusal
        }
    })?;
    let code = judge::text(&members, "code").ok_or(PLUGIN_PARAMETERS)?;
    let found = world.plugin_codes.holder(&app.id, code, |_| false, now);
    let holder = found.map_err(|unusable| match unusable {
        Unusable::Foreign => PLUGIN_MISMATCH,
        Unusable::Used | Unusable::Over | Unusable::Unknown | Unusable::TooMany => {
            OPENPID_NOT_FOUND
        }
    })?;
    let openpid = world.identifiers.openpid(&app.id, &holder.user.label());
    world.plugin_codes.spend(&app.id, code, holder, now);
    Ok(json!({"errcode": 0, "errmsg": "ok", "openpid": openpid}))
}
