//! `weapp-login sessions …`: the kept sessions, looked at and ended beside a running server, or without one.
//!
//! Knows the options, and what a person or a machine reads. Never knows a token, or how sessions are kept.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;
use weapp_login::apps::Apps;
use weapp_login::identity::UserId;
use weapp_login::session::{Lifetimes, ProfileChange, Session, SessionId};
use weapp_login::sessions::Sessions;
use weapp_login::settings::Settings;
use weapp_login::store::{self, Revocation, Store};

use crate::commands::{Failure, configuration, print};

/// What to do with kept sessions.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists the live sessions of a user, the latest login first.
    #[command(after_long_help = LIST)]
    List(List),
    /// Ends one or all of a user's sessions, and says how many that were.
    #[command(after_long_help = REVOKE)]
    Revoke(Revoke),
    /// Removes the sessions that are over, and says how many that were.
    #[command(long_about = SWEEP)]
    Sweep,
}

const LIST: &str = "\
A line has the session's id, the AppID, the times of the login, of the last use (to the hour) and of the end if it is not
used again, and the device. With --json: id, app, device, created_at, last_seen and ends_at. What is over is left out.

Examples:
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62 --json | jq -r .device

Exit codes: 0 if there is such a user, with or without sessions; 1 if the database failed; 2 if there is no such user or
database, or a setting is to be mended.";

const REVOKE: &str = "\
A running server refuses an ended session from its next request on. The user may log in again: this is no ban.

Examples:
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62 --session 5d0c8f3d0c1b4a7e9a2f6b8c7d1e0f32

Exit codes: 0 if they are ended, also if there were none; 1 if the database failed; 2 if there is no such user, live
session or database, or a setting is to be mended.";

const SWEEP: &str = "\
Removes the sessions that are over, and says how many that were. A running server does so every ten minutes by itself, and
answers no session that is over, swept or not.

Exit codes: 0 if it is done; 1 if the database failed; 2 if there is no database, or a setting is to be mended.";

#[derive(Args)]
pub(crate) struct List {
    /// The user's id, as GET /session shows it.
    #[arg(long, value_name = "ID", value_parser = user_id)]
    user: UserId,
    /// Prints one JSON object per line, for machines.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Revoke {
    /// The user's id, as GET /session shows it.
    #[arg(long, value_name = "ID", value_parser = user_id)]
    user: UserId,
    /// The one session to end, by the id that `sessions list` shows; all of them otherwise.
    #[arg(long, value_name = "ID", value_parser = session_id)]
    session: Option<SessionId>,
}

/// Does it in the store of the settings.
#[expect(
    clippy::disallowed_methods,
    reason = "the command is its own occasion, no request brings a time"
)]
pub(crate) fn run(command: Command, folder: Option<&Path>) -> Result<(), Failure> {
    let settings = configuration(folder)?.settings;
    let now = Timestamp::now();
    let said = actix_rt::System::new().block_on(async {
        let kept = Kept::open(&settings).await?;
        let said = match command {
            Command::List(asked) => kept.list(&asked, now).await,
            Command::Revoke(asked) => kept.revoke(&asked, now).await,
            Command::Sweep => kept.sweep(now).await,
        };
        kept.store.close().await.map_err(|error| failed(&error))?;
        said
    })?;
    print(said.as_bytes())
}

/// The store, and by what is in it is over.
struct Kept {
    database: String,
    store: Arc<dyn Store>,
    lifetimes: Lifetimes,
}

/// A session as a line for machines. All times are RFC 3339, in UTC, to the millisecond.
#[derive(Serialize)]
struct Line<'a> {
    id: String,
    app: &'a str,
    device: &'a str,
    created_at: String,
    last_seen: String,
    /// When it ends if it is not used again.
    ends_at: String,
}

