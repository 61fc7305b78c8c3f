//! `weapp-login sessions …`: lists, revokes and deletes stored sessions, whether the server runs or not.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use weapp_login::apps::Apps;
use weapp_login::identity::UserId;
use weapp_login::session::{Lifetimes, ProfileChange, Session, SessionId};
use weapp_login::sessions::{Sessions, SweepOutcome};
use weapp_login::settings::Settings;
use weapp_login::store::{Revocation, Store};
use weapp_login::time::rfc3339;

use crate::commands::{Failure, configuration, existing_store, print};

/// The subcommands of `sessions`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the active sessions of a user, the latest login first.
    #[command(after_long_help = LIST)]
    List(List),
    /// Revokes one session or all sessions of a user, and prints their number.
    #[command(after_long_help = REVOKE)]
    Revoke(Revoke),
    /// Deletes expired sessions and prints their number.
    #[command(long_about = SWEEP)]
    Sweep,
}

const LIST: &str = "\
Each line has the session id, the AppID, the time of the login, the time of the last use (to the hour), the time at which
the session expires if it is not used again, and the device. With --json the fields are id, app, device, created_at,
last_seen and ends_at. Expired sessions are not listed.

Examples:
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62 --json | jq -r .device

Exit codes: 0 if the user exists, with or without sessions; 1 if the database failed; 2 if the user or the database does
not exist, or a setting is wrong.";

const REVOKE: &str = "\
A running server rejects a revoked session from its next request on. The user can log in again: this is not a ban.

Examples:
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62 --session 5d0c8f3d0c1b4a7e9a2f6b8c7d1e0f32

Exit codes: 0 on success, also if there was no session to revoke; 1 if the database failed; 2 if the user, the session or
the database does not exist, or a setting is wrong.";

const SWEEP: &str = "\
Deletes the sessions that expired more than a day ago and prints their number. A running server does the same every ten
minutes, and rejects expired sessions whether they were deleted or not. If the clock differs by more than a day from the
last time at which the server deleted sessions, nothing is deleted until the server has run for a day.

Exit codes: 0 on success; 1 if the database failed; 2 if the database does not exist, or a setting is wrong.";

#[derive(Args)]
pub(crate) struct List {
    /// User id, as returned by GET /session.
    #[arg(long, value_name = "ID", value_parser = parse_user_id)]
    user: UserId,
    /// Prints one JSON object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// User id, as returned by GET /session.
    #[arg(long, value_name = "ID", value_parser = parse_user_id)]
    user: UserId,
    /// Id of the session to revoke, as printed by `sessions list`; without it, all sessions of the user.
    #[arg(long, value_name = "ID", value_parser = parse_session_id)]
    session: Option<SessionId>,
}

/// Runs the subcommand on the store that the settings name.
#[expect(
    clippy::disallowed_methods,
    reason = "a command has no request that brings the time"
)]
pub(crate) fn run(command: Command, folder: Option<&Path>) -> Result<(), Failure> {
    let settings = configuration(folder)?.settings;
    let now = Timestamp::now();
    let output = actix_rt::System::new().block_on(async {
        let stored = StoredSessions::open(&settings).await?;
        let output = match command {
            Command::List(options) => stored.list(&options, now).await,
            Command::Revoke(options) => stored.revoke(&options, now).await,
            Command::Sweep => stored.sweep(now).await,
        };
        stored.store.close().await.map_err(Failure::internal)?;
        output
    })?;
    print(output.as_bytes())
}

/// The store, and the lifetimes that decide whether its sessions have expired.
struct StoredSessions {
    database: String,
    store: Arc<dyn Store>,
    lifetimes: Lifetimes,
}

/// A session in JSON. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    app: &'a str,
    device: &'a str,
    created_at: String,
    last_seen: String,
    /// Time at which it expires if it is not used again.
    ends_at: String,
}

