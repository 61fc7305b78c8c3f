//! What several endpoints judge alike: the app and its secret, the access token, the body, the session's signature.
//!
//! Knows which of WeChat's refusals each mistake earns.
//! Never knows what an endpoint does with a call that is in order.

use std::sync::Arc;
use std::time::Duration;

use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Map, Value, json};
use sha2::Sha256;

use crate::asked::RecordedRequest;
use crate::identifiers::hexadecimal;
use crate::options::App;
use crate::refusal::{
    ACCESS_TOKEN_MISSING, EMPTY_BODY, INVALID_APPID, INVALID_APPSECRET, INVALID_OPENID,
    INVALID_SIG_METHOD, INVALID_SIGNATURE, MALFORMED_BODY, OPENID_MISSING, Refusal,
};
use crate::user::User;
use crate::world::World;

/// The app of that AppID, if that is its secret.
pub(super) fn app(world: &World, app_id: &str, secret: &str) -> Result<Arc<App>, Refusal> {
    let app = world.app(app_id).ok_or(INVALID_APPID)?;
    if app.secret == secret {
        Ok(app)
    } else {
        Err(INVALID_APPSECRET)
    }
}

/// The app whose access token the call bears. Counts the call.
pub(super) fn caller(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Arc<App>, Refusal> {
    let access_token = asked.filled("access_token").ok_or(ACCESS_TOKEN_MISSING)?;
    let app_id = world.tokens.owner(access_token, now)?;
    let app = world.app(app_id).ok_or(INVALID_APPID)?;
    if let Some(endpoint) = asked.endpoint {
        world.count_call(&app, endpoint, now)?;
    }
    Ok(app)
}

/// The JSON object in the body.
pub(super) fn body(asked: &RecordedRequest) -> Result<Map<String, Value>, Refusal> {
    if asked.body.is_empty() {
        return Err(EMPTY_BODY);
    }
    match serde_json::from_slice(&asked.body) {
        Ok(Value::Object(members)) => Ok(members),
        _ => Err(MALFORMED_BODY),
    }
}

/// The text of that name, unless it is missing, empty or no text.
pub(super) fn text<'a>(members: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = members.get(name).and_then(Value::as_str);
    text.filter(|text| !text.is_empty())
}

/// The openid that the query names and the app's user it stands for, if they logged in.
pub(super) fn user<'a>(
    world: &World,
    app: &App,
    asked: &'a RecordedRequest,
) -> Result<(&'a str, User), Refusal> {
    let openid = asked.filled("openid").ok_or(OPENID_MISSING)?;
    let user = world.sessions.user(&app.id, openid).ok_or(INVALID_OPENID)?;
    Ok((openid, user.clone()))
}

/// Whether the call is signed with the user's current session key; `without_key` is for a user who has none.
///
/// The signature is of the empty text, and its key is the session key as it is spelled.
pub(super) fn signature(
    world: &World,
    asked: &RecordedRequest,
    openid: &str,
    without_key: Refusal,
    now: Duration,
) -> Result<(), Refusal> {
    if asked.filled("sig_method") != Some("hmac_sha256") {
        return Err(INVALID_SIG_METHOD);
    }
    let key = world.sessions.current(openid, now).ok_or(without_key)?;
    if asked.filled("signature") == Some(&*signed(&key, "")) {
        Ok(())
    } else {
        Err(INVALID_SIGNATURE)
    }
}

/// The answer of a success that has nothing to tell.
pub(super) fn ok() -> Value {
    json!({"errcode": 0, "errmsg": "ok"})
}

fn signed(session_key: &str, text: &str) -> String {
    // A key of any length is good; were it not, nothing would match the empty text.
    Hmac::<Sha256>::new_from_slice(session_key.as_bytes())
        .map(|mac| hexadecimal(&mac.chain_update(text).finalize().into_bytes()))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A login state's signature as WeChat's page on signatures shows it, and the same of the empty text.
    #[test]
    fn signatures_are_those_of_the_published_examples() {
        let rows = [
            (
                "o0q0otL8aEzpcZL/FT9WsQ==",
                r#"{"foo":"bar"}"#,
                "654571f79995b2ce1e149e53c0a33dc39c0a74090db514261454e8dbe432aa0b",
            ),
            (
                "o0q0otL8aEzpcZL/FT9WsQ==",
                "",
                "46e043c5525c2d817c44be603d30837a808a1d930d038f6fdc3e62a201fed128",
            ),
            (
                "tiihtNczf5v6AKRyjwEUhQ==",
                "",
                "7154f9f8b4b76b92f541cbf0e37d48840fa06e5e42da92a6f80168a1516a4735",
            ),
        ];
        for (key, text, expected) in rows {
            assert_eq!(signed(key, text), expected);
        }
    }
}
