//! The log line of a login that WeChat rejected. It names the fix.

use std::time::Duration;

use serde_json::json;
use wechat_simulator::{Endpoint, Fault, Options, Simulator};

use crate::harness::Folder;
use crate::server::Binary;

/// The AppID of an unknown mini program.
const UNKNOWN_APP: &str = "wx0000000000000000";

/// A code in the form of those of `wx.login`, which no simulator has issued.
const UNKNOWN_CODE: &str = "051bIzT629FmMN0zraV62WLnT62bIzTA";

/// A login that is rejected.
struct Login {
    code: String,
    /// AppID in the Referer; `None` means that of the server.
    from: Option<&'static str>,
    /// Number of seconds by which WeChat's clock is ahead.
    ahead: u64,
    fault: Option<Fault>,
}

impl Login {
    fn with(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            from: None,
            ahead: 0,
            fault: Some(Fault::errcode(40029)),
        }
    }

    /// Logs in and returns the only log line about it, without time, level and request id, and with `[rid]` and `[ours]` in
    /// place of the platform's request id and the AppID of the server.
    async fn line(self) -> String {
        let wechat = Simulator::start(Options::new(7)).await.unwrap();
        let folder = Folder::new();
        let environment = [
            ("WEAPP_WECHAT__BASE_URL", &*wechat.base_url()),
            ("WEAPP_APPS__MAIN__APP_ID", wechat.app_id()),
            ("WEAPP_APPS__MAIN__APP_SECRET", wechat.app_secret()),
            ("WEAPP_LOG__LEVEL", "debug"),
        ];
        let mut server = Binary::start(&folder, &environment);
        wechat.advance(Duration::from_secs(self.ahead));
        if let Some(fault) = self.fault {
            wechat.fail_next(Endpoint::Code2Session, fault);
        }
        let mut body = json!({ "code": self.code });
        if self.from.is_some() {
            body["app"] = json!("main");
        }
        let from = self.from.unwrap_or(wechat.app_id());
        let referer =
            format!("referer: https://servicewechat.com/{from}/devtools/page-frame.html\r\n");
        let (_, reply) = server.login_with(&referer, &body);
        let id = reply["request_id"].as_str().unwrap();
        let id = format!(" (POST /login, request {id})");
        let rid = reply["wechat"]["rid"].as_str().unwrap();
        let line = server.wait_for(&id);
        let output = server.output();
        for named in ["login rejected", rid] {
            let lines = output.lines().filter(|line| line.contains(named));
            assert_eq!(lines.count(), 1, "{named} in:\n{output}");
        }
        assert!(!output.contains(&self.code), "{output}");
        let start = line.find(reply["error"].as_str().unwrap()).unwrap();
        let (_, line) = line.split_at(start);
        let line = line.strip_suffix(&id).expect("the request id at the end");
        line.replace(rid, "[rid]")
            .replace(wechat.app_id(), "[ours]")
    }
}

#[actix_rt::test]
async fn another_mini_program_is_identified() {
    let login = Login {
        from: Some(UNKNOWN_APP),
        ..Login::with(UNKNOWN_CODE)
    };
    assert_eq!(
        login.line().await,
        "login_code_invalid: login rejected, errcode 40029 (invalid code): the mini program is wx0000000000000000 and the server used [ours]: set `apps.<name>.app_id` and the mini program's project.config.json to the same AppID [the \
         code is shaped like a login code; the Referer names wx0000000000000000 (DevTools); exchanged for [ours]; rid [rid]]"
    );
}

#[actix_rt::test]
async fn a_phone_number_code_is_recognized() {
    assert_eq!(
        Login::with(&"0a".repeat(32)).line().await,
        "login_code_invalid: login rejected, errcode 40029 (invalid code): send the code from wx.login: this one is from \
         a getPhoneNumber button or a plugin [the code is shaped like a phone number code; the Referer names [ours] \
         (DevTools); exchanged for [ours]; rid [rid]]"
    );
}

#[actix_rt::test]
async fn the_mock_code_is_recognized() {
    assert_eq!(
        Login::with("the code is a mock one").line().await,
        "login_code_invalid: login rejected, errcode 40029 (invalid code): open the project in DevTools with its AppID: \
         without one, wx.login returns only a mock code [the code is the mock code that DevTools returns without an AppID; the \
         Referer names [ours] (DevTools); exchanged for [ours]; rid [rid]]"
    );
}

