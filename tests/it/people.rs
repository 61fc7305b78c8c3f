//! `apps.<name>.open_platform`: apps of one Open Platform account share users.

use std::time::Duration;

use actix_web::http::Method;
use actix_web::test::TestRequest;
use futures_util::future::join;
use serde_json::{Value, json};
use wechat_simulator::{App, Endpoint, Fault, Payload, Payment};

use crate::avatar::{files_in, png, put};
use crate::decrypt::event;
use crate::harness::{Folder, Reply, TestApp, bearer, now};
use crate::oauth::web_login;

const KEY: &str = "b9f3b1c5a7d04e6f8091a2b3c4d5e6f7";
const ADMIN_KEY: &str = "an-old.key_of~32-letters-01234567";
const PAGE: &str = "https://h5.example.com/login";

/// Starts with two mini programs and a website of one Open Platform account, and a mini program of another one. The simulator
/// sends unionids for the apps of `sending`.
async fn start(sending: &[&str]) -> TestApp {
    start_with(sending, &[]).await
}

async fn start_with(sending: &[&str], more: &[(&str, &str)]) -> TestApp {
    let admin_keys = format!("alice:{ADMIN_KEY}");
    let own = [
        ("WEAPP_USER__DATA_KEYS", KEY),
        ("WEAPP_ADMIN__KEYS", &admin_keys),
        ("WEAPP_APPS__SHOP__OPEN_PLATFORM", "acme"),
        ("WEAPP_APPS__DESK__OPEN_PLATFORM", "acme"),
        ("WEAPP_APPS__SITE__OPEN_PLATFORM", "acme"),
        ("WEAPP_APPS__SITE__KIND", "website"),
        ("WEAPP_APPS__SITE__REDIRECTS", PAGE),
        ("WEAPP_APPS__ALIEN__OPEN_PLATFORM", "other"),
    ];
    let settings: Vec<_> = own.iter().chain(more).copied().collect();
    let app = TestApp::serving_with(&["shop", "desk", "site", "alien"], &settings).await;
    for name in sending {
        bind(&app, name);
    }
    app
}

/// Binds an app to the Open Platform account at the simulator, which sends unionids from now on.
fn bind(app: &TestApp, name: &str) {
    let bound = App::named(7, name).with_open_platform("acme");
    assert!(app.wechat.add_app(bound));
}

async fn log_in(app: &TestApp, name: &str, user: &str) -> Reply {
    let code = app.wechat.named_app(name).unwrap().issue_code(user);
    app.post_login(json!({ "code": code, "app": name })).await
}

/// Returns the user that a gateway gets.
async fn user_of(app: &TestApp, token: &str) -> String {
    let reply = app.ask(Method::GET, "/auth", token).await;
    reply.header("x-user-id").expect("a user").to_owned()
}

async fn admin(app: &TestApp, method: Method, path: &str, body: Value) -> Reply {
    let request = TestRequest::default().method(method).uri(path);
    let request = request.insert_header(bearer(ADMIN_KEY));
    let request = if body.is_null() {
        request
    } else {
        request.set_json(body)
    };
    app.call_admin(request).await
}

async fn conflicts(app: &TestApp, query: &str) -> Vec<Value> {
    let path = format!("/admin/conflicts?{query}");
    let reply = admin(app, Method::GET, &path, Value::Null).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    reply.json()["data"]["conflicts"]
        .as_array()
        .unwrap()
        .clone()
}

pub(crate) async fn decide(app: &TestApp, [kept, other]: [&str; 2], decision: &str) -> Reply {
    let path = format!("/admin/conflicts/{kept}/{other}");
    admin(app, Method::POST, &path, json!({ "decision": decision })).await
}

async fn decrypt(app: &TestApp, name: &str, token: &str, user: &str, what: Payload) -> Reply {
    let created_at = u64::try_from(now().as_second()).unwrap();
    let handle = app.wechat.named_app(name).unwrap();
    let minted = handle.encrypt(user, &what.watermark_timestamp(created_at));
    app.post("/user/decrypt", token, event(&minted)).await
}

/// Makes Mei two users, one in each mini program, who are in conflict. Returns the two, the one with the unionid first.
async fn in_conflict() -> (TestApp, String, String) {
    in_conflict_with(&[]).await
}

