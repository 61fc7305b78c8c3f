//! `weapp-login openapi`: prints the document that `/openapi.json` serves.

use weapp_login::{openapi, routes};

use crate::commands::{Failure, print};

/// Prints the OpenAPI document.
pub(crate) fn run() -> Result<(), Failure> {
    print(openapi::text(&routes::endpoints(), "").as_bytes())
}