#[actix_rt::test]
async fn a_truncated_code_is_recognized() {
    assert_eq!(
        Login::with("051bIzT629FmMN0z").line().await,
        "login_code_invalid: login rejected, errcode 40029 (invalid code): the code was truncated in transit: send the whole \
         `res.code`, as JSON [the code is shorter than a WeChat code, as if truncated; the Referer names [ours] (DevTools); \
         exchanged for [ours]; rid [rid]]"
    );
}

#[actix_rt::test]
async fn a_wrong_clock_is_reported() {
    let login = Login {
        ahead: 3600,
        ..Login::with(UNKNOWN_CODE)
    };
    let line = login.line().await;
    let (before, after) = line.split_once("our clock is ").unwrap();
    let (seconds, after) = after.split_once(' ').unwrap();
    assert!((3598..=3602).contains(&seconds.parse::<u32>().unwrap()));
    assert_eq!(
        format!("{before}our clock is N {after}"),
        "login_code_invalid: login rejected, errcode 40029 (invalid code): the code looks right, so it is older than 5 \
         minutes, or it was issued for another AppID [the code is shaped like a login code; the \
         Referer names [ours] (DevTools); exchanged for [ours]; our clock is N s behind WeChat's: set it; rid [rid]]"
    );
}

#[actix_rt::test]
async fn the_address_that_wechat_saw_is_reported() {
    let login = Login {
        fault: Some(Fault::IpNotAllowed),
        ..Login::with(UNKNOWN_CODE)
    };
    assert_eq!(
        login.line().await,
        "platform_misconfigured: login rejected, errcode 40164 (invalid ip, not in whitelist): add the server's public IP \
         address to the IP whitelist on WeChat's console (Development > Settings) [the code is shaped like a login code; \
         the Referer names [ours] (DevTools); exchanged for [ours]; the call came from 127.0.0.1; rid [rid]]"
    );
}

/// Sends a login and returns the only log line with `named`.
fn line_of(body: &serde_json::Value, referer: &str, named: &str) -> String {
    let folder = Folder::new();
    let environment = [
        ("WEAPP_APPS__SHOP__APP_ID", "wx4f4bc4dec97d474b"),
        (
            "WEAPP_APPS__SHOP__APP_SECRET",
            "0123456789abcdef0123456789abcdef",
        ),
        ("WEAPP_LOG__LEVEL", "debug"),
    ];
    let mut server = Binary::start(&folder, &environment);
    let (_, reply) = server.login_with(&format!("referer: {referer}\r\n"), body);
    server.wait_for(reply["request_id"].as_str().unwrap());
    let output = server.stop();
    let lines: Vec<_> = output.lines().filter(|line| line.contains(named)).collect();
    assert_eq!(lines.len(), 1, "{output}");
    lines[0].to_owned()
}

#[test]
fn an_unknown_mini_program_is_logged_with_the_known_ones() {
    let referer = "https://servicewechat.com/wx0000000000000000/12/page-frame.html";
    let body = json!({ "code": UNKNOWN_CODE });
    let line = line_of(&body, referer, "app_unknown");
    let cause = "400 app_unknown: the Referer names the mini program wx0000000000000000; the settings have shop \
                 (wx4f4bc4dec97d474b)";
    assert!(line.contains("WARN") && line.contains(cause), "{line}");
    let body = json!({ "code": UNKNOWN_CODE, "app": "sohp" });
    let line = line_of(&body, referer, "app_unknown");
    let cause = "400 app_unknown: the login names the mini program \"sohp\"; the settings have shop (wx4f4bc4dec97d474b)";
    assert!(line.contains(cause), "{line}");
}

#[test]
fn a_converted_javascript_value_is_diagnosed() {
    for code in ["undefined", "[object Object]"] {
        let line = line_of(&json!({ "code": code }), "-", "code_malformed");
        let cause = format!(
            "400 code_malformed: the client sent the text `{code}`, a JavaScript value that is no code"
        );
        assert!(line.contains(&cause), "{line}");
    }
}