/// The same with more settings.
pub(crate) async fn in_conflict_with(more: &[(&str, &str)]) -> (TestApp, String, String) {
    let app = start_with(&["desk"], more).await;
    let shop = log_in(&app, "shop", "mei").await.user_id();
    let desk = log_in(&app, "desk", "mei").await.user_id();
    assert_ne!(shop, desk, "the first login had no unionid");
    assert_eq!(conflicts(&app, "").await, Vec::<Value>::new());
    bind(&app, "shop");
    assert_eq!(log_in(&app, "shop", "mei").await.user_id(), shop);
    (app, desk, shop)
}

#[actix_rt::test]
async fn apps_of_one_account_share_users() {
    let app = start(&["shop", "desk", "site", "alien"]).await;
    let shop = log_in(&app, "shop", "mei").await;
    let desk = log_in(&app, "desk", "mei").await;
    let site = web_login(&app, "site", "mei").await;
    assert_eq!(shop.json()["data"]["user"]["is_new"], true);
    assert_eq!(desk.json()["data"]["user"]["is_new"], false);
    let mei = shop.user_id();
    for login in [&shop, &desk, &site] {
        assert_eq!(login.user_id(), mei);
        assert_eq!(user_of(&app, &login.token()).await, mei);
    }
    assert_ne!(log_in(&app, "desk", "bo").await.user_id(), mei);
    let alien = log_in(&app, "alien", "mei").await.user_id();
    assert_ne!(alien, mei, "another account in the settings");
    let file_holds = |text: &str| app.store_contains(text.as_bytes());
    let unionid = app.wechat.named_app("shop").unwrap().unionid("mei");
    assert!(!file_holds(&unionid.unwrap()), "stored as a digest");
    assert!(file_holds(&App::named(7, "shop").id), "the search works");
}

#[actix_rt::test]
async fn an_app_without_an_account_shares_no_users() {
    let app = TestApp::serving_with(&["shop", "desk"], &[("WEAPP_USER__DATA_KEYS", KEY)]).await;
    bind(&app, "shop");
    bind(&app, "desk");
    let shop = log_in(&app, "shop", "mei").await.user_id();
    assert_ne!(log_in(&app, "desk", "mei").await.user_id(), shop);
    assert_eq!(app.rows_in("union_identity"), 0);
}

#[actix_rt::test]
async fn two_known_users_stay_apart_until_an_operator_merges_them() {
    let (app, desk, shop) = in_conflict().await;
    let token = log_in(&app, "shop", "mei").await.token();
    let found = conflicts(&app, "open=true").await;
    assert_eq!(
        found.len(),
        1,
        "one conflict, although there were two logins"
    );
    assert_eq!(found[0]["kept"], desk);
    assert_eq!(found[0]["other"], shop);
    assert_eq!(found[0]["decision"], Value::Null);
    let path = format!("/admin/users/{desk}");
    let shown = admin(&app, Method::GET, &path, Value::Null).await.json();
    assert_eq!(shown["data"]["conflicts"], json!(found));
    assert_eq!(shown["data"]["identities"].as_array().unwrap().len(), 1);

    let merged = decide(&app, [&desk, &shop], "merge").await;
    assert_eq!(
        merged.json()["data"]["ended_sessions"],
        3,
        "{}",
        merged.text
    );
    let ended = app.show_session(&token).await;
    ended.assert_error(401, "session_required");
    let next = log_in(&app, "shop", "mei").await;
    assert_eq!(next.user_id(), desk);
    assert_eq!(user_of(&app, &next.token()).await, desk);
    assert_eq!(conflicts(&app, "open=true").await, Vec::<Value>::new());
    assert_eq!(conflicts(&app, "").await[0]["decision"], "merged");
    let path = format!("/admin/users/{shop}");
    let shown = admin(&app, Method::GET, &path, Value::Null).await.json();
    assert_eq!(shown["data"]["user"]["id"], desk);
    assert_eq!(shown["data"]["identities"].as_array().unwrap().len(), 2);
    assert_eq!(shown["data"]["sessions"].as_array().unwrap().len(), 2);

    let again = decide(&app, [&desk, &shop], "merge").await;
    assert_eq!(again.json()["data"]["ended_sessions"], 0);
    let undone = decide(&app, [&desk, &shop], "apart").await;
    assert_eq!(undone.json()["data"]["ended_sessions"], 1);
    let ended = app.show_session(&next.token()).await;
    ended.assert_error(401, "session_required");
    assert_eq!(log_in(&app, "shop", "mei").await.user_id(), shop);
    assert_eq!(log_in(&app, "desk", "mei").await.user_id(), desk);
    assert_eq!(conflicts(&app, "open=true").await, Vec::<Value>::new());
    decide(&app, [&shop, &desk], "reopen").await;
    assert_eq!(conflicts(&app, "open=true").await.len(), 1);
}

