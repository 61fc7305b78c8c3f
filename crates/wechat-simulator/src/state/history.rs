//! Events that endpoints look up later: payments, encrypted phone numbers and error replies.

use std::time::Duration;

use crate::bounded::BoundedList;
use crate::crypto::sha256_hex;
use crate::identifiers::Identifiers;
use crate::json::Object;

// Maximum numbers of items. Our choice.
const MAX_PAYMENTS: usize = 1_000;
const MAX_PHONE_DATA: usize = 10_000;
const MAX_ERROR_REPLIES: usize = 1_000;

/// Source: [getPaidUnionid](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/getPaidUnionid.html).
const PAYMENT_LIFETIME: Duration = Duration::from_mins(5);

/// Source: [checkEncryptedData](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/user-info/basic-info/checkEncryptedData.html).
const PHONE_DATA_LIFETIME: Duration = Duration::from_hours(72);

/// Source: [getRidInfo](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getRidInfo.html).
pub(crate) const RID_LIFETIME: Duration = Duration::from_hours(7 * 24);

/// The identification of a payment.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Payment {
    /// WeChat Pay's `transaction_id`.
    Transaction(String),
    /// The merchant's order number.
    MerchantOrder {
        /// `mch_id`.
        merchant: String,
        /// `out_trade_no`.
        number: String,
    },
}

/// The last payments: openid, payment and time.
pub(crate) struct Payments(BoundedList<(String, Payment, Duration)>);

impl Payments {
    pub(crate) fn new() -> Self {
        Self(BoundedList::new(MAX_PAYMENTS))
    }

    pub(crate) fn push(&mut self, openid: String, payment: Payment, now: Duration) {
        self.0.push((openid, payment, now));
    }

    /// Returns `true` if the user made this payment, or with `None` any payment, in the last five minutes.
    pub(crate) fn contains(&self, openid: &str, payment: Option<&Payment>, now: Duration) -> bool {
        self.0.iter().any(|(payer, known, at)| {
            payer == openid
                && payment.is_none_or(|payment| payment == known)
                && now < at.saturating_add(PAYMENT_LIFETIME)
        })
    }
}

/// The last encrypted phone numbers.
pub(crate) struct PhoneData(BoundedList<PhoneDatum>);

struct PhoneDatum {
    app_id: String,
    /// Digests of the base64 text and of the bytes: the documentation does not say which of the two is meant.
    digests: [String; 2],
    at: Duration,
}

impl PhoneData {
    pub(crate) fn new() -> Self {
        Self(BoundedList::new(MAX_PHONE_DATA))
    }

    pub(crate) fn push(&mut self, app_id: &str, base64: &str, bytes: &[u8], now: Duration) {
        self.0.push(PhoneDatum {
            app_id: app_id.to_owned(),
            digests: [base64.as_bytes(), bytes].map(sha256_hex),
            at: now,
        });
    }

    /// Returns the creation time of the data with this digest, if it was created for the app in the last three days.
    pub(crate) fn created_at(&self, app_id: &str, digest: &str, now: Duration) -> Option<Duration> {
        let found = self.0.iter().rev().find(|datum| {
            datum.app_id == app_id && datum.digests.iter().any(|known| known == digest)
        })?;
        (now < found.at.saturating_add(PHONE_DATA_LIFETIME)).then_some(found.at)
    }
}

/// An error reply and its request, without secrets.
pub(crate) struct ErrorReply {
    pub(crate) rid: String,
    /// The app, if the request identifies one.
    pub(crate) app_id: Option<String>,
    pub(crate) at: Duration,
    /// The `request` object of getRidInfo.
    pub(crate) info: Object,
}

/// The last error replies.
pub(crate) struct ErrorReplies {
    identifiers: Identifiers,
    rids: u64,
    replies: BoundedList<ErrorReply>,
}

impl ErrorReplies {
    pub(crate) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            rids: 0,
            replies: BoundedList::new(MAX_ERROR_REPLIES),
        }
    }

    /// Returns a new rid.
    pub(crate) fn next_rid(&mut self, now: Duration) -> String {
        self.rids += 1;
        self.identifiers.rid(now, self.rids)
    }

    pub(crate) fn push(&mut self, reply: ErrorReply) {
        self.replies.push(reply);
    }

    pub(crate) fn find(&self, rid: &str) -> Option<&ErrorReply> {
        self.replies.iter().rev().find(|reply| reply.rid == rid)
    }
}
