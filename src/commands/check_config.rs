//! `weapp-login config check`: prints the effective settings and the origin of each value.

use std::path::Path;

use crate::commands::{Failure, configuration, print};

/// Prints the effective settings. Secrets are masked.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    print(configuration(folder)?.report.as_bytes())
}