impl StoredSessions {
    /// Opens the store, which must exist.
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        Ok(Self {
            database: settings.store.name().to_owned(),
            store: existing_store(settings).await?,
            lifetimes: weapp_login::lifetimes(&settings.session),
        })
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(
            Arc::clone(&self.store),
            Arc::new(Apps::default()),
            self.lifetimes,
        )
    }

    async fn list(&self, options: &List, now: Timestamp) -> Result<String, Failure> {
        let sessions = self.sessions().list(options.user, now).await;
        let sessions = sessions.map_err(Failure::internal)?;
        if sessions.is_empty() {
            self.require_user(options.user).await?;
        }
        let ends_at = |session: &Session| session.ends_at(&self.lifetimes);
        Ok(format_sessions(&sessions, ends_at, options.json))
    }

    async fn revoke(&self, options: &Revoke, now: Timestamp) -> Result<String, Failure> {
        let user = options.user;
        let sessions = self.store.sessions_of(user).await;
        let mut expired = sessions.map_err(Failure::internal)?;
        if expired.is_empty() {
            self.require_user(user).await?;
        }
        expired.retain(|session| session.is_expired(&self.lifetimes, now));
        let revocation = match options.session {
            Some(id) => Revocation::Id(user, id),
            None => Revocation::AllOf(user),
        };
        let revoked = self
            .store
            .revoke(revocation)
            .await
            .map_err(Failure::internal)?;
        // Expired sessions are deleted too, but do not count as revoked.
        expired.retain(|session| options.session.is_none_or(|id| id == session.id));
        match (revoked.saturating_sub(expired.len()), options.session) {
            (0, Some(id)) => Err(Failure::message(format!(
                "user `{user}` has no active session `{id}`\n  hint: `sessions list --user {user}` prints the active ones"
            ))),
            (1, _) => Ok("revoked 1 session\n".to_owned()),
            (revoked, _) => Ok(format!("revoked {revoked} sessions\n")),
        }
    }

    async fn sweep(&self, now: Timestamp) -> Result<String, Failure> {
        match self.sessions().sweep(now).await {
            Ok(SweepOutcome::Deleted(1)) => Ok("deleted 1 expired session\n".to_owned()),
            Ok(SweepOutcome::Deleted(swept)) => Ok(format!("deleted {swept} expired sessions\n")),
            Ok(SweepOutcome::ClockImplausible { plausible }) => Ok(format!(
                "deleted 0 expired sessions, because the clock jumped to {now:.0} from {plausible:.0}\n  \
                 hint: correct the clock; if it is right, expired sessions are deleted when the server has run for a day\n"
            )),
            Err(error) => Err(Failure::internal(error)),
        }
    }

    /// Fails if the user does not exist. An empty change of the profile returns `None` then.
    async fn require_user(&self, user: UserId) -> Result<(), Failure> {
        let known = self.store.change_profile(user, ProfileChange::default());
        match known.await.map_err(Failure::internal)? {
            Some(_) => Ok(()),
            None => Err(Failure::message(format!(
                "user `{user}` does not exist in the database `{}`\n  \
                 hint: use the id that GET /session returns as user.id, and the settings of the server; `users show` finds a merged \
                 user by the earlier id",
                self.database
            ))),
        }
    }
}

/// Formats sessions as lines of JSON or as a table. `ends_at` returns the time at which one expires if it is not used again.
pub(super) fn format_sessions(
    sessions: &[Session],
    ends_at: impl Fn(&Session) -> Timestamp,
    json: bool,
) -> String {
    let each = sessions.iter().map(|session| (session, ends_at(session)));
    if json {
        return each.map(|(session, end)| line(session, end)).collect();
    }
    if sessions.is_empty() {
        return "no active sessions\n".to_owned();
    }
    let heads = ["session", "app", "created", "last seen", "ends", "device"];
    let rows = each.map(|(session, end)| {
        let (id, app) = (session.id.to_string(), session.app.as_str());
        let [created, seen, end] =
            [session.created_at, session.last_seen, end].map(|time| format!("{time:.0}"));
        row([&id, app, &created, &seen, &end, session.device.as_str()])
    });
    std::iter::once(row(heads)).chain(rows).collect()
}

fn line(session: &Session, ends_at: Timestamp) -> String {
    let line = Line {
        id: session.id.to_string(),
        app: session.app.as_str(),
        device: session.device.as_str(),
        created_at: rfc3339(session.created_at),
        last_seen: rfc3339(session.last_seen),
        ends_at: rfc3339(ends_at),
    };
    // A struct of strings always serializes.
    serde_json::to_string(&line).unwrap_or_default() + "\n"
}

/// Formats a row of the table. All columns except the last have a fixed width.
fn row([session, app, created, last_seen, ends, device]: [&str; 6]) -> String {
    format!("{session:<32}  {app:<18}  {created:<20}  {last_seen:<20}  {ends:<20}  {device}\n")
}

pub(super) fn parse_user_id(text: &str) -> Result<UserId, &'static str> {
    UserId::parse(text)
        .ok_or("an id has 32 lower-case hexadecimal digits, as returned by GET /session")
}

fn parse_session_id(text: &str) -> Result<SessionId, &'static str> {
    let hint = "an id has 32 lower-case hexadecimal digits, as printed by `sessions list`";
    SessionId::parse(text).ok_or(hint)
}
