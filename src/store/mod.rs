//! Keeps users, sessions and the ledger: one trait in domain terms, with one folder per backend.

mod accounts;
mod backup;
mod cached;
mod clock;
#[cfg(test)]
mod contract;
mod copy;
mod database;
mod events;
mod interface;
mod ledger;
mod migrate;
pub mod once;
#[cfg(test)]
mod once_tests;
mod open;
mod opened;
mod people;
mod postgres;
mod session_cache;
mod sqlite;
#[cfg(test)]
mod temporary;

pub use accounts::{LoginCount, NodeId, Statistics, UserKey, UserPage, UserPosition, UserQuery};
pub use backup::backup;
pub use copy::{Copied, CopyError, Progress, copy};
pub use database::Database;
pub use events::{Event, EventRemoval};
pub use interface::{
    Error, KeptNumber, LoggedIn, Login, Migrated, OpenError, Reply, Revocation, Store, Swept,
    Update,
};
pub use ledger::{Claim, Claimed, Holder, LedgerKey, Version};
pub use migrate::migrate;
pub use open::{check, open};
pub use people::{
    ConflictPage, ConflictPosition, ConflictQuery, Decision, LateUnionId, Resolution, Resolved,
    UserConflict, UserIdentity,
};
