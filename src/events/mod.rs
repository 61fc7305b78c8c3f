//! Delivers the stored events about users and sessions to another service, as Standard Webhooks.
//!
//! Each event is delivered at least once, and those of a user in order. One node at a time delivers, under a lease in the ledger.

mod delivery;
mod receiver;
mod sequences;
mod signature;

pub use delivery::Delivery;
pub use receiver::{Receiver, ReceiverError};
