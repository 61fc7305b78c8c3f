//! `weapp-login store migrate` with a file.

use rusqlite::Connection;

use crate::harness::Folder;
use crate::server::{Binary, run};

#[test]
fn a_migration_says_from_and_to_which_schema() {
    let folder = Folder::new();
    let migrate = || {
        let output = run(&folder, &[], &["store", "migrate"]);
        let text = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        (output.status.code(), text)
    };
    let (code, created) = migrate();
    let says = "created the tables of `data/weapp.db`, with schema ";
    assert!(code == Some(0) && created.starts_with(says), "{created}");
    let (code, again) = migrate();
    assert!(code == Some(0) && again.ends_with(" already\n"), "{again}");
    drop(Binary::start(&folder, &[]));
    let file = Connection::open(folder.path().join("data/weapp.db")).unwrap();
    file.pragma_update(None, "user_version", 1000).unwrap();
    let (code, newer) = migrate();
    let says = "hint: run the newer version of weapp-login";
    assert!(code == Some(2) && newer.contains(says), "{newer}");
}
