//! Who has paid lately, by which getPaidUnionid tells their unionid.
//!
//! Knows that a payment counts for five minutes.
//! Never knows unionids or money.
//!
//! Memory: the [`MOST_PAYMENTS`] newest payments.

use std::collections::VecDeque;
use std::time::Duration;

/// How many payments are remembered. Our choice.
const MOST_PAYMENTS: usize = 1_000;

/// Source: [getPaidUnionid](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPaidUnionid.html).
const COUNTS_FOR: Duration = Duration::from_mins(5);

/// What names a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payment {
    /// WeChat Pay's own number, `transaction_id`.
    Transaction(String),
    /// The merchant's numbers.
    Order {
        /// `mch_id`.
        merchant: String,
        /// `out_trade_no`.
        number: String,
    },
}

/// All payments, oldest first.
#[derive(Default)]
pub(super) struct Payments(VecDeque<Paid>);

struct Paid {
    openid: String,
    payment: Payment,
    at: Duration,
}

impl Payments {
    pub(super) fn push(&mut self, openid: String, payment: Payment, now: Duration) {
        if self.0.len() >= MOST_PAYMENTS {
            self.0.pop_front();
        }
        self.0.push_back(Paid {
            openid,
            payment,
            at: now,
        });
    }

    /// Whether the user has made that payment, or, if none is named, any, in the last five minutes.
    pub(super) fn counts(&self, openid: &str, payment: Option<&Payment>, now: Duration) -> bool {
        let mut paid = self.0.iter().rev();
        paid.any(|paid| {
            paid.openid == openid
                && payment.is_none_or(|payment| *payment == paid.payment)
                && now < paid.at.saturating_add(COUNTS_FOR)
        })
    }
}