/// Otherwise an operator would believe that the sessions have ended.
#[actix_rt::test]
async fn the_id_of_a_merged_user_changes_nothing() {
    let (app, desk, shop) = in_conflict().await;
    decide(&app, [&desk, &shop], "merge").await;
    let token = log_in(&app, "shop", "mei").await.token();
    for (method, path) in [
        (Method::DELETE, "/sessions"),
        (Method::POST, "/block"),
        (Method::POST, "/unblock"),
        (Method::DELETE, ""),
    ] {
        let path = format!("/admin/users/{shop}{path}");
        let reply = admin(&app, method, &path, Value::Null).await;
        reply.assert_error(404, "not_found");
    }
    assert_eq!(user_of(&app, &token).await, desk);
}

#[actix_rt::test]
async fn a_decision_needs_a_conflict_of_two_users_who_are_not_blocked() {
    let (app, desk, shop) = in_conflict().await;
    let bo = log_in(&app, "desk", "bo").await.user_id();
    for users in [[&*desk, &*bo], [&*desk, "x"], [&*desk, &*desk]] {
        let reply = decide(&app, users, "merge").await;
        reply.assert_error(404, "not_found");
    }
    for decision in [
        json!({}),
        json!({ "decision": "Merge" }),
        json!({ "decision": 1 }),
    ] {
        let path = format!("/admin/conflicts/{desk}/{shop}");
        let reply = admin(&app, Method::POST, &path, decision).await;
        reply.assert_error(400, "decision_malformed");
    }
    for query in [
        "open=1",
        "limit=0",
        "limit=101",
        "cursor=x",
        "user=x",
        "opn=true",
    ] {
        let path = format!("/admin/conflicts?{query}");
        let reply = admin(&app, Method::GET, &path, Value::Null).await;
        reply.assert_error(400, "conflict_query_malformed");
    }
    let path = format!("/admin/users/{shop}/block");
    admin(&app, Method::POST, &path, json!({})).await;
    let reply = decide(&app, [&desk, &shop], "merge").await;
    reply.assert_error(409, "conflict_of_blocked_user");
    assert_eq!(conflicts(&app, "open=true").await.len(), 1);
}

#[actix_rt::test]
async fn a_merge_is_not_undone_before_a_later_one_that_depends_on_it() {
    let (app, desk, shop) = in_conflict().await;
    // A third user of Mei, who is in conflict with the first one.
    let third = web_login(&app, "site", "mei").await.user_id();
    assert_ne!(third, desk);
    bind(&app, "site");
    web_login(&app, "site", "mei").await;
    decide(&app, [&shop, &desk], "merge").await;
    decide(&app, [&desk, &third], "merge").await;
    for decision in ["apart", "reopen"] {
        let reply = decide(&app, [&desk, &shop], decision).await;
        reply.assert_error(409, "conflict_has_later_merge");
    }
    for users in [[&*desk, &*third], [&*desk, &*shop]] {
        let reply = decide(&app, users, "apart").await;
        assert_eq!(reply.status, 200, "{}", reply.text);
    }
    assert_eq!(log_in(&app, "shop", "mei").await.user_id(), shop);
    assert_eq!(log_in(&app, "desk", "mei").await.user_id(), desk);
    assert_eq!(web_login(&app, "site", "mei").await.user_id(), third);
}

#[actix_rt::test]
async fn conflicts_are_listed_by_pages_and_by_user() {
    let app = start(&["desk"]).await;
    let names = ["mei", "bo", "lin"];
    let mut users = Vec::new();
    for name in names {
        log_in(&app, "shop", name).await;
        users.push(log_in(&app, "desk", name).await.user_id());
    }
    bind(&app, "shop");
    for name in names {
        log_in(&app, "shop", name).await;
    }
    let mut listed = Vec::new();
    let mut query = "limit=2".to_owned();
    for _page in 0..2 {
        let path = format!("/admin/conflicts?{query}");
        let reply = admin(&app, Method::GET, &path, Value::Null).await.json();
        let page = reply["data"]["conflicts"].as_array().unwrap();
        listed.extend(page.iter().map(|one| one["kept"].clone()));
        query = format!(
            "limit=2&cursor={}",
            reply["data"]["next"].as_str().unwrap_or("end")
        );
    }
    users.sort_unstable();
    listed.sort_unstable_by_key(|id| id.as_str().unwrap().to_owned());
    assert_eq!(json!(listed), json!(users));
    assert!(query.ends_with("=end"), "{query}");
    let of_one = conflicts(&app, &format!("user={}", users[0])).await;
    assert_eq!(of_one.len(), 1);
    assert_eq!(of_one[0]["kept"], users[0]);
}

