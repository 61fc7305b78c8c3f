//! Fetches the unionid of a user who has paid (`getpaidunionid`).

use crate::identity::{AccessTokenText, AppId, OpenId, UnionId};
use crate::platforms::error::Error;
use crate::platforms::payment::{Payment, PaymentId};
use crate::platforms::wechat::client::Client;
use crate::platforms::wechat::endpoint::Endpoint;

impl Client {
    /// Fetches the unionid of a user who has paid within the last 5 minutes. One round trip, except after errcode -1. It changes
    /// nothing, and needs no consent of the user.
    ///
    /// # Errors
    /// [`Error::Rejected`]: with [`Reason::TokenInvalid`](crate::platforms::Reason::TokenInvalid), renew the token and retry;
    /// with [`Reason::PaymentUnknown`](crate::platforms::Reason::PaymentUnknown), the user has no such payment; otherwise as
    /// [`Client::code_to_session`].
    ///
    /// Source: [getPaidUnionid](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPaidUnionid.html),
    /// read 2026-11-27.
    pub async fn paid_unionid(
        &self,
        app: &AppId,
        token: &AccessTokenText,
        openid: &OpenId,
        payment: &Payment,
    ) -> Result<UnionId, Error> {
        let mut query = vec![
            ("access_token", token.expose()),
            ("openid", openid.expose()),
        ];
        match &payment.0 {
            PaymentId::Transaction(id) => query.push(("transaction_id", id.as_str())),
            PaymentId::Order { merchant, number } => {
                query.extend([
                    ("mch_id", merchant.as_str()),
                    ("out_trade_no", number.as_str()),
                ]);
            }
        }
        let mut reply = self.get(app, Endpoint::PaidUnionId, &query).await?;
        Ok(UnionId::new(reply.required("unionid")?))
    }
}
