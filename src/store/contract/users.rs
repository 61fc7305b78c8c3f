//! Users: their profiles and their deletion.

use std::sync::Arc;

use crate::identity::{KeyedDigest, UserId};
use crate::session::{Change, Profile, ProfileChange, Sealed, User};
use crate::store::accounts::UserKey;
use crate::store::contract::{at, existing, log_in_each, login};
use crate::store::interface::{KeptNumber, Store};

pub(super) async fn check(fresh: &impl AsyncFn() -> Arc<dyn Store>) {
    a_profile_changes_in_the_given_fields_only(&*fresh().await).await;
    a_deleted_user_is_gone_with_their_sessions(&*fresh().await).await;
    a_kept_phone_number_is_found_until_it_is_replaced_or_deleted(&*fresh().await).await;
}

async fn a_deleted_user_is_gone_with_their_sessions(store: &dyn Store) {
    let logins = [login(1, 0), login(1, 1), login(2, 2)];
    log_in_each(store, &logins).await;
    assert_eq!(existing(store, &logins).await, [true, true, true]);
    let user = logins[0].user_if_new;
    assert_eq!(store.delete_user(user).await.unwrap(), [user]);
    assert_eq!(existing(store, &logins).await, [false, false, true]);
    assert_eq!(store.sessions_of(user).await.unwrap(), []);
    let change = store.change_profile(user, ProfileChange::default()).await;
    assert_eq!(change.unwrap(), None);
    assert_eq!(store.delete_user(user).await.unwrap(), []);

    let again = login(1, 3);
    let new = store.log_in(again.clone()).await.unwrap();
    assert_eq!((new.is_new, new.user.id), (true, again.user_if_new));
    assert_eq!(new.user.created_at, at(3));
}

async fn a_kept_phone_number_is_found_until_it_is_replaced_or_deleted(store: &dyn Store) {
    let logins = [login(1, 0), login(2, 1)];
    for login in &logins {
        let user = store.log_in(login.clone()).await.unwrap().user;
        assert_eq!(user.phone_number, None);
    }
    let [mei, bo] = logins.each_ref().map(|login| login.user_if_new);
    let number = |text: u8| KeptNumber {
        sealed: Sealed(vec![text]),
        digest: KeyedDigest([text; 32]),
    };
    let keep = async |user, text| store.keep_phone_number(user, number(text)).await.unwrap();
    let found = async |digests: &[u8]| {
        let digests = digests
            .iter()
            .map(|digest| number(*digest).digest)
            .collect();
        let users = store
            .find_users(UserKey::PhoneNumber(digests))
            .await
            .unwrap();
        let found = |user: &User| (user.id, user.phone_number.clone());
        users.iter().map(found).collect::<Vec<_>>()
    };
    assert!(keep(bo, 7).await && keep(mei, 7).await);
    let seven = Some(Sealed(vec![7]));
    assert_eq!(
        found(&[7]).await,
        [(mei, seven.clone()), (bo, seven.clone())]
    );
    assert!(keep(mei, 8).await);
    let eight = Some(Sealed(vec![8]));
    assert_eq!(found(&[7]).await, [(bo, seven.clone())]);
    assert_eq!(found(&[9, 8]).await, [(mei, eight.clone())]);
    let (_session, user) = store.find(logins[0].digest).await.unwrap().unwrap();
    assert_eq!(user.phone_number, eight);
    assert_eq!(store.log_in(login(1, 2)).await.unwrap().user, user);
    let changed = store.change_profile(mei, ProfileChange::default()).await;
    assert_eq!(changed.unwrap(), Some(user));
    assert_eq!(store.delete_user(mei).await.unwrap(), [mei]);
    assert_eq!(found(&[8]).await, []);
    assert!(!keep(mei, 8).await, "a deleted user keeps nothing");
}

async fn a_profile_changes_in_the_given_fields_only(store: &dyn Store) {
    let (mei, bo) = (login(1, 0), login(2, 0));
    log_in_each(store, [&mei, &bo]).await;
    let user = mei.user_if_new;
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
        let (_session, found) = store.find(mei.digest).await.unwrap().unwrap();
        assert_eq!(found, changed);
    }
    let again = store.log_in(login(1, 9)).await.unwrap();
    assert_eq!(again.user.profile, profile(None, Some("https://c")));
    let (_session, other) = store.find(bo.digest).await.unwrap().unwrap();
    assert_eq!(other.profile, Profile::default());
    let unknown = store
        .change_profile(UserId([9; 16]), ProfileChange::default())
        .await;
    assert_eq!(unknown.unwrap(), None);
    assert_eq!(other.created_at, at(0));
}
