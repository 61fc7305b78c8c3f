//! Reasons why PostgreSQL did not answer a call, or cannot be used.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;

use crate::store::interface::Error;

/// Maximum number of pending calls. More are rejected, so that a database that hangs costs neither memory nor minutes. Our
/// choice: many times what a working database answers in a second.
pub(super) const QUEUE: usize = 4096;

/// A reason why a call failed. Contains no values: PostgreSQL's details, which quote keys, are left out.
#[derive(Debug, Clone, thiserror::Error)]
pub(super) enum Problem {
    /// PostgreSQL rejected a statement. The transaction is rolled back.
    #[error("PostgreSQL reports an error: {message} (SQLSTATE {})", .code.code())]
    Rejected { code: SqlState, message: String },
    /// The connection broke. A write may have been committed.
    #[error("the connection to PostgreSQL was lost: {0}")]
    Lost(String),
    /// A write may have been committed.
    #[error("PostgreSQL has not responded for {} ms", .0.as_millis())]
    Silent(Duration),
    /// A host could not be connected to.
    #[error("cannot connect to {host}: {problem}")]
    Unreachable { host: String, problem: Box<Problem> },
    /// None of several hosts can be used.
    #[error("{0}; {1}")]
    Both(Box<Problem>, Box<Problem>),
    /// The server can be reached, but must not be used.
    #[error("{0}")]
    Unusable(String),
    /// The server has another database than the one that this node has opened.
    #[error(
        "this node uses database {expected}, and found {found}; if that one replaces it, restart the node, else correct what `store.url` leads to"
    )]
    OtherDatabase { expected: String, found: String },
    /// Too many calls wait.
    #[error("{QUEUE} calls are pending already")]
    QueueFull,
    /// A row has another form than the schema says.
    #[error("a row has an unexpected form: {0}")]
    Malformed(String),
    /// The clocks differ too much.
    #[error("this machine's clock is {seconds:.1} s {direction} the database's")]
    Clock {
        seconds: f64,
        direction: &'static str,
    },
}

impl Problem {
    /// Returns `true` if another attempt may succeed at once: two transactions waited for each other, or one has deleted the
    /// user that the other one has just read.
    pub(super) fn is_conflict(&self) -> bool {
        self.has_code(&[
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::FOREIGN_KEY_VIOLATION,
        ])
    }

    /// Returns `true` if one write of a batch may have caused this, so that the others may succeed without it. A full disk
    /// or a shutdown would fail them all.
    pub(super) fn may_be_of_one_write(&self) -> bool {
        let classes = ["22", "23", "40", "55"];
        if let Self::Rejected { code, .. } = self {
            return *code == SqlState::QUERY_CANCELED
                || classes.iter().any(|class| code.code().starts_with(class));
        }
        false
    }

    /// Returns `true` if the database cannot be reached.
    pub(super) fn is_of_the_connection(&self) -> bool {
        match self {
            Self::Lost(_) | Self::Silent(_) | Self::Unreachable { .. } | Self::Both(..) => true,
            Self::Rejected { .. }
            | Self::Unusable(_)
            | Self::OtherDatabase { .. }
            | Self::QueueFull
            | Self::Malformed(_)
            | Self::Clock { .. } => false,
        }
    }

    /// Returns `true` if a server has another database than the one that this node has opened.
    pub(super) fn is_of_another_database(&self) -> bool {
        match self {
            Self::OtherDatabase { .. } => true,
            Self::Unreachable { problem, .. } => problem.is_of_another_database(),
            Self::Both(first, second) => {
                first.is_of_another_database() || second.is_of_another_database()
            }
            Self::Rejected { .. }
            | Self::Lost(_)
            | Self::Silent(_)
            | Self::Unusable(_)
            | Self::QueueFull
            | Self::Malformed(_)
            | Self::Clock { .. } => false,
        }
    }

    pub(super) fn has_code(&self, codes: &[SqlState]) -> bool {
        matches!(self, Self::Rejected { code, .. } if codes.contains(code))
    }
}

impl From<tokio_postgres::Error> for Problem {
    fn from(error: tokio_postgres::Error) -> Self {
        if let Some(rejection) = error.as_db_error() {
            return Self::Rejected {
                code: rejection.code().clone(),
                message: rejection.message().to_owned(),
            };
        }
        let source = error.source().map(|source| format!(": {source}"));
        Self::Lost(format!("{error}{}", source.unwrap_or_default()))
    }
}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self::Failed(Arc::new(problem))
    }
}
