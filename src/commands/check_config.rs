//! `weapp-login config check`: what is in force, and where each value came from.
//!
//! Never knows a key: the settings describe themselves.

use std::io::{self, Write as _};

use crate::commands::{Failure, configuration};

/// Prints the effective configuration, secrets masked.
pub(crate) fn run() -> Result<(), Failure> {
    let report = configuration()?.report;
    io::stdout()
        .write_all(report.as_bytes())
        .map_err(|error| Failure::of_ours(&error))
}
