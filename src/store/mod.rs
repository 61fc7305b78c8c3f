//! Keeps users, sessions and the ledger: one trait in domain terms, with one folder per backend.

mod backup;
mod cached;
mod clock;
#[cfg(test)]
mod contract;
mod database;
mod interface;
mod ledger;
pub mod once;
#[cfg(test)]
mod once_tests;
mod open;
mod postgres;
mod session_cache;
mod sqlite;
#[cfg(test)]
mod temporary;

pub use backup::backup;
pub use database::Database;
pub use interface::{Error, LoggedIn, Login, OpenError, Reply, Revocation, Store, Swept, Update};
pub use ledger::{Claim, Claimed, Holder, LedgerKey, Version};
pub use open::{check, open};
