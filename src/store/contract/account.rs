//! What every store must do with a user's sessions and profile.
//!
//! Knows the trait and its promises. Never knows a backend.

use crate::identity::UserId;
use crate::session::{Change, Profile, ProfileChange, Sealed, SessionId};
use crate::store::contract::{at, lives, login};
use crate::store::{Login, Revocation, Store, Update};

/// Runs this part of the contract against stores that `fresh` makes, each of them empty.
pub(super) async fn holds<S: Store>(fresh: &impl Fn() -> S) {
    the_sessions_of_a_user_come_latest_first(&fresh()).await;
    each_ending_takes_what_it_names(&fresh()).await;
    session_keys_are_replaced_where_there_is_a_session(&fresh()).await;
    a_profile_changes_in_the_named_parts_only(&fresh()).await;
}

/// Two logins of each of two users.
async fn two_each(store: &dyn Store) -> [Login; 4] {
    let logins = [login(1, 0), login(1, 1), login(2, 0), login(2, 1)];
    for login in &logins {
        store.log_in(login.clone()).await.unwrap();
    }
    logins
}

async fn alive(store: &dyn Store, logins: &[Login]) -> Vec<bool> {
    let mut alive = Vec::new();
    for login in logins {
        alive.push(lives(store, login.digest).await);
    }
    alive
}

async fn the_sessions_of_a_user_come_latest_first(store: &dyn Store) {
    let logins = two_each(store).await;
    let user = logins[0].user_if_new;
    let sessions = store.sessions_of(user).await.unwrap();
    let ids: Vec<_> = sessions.iter().map(|session| session.id).collect();
    assert_eq!(ids, [logins[1].id, logins[0].id]);
    let (found, _user) = store.find(logins[1].digest).await.unwrap().unwrap();
    assert_eq!(sessions[0], found);
    assert_eq!(store.sessions_of(UserId([9; 16])).await.unwrap(), []);
}

async fn each_ending_takes_what_it_names(store: &dyn Store) {
    let logins = two_each(store).await;
    let (mei, bo) = (logins[0].user_if_new, logins[2].user_if_new);
    for (revocation, ended, left) in [
        (Revocation::Id(mei, logins[2].id), 0, [true; 4]),
        (
            Revocation::Id(mei, SessionId::generate().unwrap()),
            0,
            [true; 4],
        ),
        (
            Revocation::Id(mei, logins[0].id),
            1,
            [false, true, true, true],
        ),
        (
            Revocation::OthersOf(bo, logins[2].digest),
            1,
            [false, true, true, false],
        ),
        (
            Revocation::OthersOf(bo, logins[2].digest),
            0,
            [false, true, true, false],
        ),
        (Revocation::AllOf(mei), 1, [false, false, true, false]),
        (Revocation::AllOf(mei), 0, [false, false, true, false]),
    ] {
        assert_eq!(
            store.revoke(revocation).await.unwrap(),
            ended,
            "{revocation:?}"
        );
        assert_eq!(alive(store, &logins).await, left, "{revocation:?}");
    }
}

async fn session_keys_are_replaced_where_there_is_a_session(store: &dyn Store) {
    let logins = two_each(store).await;
    let keys = Sealed(vec![7; 40]);
    let update = Update::SessionKeys(keys.clone());
    assert!(store.update(logins[0].digest, update).await.unwrap());
    let kept = |login: &Login| {
        let digest = login.digest;
        async move { store.find(digest).await.unwrap().unwrap().0.session_keys }
    };
    assert_eq!(kept(&logins[0]).await, keys);
    assert_eq!(kept(&logins[1]).await, logins[1].session_keys);
}

async fn a_profile_changes_in_the_named_parts_only(store: &dyn Store) {
    let logins = two_each(store).await;
    let user = logins[0].user_if_new;
    let set = |text: &str| Change::Set(text.to_owned());
    let profile = |nickname: Option<&str>, avatar_url: Option<&str>| Profile {
        nickname: nickname.map(str::to_owned),
        avatar_url: avatar_url.map(str::to_owned),
    };
    for (nickname, avatar_url, expected) in [
        (set("小美 👩‍👩‍👧"), Change::Keep, profile(Some("小美 👩‍👩‍👧"), None)),
        (
            Change::Keep,
            set("https://a/b"),
            profile(Some("小美 👩‍👩‍👧"), Some("https://a/b")),
        ),
        (set("مي"), Change::Clear, profile(Some("مي"), None)),
        (Change::Keep, Change::Keep, profile(Some("مي"), None)),
        (
            Change::Clear,
            set("https://c"),
            profile(None, Some("https://c")),
        ),
    ] {
        let change = ProfileChange {
            nickname,
            avatar_url,
        };
        let changed = store.change_profile(user, change).await.unwrap().unwrap();
        assert_eq!(changed.profile, expected);
        let (_session, found) = store.find(logins[0].digest).await.unwrap().unwrap();
        assert_eq!(found, changed);
    }
    let again = store.log_in(login(1, 9)).await.unwrap();
    assert_eq!(again.user.profile, profile(None, Some("https://c")));
    let (_session, other) = store.find(logins[2].digest).await.unwrap().unwrap();
    assert_eq!(other.profile, Profile::default());
    let nobody = store
        .change_profile(UserId([9; 16]), ProfileChange::default())
        .await;
    assert_eq!(nobody.unwrap(), None);
    assert_eq!(other.created_at, at(0));
}
