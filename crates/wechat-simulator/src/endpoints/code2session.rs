//! code2Session: `GET /sns/jscode2session`, a login code in, an openid and a session key out.
//!
//! Knows the endpoint's parameters, the order in which they are judged (our choice: first what is missing, then the
//! app, then the code) and the members of its answer.
//! Never knows HTTP, the clock, or how codes and keys are kept.
//!
//! Source: [code2Session](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-login/code2Session.html).

use std::time::Duration;

use serde_json::{Map, Value};

use super::judge;
use crate::asked::RecordedRequest;
use crate::endpoint::Endpoint;
use crate::refusal::{APPID_MISSING, APPSECRET_MISSING, CODE_MISSING, INVALID_GRANT_TYPE, Refusal};
use crate::world::{Login, World};

/// Answers one call. An empty parameter counts as missing.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app_id = asked.filled("appid").ok_or(APPID_MISSING)?;
    let secret = asked.filled("secret").ok_or(APPSECRET_MISSING)?;
    let code = asked.filled("js_code").ok_or(CODE_MISSING)?;
    if asked.filled("grant_type") != Some("authorization_code") {
        return Err(INVALID_GRANT_TYPE);
    }
    let app = judge::app(world, app_id, secret)?;
    world.count_call(&app, Endpoint::Code2Session, now)?;
    world.exchange(&app, code, now).map(success)
}

fn success(login: Login) -> Value {
    let mut members = Map::new();
    members.insert("session_key".to_owned(), login.session_key.into());
    members.insert("openid".to_owned(), login.openid.into());
    if let Some(unionid) = login.unionid {
        members.insert("unionid".to_owned(), unionid.into());
    }
    members.into()
}
