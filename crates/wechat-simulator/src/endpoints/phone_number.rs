//! getPhoneNumber: `POST /wxa/business/getuserphonenumber`, a phone code in, a phone number out.
//!
//! Knows the endpoint's members and its answer.
//! Never knows HTTP, the clock, or how codes are kept.
//!
//! Our choice, where the page is silent: a used code, and one whose user is not the `openid` that is given, are invalid
//! (40029), and neither spends the code. As with login codes, one that was never issued works once: for the user of the
//! `openid`, or without one for a user of its own.
//!
//! Source: [getPhoneNumber](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/phone-number/getPhoneNumber.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::codes::Unusable;
use crate::identifiers::is_shaped_like_a_phone_code;
use crate::options::App;
use crate::refusal::{CODE_MISSING, DAY_QUOTA_SPENT, INVALID_APPID, INVALID_CODE, Refusal};
use crate::user::User;
use crate::world::World;

/// Answers one call. A refused code is not spent.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let members = judge::body(asked)?;
    let code = judge::text(&members, "code").ok_or(CODE_MISSING)?;
    let plausible = is_shaped_like_a_phone_code;
    let found = world.phone_codes.holder(&app.id, code, plausible, now);
    let holder = found.map_err(|unusable| match unusable {
        Unusable::Foreign => INVALID_APPID,
        Unusable::Used | Unusable::Over | Unusable::Unknown => INVALID_CODE,
        Unusable::TooMany => DAY_QUOTA_SPENT,
    })?;
    let user = match judge::text(&members, "openid") {
        None => holder.user.clone(),
        Some(openid) => bound(world, &app, &holder.user, openid).ok_or(INVALID_CODE)?,
    };
    let person = world.people.get(&user);
    world.phone_codes.spend(&app.id, code, holder, now);
    Ok(json!({
        "errcode": 0,
        "errmsg": "ok",
        "phone_info": {
            "phoneNumber": person.full_phone_number(),
            "purePhoneNumber": person.phone_number,
            "countryCode": person.country_code,
            "watermark": {"timestamp": now.as_secs(), "appid": app.id},
        },
    }))
}

/// The user of the openid, if the code of that holder may be theirs.
fn bound(world: &World, app: &App, holder: &User, openid: &str) -> Option<User> {
    match holder {
        User::Named(_) => (world.openid(app, holder) == openid).then(|| holder.clone()),
        User::Stranger(_) => world.sessions.user(&app.id, openid).cloned(),
    }
}
