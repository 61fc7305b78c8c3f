//! `weapp-login users …`: finds, blocks and deletes users, whether the server runs or not.

mod conflicts;
mod help;
mod input;
mod options;
mod output;

use std::path::Path;
use std::sync::Arc;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use weapp_login::account::KeptPhoneNumbers;
use weapp_login::administration::{Administration, Error, MAX_PAGE, Reason, Search, UserDetails};
use weapp_login::identity::{OpenId, PhoneText, UnionId, UserId};
use weapp_login::pictures::Storage;
use weapp_login::session::{DataKeys, Session, User};
use weapp_login::settings::Settings;
use weapp_login::store::{Decision, Store};

use crate::commands::sessions::{format_sessions, parse_user_id};
use crate::commands::users::help::{
    APART, BLOCK, CONFLICTS, DELETE, LIST, MERGE, ONE_USER, REOPEN, SHOW,
};
use crate::commands::users::options::{Conflicts, Pair};
use crate::commands::users::output::{identity_lines, user_line, user_table};
use crate::commands::{Failure, configuration, existing_store, print, simulator};

/// The subcommands of `users`.
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Lists users, the newest first.
    #[command(after_long_help = LIST)]
    List(List),
    /// Shows a user and their active sessions.
    #[command(after_long_help = SHOW)]
    Show(Show),
    /// Blocks a user: ends all sessions and rejects each login.
    #[command(after_long_help = BLOCK)]
    Block(Block),
    /// Lets a blocked user log in again.
    #[command(after_long_help = ONE_USER)]
    Unblock(OneUser),
    /// Deletes a user with their profile and all sessions.
    #[command(after_long_help = DELETE)]
    Delete(OneUser),
    /// Lists the conflicts between users who are probably one person, the newest first.
    #[command(after_long_help = CONFLICTS)]
    Conflicts(Conflicts),
    /// Merges two users in conflict into the first one.
    #[command(after_long_help = MERGE)]
    Merge(Pair),
    /// Decides that two users in conflict stay apart.
    #[command(after_long_help = APART)]
    Apart(Pair),
    /// Opens a decided conflict again.
    #[command(after_long_help = REOPEN)]
    Reopen(Pair),
}

#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "one per option")]
pub(crate) struct List {
    /// Only users of this mini program: its name or AppID.
    #[arg(long, value_name = "NAME")]
    app: Option<String>,
    /// Only users whose nickname contains this text.
    #[arg(long, value_name = "TEXT", conflicts_with = "openid")]
    nickname: Option<String>,
    /// Only users whose first login was at this time or later, as in 2026-11-01T00:00:00Z.
    #[arg(long, value_name = "TIME", conflicts_with = "openid")]
    created_since: Option<Timestamp>,
    /// Only blocked users.
    #[arg(long, conflicts_with = "openid")]
    blocked: bool,
    /// Only the users with the openid on standard input.
    #[arg(long)]
    openid: bool,
    /// Only the users with the unionid on standard input.
    #[arg(long, conflicts_with_all = ["openid", "nickname", "created_since", "blocked"])]
    unionid: bool,
    /// Only the users who keep the phone number on standard input.
    #[arg(long, conflicts_with_all = ["app", "openid", "unionid", "nickname", "created_since", "blocked"])]
    phone_number: bool,
    /// Maximum number of users.
    #[arg(long, value_name = "NUMBER", default_value_t = 100)]
    limit: usize,
    /// Prints one JSON object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Show {
    #[command(flatten)]
    of: OneUser,
    /// Prints one JSON object per line.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub(crate) struct Block {
    #[command(flatten)]
    of: OneUser,
    /// The reason: at most 200 characters in one line.
    #[arg(long, value_name = "TEXT", value_parser = Reason::parse)]
    reason: Option<Reason>,
}

#[derive(Args)]
pub(crate) struct OneUser {
    /// User id, as returned by GET /session.
    #[arg(long, value_name = "ID", value_parser = parse_user_id)]
    user: UserId,
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
        let stored = StoredUsers::open(&settings).await?;
        let output = match command {
            Command::List(options) => stored.list(options).await,
            Command::Show(options) => stored.show(&options, now).await,
            Command::Block(options) => stored.block(options, now).await,
            Command::Unblock(options) => stored.unblock(options.user).await,
            Command::Delete(options) => stored.delete(options.user).await,
            Command::Conflicts(options) => stored.conflicts(&options).await,
            Command::Merge(pair) => stored.decide(pair, Some(Decision::Merged), now).await,
            Command::Apart(pair) => stored.decide(pair, Some(Decision::Apart), now).await,
            Command::Reopen(pair) => stored.decide(pair, None, now).await,
        };
        stored.store.close().await.map_err(Failure::internal)?;
        output
    })?;
    print(output.as_bytes())
}

/// The store and its users.
struct StoredUsers {
    database: String,
    store: Arc<dyn Store>,
    administration: Administration,
    phone_numbers: KeptPhoneNumbers,
}

