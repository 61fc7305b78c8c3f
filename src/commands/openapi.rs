//! `weapp-login openapi`: prints the document that `/openapi.json` serves.

use weapp_login::openapi;

use crate::commands::{Failure, print};

/// Prints the OpenAPI document.
pub(crate) fn run() -> Result<(), Failure> {
    print(openapi::text().as_bytes())
}
