//! Events: which are delivered, in which order, and after failures of the receiver, the server and the network.

mod receiver;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use futures_util::future::{join, join_all};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use weapp_login::events::Delivery;
use weapp_login::identity::{AppId, Subject, UserId};
use weapp_login::session::{Device, Sealed, SessionId, Token};
use weapp_login::store::Login;

use crate::harness::{Folder, TestApp, now};
use crate::people::{decide, in_conflict_with};
use crate::server::Binary;
use receiver::Receiver;

async fn app(receiver: &Receiver) -> TestApp {
    TestApp::with(&receiver.settings()).await
}

/// The users whose events a receiver rejects.
type Rejected = Arc<Mutex<HashSet<String>>>;

fn rejecting(rejected: &Rejected) -> Receiver {
    let rejected = Arc::clone(rejected);
    Receiver::responding("127.0.0.1:0", move |event| {
        let rejects = rejected.lock().unwrap().contains(&event.user());
        Some(if rejects { 500 } else { 200 })
    })
}

fn delivery(app: &TestApp) -> Delivery {
    app.parts.event_delivery().unwrap().unwrap()
}

/// Delivers until nothing is left, or until all that is left waits after a failure.
async fn deliver(delivery: &mut Delivery, now: Timestamp) {
    while delivery.step(now).await.is_zero() {}
}

