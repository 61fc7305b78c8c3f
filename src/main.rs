//! The process: which subcommand runs, and how its failure looks.
//!
//! Knows the subcommands. Never knows a header, SQL or a word of WeChat's.

mod commands;

use std::process::ExitCode;

use clap::Parser as _;
use mimalloc::MiMalloc;

use commands::command_line::{CommandLine, Config, Subcommand};
use commands::{check_config, explain, healthcheck, openapi, serve, sessions, simulate};

#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let CommandLine { config, command } = CommandLine::parse();
    let folder = config.as_deref();
    let done = match command.unwrap_or(Subcommand::Serve) {
        Subcommand::Serve => serve::run(folder),
        Subcommand::Healthcheck => healthcheck::run(folder),
        Subcommand::Config(Config::Check) => check_config::run(folder),
        Subcommand::Sessions(command) => sessions::run(command, folder),
        Subcommand::Openapi => openapi::run(),
        Subcommand::Explain { errcode } => explain::run(errcode.as_deref()),
        Subcommand::Simulate(arguments) => simulate::run(arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}
