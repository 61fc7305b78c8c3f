//! Identifiers on standard input, where no list of processes and no history of a shell shows them.

use std::io;

use crate::commands::Failure;

/// Reads an identifier. `option` is the one that asks for it.
pub(super) fn identifier(option: &str) -> Result<String, Failure> {
    let mut line = String::new();
    let read = io::stdin().read_line(&mut line);
    read.map_err(Failure::internal)?;
    let identifier = line.trim();
    if identifier.is_empty() {
        return Err(Failure::message(format!(
            "there is no {option} on standard input\n  hint: write it to a file, and use `users list --{option} < FILE`"
        )));
    }
    Ok(identifier.to_owned())
}