impl StoredUsers {
    /// Opens the store, which must exist.
    async fn open(settings: &Settings) -> Result<Self, Failure> {
        let store = existing_store(settings).await?;
        let apps = Arc::new(simulator::apps(settings));
        let lifetimes = weapp_login::lifetimes(&settings.session);
        let pictures = Storage::configured(&settings.avatar);
        let keys = Arc::new(DataKeys::new(&settings.user.data_keys));
        let administration = Administration::new(Arc::clone(&store), apps, lifetimes)
            .with_pictures(pictures.map_err(Failure::configuration)?)
            .with_data_keys(Arc::clone(&keys))
            .disclosing_openids(settings.admin.disclose_openid);
        Ok(Self {
            database: settings.store.name().to_owned(),
            phone_numbers: KeptPhoneNumbers::new(Arc::clone(&store), keys, false),
            store,
            administration,
        })
    }

    async fn list(&self, options: List) -> Result<String, Failure> {
        let json = options.json;
        let users = if options.openid {
            let openid = OpenId::new(input::identifier("openid")?);
            let app = options.app.as_deref();
            let found = self.administration.find(&openid, app).await;
            found.map_err(Failure::internal)?
        } else if options.unionid {
            let unionid = UnionId::new(input::identifier("unionid")?);
            let app = options.app.as_deref();
            let found = self.administration.find_person(&unionid, app).await;
            found.map_err(Failure::internal)?
        } else if options.phone_number {
            let number = PhoneText::new(input::identifier("phone-number")?);
            let found = self.phone_numbers.users(&number).await;
            found.map_err(Failure::internal)?
        } else {
            self.search(options).await?
        };
        Ok(if json {
            users
                .iter()
                .map(|user| user_line(user, &self.administration))
                .collect()
        } else {
            user_table(&users)
        })
    }

    /// Reads pages until there are enough users.
    async fn search(&self, options: List) -> Result<Vec<User>, Failure> {
        let mut search = Search {
            app: options.app,
            nickname: options.nickname,
            created_since: options.created_since,
            blocked: options.blocked,
            after: None,
            limit: MAX_PAGE,
        };
        let mut users = Vec::new();
        loop {
            let page = self.administration.list(search.clone()).await;
            let page = page.map_err(Failure::internal)?;
            users.extend(page.users);
            search.after = page.next;
            if page.next.is_none() || users.len() >= options.limit {
                users.truncate(options.limit);
                return Ok(users);
            }
        }
    }

    async fn show(&self, options: &Show, now: Timestamp) -> Result<String, Failure> {
        let shown = self.administration.show(options.of.user, now).await;
        let UserDetails {
            user,
            sessions,
            identities,
            conflicts,
        } = shown.map_err(|error| self.failure(options.of.user, error))?;
        let ends_at = |session: &Session| self.administration.ends_at(session);
        let sessions = format_sessions(&sessions, ends_at, options.json);
        if options.json {
            return Ok(user_line(&user, &self.administration) + &sessions);
        }
        let block = user.block.as_ref().map_or_else(String::new, |block| {
            let reason = block.reason.as_deref().unwrap_or("no reason was given");
            format!("blocked since {:.0}: {reason}\n", block.at)
        });
        let people = identity_lines(&identities, &conflicts);
        Ok(user_table(&[user]) + &block + &people + "\n" + &sessions)
    }

    async fn block(&self, options: Block, now: Timestamp) -> Result<String, Failure> {
        let user = options.of.user;
        let blocked = self.administration.block(user, options.reason, now).await;
        match blocked.map_err(|error| self.failure(user, error))? {
            1 => Ok("blocked the user and ended 1 session\n".to_owned()),
            ended => Ok(format!("blocked the user and ended {ended} sessions\n")),
        }
    }

    async fn unblock(&self, user: UserId) -> Result<String, Failure> {
        let unblocked = self.administration.unblock(user).await;
        unblocked.map_err(|error| self.failure(user, error))?;
        Ok("unblocked the user\n".to_owned())
    }

    async fn delete(&self, user: UserId) -> Result<String, Failure> {
        let deleted = self.administration.delete(user).await;
        deleted.map_err(|error| self.failure(user, error))?;
        Ok("deleted the user\n".to_owned())
    }

    fn failure(&self, user: UserId, error: Error) -> Failure {
        match error {
            Error::UserUnknown => Failure::message(format!(
                "user `{user}` does not exist in the database `{}`\n  \
                 hint: `users list` prints the ids, and `users show` finds a merged user by the earlier id; \
                 use the settings of the server",
                self.database
            )),
            Error::Store(_)
            | Error::Pictures(_)
            | Error::SessionUnknown
            | Error::ConflictUnknown
            | Error::ConflictBlocked
            | Error::ConflictHasLaterMerge => Failure::internal(error),
        }
    }
}