#[actix_rt::test]
async fn a_user_is_found_by_unionid() {
    let app = start(&["shop", "desk"]).await;
    let mei = log_in(&app, "shop", "mei").await.user_id();
    log_in(&app, "desk", "mei").await;
    let unionid = app.wechat.named_app("shop").unwrap().unionid("mei");
    let unionid = unionid.unwrap();
    let find = async |more: Value| {
        let mut body = json!({ "unionid": &*unionid });
        for (name, value) in more.as_object().unwrap() {
            body[name] = value.clone();
        }
        let reply = admin(&app, Method::POST, "/admin/users/find", body).await;
        assert!(!reply.text.contains(&unionid));
        reply
    };
    let found = async |more: Value| {
        let users = find(more).await.json()["data"]["users"].clone();
        let users = users.as_array().unwrap().iter();
        users.map(|user| user["id"].clone()).collect::<Vec<_>>()
    };
    for more in [
        json!({}),
        json!({ "open_platform": "acme" }),
        json!({ "app": "desk" }),
        json!({ "app": App::named(7, "shop").id }),
    ] {
        assert_eq!(found(more.clone()).await, [json!(&*mei)], "{more}");
    }
    for more in [
        json!({ "open_platform": "other" }),
        json!({ "app": "alien" }),
        json!({ "app": "nothing" }),
        json!({ "unionid": "o6_b" }),
    ] {
        assert_eq!(found(more.clone()).await, Vec::<Value>::new(), "{more}");
    }
    for more in [
        json!({ "openid": "o" }),
        json!({ "phone_number": "1" }),
        json!({ "unionid": "" }),
        json!({ "unionid": 1 }),
    ] {
        find(more).await.assert_error(400, "openid_missing");
    }
}

#[actix_rt::test]
async fn a_unionid_of_encrypted_data_links_no_login() {
    let app = start(&[]).await;
    let eve = log_in(&app, "desk", "eve").await;
    let victim = App::named(7, "shop").with_open_platform("acme");
    let forged = {
        app.wechat.add_app(victim);
        app.wechat.named_app("shop").unwrap().unionid("mei")
    };
    let forged = json!({ "openId": "o", "unionId": forged, "nickName": "Eve" });
    let payload = Payload::object(forged.as_object().unwrap().clone());
    let reply = decrypt(&app, "desk", &eve.token(), "eve", payload).await;
    assert_eq!(reply.json()["data"]["nickName"], "Eve", "{}", reply.text);
    assert!(!reply.text.contains("unionId"));
    let mei = log_in(&app, "shop", "mei").await;
    assert_ne!(mei.user_id(), eve.user_id());
    assert_eq!(mei.json()["data"]["user"]["is_new"], true);
    assert_eq!(conflicts(&app, "").await, Vec::<Value>::new());
}

#[actix_rt::test]
async fn a_unionid_of_encrypted_data_finds_no_conflict() {
    let app = start(&["desk"]).await;
    let desk = log_in(&app, "desk", "mei").await.user_id();
    let shop = log_in(&app, "shop", "mei").await;
    bind(&app, "shop");
    let reply = decrypt(&app, "shop", &shop.token(), "mei", Payload::user_info()).await;
    assert_eq!(reply.status, 200, "{}", reply.text);
    assert_eq!(conflicts(&app, "").await, Vec::<Value>::new());
    let export = app.ask(Method::GET, "/user/export", &shop.token()).await;
    let unionid = app.wechat.named_app("shop").unwrap().unionid("mei");
    assert_eq!(export.json()["data"]["user"]["unionid"], json!(unionid));
    // The next login proves it.
    log_in(&app, "shop", "mei").await;
    let found = conflicts(&app, "open=true").await;
    assert_eq!(found[0]["kept"], desk);
    assert_eq!(found[0]["other"], shop.user_id());
}

