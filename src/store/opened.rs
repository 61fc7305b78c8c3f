//! The result of opening or migrating a database.

use std::fmt;

/// The versions of a database's schema before and after a migration. Version 0 has no tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Migrated {
    /// The version that was found.
    pub from: usize,
    /// The version that this program uses.
    pub to: usize,
}

/// A database that cannot be used. It is left unchanged.
///
/// The message names the database, says what is wrong, and how to fix it.
#[derive(Debug, thiserror::Error)]
#[error("the database `{database}` {problem}")]
pub struct OpenError {
    database: String,
    problem: String,
}

impl OpenError {
    /// `problem` completes a sentence that begins with the name of the database.
    pub(super) fn new(database: impl Into<String>, problem: impl fmt::Display) -> Self {
        Self {
            database: database.into(),
            problem: problem.to_string(),
        }
    }
}
