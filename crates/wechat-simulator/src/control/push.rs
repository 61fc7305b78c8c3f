//! `/simulator/push`: delivers a message to the server of a mini program, or verifies its URL, as WeChat does.

use std::thread;

use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use crate::control::request::{ControlError, ControlRequest};
use crate::push::{Delivery, Format, Signer, encrypt, format_message};
use crate::user_id::UserId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Push {
    url: String,
    token: String,
    /// 43 characters; without it, the message is sent in plain text.
    encoding_aes_key: Option<String>,
    #[serde(default = "json")]
    format: Format,
    /// The sender: adds `FromUserName` to the message and `openid` to the query.
    user: Option<String>,
    /// Without a message, the URL is verified.
    message: Option<Map<String, Value>>,
}

fn json() -> Format {
    Format::Json
}

/// Sends the request on a thread of its own, because the receiver may be slow, or be this very process.
pub(super) async fn push(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    request.require("POST")?;
    let push: Push = request.body()?;
    if !push.url.starts_with("http://") || push.url.contains(char::is_whitespace) {
        return Err(ControlError::invalid("`url` must be an http URL"));
    }
    let (delivery, echo) = delivery(request, push)?;
    let (sender, receiver) = oneshot::channel();
    // If the request was cancelled, the result is dropped.
    thread::spawn(move || drop(sender.send(delivery.send())));
    let sent = receiver.await.map_err(|error| error.to_string());
    match sent.and_then(|sent| sent.map_err(|error| error.to_string())) {
        Ok((status, body)) => Ok(match echo {
            Some(echo) => json!({"status": status, "body": body, "verified": body == echo}),
            None => json!({"status": status, "body": body}),
        }),
        Err(error) => Err(ControlError::undelivered(&error)),
    }
}

/// Returns the request, and the text with which the receiver must reply to a verification.
fn delivery(
    request: &ControlRequest<'_>,
    push: Push,
) -> Result<(Delivery, Option<String>), ControlError> {
    let app = request.app()?;
    let mut state = request.shared.lock();
    let now = state.now();
    state.pushes += 1;
    let number = state.pushes.to_string();
    let nonce = state.identifiers.number("push", &[&number]);
    let signer = Signer {
        token: &push.token,
        timestamp: now.as_secs().to_string(),
        nonce: (nonce % 10_000_000_000).to_string(),
    };
    let mut query = signer.query();
    let Some(mut message) = push.message else {
        return Ok(verification(push.url, query, nonce.to_string()));
    };
    let receiver = format!(
        "gh_{:012x}",
        state.identifiers.number("gh", &[app.id()]) >> 16
    );
    if let Some(user) = push.user {
        let openid = state.openid(&app.app, &UserId::named(&user));
        query.push(("openid", openid.clone()));
        message.entry("FromUserName").or_insert(openid.into());
    }
    message
        .entry("ToUserName")
        .or_insert(receiver.clone().into());
    message.entry("CreateTime").or_insert(now.as_secs().into());
    let body = format_message(push.format, &message);
    let body = match push.encoding_aes_key {
        None => body,
        Some(key) => {
            let random = state
                .identifiers
                .initialization_vector("push", state.pushes);
            let encrypted = encrypt(&key, &random, &body, app.id()).ok_or_else(|| {
                ControlError::invalid("`encoding_aes_key` must be 43 letters and digits")
            })?;
            query.push(("encrypt_type", "aes".to_owned()));
            query.push(("msg_signature", signer.sign_message(&encrypted)));
            format_message(push.format, &envelope(&receiver, &encrypted))
        }
    };
    let delivery = Delivery {
        url: push.url,
        query,
        body: Some((push.format, body)),
    };
    Ok((delivery, None))
}

/// Returns the request that verifies a URL, and the text of the expected reply.
fn verification(
    url: String,
    mut query: Vec<(&'static str, String)>,
    echo: String,
) -> (Delivery, Option<String>) {
    query.push(("echostr", echo.clone()));
    let delivery = Delivery {
        url,
        query,
        body: None,
    };
    (delivery, Some(echo))
}

/// Returns the message in which an encrypted one is sent.
fn envelope(receiver: &str, encrypted: &str) -> Map<String, Value> {
    let members = [("ToUserName", receiver), ("Encrypt", encrypted)];
    let members = members.map(|(name, value)| (name.to_owned(), value.into()));
    members.into_iter().collect()
}
