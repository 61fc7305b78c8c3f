//! The binary on PostgreSQL: its subcommands, backup and restore. The tests run if `WEAPP_TEST_POSTGRES` has the URL of a
//! server, each in a database of its own.

mod copy;
mod dump;
mod sessions;
mod users;

use std::env;
use std::ffi::OsStr;
use std::process::Command;

use crate::server::Binary;

const CODE: &str = "the code is a mock one";

/// An empty database, removed on drop.
pub(crate) struct TestDatabase {
    server: String,
    name: String,
}

impl TestDatabase {
    /// Creates a database, or returns `None` if there is no server. With `WEAPP_TEST_STORES=all`, that is an error instead.
    #[expect(clippy::print_stderr, reason = "a skipped test says so")]
    pub(crate) fn create() -> Option<Self> {
        let Ok(server) = env::var("WEAPP_TEST_POSTGRES") else {
            let must_run = env::var("WEAPP_TEST_STORES").is_ok_and(|stores| stores == "all");
            assert!(!must_run, "WEAPP_TEST_POSTGRES is not set");
            eprintln!("skipped: WEAPP_TEST_POSTGRES is not set");
            return None;
        };
        let mut random = [0; 8];
        getrandom::fill(&mut random).unwrap();
        let name = format!("test_{:016x}", u64::from_ne_bytes(random));
        psql(&server, &format!("CREATE DATABASE {name}"));
        Some(Self { server, name })
    }

    pub(crate) fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').unwrap();
        format!("{server}/{}", self.name)
    }

    /// Runs statements and returns the values of the rows.
    pub(crate) fn ask(&self, sql: &str) -> String {
        psql(&self.url(), sql)
    }

    /// Starts a server.
    pub(crate) fn serve(&self, folder: &crate::harness::Folder) -> Binary {
        Binary::start(folder, &[("WEAPP_STORE__URL", &self.url())])
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        psql(
            &self.server,
            &format!("DROP DATABASE {} WITH (FORCE)", self.name),
        );
    }
}

fn psql(url: &str, sql: &str) -> String {
    run("psql", ["-XAtq", "--dbname", url, "-c", sql])
}

/// Runs one of PostgreSQL's programs and returns its output.
#[track_caller]
fn run<const N: usize>(program: &str, arguments: [impl AsRef<OsStr>; N]) -> String {
    let output = Command::new(program).args(arguments).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program}: {stderr}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}