#[actix_rt::test]
async fn a_payment_brings_the_unionid() {
    let app = start(&[]).await;
    let shop = log_in(&app, "shop", "mei").await;
    let pay = async |token: &str, body: Value| app.post("/user/paid", token, body).await;
    let payment = json!({ "transaction_id": "4200001234" });
    let unbound = pay(&shop.token(), payment.clone()).await;
    assert_eq!(
        unbound.assert_error(503, "platform_misconfigured")["code"],
        89002
    );
    bind(&app, "shop");
    bind(&app, "desk");
    let unknown = pay(&shop.token(), payment.clone()).await;
    assert_eq!(unknown.assert_error(409, "payment_unknown")["code"], 89300);
    assert_eq!(app.rows_in("union_identity"), 0);

    let handle = app.wechat.named_app("shop").unwrap();
    handle.pay("mei", Payment::Transaction("4200001234".to_owned()));
    pay(&shop.token(), payment).await.assert_data(json!({}));
    let desk = log_in(&app, "desk", "mei").await;
    assert_eq!(desk.user_id(), shop.user_id(), "linked");
    let order = Payment::MerchantOrder {
        merchant: "1900000109".to_owned(),
        number: "20261127-1".to_owned(),
    };
    app.wechat.named_app("desk").unwrap().pay("mei", order);
    let order = json!({ "mch_id": "1900000109", "out_trade_no": "20261127-1" });
    pay(&desk.token(), order).await.assert_data(json!({}));
}

#[actix_rt::test]
async fn a_payment_that_cannot_be_one_is_not_sent() {
    let app = start(&["shop"]).await;
    let token = log_in(&app, "shop", "mei").await.token();
    for body in [
        json!({}),
        json!({ "transaction_id": "" }),
        json!({ "transaction_id": 1 }),
        json!({ "transaction_id": "é" }),
        json!({ "transaction_id": "1".repeat(65) }),
        json!({ "mch_id": "1" }),
        json!({ "out_trade_no": "1" }),
        json!({ "transaction_id": "1", "mch_id": "1", "out_trade_no": "1" }),
    ] {
        let reply = app.post("/user/paid", &token, body).await;
        reply.assert_error(400, "payment_malformed");
    }
    let site = web_login(&app, "site", "mei").await.token();
    let body = json!({ "transaction_id": "1" });
    let reply = app.post("/user/paid", &site, body.clone()).await;
    reply.assert_error(409, "session_key_absent");
    assert_eq!(app.requests_to(Endpoint::PaidUnionid), 0);

    let busy = Fault::errcode(-1);
    app.wechat.fail_always(Endpoint::PaidUnionid, busy);
    let reply = app.post("/user/paid", &token, body.clone()).await;
    reply.assert_error(503, "platform_busy");
    let foreign = Fault::errcode(40003);
    app.wechat.fail_always(Endpoint::PaidUnionid, foreign);
    let reply = app.post("/user/paid", &token, body).await;
    reply.assert_error(503, "platform_misconfigured");
}

#[actix_rt::test]
async fn the_calls_of_a_user_are_limited() {
    let app = start(&["shop"]).await;
    let token = log_in(&app, "shop", "mei").await.token();
    let body = json!({ "transaction_id": "1" });
    let mut last = app.post("/user/paid", &token, body.clone()).await;
    for _call in 0..100 {
        if last.status == 429 {
            break;
        }
        last = app.post("/user/paid", &token, body.clone()).await;
    }
    last.assert_error(429, "rate_limited");
}

#[actix_rt::test]
async fn the_avatars_of_a_merged_user_are_deleted_too() {
    for by_operator in [false, true] {
        let folder = Folder::new();
        let store = folder.path().display().to_string();
        let (app, desk, shop) = in_conflict_with(&[("WEAPP_AVATAR__STORE", &store)]).await;
        for name in ["desk", "shop"] {
            let token = log_in(&app, name, "mei").await.token();
            let reply = put(&app, &token, png(4, 4)).await;
            assert_eq!(reply.status, 200, "{}", reply.text);
        }
        decide(&app, [&desk, &shop], "merge").await;
        assert_eq!(files_in(folder.path()), 2);
        if by_operator {
            let path = format!("/admin/users/{desk}");
            admin(&app, Method::DELETE, &path, Value::Null).await
        } else {
            let token = log_in(&app, "shop", "mei").await.token();
            let code = app.wechat.named_app("shop").unwrap().issue_code("mei");
            app.delete_user(&token, &code).await
        }
        .assert_data(json!({}));
        assert_eq!(files_in(folder.path()), 0, "{by_operator}");
    }
}

