//! `/simulator/users`: who there is, what is known of them, and the codes and keys that their clients get.
//!
//! Knows the JSON of a user.
//! Never knows what WeChat's endpoints answer.

use serde::Deserialize;
use serde_json::{Value, json};

use super::order::{Complaint, Order};
use crate::app_handle::AppHandle;
use crate::codes;
use crate::payments::Payment;
use crate::people::TestUser;
use crate::state::State;
use crate::user::User;

/// What is to change; what is absent stays.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Description {
    phone_number: Option<String>,
    country_code: Option<String>,
    nickname: Option<String>,
    avatar_url: Option<String>,
    blocked: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Paid {
    transaction_id: Option<String>,
    mch_id: Option<String>,
    out_trade_no: Option<String>,
}

pub(super) fn all(state: &State, order: &Order) -> Result<Value, Complaint> {
    order.only("GET")?;
    Ok(json!({"users": state.world().people.names()}))
}

pub(super) fn one(state: &State, order: &Order, name: &str) -> Result<Value, Complaint> {
    let app = order.app(state)?;
    match order.method.as_str() {
        "GET" => {}
        "PUT" => describe(state, name, order.body()?),
        _ => return Err(Complaint::method("GET, PUT")),
    }
    let person = state.world().people.get(&User::named(name));
    Ok(json!({
        "name": name,
        "app_id": app.app.id,
        "openid": app.openid(name),
        "unionid": app.unionid(name),
        "session_key": app.session_key(name),
        "phone_number": person.phone_number,
        "country_code": person.country_code,
        "nickname": person.nickname,
        "avatar_url": person.avatar_url,
        "blocked": person.blocked,
    }))
}

/// Gives the user's client what `wx` would give it.
pub(super) fn give(
    state: &State,
    order: &Order,
    name: &str,
    what: &str,
) -> Result<Value, Complaint> {
    let give: fn(&AppHandle<'_>, &Order, &str) -> Result<Value, Complaint> = match what {
        "login-code" => |app, _, name| Ok(code(&app.issue_code(name))),
        "phone-code" => |app, _, name| Ok(code(&app.issue_phone_code(name))),
        "plugin-code" => |app, _, name| Ok(code(&app.issue_plugin_code(name))),
        "encrypt-key" => |app, _, name| Ok(encrypt_key(app, name)),
        "payments" => |app, order, name| pay(app, name, order.body()?),
        _ => return Err(order.not_found()),
    };
    order.only("POST")?;
    let app = order.app(state)?;
    know(state, name);
    give(&app, order, name)
}

/// Lets the user be among those who are listed.
pub(super) fn know(state: &State, name: &str) {
    let mut world = state.world();
    let user = User::named(name);
    let person = world.people.get(&user);
    world.people.put(&user, person);
}

fn describe(state: &State, name: &str, changed: Description) {
    let mut world = state.world();
    let user = User::named(name);
    let person = world.people.get(&user);
    let person = TestUser {
        phone_number: changed.phone_number.unwrap_or(person.phone_number),
        country_code: changed.country_code.unwrap_or(person.country_code),
        nickname: changed.nickname.unwrap_or(person.nickname),
        avatar_url: changed.avatar_url.unwrap_or(person.avatar_url),
        blocked: changed.blocked.unwrap_or(person.blocked),
    };
    world.people.put(&user, person);
}

fn code(code: &str) -> Value {
    json!({"code": code, "expires_in": codes::LIFETIME.as_secs()})
}

fn encrypt_key(app: &AppHandle<'_>, name: &str) -> Value {
    app.encrypt_key(name).map_or(Value::Null, |key| {
        json!({
            "encryptKey": key.encrypt_key,
            "iv": key.iv,
            "version": key.version,
            "expireTime": key.create_time.saturating_add(key.expire_in),
        })
    })
}

fn pay(app: &AppHandle<'_>, name: &str, paid: Paid) -> Result<Value, Complaint> {
    let payment = match (paid.transaction_id, paid.mch_id, paid.out_trade_no) {
        (Some(number), None, None) => Payment::Transaction(number),
        (None, Some(merchant), Some(number)) => Payment::Order { merchant, number },
        _ => {
            return Err(Complaint::malformed(
                "a payment has either a `transaction_id`, or a `mch_id` and an `out_trade_no`",
            ));
        }
    };
    app.pay(name, payment);
    Ok(json!({}))
}
