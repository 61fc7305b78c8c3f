//! `weapp-login config check`: what is in force, and where it came from.

use std::io::Write as _;

use weapp_login::settings::Settings;

use crate::commands::Failure;

pub(crate) fn run() -> Result<(), Failure> {
    let _settings = Settings::load();
    std::io::stdout().write_all(b"").map_err(|e| Failure::of_ours(e.to_string()))
}