impl Kept {
    /// Opens the store, which must be there: a new one would only hide that the settings are not the server's.
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let file = settings.store.file();
        let database = file.display().to_string();
        if fs::metadata(file).is_ok_and(|file| file.len() > 0) {
            let store = store::open(&settings.store.url).await;
            return Ok(Self {
                database,
                store: store.map_err(|error| Failure::to_mend(&error))?,
                lifetimes: weapp_login::lifetimes(&settings.session),
            });
        }
        Err(Failure::message(format!(
            "there is no database `{database}`\n  \
             hint: use the settings of the server, and its working folder if `store.url` is relative: config check shows them"
        )))
    }

    fn sessions(&self) -> Sessions {
        Sessions::new(
            Arc::clone(&self.store),
            Arc::new(Apps::default()),
            self.lifetimes,
        )
    }

    async fn list(&self, asked: &List, now: Timestamp) -> Result<String, Failure> {
        let sessions = self.sessions().list(asked.user, now).await;
        let sessions = sessions.map_err(|error| Failure::of_ours(&error))?;
        if sessions.is_empty() {
            self.must_know(asked.user).await?;
        }
        Ok(if asked.json {
            let lines = sessions.iter().map(|session| self.line(session));
            lines.collect()
        } else {
            self.table(&sessions)
        })
    }

    async fn revoke(&self, asked: &Revoke, now: Timestamp) -> Result<String, Failure> {
        let user = asked.user;
        let sessions = self.store.sessions_of(user).await;
        let mut over = sessions.map_err(|error| failed(&error))?;
        if over.is_empty() {
            self.must_know(user).await?;
        }
        over.retain(|session| session.is_expired(&self.lifetimes, now));
        let revocation = match asked.session {
            Some(id) => Revocation::Id(user, id),
            None => Revocation::AllOf(user),
        };
        let ended = self
            .store
            .revoke(revocation)
            .await
            .map_err(|error| failed(&error))?;
        // Those that were over go along, and ended before.
        over.retain(|session| asked.session.is_none_or(|id| id == session.id));
        match (ended.saturating_sub(over.len()), asked.session) {
            (0, Some(id)) => Err(Failure::message(format!(
                "user `{user}` has no live session `{id}`\n  hint: see which there are with: sessions list --user {user}"
            ))),
            (1, _) => Ok("ended 1 session\n".to_owned()),
            (ended, _) => Ok(format!("ended {ended} sessions\n")),
        }
    }

    async fn sweep(&self, now: Timestamp) -> Result<String, Failure> {
        match self.sessions().sweep(now).await {
            Ok(1) => Ok("swept out 1 session that was over\n".to_owned()),
            Ok(swept) => Ok(format!("swept out {swept} sessions that were over\n")),
            Err(error) => Err(Failure::of_ours(&error)),
        }
    }

    /// Fails if there is no such user. Changing nothing in a profile is how the store tells.
    async fn must_know(&self, user: UserId) -> Result<(), Failure> {
        let known = self.store.change_profile(user, ProfileChange::default());
        match known.await.map_err(|error| failed(&error))? {
            Some(_) => Ok(()),
            None => Err(Failure::message(format!(
                "there is no user `{user}` in the database `{}`\n  \
                 hint: use the id that GET /session shows as user.id, and the server's settings",
                self.database
            ))),
        }
    }

    /// A line for machines.
    fn line(&self, session: &Session) -> String {
        let time = |time: Timestamp| format!("{time:.3}");
        let line = Line {
            id: session.id.to_string(),
            app: session.app.as_str(),
            device: session.device.as_str(),
            created_at: time(session.created_at),
            last_seen: time(session.last_seen),
            ends_at: time(session.ends_at(&self.lifetimes)),
        };
        // Texts always become JSON.
        serde_json::to_string(&line).unwrap_or_default() + "\n"
    }

    /// The lines for people.
    fn table(&self, sessions: &[Session]) -> String {
        if sessions.is_empty() {
            return "no live sessions\n".to_owned();
        }
        let heads = ["session", "app", "created", "last seen", "ends", "device"];
        let rows = sessions.iter().map(|session| {
            let (id, app) = (session.id.to_string(), session.app.as_str());
            let ends = session.ends_at(&self.lifetimes);
            let [created, seen, ends] =
                [session.created_at, session.last_seen, ends].map(|time| format!("{time:.0}"));
            row([&id, app, &created, &seen, &ends, session.device.as_str()])
        });
        std::iter::once(row(heads)).chain(rows).collect()
    }
}

fn failed(error: &store::Error) -> Failure {
    Failure::of_ours(error)
}

/// Columns of a fixed width, but for the last.
fn row([session, app, created, last_seen, ends, device]: [&str; 6]) -> String {
    format!("{session:<32}  {app:<18}  {created:<20}  {last_seen:<20}  {ends:<20}  {device}\n")
}

fn user_id(text: &str) -> Result<UserId, &'static str> {
    UserId::parse(text)
        .ok_or("an id has 32 lower-case hexadecimal digits, as GET /session shows it")
}

fn session_id(text: &str) -> Result<SessionId, &'static str> {
    let hint = "an id has 32 lower-case hexadecimal digits, as `sessions list` shows it";
    SessionId::parse(text).ok_or(hint)
}
