//! The limits of the server's connections: their number, which fits below the descriptor limit, and their times and sizes.

use std::time::Duration;

use actix_guarded_server::Limits;
use weapp_login::settings::{Server, Settings};

/// Descriptors that are not connections of clients: the database, the log, listeners, and calls to WeChat. Our choice.
const RESERVED_DESCRIPTORS: usize = 128;

/// Time after `json.body_timeout_seconds` in which the server's own reply is written. After it, a body that is too slow is cut off.
const AFTER_BODY_TIMEOUT: Duration = Duration::from_secs(2);

/// Memory for bodies that have not arrived completely, and the minimum number of them. Our choice.
const BODY_MEMORY: usize = 4 * 1024 * 1024;
const MIN_LARGE_BODIES: usize = 8;

/// Returns the limits of each connection.
pub(crate) fn limits(settings: &Settings) -> Limits {
    let mut limits = Limits::default();
    limits.keep_alive = settings.server.keep_alive();
    limits.body_window = settings.json.body_timeout() + AFTER_BODY_TIMEOUT;
    let bodies = BODY_MEMORY.checked_div(settings.json.limit);
    limits.large_requests = bodies.unwrap_or_default().max(MIN_LARGE_BODIES);
    limits
}

/// Returns the maximum number of connections of each worker. It raises the descriptor limit as far as the system allows, and stays
/// below it.
pub(crate) fn per_worker(server: &Server) -> usize {
    let wanted = usize::try_from(server.max_connections).unwrap_or(usize::MAX);
    let descriptors = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(descriptors) => usize::try_from(descriptors).unwrap_or(usize::MAX),
        Err(error) => {
            log::warn!("could not read or raise the limit of open files: {error}");
            usize::MAX
        }
    };
    let possible = descriptors.saturating_sub(RESERVED_DESCRIPTORS).max(1);
    if possible < wanted {
        log::warn!(
            "only {possible} of `server.max_connections` = {wanted} connections are accepted at a time, because the process may \
             open only {descriptors} files: raise LimitNOFILE= of the unit, `ulimit -Hn` or `docker run --ulimit nofile=`"
        );
    }
    wanted.min(possible).div_ceil(server.worker_count())
}
