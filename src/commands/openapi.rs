//! `weapp-login openapi`: prints what `/openapi.json` serves, for whoever wants it as a file.
//!
//! Never knows what stands in it.

use std::io::{self, Write as _};

use weapp_login::openapi;

use crate::commands::Failure;

/// Prints the document.
pub(crate) fn run() -> Result<(), Failure> {
    match io::stdout().write_all(openapi::text().as_bytes()) {
        // Whoever reads through `head` has seen enough.
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::of_ours(&error)),
        Ok(()) | Err(_) => Ok(()),
    }
}
