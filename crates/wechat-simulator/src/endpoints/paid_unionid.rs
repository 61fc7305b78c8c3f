//! getPaidUnionid: `GET /wxa/getpaidunionid`, the unionid of a user who has paid in the last five minutes.
//!
//! Knows the endpoint's parameters and its answer.
//! Never knows HTTP, the clock, or how payments are kept.
//!
//! Source: [getPaidUnionid](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPaidUnionid.html).

use std::time::Duration;

use serde_json::{Value, json};

use super::judge;
use crate::asked::RecordedRequest;
use crate::payments::Payment;
use crate::refusal::{INVALID_TRADE, OPEN_NOT_EXISTS, Refusal};
use crate::world::World;

/// Answers one call. Without a number it is any payment of the user's.
pub(super) fn answer(
    world: &mut World,
    asked: &RecordedRequest,
    now: Duration,
) -> Result<Value, Refusal> {
    let app = judge::caller(world, asked, now)?;
    let (openid, user) = judge::user(world, &app, asked)?;
    let unionid = world.unionid(&app, &user).ok_or(OPEN_NOT_EXISTS)?;
    if !world.payments.counts(openid, payment(asked)?.as_ref(), now) {
        return Err(INVALID_TRADE);
    }
    Ok(json!({"unionid": unionid, "errcode": 0, "errmsg": "ok"}))
}

fn payment(asked: &RecordedRequest) -> Result<Option<Payment>, Refusal> {
    let text = |name| asked.filled(name).map(str::to_owned);
    match (text("transaction_id"), text("mch_id"), text("out_trade_no")) {
        (Some(number), _, _) => Ok(Some(Payment::Transaction(number))),
        (None, Some(merchant), Some(number)) => Ok(Some(Payment::Order { merchant, number })),
        (None, None, None) => Ok(None),
        (None, _, _) => Err(INVALID_TRADE),
    }
}
