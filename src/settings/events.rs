//! The settings of the delivery of events.

use serde::Deserialize;

use crate::identity::EventsSecret;
use crate::settings::rules;

/// Delivery of events about users and sessions to another service.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    /// URL of the receiver. If empty, no event is stored.
    #[serde(deserialize_with = "rules::events_url")]
    pub url: String,
    /// Secret that signs the events; needed with a URL.
    #[serde(deserialize_with = "rules::events_secret")]
    pub secret: EventsSecret,
    /// Time after which an event that cannot be delivered is dropped.
    #[serde(deserialize_with = "rules::within::<1, 365, _, _>")]
    pub keep_days: u32,
}
