//! The command line: subcommands, options and the text of `--help`.

use std::path::PathBuf;

use clap::Parser;

use crate::commands::{sessions, simulate, store, users};

/// The login backend for WeChat mini programs.
#[derive(Parser)]
#[command(version, long_about = ABOUT, after_long_help = MORE)]
pub(crate) struct CommandLine {
    /// Folder of the settings files [default: `WEAPP_CONFIG_DIR`, or `config`].
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Subcommand>,
}

#[derive(clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Starts the server (the default).
    #[command(long_about = SERVE)]
    Serve,
    /// Simulates WeChat's servers, for tests of any backend; never for real users.
    #[command(after_long_help = SIMULATE)]
    Simulate(simulate::Arguments),
    /// Inspects the settings.
    #[command(subcommand)]
    Config(Config),
    /// Checks that a running server answers; for container health checks.
    #[command(long_about = HEALTHCHECK)]
    Healthcheck,
    /// Explains an error number of WeChat, or all of them.
    #[command(after_long_help = EXPLAIN)]
    Explain {
        /// The number, such as 40029, or words from its message.
        #[arg(allow_negative_numbers = true)]
        errcode: Option<String>,
        /// The language of the explanation [default: that of the locale].
        #[arg(long, value_name = "LANGUAGE", value_parser = ["en", "zh"])]
        lang: Option<String>,
    },
    /// Prints the OpenAPI 3.1 document of the API.
    #[command(after_long_help = OPENAPI)]
    Openapi {
        /// Prints the document of the admin API instead.
        #[arg(long)]
        admin: bool,
    },
    /// Lists, revokes and deletes stored sessions.
    #[command(subcommand, long_about = SESSIONS, after_long_help = SESSIONS_MORE)]
    Sessions(sessions::Command),
    /// Finds, blocks and deletes users.
    #[command(subcommand, long_about = USERS, after_long_help = USERS_MORE)]
    Users(users::Command),
    /// Backs up, migrates and copies the database.
    #[command(subcommand)]
    Store(store::Command),
}

#[derive(clap::Subcommand)]
pub(crate) enum Config {
    /// Checks the settings and prints each value with its origin; secrets are masked.
    #[command(long_about = CHECK)]
    Check,
}

const OPENAPI: &str = "\
The server serves the same document at /openapi.json, and none of the admin API. It depends on this version only: no settings are read.

Exit codes: 0, or 1 if standard output cannot be written.";

const ABOUT: &str = "\
The login backend for WeChat mini programs: it exchanges a code from wx.login for a session.

Without a subcommand it starts the server. In development and without an AppID it simulates WeChat, and needs neither
settings nor a network.";

const MORE: &str = "\
Examples:
  weapp-login                            serve on http://127.0.0.1:3000, with a simulated WeChat
  WEAPP_SERVER__PORT=8080 weapp-login    use another port
  weapp-login --config /etc/weapp-login  use the settings in that folder
  weapp-login config check               show the effective settings and the origin of each value
  weapp-login explain 40029              explain an error number of WeChat

Sources of the settings; later ones override earlier ones:
  1. the built-in defaults
  2. default.toml, development.toml or production.toml, and local.toml in the settings folder, if they exist
  3. WEAPP_… variables, with two underscores between the levels: WEAPP_STORE__URL sets `store.url`
     A secret can be read from a file: WEAPP_APPS__MAIN__APP_SECRET_FILE is the path of the file.

Other variables:
  WEAPP_PROFILE     development (the default) or production
  WEAPP_CONFIG_DIR  the settings folder, unless --config is given
  PORT              the port, unless WEAPP_SERVER__PORT is set
  NO_COLOR          if set and not empty, the access log has no colours

Exit codes:
  0  success
  1  failure: the server does not answer, the store or the network failed, or there is a bug
  2  something to fix, which the message names: an unknown option, a wrong setting, a port in use, or a database, user,
     session or error number that does not exist";

const SERVE: &str = "\
Serves until SIGTERM or Ctrl-C, then finishes the requests in flight. A second signal ends those too.

Exit codes: 0 after a signal; 1 on failure; 2 if a setting is wrong, the port is in use or the database cannot be opened.";

const SIMULATE: &str = "\
It reads no settings. It prints an AppID and an AppSecret for the backend, and a command that issues a login code.

Examples:
  weapp-login simulate                         serve on http://127.0.0.1:3100
  weapp-login simulate --port 0 --seed 7       use any free port, and other users, codes and keys
  weapp-login simulate --virtual-clock         the time stands still until it is moved
  weapp-login simulate --tls ~/wechat-ca       serve https://api.weixin.qq.com too, and print how to trust it

Exit codes: 0 after SIGTERM or Ctrl-C; 1 on failure; 2 if an option is wrong or the port is in use.";

const CHECK: &str = "\
Checks the settings that the server would start with and prints them as TOML: each key with its value and its origin.
Secrets are masked. The port and the database are not touched.

Exit codes: 0 if all settings are valid; 2 if not, with every problem and its fix on standard error.";

const HEALTHCHECK: &str = "\
Sends GET /livez to the server that the same settings would start. Each step may take 3 seconds.

Exit codes: 0 if the status is 200; 1 if it is another one or there is no answer; 2 if a setting is wrong.";

const EXPLAIN: &str = "\
Examples:
  weapp-login explain 40029
  weapp-login explain 'invalid ip'
  weapp-login explain               print the whole table
  weapp-login explain --lang zh     print it in Chinese

Exit codes: 0 if the number is in the table; 2 if not, with the nearest numbers that are.";

const USERS: &str = "\
Finds, blocks and deletes users in the database that `store.url` names, whether the server runs or not. The admin API does the
same: see docs/administration.md.";

const USERS_MORE: &str = "\
Examples:
  weapp-login users list --blocked
  weapp-login users show --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login users block --user 13b59f2d606a1ae73cc4cada73866b62 --reason spam

Exit codes: 0 on success; 1 if the database failed; 2 if a setting is wrong, or the database or user does not exist.";

const SESSIONS: &str = "\
Lists, revokes and deletes sessions in the database that `store.url` names, whether the server runs or not. A running
server rejects a revoked session from its next request on. Tokens are not shown: the database holds only their digests.";

const SESSIONS_MORE: &str = "\
Examples:
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions sweep

Exit codes: 0 on success, also if there was no session to revoke; 1 if the database failed; 2 if a setting is wrong, or
the database, user or session does not exist.";
