//! Tests of access tokens with several processes: the test binary starts itself as a child process.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::{Node, Rig, STABLE};
use crate::identity::AppSecret;
use wechat_simulator::Fault;

/// Environment variable that marks a child and passes it the addresses of its parent.
const PARENT: &str = "WEAPP_LOGIN_TEST_TOKEN_PARENT";
const LIMIT: Duration = Duration::from_secs(1);
const LEASE: Duration = Duration::from_secs(2);

/// Does nothing, unless it runs in a child.
#[actix_rt::test]
async fn a_child_gets_a_token() {
    let Ok(parent) = std::env::var(PARENT) else {
        return;
    };
    let [url, base_url, id, secret] = parent.lines().collect::<Vec<_>>()[..] else {
        panic!("a child needs four values");
    };
    let node = Node::new(url, base_url, (id, AppSecret::new(secret)), LIMIT).await;
    node.get(0).await;
}

fn start_child(rig: &Rig) -> Child {
    let simulator = &rig.simulator;
    let (id, secret) = (simulator.app_id(), simulator.app_secret());
    let parent = [&*rig.url(), &*simulator.base_url(), id, secret].join("\n");
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", concat!(module_path!(), "::a_child_gets_a_token")].map(without_crate))
        .env(PARENT, parent)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Removes the crate's name, which is not part of a test's name.
fn without_crate(name: &str) -> &str {
    name.strip_prefix("weapp_login::").unwrap_or(name)
}

/// Waits until the simulator has received this number of fetches.
pub(super) async fn fetched(rig: &Rig, times: usize) {
    let started = Instant::now();
    while rig.fetches() < times {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "no fetch was sent"
        );
        sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until the child has ended, without blocking the simulator. Returns `true` if it succeeded.
async fn ended_well(child: &mut Child) -> bool {
    loop {
        match child.try_wait().unwrap() {
            Some(status) => return status.success(),
            None => sleep(Duration::from_millis(5)).await,
        }
    }
}

#[actix_rt::test]
async fn processes_that_start_together_fetch_once() {
    let rig = Rig::new().await;
    rig.be_slow();
    let mut children = [(); 3].map(|()| start_child(&rig));
    for child in &mut children {
        assert!(ended_well(child).await);
    }
    assert_eq!(rig.fetches(), 1);
}

#[actix_rt::test]
async fn a_killed_process_delays_others_by_its_lease_at_most() {
    let rig = Rig::new().await;
    let node = rig.node_with(LIMIT).await;
    rig.simulator.fail_next(STABLE, Fault::Silence);
    let mut child = start_child(&rig);
    fetched(&rig, 1).await;
    child.kill().unwrap();
    assert!(!ended_well(&mut child).await);
    let started = Instant::now();
    node.get(0).await;
    let waited = started.elapsed();
    assert!(waited < LEASE + Duration::from_secs(1), "{waited:?}");
    assert_eq!(rig.fetches(), 2);
}
