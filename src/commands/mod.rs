//! The subcommands, one file each; part of the binary.
//!
//! Knows the order in which a process starts and stops, and what it prints. Never knows what is served.

pub(crate) mod check_config;
pub(crate) mod healthcheck;
pub(crate) mod serve;
mod start_block;

use std::error::Error;
use std::io::Write as _;
use std::process::ExitCode;

/// Why the process ends with a failure.
pub(crate) struct Failure {
    status: u8,
    message: String,
}

impl Failure {
    /// What the person who started the process can mend: status 2.
    pub(crate) fn to_mend(error: &dyn Error) -> Self {
        Self { status: 2, message: error.to_string() }
    }

    /// Anything else: status 1.
    pub(crate) fn of_ours(message: impl Into<String>) -> Self {
        Self { status: 1, message: message.into() }
    }

    /// Prints the message to standard error, and gives the process's status.
    pub(crate) fn tell(&self) -> ExitCode {
        // If nobody reads standard error, the status still tells.
        writeln!(std::io::stderr(), "weapp-login: {}", self.message).unwrap_or_default();
        ExitCode::from(self.status)
    }
}
