//! The control API under `/simulator`: everything that the Rust API offers, as JSON over HTTP.

mod apps;
mod faults;
mod messages;
mod push;
mod request;
mod simulation;
mod users;

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

pub(crate) use crate::control::request::{Command, is_control_path};
use crate::control::request::{ControlError, ControlRequest};
use crate::guard::Guard;
use crate::reply::Reply;
use crate::state::Shared;

/// The control API of a running simulator, for a server that offers it on a port of its own. Apply a
/// [`Guard`] before you call it: the commands log in everyone.
#[derive(Clone)]
pub struct Commands(pub(crate) Arc<Shared>);

/// The reply to a command.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct CommandReply {
    /// The HTTP status.
    pub status: u16,
    /// The `Allow` header, with status 405.
    pub allow: Option<String>,
    /// A JSON object.
    pub body: Vec<u8>,
}

impl Commands {
    /// Executes the command that a request to `/simulator` or a path under it gives. Path and query are percent-encoded.
    pub async fn execute(
        &self,
        method: &str,
        path: &str,
        query: &str,
        body: &[u8],
    ) -> CommandReply {
        let command = Command {
            method,
            path,
            query,
            body: Some(body),
        };
        let reply = respond(&self.0, &command).await;
        let allow = reply.headers.into_iter().find(|(name, _)| *name == "allow");
        CommandReply {
            status: reply.status,
            allow: allow.map(|(_, value)| value),
            body: reply.body,
        }
    }
}

/// Omits the state, which has secrets.
impl fmt::Debug for Commands {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commands").finish_non_exhaustive()
    }
}

/// Processes a request, unless its headers show that it comes from a foreign web page.
pub(crate) async fn respond_to_browser<'a>(
    shared: &Arc<Shared>,
    headers: impl Iterator<Item = (&'a str, &'a [u8])>,
    command: &Command<'_>,
) -> Reply {
    let guard = Guard::new(&shared.lock().options.allowed_hosts);
    match guard.check(headers) {
        Ok(()) => respond(shared, command).await,
        Err(foreign) => ControlError::foreign(foreign).reply(),
    }
}

async fn respond(shared: &Arc<Shared>, command: &Command<'_>) -> Reply {
    let result = match ControlRequest::new(shared, command) {
        Ok(request) if request.segments == ["push"] => push::push(&request).await,
        request => request.and_then(|request| dispatch(&request)),
    };
    match result {
        Ok(reply) => Reply::json(200, &reply),
        Err(error) => error.reply(),
    }
}

fn dispatch(request: &ControlRequest<'_>) -> Result<Value, ControlError> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        [] => simulation::overview(request),
        ["apps"] => apps::apps(request),
        ["apps", app_id, "invalidate-access-tokens"] => {
            apps::invalidate_access_tokens(request, app_id)
        }
        ["clock"] => simulation::clock(request),
        ["codes"] => simulation::codes(request),
        ["component"] => apps::component(request),
        ["faults"] => faults::faults(request),
        ["limits"] => faults::limits(request),
        ["messages"] => messages::messages(request),
        ["requests"] => simulation::requests(request),
        ["reset"] => simulation::reset(request),
        ["session-keys"] => simulation::session_keys(request),
        ["state"] => simulation::state(request),
        ["templates"] => messages::templates(request),
        ["users"] => users::users(request),
        ["users", name] => users::user(request, name),
        ["users", name, "encrypted-data"] => users::encrypted_data(request, name),
        [
            "users",
            name,
            item @ ("login-code" | "phone-code" | "plugin-code" | "encrypt-key" | "payments"
            | "subscriptions" | "messages"),
        ] => users::create(request, name, item),
        ["words"] => messages::words(request),
        _ => Err(request.path_not_found()),
    }
}
