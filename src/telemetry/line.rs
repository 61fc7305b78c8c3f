//! The time and the special targets of log lines.

use jiff::Timestamp;

use crate::time::rfc3339;

/// Target of the access log. Its lines are printed without a prefix and at any level.
pub const ACCESS: &str = "access";
/// Target of the lines that show received bodies. They are printed without a prefix in development, and never in
/// production.
pub const BODY: &str = "body";

/// Target of the lines about what operators change. They are printed at any level.
pub const AUDIT: &str = "audit";

/// Target of the lines about rejected requests. Its level can be set separately: a flood of such requests makes as many lines.
pub const REJECTED: &str = concat!(env!("CARGO_CRATE_NAME"), "::rejected");

/// Returns the current time as a line shows it.
#[expect(clippy::disallowed_methods, reason = "a log line is written now")]
pub(super) fn now() -> String {
    rfc3339(Timestamp::now())
}
