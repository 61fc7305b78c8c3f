//! The command line: the subcommands, their options, and what `--help` says about them.
//!
//! Knows the words. Never knows what a subcommand does with them.

use std::path::PathBuf;

use clap::Parser;
use clap_complete::Shell;

use crate::commands::{sessions, simulate};

/// The login backend for WeChat mini programs.
#[derive(Parser)]
#[command(version, long_about = ABOUT, after_long_help = MORE)]
pub(crate) struct CommandLine {
    /// The folder of the settings; `config` if neither this nor `WEAPP_CONFIG_DIR` says.
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(crate) command: Option<Subcommand>,
}

#[derive(clap::Subcommand)]
pub(crate) enum Subcommand {
    /// Serves (the default).
    #[command(long_about = SERVE)]
    Serve,
    /// Plays WeChat's servers, for the tests of any backend; never for real users.
    #[command(after_long_help = SIMULATE)]
    Simulate(simulate::Arguments),
    /// Looks at the configuration.
    #[command(subcommand)]
    Config(Config),
    /// Asks a running server whether it lives; for a container's health check.
    #[command(long_about = HEALTHCHECK)]
    Healthcheck,
    /// Explains one of WeChat's error numbers, or all of them.
    #[command(after_long_help = EXPLAIN)]
    Explain {
        /// The number, such as 40029, or words of its text.
        #[arg(allow_negative_numbers = true)]
        errcode: Option<String>,
    },
    /// Prints the API as an OpenAPI 3.1 document.
    #[command(after_long_help = OPENAPI)]
    Openapi,
    /// Lists, ends and sweeps out kept sessions.
    #[command(subcommand, long_about = SESSIONS, after_long_help = SESSIONS_MORE)]
    Sessions(sessions::Command),
    /// Prints a script that completes this command line in a shell.
    #[command(after_long_help = COMPLETIONS)]
    Completions {
        /// The shell that is to complete.
        shell: Shell,
    },
}

#[derive(clap::Subcommand)]
pub(crate) enum Config {
    /// Checks it and prints what is in force, where each value came from, and no secret.
    #[command(long_about = CHECK)]
    Check,
}

const OPENAPI: &str = "\
The same document is served at /openapi.json. It depends on this version alone: no settings are read.

Exit codes: 0, and 1 if standard output cannot be written.";

const ABOUT: &str = "\
The login backend for WeChat mini programs: a code from wx.login comes in, a session goes out.

Without a subcommand it serves. In development and without an AppID it simulates WeChat, and needs no settings and no
network.";

const MORE: &str = "\
Examples:
  weapp-login                            serve on http://127.0.0.1:3000, with a simulated WeChat
  WEAPP_SERVER__PORT=8080 weapp-login    on another port
  weapp-login --config /etc/weapp-login  with the settings in that folder
  weapp-login config check               see what is in force, and where each value came from
  weapp-login explain 40029              what an error number of WeChat's means, and what to do

What is read; the later wins:
  1. the defaults, which are built in
  2. default.toml, development.toml or production.toml, and local.toml in the folder of the settings, if they are there
  3. WEAPP_… variables, with two underlines between the levels: WEAPP_STORE__URL is `store.url`
     A secret may be in a file: WEAPP_APPS__MAIN__APP_SECRET_FILE names it.

Other variables:
  WEAPP_PROFILE     development (the default) or production
  WEAPP_CONFIG_DIR  the folder of the settings, if --config does not say
  PORT              the port, if WEAPP_SERVER__PORT does not say
  NO_COLOR          if not empty, the access log has no colours

Exit codes:
  0  it is done
  1  it failed: the server does not answer, the store or the network does not work, or there is a bug
  2  there is something to mend, and the message says what: an unknown option, a wrong setting, a port in use, or a
     database, user, session or error number that is not there";

const SERVE: &str = "\
Serves until SIGTERM or Ctrl-C; then requests in flight may finish, and a second signal ends those too.

Exit codes: 0 after a signal; 1 if it failed; 2 if a setting, the port or the database is to be mended.";

const SIMULATE: &str = "\
It reads no settings. It prints an AppID and an AppSecret for the backend, and an order that hands out a login code.

Examples:
  weapp-login simulate                         on http://127.0.0.1:3100
  weapp-login simulate --port 0 --seed 7       on any free port, with other users, codes and keys
  weapp-login simulate --virtual-clock         time stands still until it is moved

Exit codes: 0 after SIGTERM or Ctrl-C; 1 if it failed; 2 if an option or the port is to be mended.";

const CHECK: &str = "\
Checks the configuration that the server would start with, and prints it as TOML: every key with its value, and where
that came from. Secrets are masked. It touches neither the port nor the database.

Exit codes: 0 if all is sound; 2 if not, with every problem and what to do about it on standard error.";

const HEALTHCHECK: &str = "\
Asks GET /livez of the server that the same settings would start, and waits 3 seconds at most for each step.

Exit codes: 0 if it answers 200; 1 if it answers anything else or does not answer; 2 if a setting is to be mended.";

const EXPLAIN: &str = "\
Examples:
  weapp-login explain 40029
  weapp-login explain 'invalid ip'
  weapp-login explain               the whole table

Exit codes: 0 if it is in the table; 2 if not, with the nearest numbers that are.";

const SESSIONS: &str = "\
Lists, ends and sweeps out the sessions in the database that `store.url` names, beside a running server or without one.
A running server refuses a session that was ended here from its next request on. No token is ever shown: the database
has none.";

const SESSIONS_MORE: &str = "\
Examples:
  weapp-login sessions list --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions revoke --user 13b59f2d606a1ae73cc4cada73866b62
  weapp-login sessions sweep

Exit codes: 0 if it is done, also if there was nothing to end; 1 if the database failed; 2 if a setting is to be mended,
or if there is no such database, user or session.";

const COMPLETIONS: &str = "\
Examples:
  weapp-login completions bash > ~/.local/share/bash-completion/completions/weapp-login
  weapp-login completions fish > ~/.config/fish/completions/weapp-login.fish
  weapp-login completions zsh > ~/.zfunc/_weapp-login    with ~/.zfunc in $fpath";
