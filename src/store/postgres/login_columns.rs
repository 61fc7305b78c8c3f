//! The parameters of the transaction of logins.

use tokio_postgres::types::ToSql;

use crate::store::interface::Login;
use crate::store::postgres::people::People;

type Param<'a> = &'a (dyn ToSql + Sync);

/// Logins as arrays of their fields.
pub(super) struct Columns<'a> {
    users: Vec<&'a [u8]>,
    subjects: Vec<&'a [u8]>,
    openids: Vec<&'a [u8]>,
    unionids: Vec<Option<&'a [u8]>>,
    now: Vec<i64>,
    expires_at: Vec<i64>,
    digests: Vec<&'a [u8]>,
    ids: Vec<&'a [u8]>,
    keys: Vec<&'a [u8]>,
    apps: Vec<&'a str>,
    devices: Vec<&'a str>,
    replaced: Vec<Option<&'a [u8]>>,
    others: Vec<i64>,
    pub(super) people: People<'a>,
}

impl<'a> Columns<'a> {
    pub(super) fn of(logins: &[&'a Login]) -> Self {
        let mut people = People::default();
        for login in logins {
            people.add(&login.subject, &login.person, login.now.as_millisecond());
        }
        Self {
            users: column(logins, |login| login.user_if_new.0.as_slice()),
            subjects: column(logins, |login| login.subject.0.as_slice()),
            openids: column(logins, |login| login.openid.0.as_slice()),
            unionids: column(logins, |login| {
                login.unionid.as_ref().map(|unionid| unionid.0.as_slice())
            }),
            now: column(logins, |login| login.now.as_millisecond()),
            expires_at: column(logins, |login| login.expires_at.as_millisecond()),
            digests: column(logins, |login| login.digest.0.as_slice()),
            ids: column(logins, |login| login.id.0.as_slice()),
            keys: column(logins, |login| login.session_keys.0.as_slice()),
            apps: column(logins, |login| login.app.as_str()),
            devices: column(logins, |login| login.device.as_str()),
            replaced: column(logins, |login| {
                login.replaces.as_ref().map(|digest| digest.0.as_slice())
            }),
            others: column(logins, |login| {
                i64::from(login.sessions_per_user.saturating_sub(1))
            }),
            people,
        }
    }

    /// The parameters of the statement that finds or creates the identities.
    pub(super) fn users(&self) -> [Param<'_>; 6] {
        [
            &self.users,
            &self.subjects,
            &self.openids,
            &self.unionids,
            &self.now,
            &self.apps,
        ]
    }

    /// The same, with the digests of the unionids.
    pub(super) fn linked_users(&self) -> [Param<'_>; 8] {
        let [users, subjects, openids, unionids, now, apps] = self.users();
        let [of_people, digests] = self.registered();
        [
            users, subjects, openids, unionids, now, apps, of_people, digests,
        ]
    }

    pub(super) fn owners(&self) -> [Param<'_>; 1] {
        [&self.subjects]
    }

    pub(super) fn sessions(&self) -> [Param<'_>; 8] {
        [
            &self.subjects,
            &self.digests,
            &self.ids,
            &self.apps,
            &self.now,
            &self.expires_at,
            &self.devices,
            &self.keys,
        ]
    }

    pub(super) fn ended(&self) -> [Param<'_>; 4] {
        [&self.subjects, &self.digests, &self.others, &self.replaced]
    }

    pub(super) fn registered(&self) -> [Param<'_>; 2] {
        [&self.people.subjects, &self.people.digests]
    }

    pub(super) fn conflicts(&self) -> [Param<'_>; 3] {
        let (subjects, digests, now) = &self.people.firsts;
        [subjects, digests, now]
    }

    pub(super) fn created(&self) -> [Param<'_>; 2] {
        [&self.users, &self.apps]
    }
}

fn column<'a, T>(logins: &[&'a Login], field: impl Fn(&'a Login) -> T) -> Vec<T> {
    logins.iter().map(|login| field(login)).collect()
}
