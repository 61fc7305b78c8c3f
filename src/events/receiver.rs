//! The service that receives events.

use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::{Client, Url};
use serde::Serialize;
use tokio::time::timeout;

use crate::events::signature::Signer;
use crate::identity::{AppId, EventsSecret};
use crate::platforms::outbound;
use crate::store::Event;
use crate::time::rfc3339;

/// Maximum time to connect to the receiver, and of a whole delivery. Our choice.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
pub(super) const LIMIT: Duration = Duration::from_secs(10);

/// Number of bytes of a response that are read, so that the connection can be used again. A longer response closes it.
const MAX_RESPONSE: usize = 16 * 1024;

/// The service that receives events.
#[derive(Clone)]
pub struct Receiver {
    client: Client,
    url: Url,
    signer: Signer,
}

/// The receiver cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReceiverError {
    /// The URL is malformed.
    #[error("it must be a URL such as https://backend.example.com/events")]
    Url,
    /// The secret is malformed.
    #[error("`events.secret` must be whsec_ and base64")]
    Secret,
    /// The HTTP client cannot be built.
    #[error("the HTTP client cannot be built")]
    NoClient(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// A delivery that failed. The texts contain no URL, which may be a secret.
#[derive(Debug, thiserror::Error)]
pub(super) enum Rejected {
    /// The status is not 2xx.
    #[error("the receiver responded with status {0}")]
    Status(u16),
    /// There was no response in time.
    #[error("the receiver did not respond within {} seconds", LIMIT.as_secs())]
    TimedOut,
    /// There was no connection to the receiver.
    #[error("no connection to the receiver; check `events.url`, its certificate and the network")]
    Unreachable,
    /// The connection broke.
    #[error("the connection to the receiver broke")]
    ConnectionLost,
}

/// The body of a delivery.
#[derive(Serialize)]
struct Body<'a> {
    r#type: &'a str,
    timestamp: String,
    data: Data<'a>,
}

#[derive(Serialize)]
struct Data<'a> {
    user_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    app: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    other_user_id: Option<String>,
}

impl Receiver {
    /// Prepares deliveries to a URL. Opens no connection. Reads the root certificates if the URL is `https`.
    ///
    /// # Errors
    /// [`ReceiverError`] says what is wrong.
    pub fn new(url: &str, secret: &EventsSecret) -> Result<Self, ReceiverError> {
        let url = Url::parse(url).map_err(|_error| ReceiverError::Url)?;
        Ok(Self {
            client: outbound::client(&url, CONNECT_LIMIT).map_err(ReceiverError::NoClient)?,
            url,
            signer: Signer::new(secret).ok_or(ReceiverError::Secret)?,
        })
    }

    /// Delivers an event. It is accepted with any status 2xx.
    pub(super) async fn deliver(&self, event: &Event, now: Timestamp) -> Result<(), Rejected> {
        let sent = timeout(LIMIT, self.send(event, now)).await;
        sent.unwrap_or(Err(Rejected::TimedOut))
    }

    async fn send(&self, event: &Event, now: Timestamp) -> Result<(), Rejected> {
        let id = format!("evt_{}", base16ct::lower::encode_string(&event.id));
        let timestamp = now.as_second().to_string();
        let body = body(event);
        let signature = self.signer.sign(&id, &timestamp, &body);
        let request = self
            .client
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", signature)
            .body(body);
        let mut response = request.send().await.map_err(|error| {
            if error.is_connect() {
                Rejected::Unreachable
            } else {
                Rejected::ConnectionLost
            }
        })?;
        if !response.status().is_success() {
            return Err(Rejected::Status(response.status().as_u16()));
        }
        let mut read = 0;
        while let Ok(Some(chunk)) = response.chunk().await
            && read < MAX_RESPONSE
        {
            read += chunk.len();
        }
        Ok(())
    }
}

/// Returns the body: ids, the mini program, the time and the reason.
fn body(event: &Event) -> String {
    let body = Body {
        r#type: &event.kind,
        timestamp: rfc3339(event.at),
        data: Data {
            user_id: event.user.to_string(),
            app: event.app.as_ref().map(AppId::as_str),
            session_id: event.session.map(|session| session.to_string()),
            reason: event.reason.as_deref(),
            other_user_id: event.other_user.map(|user| user.to_string()),
        },
    };
    // Strings always serialize.
    serde_json::to_string(&body).unwrap_or_default()
}

impl fmt::Debug for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Receiver(…)")
    }
}
