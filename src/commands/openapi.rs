//! `weapp-login openapi`: prints the document that `/openapi.json` serves, or that of the admin API.

use weapp_login::{openapi, routes};

use crate::commands::{Failure, print};

/// Prints the OpenAPI document of the API, or of the admin API.
pub(crate) fn run(admin: bool) -> Result<(), Failure> {
    if admin {
        return print(openapi::admin_text(&routes::admin_endpoints()).as_bytes());
    }
    print(openapi::text(&routes::endpoints(), "").as_bytes())
}
