//! `/simulator/users/{name}/encrypted-data`: what the user's client gets encrypted at this moment.
//!
//! Knows the JSON of what is to be encrypted, and the names by which a mini program's events give it.
//! Never knows keys.

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::order::{Complaint, Order};
use super::people;
use crate::mint::Payload;
use crate::state::State;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Wanted {
    kind: Kind,
    /// With `share_info`.
    group: Option<String>,
    /// With `object`.
    data: Option<Map<String, Value>>,
    #[serde(default)]
    watermark: Mark,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    UserInfo,
    PhoneNumber,
    ShareInfo,
    Object,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Mark {
    appid: Option<String>,
    timestamp: Option<u64>,
}

pub(super) fn encrypted_data(state: &State, order: &Order, name: &str) -> Result<Value, Complaint> {
    order.only("POST")?;
    let app = order.app(state)?;
    let what = mint(order.body()?)?;
    people::know(state, name);
    let minted = app.encrypt(name, &what);
    let mut given = json!({"encryptedData": minted.encrypted_data, "iv": minted.iv});
    if let (Some(raw_data), Some(signature), Some(members)) =
        (minted.raw_data, minted.signature, given.as_object_mut())
    {
        members.insert("rawData".to_owned(), raw_data.into());
        members.insert("signature".to_owned(), signature.into());
    }
    Ok(given)
}

fn mint(wanted: Wanted) -> Result<Payload, Complaint> {
    let mint = match (wanted.kind, wanted.group, wanted.data) {
        (Kind::UserInfo, None, None) => Payload::user_info(),
        (Kind::PhoneNumber, None, None) => Payload::phone_number(),
        (Kind::ShareInfo, group, None) => Payload::share_info(group.as_deref().unwrap_or("group")),
        (Kind::Object, None, Some(members)) => Payload::object(members),
        _ => {
            return Err(Complaint::malformed(
                "`group` goes with the kind `share_info` alone, and `data` with the kind `object`, which needs it",
            ));
        }
    };
    let Mark { appid, timestamp } = wanted.watermark;
    let mint = match appid {
        Some(app_id) => mint.watermark_app_id(&app_id),
        None => mint,
    };
    Ok(match timestamp {
        Some(timestamp) => mint.watermark_timestamp(timestamp),
        None => mint,
    })
}
