//! Refused logins and what to fix, the Referer, and looking numbers up.

use jiff::Timestamp;

use crate::identity::AppId;
use crate::platforms::wechat::code_shape::CodeShape;
use crate::platforms::wechat::diagnosis::Diagnosis;
use crate::platforms::wechat::errcode::{all, nearest, search};
use crate::platforms::wechat::parse_referer;
use crate::platforms::wechat::tests::APP_ID;
use crate::platforms::{AppVersion, Referer};

const RID: &str = "6437cc6f-48613c7c-0bdbbd0d";
const RID_SECONDS: i64 = 0x6437_cc6f;

fn referer(app_id: &str) -> Referer {
    parse_referer(&format!(
        "https://servicewechat.com/{app_id}/devtools/page-frame.html"
    ))
    .unwrap()
}

/// Returns the line about a rejected login from a mini program with this AppID. Our clock is `ahead` seconds fast.
fn line(errcode: i64, shape: CodeShape, from: &str, ahead: i64) -> String {
    let case = Diagnosis {
        errcode,
        rid: Some(RID),
        shape,
        referer: Some(&referer(from)),
        app_id: &AppId::new(APP_ID),
        now: Timestamp::from_second(RID_SECONDS + ahead).unwrap(),
        hint: None,
    };
    assert_eq!(case.skew_seconds(), Some(ahead));
    case.to_string()
}

#[test]
fn a_line_has_all_known_facts() {
    assert_eq!(
        line(40029, CodeShape::Login, "wx0000000000000000", 75),
        "login rejected, errcode 40029 (invalid code): the mini program is wx0000000000000000 and the server used \
         wx4f4bc4dec97d474b: set `apps.<name>.app_id` and the mini program's project.config.json to the same AppID [the code is \
         shaped like a login code; the Referer names wx0000000000000000 (DevTools); exchanged for wx4f4bc4dec97d474b; our \
         clock is 75 s ahead of WeChat's: set it; rid 6437cc6f-48613c7c-0bdbbd0d]"
    );
}

#[test]
fn a_line_is_complete_without_rid_and_referer() {
    let case = Diagnosis {
        errcode: 99999,
        rid: None,
        shape: CodeShape::Login,
        referer: None,
        app_id: &AppId::new(APP_ID),
        now: Timestamp::UNIX_EPOCH,
        hint: None,
    };
    assert_eq!(
        case.to_string(),
        "login rejected, errcode 99999 (not in the table): look the number up in WeChat's list [the code is shaped like a \
         login code; no mini program Referer; exchanged for wx4f4bc4dec97d474b]"
    );
}

/// The errcode, the shape of the code, the AppID in the Referer, and a part of the fix.
#[rustfmt::skip] // One row per line.
const FIXES: &[(i64, CodeShape, &str, &str)] = &[
    (40029, CodeShape::Mock, "wx0000000000000000", "open the project in DevTools with its AppID"),
    (40029, CodeShape::Phone, "wx0000000000000000", "set `apps.<name>.app_id` and"),
    (40029, CodeShape::Phone, APP_ID, "send the code from wx.login"),
    (40029, CodeShape::Truncated, APP_ID, "was truncated in transit"),
    (40029, CodeShape::Unknown, APP_ID, "was changed in transit"),
    (40029, CodeShape::Login, APP_ID, "older than 5 minutes"),
    (42003, CodeShape::Login, APP_ID, "send the code within 5 minutes"),
    (40163, CodeShape::Login, "wx0000000000000000", "look for a double tap"),
    (40013, CodeShape::Login, "wx0000000000000000", "to the same AppID"),
    (40125, CodeShape::Login, APP_ID, "set `apps.<name>.app_secret`"),
    (40226, CodeShape::Phone, APP_ID, "do not try again"),
];

#[test]
fn the_most_likely_mistake_is_named() {
    for &(errcode, shape, from, fix) in FIXES {
        let line = line(errcode, shape, from, 0);
        assert!(line.contains(fix), "{line}");
    }
}

#[test]
fn a_wrong_clock_is_reported_and_a_right_one_is_not() {
    for (ahead, is_reported) in [
        (0, false),
        (29, false),
        (-29, false),
        (30, true),
        (-30, true),
    ] {
        let line = line(40029, CodeShape::Login, APP_ID, ahead);
        assert_eq!(line.contains("our clock is"), is_reported, "{line}");
    }
    assert!(line(40029, CodeShape::Login, APP_ID, -90).contains("90 s behind WeChat's"));
}

#[test]
fn a_referer_names_the_app_and_the_version() {
    for (segment, version) in [
        ("0", AppVersion::Preview),
        ("devtools", AppVersion::DevTools),
        ("7", AppVersion::Release),
        ("123", AppVersion::Release),
    ] {
        let text = format!("https://servicewechat.com/{APP_ID}/{segment}/page-frame.html");
        let app_id = AppId::new(APP_ID);
        assert_eq!(parse_referer(&text), Some(Referer { app_id, version }));
    }
    for text in [
        "",
        "https://servicewechat.com/",
        "https://servicewechat.com//0/page-frame.html",
        "http://servicewechat.com/wx4f4bc4dec97d474b/0/page-frame.html",
        "https://servicewechat.com.evil/wx4f4bc4dec97d474b/0/page-frame.html",
        "https://servicewechat.com/wx4f4bc4dec97d474b/page-frame.html",
        "https://servicewechat.com/wx4f4bc4dec97d474b//page-frame.html",
        "https://servicewechat.com/wx4f4bc4dec97d474b/0/0/page-frame.html",
        "https://servicewechat.com/wx4f4bc4dec97d474b/x/page-frame.html",
        "https://servicewechat.com/wx\n/0/page-frame.html",
        "https://servicewechat.com/wxaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/0/page-frame.html",
        "https://servicewechat.com/wx4f4bc4dec97d474b/0/page-frame.html?x",
    ] {
        assert_eq!(parse_referer(text), None, "{text}");
    }
}

#[test]
fn a_number_or_a_name_finds_its_row() {
    let found = |text: &str| -> Vec<i64> { search(text).iter().map(|row| row.errcode).collect() };
    assert_eq!(found("40029"), [40029]);
    assert_eq!(found(" -1 "), [-1]);
    assert_eq!(found("-41003"), [-41003]);
    assert_eq!(found("illegalbuffer"), [-41003]);
    assert_eq!(found("invalid code"), [40029]);
    assert!(found("40030").is_empty() && found("").is_empty() && found("nonsense").is_empty());
    assert_eq!(nearest(40030), [40029, 40014, 40013]);
    assert_eq!(nearest(i64::MIN).len(), 3);
    assert_eq!(all().filter(|row| row.is_client_side()).count(), 4);
    assert!(all().is_sorted_by_key(|row| row.errcode));
}