/// The identity of the session belongs to another user when the platform replies, so that neither user may be deleted.
#[actix_rt::test]
async fn a_user_who_is_merged_or_separated_during_their_deletion_is_not_deleted() {
    for separates in [false, true] {
        let (app, desk, shop) = in_conflict().await;
        if separates {
            decide(&app, [&desk, &shop], "merge").await;
        }
        let token = log_in(&app, "shop", "mei").await.token();
        let code = app.wechat.named_app("shop").unwrap().issue_code("mei");
        let by = Duration::from_millis(400);
        app.wechat
            .fail_next(Endpoint::Code2Session, Fault::Delay { by });
        let deletion = app.delete_user(&token, &code);
        let decision = async {
            actix_rt::time::sleep(Duration::from_millis(100)).await;
            let decision = if separates { "reopen" } else { "merge" };
            decide(&app, [&desk, &shop], decision).await
        };
        let (deleted, decided) = join(deletion, decision).await;
        assert_eq!(decided.status, 200, "{}", decided.text);
        deleted.assert_error(401, "session_required");
        assert_eq!(app.rows_in("user"), 2, "{separates}");
        let kept = log_in(&app, "desk", "mei").await;
        assert_eq!(kept.user_id(), desk, "{separates}");
    }
}

/// The profile and the number of a merged user are kept, so that the merge can be undone. So they are personal data.
#[actix_rt::test]
async fn the_export_has_what_is_kept_of_a_merged_user() {
    let keeps = [("WEAPP_USER__KEEP_PHONE_NUMBER", "true")];
    let (app, desk, shop) = in_conflict_with(&keeps).await;
    let mut kept = Vec::new();
    for name in ["desk", "shop"] {
        let token = log_in(&app, name, "mei").await.token();
        let profile = json!({ "nickname": name, "avatar_url": format!("https://a/{name}") });
        app.put_user(&token, profile).await;
        let code = app.wechat.named_app(name).unwrap().issue_phone_code("mei");
        let number = app
            .post("/user/phone", &token, json!({ "code": code }))
            .await;
        assert_eq!(number.status, 200, "{}", number.text);
        kept.push(number.json()["data"].clone());
    }
    decide(&app, [&desk, &shop], "merge").await;
    let token = log_in(&app, "shop", "mei").await.token();
    let export = app.ask(Method::GET, "/user/export", &token).await.json();
    let user = &export["data"]["user"];
    assert_eq!(
        (&user["nickname"], &user["phone"]),
        (&json!("desk"), &kept[0])
    );
    let identities = &export["data"]["identities"];
    let [own, merged] = [&identities[0], &identities[1]];
    assert_eq!((&own["id"], &merged["id"]), (&json!(desk), &json!(shop)));
    for name in ["nickname", "avatar_url", "phone"] {
        assert_eq!(own.get(name), None, "{name}: it is in `user`");
    }
    assert_eq!(merged["nickname"], "shop");
    assert_eq!(merged["avatar_url"], "https://a/shop");
    assert_eq!(merged["phone"], kept[1]);
}

#[actix_rt::test]
async fn the_export_has_each_identity_and_a_deletion_removes_all() {
    let app = start(&["shop", "desk"]).await;
    let shop = log_in(&app, "shop", "mei").await;
    let desk = log_in(&app, "desk", "mei").await;
    let export = app.ask(Method::GET, "/user/export", &desk.token()).await;
    let handles = ["shop", "desk"].map(|name| app.wechat.named_app(name).unwrap());
    let identities = export.json()["data"]["identities"].clone();
    for (identity, handle) in identities.as_array().unwrap().iter().zip(&handles) {
        assert_eq!(identity["app"], handle.id());
        assert_eq!(identity["openid"], handle.openid("mei"));
        assert_eq!(identity["unionid"], json!(handle.unionid("mei")));
        assert!(identity["created_at"].is_string());
    }
    assert_eq!(identities.as_array().unwrap().len(), 2);
    assert_eq!(
        export.json()["data"]["sessions"].as_array().unwrap().len(),
        2
    );

    let code = handles[1].issue_code("mei");
    let deleted = app.delete_user(&desk.token(), &code).await;
    deleted.assert_data(json!({}));
    let ended = app.show_session(&shop.token()).await;
    ended.assert_error(401, "session_required");
    for table in ["user", "union_identity", "session"] {
        assert_eq!(app.rows_in(table), 0, "{table}");
    }
    let next = log_in(&app, "shop", "mei").await;
    assert_ne!(next.user_id(), shop.user_id());
}
