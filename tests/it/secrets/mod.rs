//! Secrets appear in no response, in no log at any level and not in the bytes of the database.

mod account;
mod login;

use std::fs;

use serde_json::Value;
use wechat_simulator::{Endpoint, Fault, Simulator};

use crate::harness::Folder;
use crate::server::Binary;

/// Returns every failure of WeChat, with the secrets in its response where possible. The exceeded quota comes last, because it
/// stops further calls for a while.
fn faults(secrets: &[String]) -> Vec<Fault> {
    let echo = secrets.join(" ");
    let reject = |errcode| Fault::Errcode {
        errcode,
        errmsg: Some(format!("no {echo}, rid: 668f2aa4-51c08c03-3d141241")),
    };
    let mut faults: Vec<_> = [
        -1, 40001, 40013, 40029, 40125, 40163, 40164, 40226, 45011, 41008, 99999,
    ]
    .map(reject)
    .into();
    for (status, body) in [
        (200, format!("<html>{echo}</html>")),
        (502, format!("{{\"errmsg\":\"{echo}\"}}")),
        (200, format!("{{\"openid\":\"{echo}\"")),
        (200, String::new()),
    ] {
        faults.push(Fault::Raw {
            status,
            content_type: Some("text/plain".to_owned()),
            body: body.into(),
        });
    }
    let location = format!("http://127.0.0.1:1/?{}", echo.replace(' ', "&"));
    faults.push(Fault::Redirect { location });
    faults.extend([Fault::Silence, Fault::ResetBefore, Fault::ResetAfter]);
    faults.push(reject(45009));
    faults
}

const SERVICE_KEYS: &str = "an-old.key_of~32-letters-01234567,b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";

const DATA_KEY: &str = "0f1e2d3c4b5a69788796a5b4c3d2e1f00f1e2d3c4b5a6978";

/// Starts a server that keeps phone numbers, with the log at level trace.
fn start(wechat: &Simulator, folder: &Folder) -> Binary {
    let environment = [
        ("WEAPP_WECHAT__BASE_URL", &*wechat.base_url()),
        ("WEAPP_WECHAT__TIMEOUT_MILLISECONDS", "1000"),
        ("WEAPP_APPS__MAIN__APP_ID", wechat.app_id()),
        ("WEAPP_APPS__MAIN__APP_SECRET", wechat.app_secret()),
        ("WEAPP_GATEWAY__SERVICE_KEYS", SERVICE_KEYS),
        ("WEAPP_USER__KEEP_PHONE_NUMBER", "true"),
        ("WEAPP_USER__DATA_KEYS", DATA_KEY),
        ("WEAPP_LOG__LEVEL", "trace"),
        ("WEAPP_LIMITS__USER_CALLS_PER_MINUTE", "0"),
        (
            "WEAPP_LOG__FORMAT",
            ":method :url :status :req[authorization] :req[idempotency-key] :referrer",
        ),
    ];
    Binary::start(folder, &environment)
}

#[track_caller]
fn assert_in_no_reply(secrets: &[String], replies: &[(u16, Value)]) {
    for secret in secrets {
        for (status, reply) in replies {
            assert!(
                !reply.to_string().contains(secret.as_str()),
                "in a reply: {status} {reply}"
            );
        }
    }
}

/// Asserts that no secret is in the log or in the bytes of the database.
#[track_caller]
fn assert_nowhere(secrets: &[String], log: &str, folder: &Folder) {
    let mut places = vec![("the log".to_owned(), log.to_owned())];
    for entry in fs::read_dir(folder.path().join("data")).unwrap() {
        let path = entry.unwrap().path();
        // The secrets are text, so they survive a lossy conversion.
        let bytes = fs::read(&path).unwrap();
        places.push((
            path.display().to_string(),
            String::from_utf8_lossy(&bytes).into_owned(),
        ));
    }
    for secret in secrets {
        for (place, text) in &places {
            assert!(
                !text.contains(secret.as_str()),
                "in {place}: {secret}\n{log}"
            );
        }
    }
}

/// Calls `ask` while WeChat fails with `fault`, and asserts that the server called WeChat.
fn with_fault<T>(
    wechat: &Simulator,
    endpoint: Endpoint,
    fault: Fault,
    ask: impl FnOnce() -> T,
) -> T {
    wechat.clear_requests();
    let shown = format!("{fault:?}");
    wechat.fail_always(endpoint, fault);
    let answer = ask();
    wechat.clear_faults(endpoint);
    let asked = wechat.requests();
    let called = asked.iter().any(|asked| asked.endpoint == Some(endpoint));
    assert!(called, "{endpoint:?} was not called: {shown}");
    answer
}
