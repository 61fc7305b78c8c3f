//! The command line: help, exit codes, the settings folder, and closed pipes.

use std::fs;
use std::io;
use std::path::Path;
use std::process::{Output, Stdio};

use crate::harness::Folder;
use crate::server::{command, run};

/// All subcommands, each with a text that its help contains.
const SUBCOMMANDS: [(&[&str], &str); 19] = [
    (&["serve"], "SIGTERM"),
    (&["simulate"], "login code"),
    (&["config"], "check"),
    (&["config", "check"], "standard error"),
    (&["healthcheck"], "/livez"),
    (&["explain"], "40029"),
    (&["sessions"], "store.url"),
    (&["sessions", "list"], "--json"),
    (&["sessions", "revoke"], "--session"),
    (&["sessions", "sweep"], "more than a day ago"),
    (&["users"], "store.url"),
    (&["users", "list"], "--openid"),
    (&["users", "show"], "--json"),
    (&["users", "block"], "--reason"),
    (&["users", "unblock"], "--user"),
    (&["users", "delete"], "A block is deleted too"),
    (&["store"], "backup"),
    (&["store", "backup"], "restore"),
    (&["openapi"], "/openapi.json"),
];

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[track_caller]
fn check(output: &Output, code: i32, part: &str) {
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{stdout}{stderr}");
    assert!(
        stdout.contains(part) || stderr.contains(part),
        "no `{part}` in:\n{stdout}{stderr}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}

#[test]
fn help_documents_subcommands_settings_and_exit_codes() {
    let folder = Folder::new();
    let help = run(&folder, &[], &["--help"]);
    for part in [
        "Examples:",
        "WEAPP_CONFIG_DIR",
        "WEAPP_PROFILE",
        "PORT",
        "NO_COLOR",
        "Exit codes:\n  0 ",
        "\n  1 ",
        "\n  2 ",
    ] {
        check(&help, 0, part);
    }
    for (path, part) in SUBCOMMANDS {
        check(&help, 0, path[0]);
        let arguments: Vec<&str> = path.iter().copied().chain(["--help"]).collect();
        check(&run(&folder, &[], &arguments), 0, part);
    }
    let summary = text(&run(&folder, &[], &["-h"]).stdout);
    assert!(summary.lines().count() < 25, "{summary}");
}

#[test]
fn every_subcommand_is_documented() {
    let help = text(&run(&Folder::new(), &[], &["-h"]).stdout);
    let (_, listed) = help.split_once("Commands:\n").unwrap();
    let listed = listed.lines().take_while(|line| !line.is_empty());
    for name in listed.filter_map(|line| line.split_whitespace().next()) {
        let known = SUBCOMMANDS.iter().any(|(path, _)| path[0] == name);
        assert!(known || name == "help", "`{name}` has no row in this file");
    }
    for page in ["docs/operations.md", "docs/zh/operations.md"] {
        let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(page));
        let page = page.unwrap();
        for path in SUBCOMMANDS.map(|(path, _)| path.join(" ")) {
            assert!(page.contains(&format!("| `{path}")), "{path}");
        }
    }
}

#[test]
fn unknown_arguments_are_rejected_with_exit_code_2() {
    let folder = Folder::new();
    for (arguments, part) in [
        (&["serv"][..], "serve"),
        (&["--confg", "x"], "--config"),
        (&["sessions"], "revoke"),
        (&["sessions", "list"], "--user <ID>"),
        (&["sessions", "list", "--user", "mei"], "32 lower-case"),
        (&["explain", "40030"], "40029"),
        (&["config", "check", "--config", "nowhere"], "`nowhere`"),
        (&["--config", "nowhere"], "hint: "),
    ] {
        check(&run(&folder, &[], arguments), 2, part);
    }
    let database = folder.path().join("data");
    assert!(!database.exists(), "no server was started");
}

#[test]
fn the_option_for_the_folder_overrides_the_variable() {
    let folder = Folder::new();
    for (name, port) in [("config", 1001), ("variable", 1002), ("option", 1003)] {
        fs::create_dir(folder.path().join(name)).unwrap();
        let file = folder.path().join(name).join("local.toml");
        fs::write(file, format!("[server]\nport = {port}\n")).unwrap();
    }
    let variable = [("WEAPP_CONFIG_DIR", "variable")];
    let asked = ["config", "check"];
    check(&run(&folder, &[], &asked), 0, "port = 1001");
    check(&run(&folder, &variable, &asked), 0, "port = 1002");
    let before = ["--config", "option", "config", "check"];
    check(&run(&folder, &variable, &before), 0, "port = 1003");
    let behind = ["config", "check", "--config=option"];
    check(&run(&folder, &variable, &behind), 0, "port = 1003");
    // The variable is not even read.
    let wrong = [("WEAPP_CONFIG_DIR", "nowhere")];
    check(&run(&folder, &wrong, &before), 0, "port = 1003");
    check(&run(&folder, &wrong, &asked), 2, "WEAPP_CONFIG_DIR");
}

#[test]
fn a_closed_pipe_is_not_an_error() {
    let folder = Folder::new();
    for arguments in [&["--help"][..], &["config", "check"], &["explain"]] {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let output = command(&folder, &[])
            .args(arguments)
            .stdout(Stdio::from(writer))
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
            .wait_with_output()
            .unwrap();
        check(&output, 0, "");
        assert_eq!(text(&output.stderr), "", "{arguments:?}");
    }
}
