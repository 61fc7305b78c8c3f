//! The identification of a payment, after which the platform discloses the payer's unionid.

use std::fmt;

/// Maximum length of each identifier, in characters. WeChat Pay's have at most 32.
const MAX_CHARACTERS: usize = 64;

/// A payment of a user. `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Payment(pub(super) PaymentId);

/// The identifiers of a payment.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum PaymentId {
    /// The id of the transaction at the platform.
    Transaction(String),
    /// The merchant and its own number of the order.
    Order { merchant: String, number: String },
}

impl Payment {
    /// Returns the payment with this id at the platform. `None` if the text cannot be one.
    pub fn transaction(id: &str) -> Option<Self> {
        Some(Self(PaymentId::Transaction(identifier(id)?)))
    }

    /// Returns the payment of a merchant's order. `None` if one of the texts cannot be an identifier.
    pub fn order(merchant: &str, number: &str) -> Option<Self> {
        let (merchant, number) = (identifier(merchant)?, identifier(number)?);
        Some(Self(PaymentId::Order { merchant, number }))
    }
}

fn identifier(text: &str) -> Option<String> {
    let is_valid = (1..=MAX_CHARACTERS).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic());
    is_valid.then(|| text.to_owned())
}

impl fmt::Debug for Payment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payment(***)")
    }
}
