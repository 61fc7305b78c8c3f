//! `/simulator/users`: the users' data, and the codes, keys and encrypted data that their clients get.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::control::request::{ControlError, ControlRequest};
use crate::payload::{Payload, Watermark};
use crate::state::codes;
use crate::state::history::Payment;
use crate::state::users::TestUser;
use crate::user_id::UserId;

#[derive(Serialize)]
struct User<'a> {
    name: &'a str,
    app_id: &'a str,
    openid: String,
    unionid: Option<String>,
    session_key: Option<String>,
    #[serde(flatten)]
    data: TestUser,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPayment {
    transaction_id: Option<String>,
    mch_id: Option<String>,
    out_trade_no: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Subscription {
    template_id: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewEncryptedData {
    kind: PayloadKind,
    /// Only with `share_info`.
    group: Option<String>,
    /// Only with `object`.
    data: Option<Map<String, Value>>,
    #[serde(default)]
    watermark: Watermark,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum PayloadKind {
    UserInfo,
    PhoneNumber,
    ShareInfo,
    Object,
}

pub(super) fn users(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    request.require("GET")?;
    Ok(json!({"users": request.shared.lock().users.names()}))
}

pub(super) fn user(request: &ControlRequest<'_>, name: &str) -> Result<Value, ControlError> {
    let app = request.app()?;
    let id = UserId::named(name);
    let mut data = request.shared.lock().users.get(&id);
    if request.changes_with("PUT")? {
        data = request.update(&data)?;
        data.clone_into(request.shared.lock().users.get_mut(&id));
    }
    Ok(json!(User {
        name,
        app_id: app.id(),
        openid: app.openid(name),
        unionid: app.unionid(name),
        session_key: app.session_key(name),
        data,
    }))
}

/// Creates a code, key, payment, subscription or message of the user.
pub(super) fn create(
    request: &ControlRequest<'_>,
    name: &str,
    item: &str,
) -> Result<Value, ControlError> {
    request.require("POST")?;
    let app = request.app()?;
    list(request, name);
    match item {
        "login-code" => return Ok(issued(&app.issue_code(name))),
        "phone-code" => return Ok(issued(&app.issue_phone_code(name))),
        "plugin-code" => return Ok(issued(&app.issue_plugin_code(name))),
        "encrypt-key" => {
            let key = app.encrypt_key(name);
            return Ok(key.map_or(Value::Null, |key| {
                json!({
                    "encryptKey": key.encrypt_key,
                    "iv": key.iv,
                    "version": key.version,
                    "expireTime": key.create_time.saturating_add(key.expire_in),
                })
            }));
        }
        "subscriptions" => {
            let Subscription { template_id } = request.body()?;
            app.subscribe(name, &template_id);
        }
        "messages" => app.write_to_customer_service(name),
        _ => app.pay(name, payment(request.body()?)?),
    }
    Ok(json!({}))
}

fn issued(code: &str) -> Value {
    json!({"code": code, "expires_in": codes::LIFETIME.as_secs()})
}

pub(super) fn encrypted_data(
    request: &ControlRequest<'_>,
    name: &str,
) -> Result<Value, ControlError> {
    request.require("POST")?;
    let app = request.app()?;
    let new: NewEncryptedData = request.body()?;
    let payload = match (new.kind, new.group, new.data) {
        (PayloadKind::UserInfo, None, None) => Payload::user_info(),
        (PayloadKind::PhoneNumber, None, None) => Payload::phone_number(),
        (PayloadKind::ShareInfo, group, None) => {
            Payload::share_info(group.as_deref().unwrap_or("group"))
        }
        (PayloadKind::Object, None, Some(fields)) => Payload::object(fields),
        _ => {
            return Err(ControlError::invalid(
                "only the kind `share_info` takes a `group`, and only the kind `object` takes `data`, which it needs",
            ));
        }
    };
    list(request, name);
    Ok(json!(app.encrypt(name, &payload.watermark(new.watermark))))
}

/// Adds the user to the list of users.
fn list(request: &ControlRequest<'_>, name: &str) {
    request.shared.lock().users.get_mut(&UserId::named(name));
}

fn payment(new: NewPayment) -> Result<Payment, ControlError> {
    match (new.transaction_id, new.mch_id, new.out_trade_no) {
        (Some(id), None, None) => Ok(Payment::Transaction(id)),
        (None, Some(merchant), Some(number)) => Ok(Payment::MerchantOrder { merchant, number }),
        _ => Err(ControlError::invalid(
            "a payment has either a `transaction_id`, or a `mch_id` and an `out_trade_no`",
        )),
    }
}
