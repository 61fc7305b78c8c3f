//! The process: which subcommand runs, and how its failure looks.
//!
//! Knows the subcommands. Never knows a header, SQL or a word of WeChat's.

mod commands;

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use commands::{check_config, explain, healthcheck, serve, simulate};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The login backend for WeChat mini programs.
///
/// Without a subcommand it serves, configured by config/*.toml and WEAPP_… variables.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Serves (the default).
    Serve,
    /// Asks a running server whether it lives; for a container's health check.
    Healthcheck,
    /// Explains one of WeChat's error numbers, or all of them.
    Explain {
        /// The number, such as 40029, or words of its text.
        #[arg(allow_negative_numbers = true)]
        errcode: Option<String>,
    },
    /// Plays WeChat's servers, for the tests of any backend; never for real users.
    Simulate(simulate::Arguments),
    /// Looks at the configuration.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
}

#[derive(Subcommand)]
enum ConfigCommand {
    /// Checks it and prints what is in force, where each value came from, and no secret.
    Check,
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command.unwrap_or(Command::Serve) {
        Command::Serve => serve::run(),
        Command::Healthcheck => healthcheck::run(),
        Command::Explain { errcode } => explain::run(errcode.as_deref()),
        Command::Simulate(arguments) => simulate::run(arguments),
        Command::Config {
            command: ConfigCommand::Check,
        } => check_config::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.tell(),
    }
}
