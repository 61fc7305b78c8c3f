//! `POST /user/paid`: fetches the unionid of a user who has paid.

use actix_web::{Responder, web};
use serde::Deserialize;
use utoipa::ToSchema;

use crate::account::UnionIds;
use crate::error::{ApiError, ErrorCode};
use crate::handlers::reply::{EmptyData, Envelope, Success};
use crate::middleware::clock::RequestTime;
use crate::middleware::json::{Json, StringField};
use crate::platforms::Payment;
use crate::sessions::CurrentSession;

/// The payment: its `transaction_id`, or its `mch_id` and `out_trade_no`. Other fields are ignored.
#[derive(Deserialize, ToSchema)]
#[schema(examples(json!({ "transaction_id": "4200001234202611271234567890" })))]
pub struct PaidRequest {
    /// WeChat Pay's id of the transaction.
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^[!-~]{1,64}$")]
    transaction_id: StringField,
    /// The merchant's id at WeChat Pay, with `out_trade_no`.
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^[!-~]{1,64}$")]
    mch_id: StringField,
    /// The merchant's number of the order, with `mch_id`.
    #[serde(default)]
    #[schema(value_type = String, required = false, pattern = "^[!-~]{1,64}$")]
    out_trade_no: StringField,
}

/// Fetches the unionid of a user who has paid, and stores it. It is in no response.
///
/// # Errors
/// `payment_malformed` and `session_key_absent` before the call to WeChat; `payment_unknown` if the user has no such payment of
/// the last 5 minutes; the errors of the call and of the store.
#[utoipa::path(
    post,
    path = "/user/paid",
    request_body = PaidRequest,
    responses((status = 200, body = Envelope<EmptyData>)),
)]
pub async fn fetch_paid_unionid(
    live: CurrentSession,
    unionids: web::Data<UnionIds>,
    RequestTime(now): RequestTime,
    Json(request): Json<PaidRequest>,
) -> Result<impl Responder, ApiError> {
    let payment = request.payment().ok_or(ErrorCode::PaymentMalformed)?;
    unionids.fetch_paid(&live, &payment, now).await?;
    Ok(Success(EmptyData {}))
}

impl PaidRequest {
    fn payment(&self) -> Option<Payment> {
        use StringField::{Missing, String};
        match (&self.transaction_id, &self.mch_id, &self.out_trade_no) {
            (String(id), Missing, Missing) => Payment::transaction(id),
            (Missing, String(merchant), String(number)) => Payment::order(merchant, number),
            _ => None,
        }
    }
}