fn after(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

/// A login of a new user, past the API.
fn login() -> Login {
    let token = Token::generate().unwrap();
    let SessionId(id) = SessionId::generate().unwrap();
    let mut subject = [0; 32];
    subject[..16].copy_from_slice(&id);
    Login {
        subject: Subject(subject),
        openid: Sealed(Vec::new()),
        unionid: None,
        person: Vec::new(),
        user_if_new: UserId(id),
        app: AppId::new("wx0123456789abcdef"),
        digest: token.digest(),
        id: SessionId(id),
        device: Device::new(""),
        session_keys: Sealed(Vec::new()),
        now: now(),
        expires_at: after(3600),
        sessions_per_user: 3,
        replaces: None,
    }
}

#[actix_rt::test]
async fn the_life_of_a_user_is_delivered_in_order() {
    let receiver = Receiver::start();
    let app = app(&receiver).await;
    let (reply, start) = (app.login(&app.wechat.issue_code("mei")).await, now());
    let user = reply.user_id();
    let bearer = format!("Bearer {}", reply.token());
    let code = app.wechat.issue_code("mei");
    let second = app
        .login_with(&code, &[("authorization", &bearer)])
        .await
        .token();
    app.end_session(&second).await;
    let third = app.token_of("mei").await;
    let proof = app.wechat.issue_code("mei");
    app.delete_user(&third, &proof).await;
    deliver(&mut delivery(&app), now()).await;

    let kinds = [
        "user.created",
        "session.revoked replaced",
        "session.revoked logout",
        "session.revoked deleted",
        "user.deleted",
    ];
    assert_eq!(receiver.kinds(), kinds);
    let mut ids = HashSet::new();
    for event in receiver.events() {
        assert!(event.id.starts_with("evt_") && ids.insert(event.id.clone()));
        assert!((start.as_second()..=start.as_second() + 60).contains(&event.timestamp));
        let (data, app_id) = (&event.body["data"], app.wechat.app_id());
        assert_eq!((event.user(), &data["app"]), (user.clone(), &json!(app_id)));
        let at: Timestamp = event.body["timestamp"].as_str().unwrap().parse().unwrap();
        assert!(at.duration_since(start).abs() < SignedDuration::from_secs(60));
        // Nothing else, and so no openid.
        let fields: Vec<_> = data.as_object().unwrap().keys().cloned().collect();
        let ended = event.kind().starts_with("session");
        assert_eq!(fields.len(), if ended { 4 } else { 2 }, "{data}");
        assert_eq!(data["session_id"].is_string(), ended);
    }
    assert_eq!(app.rows_in("event"), 0);
}

#[actix_rt::test]
async fn a_merge_and_its_undoing_are_delivered_with_both_users() {
    let receiver = Receiver::start();
    let (app, desk, shop) = in_conflict_with(&receiver.settings()).await;
    for decision in ["merge", "reopen"] {
        let reply = decide(&app, [&desk, &shop], decision).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    deliver(&mut delivery(&app), now()).await;
    let events = receiver.events();
    let moves = events.iter().filter(|event| event.user() == shop);
    let moves = moves.map(|event| (event.kind(), event.body["data"]["other_user_id"].clone()));
    let moves: Vec<_> = moves.filter(|(_, other)| !other.is_null()).collect();
    let expected = ["user.merged", "user.separated"];
    assert_eq!(moves, expected.map(|kind| (kind.to_owned(), json!(desk))));
}

/// While the receiver accepts nothing, one event is tried at a time. It must not always be one of the same users.
#[actix_rt::test]
async fn two_users_whose_events_are_rejected_do_not_stop_a_third_one() {
    let rejected = Rejected::default();
    let receiver = rejecting(&rejected);
    let app = app(&receiver).await;
    for name in ["mei", "hong"] {
        let reply = app.login(&app.wechat.issue_code(name)).await;
        rejected.lock().unwrap().insert(reply.user_id());
    }
    let mut delivery = delivery(&app);
    for step in 0..5 {
        deliver(&mut delivery, after(step * 30)).await;
    }
    let bo = app.login(&app.wechat.issue_code("bo")).await.user_id();
    delivery.step(after(180)).await;
    let events = receiver.events();
    assert!(events.iter().any(|event| event.user() == bo));
    assert_eq!(app.rows_in("event"), 2);
}

/// Otherwise a receiver could move the data of one user to another one that it has already deleted.
#[actix_rt::test]
async fn a_merge_is_delivered_between_the_events_of_both_users() {
    let rejected = Rejected::default();
    let receiver = rejecting(&rejected);
    let (app, desk, shop) = in_conflict_with(&receiver.settings()).await;
    let merged = decide(&app, [&desk, &shop], "merge").await;
    assert_eq!(merged.status, 200, "{}", merged.text);
    let id = UserId::parse(&desk).unwrap();
    let deleted = app.parts.store().delete_user(id).await.unwrap();
    assert_eq!(deleted.len(), 2);
    rejected.lock().unwrap().insert(shop.clone());
    let mut delivery = delivery(&app);
    // The first step stops at the rejected event, and the second one delivers what need not wait for it.
    for _step in 0..2 {
        deliver(&mut delivery, now()).await;
    }
    let of_desk = || {
        let events = receiver.events().into_iter();
        let events = events.filter(|event| event.user() == desk);
        events.map(|event| event.kind()).collect::<Vec<_>>()
    };
    assert_eq!(of_desk(), ["user.created"], "the deletion waits");

    rejected.lock().unwrap().clear();
    deliver(&mut delivery, after(600)).await;
    assert_eq!(app.rows_in("event"), 0);
    let kinds = receiver.kinds();
    let place = |kind: &str| kinds.iter().rposition(|of| of == kind).unwrap();
    assert!(
        place("session.revoked merged") < place("user.merged"),
        "{kinds:?}"
    );
    let deletions = kinds.iter().filter(|kind| *kind == "user.deleted");
    assert_eq!(deletions.count(), 2);
    let first = kinds.iter().position(|kind| kind == "user.deleted");
    assert!(Some(place("user.merged")) < first, "{kinds:?}");
}

#[actix_rt::test]
async fn without_a_receiver_nothing_is_stored() {
    let app = TestApp::start().await;
    let token = app.token_of("mei").await;
    app.ask(Method::DELETE, "/session", &token).await;
    assert!(app.parts.event_delivery().unwrap().is_none());
    assert_eq!(app.rows_in("event"), 0);
}

#[actix_rt::test]
async fn a_rejected_event_holds_up_its_user_only() {
    let rejected = Rejected::default();
    let receiver = rejecting(&rejected);
    let app = app(&receiver).await;
    let reply = app.login(&app.wechat.issue_code("mei")).await;
    rejected.lock().unwrap().insert(reply.user_id());
    app.end_session(&reply.token()).await;
    app.token_of("bo").await;
    let mut delivery = delivery(&app);
    deliver(&mut delivery, now()).await;
    // The second event of the rejected user was not sent.
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["user.created", "user.created"]);
    assert_eq!(app.rows_in("event"), 2);

    // Not before the pause is over, and then with the same id.
    delivery.step(now()).await;
    assert_eq!(receiver.events().len(), 2);
    delivery.step(after(3)).await;
    assert_eq!(receiver.events().len(), 3);
    rejected.lock().unwrap().clear();
    deliver(&mut delivery, after(30)).await;
    assert_eq!(app.rows_in("event"), 0);
    let events = receiver.events();
    let of_mei = events
        .iter()
        .filter(|event| event.user() == reply.user_id());
    let of_mei: Vec<_> = of_mei
        .map(|event| (event.kind(), event.id.clone()))
        .collect();
    let (first, last) = (&of_mei[0], of_mei.last().unwrap());
    assert_eq!(of_mei[..3], [first.clone(), first.clone(), first.clone()]);
    assert_eq!(last.0, "session.revoked logout");
    assert_ne!(last.1, first.1);
}

#[actix_rt::test]
async fn a_receiver_that_is_down_gets_one_event_at_a_time_and_ever_more_rarely() {
    let receiver = Receiver::responding("127.0.0.1:0", |_event| Some(503));
    let app = app(&receiver).await;
    for user in ["mei", "bo", "li"] {
        app.token_of(user).await;
    }
    let mut delivery = delivery(&app);
    let mut time = now();
    let mut pauses = vec![delivery.step(time).await];
    assert_eq!(receiver.events().len(), 3);
    for attempt in 0..12 {
        time += SignedDuration::from_secs(600);
        pauses.push(delivery.step(time).await);
        assert_eq!(receiver.events().len(), 4 + attempt);
    }
    assert!(pauses[0] <= Duration::from_secs(1), "{pauses:?}");
    assert!(pauses[3] >= Duration::from_secs(4), "{pauses:?}");
    let longest = pauses.last().unwrap();
    let bounds = Duration::from_secs(150)..=Duration::from_mins(5);
    assert!(bounds.contains(longest), "{longest:?}");
    assert_eq!(app.rows_in("event"), 3);
    let (_, metrics) = app.scrape().await;
    assert!(
        metrics.contains("weapp_events_total{outcome=\"failed\"} 15"),
        "{metrics}"
    );
}

#[actix_rt::test]
async fn events_are_dropped_after_the_configured_days() {
    let receiver = Receiver::responding("127.0.0.1:0", |_event| Some(500));
    let app = app(&receiver).await;
    for user in ["mei", "bo"] {
        app.token_of(user).await;
    }
    app.parts.count_sessions(now()).await.unwrap();
    let (_, metrics) = app.scrape().await;
    assert!(metrics.contains("weapp_events_pending 2"), "{metrics}");
    let mut delivery = delivery(&app);
    let day = 24 * 3600;
    delivery.step(after(7 * day - 60)).await;
    assert_eq!(app.rows_in("event"), 2);
    delivery.step(after(7 * day + 600)).await;
    assert_eq!(app.rows_in("event"), 0);
    app.parts.count_sessions(now()).await.unwrap();
    let (_, metrics) = app.scrape().await;
    for series in [
        "weapp_events_pending 0",
        "weapp_events_total{outcome=\"dropped\"} 2",
    ] {
        assert!(metrics.contains(series), "{metrics}");
    }
}

#[actix_rt::test]
async fn of_two_nodes_one_delivers_at_a_time() {
    let receiver = Receiver::start();
    let app = app(&receiver).await;
    join_all((0..300).map(|_user| app.parts.store().log_in(login()))).await;
    let (mut one, mut other) = (delivery(&app), delivery(&app));
    let start = now();
    while app.rows_in("event") > 0 {
        join(one.step(start), other.step(start)).await;
    }
    let events = receiver.events();
    let ids: HashSet<_> = events.iter().map(|event| &event.id).collect();
    assert_eq!((events.len(), ids.len()), (300, 300));
}

#[actix_rt::test]
async fn logins_do_not_wait_for_a_thousand_events() {
    let receiver = Receiver::responding("127.0.0.1:0", |_event| None);
    let app = app(&receiver).await;
    let before = time_of_logins(&app).await;
    join_all((0..1000).map(|_user| app.parts.store().log_in(login()))).await;
    let mut delivery = delivery(&app);
    let delivering = async { delivery.step(now()).await };
    let after = async {
        let after = time_of_logins(&app).await;
        assert!(!receiver.events().is_empty(), "nothing is being delivered");
        after
    };
    // The receiver never responds, so the logins end first.
    let logins = async { Err::<(), _>(after.await) };
    let delivered = async { Ok::<_, Duration>(delivering.await) };
    let Err(after) = futures_util::future::try_join(logins, delivered).await else {
        panic!("the delivery ended before the logins");
    };
    assert!(app.rows_in("event") >= 1000);
    assert!(
        after < 2 * before + Duration::from_millis(10),
        "{before:?}, then {after:?}"
    );
}

/// Returns the median time of a login of a new user.
async fn time_of_logins(app: &TestApp) -> Duration {
    let mut times = Vec::new();
    for _user in 0..21 {
        let start = Instant::now();
        app.parts.store().log_in(login()).await.unwrap();
        times.push(start.elapsed());
    }
    times.sort();
    times[10]
}

#[test]
fn no_event_is_lost_when_the_receiver_and_the_server_are_killed() {
    let limit = Arc::new(AtomicU32::new(0));
    let seen = Arc::clone(&limit);
    // Killed in the middle: the third event and all later ones get no response.
    let first = Receiver::responding("127.0.0.1:0", move |_event| {
        Some(match seen.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => 200,
            _ => 0,
        })
    });
    let address = first.address.to_string();
    let folder = Folder::new();
    let mut server = Binary::start(&folder, &first.settings());
    let (mut token, user) = server.log_in("the code is a mock one");
    for _login in 0..6 {
        let (status, _) = server.ask("DELETE", "/session", &token, "");
        assert_eq!(status, 200);
        (token, _) = server.log_in("the code is a mock one");
    }
    wait(|| first.events().len() >= 3);
    let before = first.events();
    drop(first);
    server.wait_for("waits, and will be delivered again");
    server.signal("KILL");
    server.wait();

    let second = Receiver::responding(&address, |_event| Some(200));
    let server = Binary::start(&folder, &second.settings());
    wait(|| second.events().len() >= 5);
    drop(server);
    let mut ids = Vec::new();
    let mut kinds = Vec::new();
    for event in before.iter().chain(&second.events()) {
        assert_eq!(event.user(), user);
        if !ids.contains(&event.id) {
            ids.push(event.id.clone());
            kinds.push(event.kind());
        }
    }
    let mut expected = vec!["user.created"];
    expected.extend(["session.revoked logout"; 6]);
    assert_eq!(kinds, expected);
}

/// Waits for a condition.
#[track_caller]
fn wait(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "it did not happen in time");
        thread::sleep(Duration::from_millis(10));
    }
}
