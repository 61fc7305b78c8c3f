//! `weapp-login completions bash`: a script by which a shell completes the command line.
//!
//! Never knows the subcommands: the command line describes itself.

use clap::CommandFactory as _;
use clap_complete::{Shell, generate};

use crate::commands::command_line::CommandLine;
use crate::commands::{Failure, print};

/// Prints the script.
pub(crate) fn run(shell: Shell) -> Result<(), Failure> {
    let mut command = CommandLine::command();
    let name = command.get_name().to_owned();
    let mut script = Vec::new();
    generate(shell, &mut command, name, &mut script);
    print(&script)
}
