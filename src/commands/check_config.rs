//! `weapp-login config check`: checks the settings and prints them, with the origin of each value.

use std::path::Path;

use weapp_login::Parts;

use crate::commands::{Failure, configuration, print};

/// Prints the effective settings, if the server would accept them. Secrets are masked.
pub(crate) fn run(folder: Option<&Path>) -> Result<(), Failure> {
    print(check(folder)?.as_bytes())
}

/// Returns the effective settings without secrets, if the server would accept them.
pub(crate) fn check(folder: Option<&Path>) -> Result<String, Failure> {
    let loaded = configuration(folder)?;
    Parts::check(&loaded.settings).map_err(Failure::configuration)?;
    Ok(loaded.report)
}
