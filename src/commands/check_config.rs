//! `weapp-login config check`: what is in force, and where each value came from.
//!
//! Never knows a key: the settings describe themselves.

use std::path::Path;

use crate::commands::{Failure, configuration, print};

/// Prints the effective configuration, secrets masked.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    print(configuration(folder)?.report.as_bytes())
}
