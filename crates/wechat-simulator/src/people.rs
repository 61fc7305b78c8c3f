//! What WeChat knows of a person: their phone number, their profile, and whether they are locked out.
//!
//! Knows what a person has who was never described.
//! Never knows apps, keys or codes.
//!
//! Memory: the [`MOST_PEOPLE`] that were described last.

use super::identifiers::Identifiers;
use super::recent::Recent;
use super::user::User;

/// How many people are remembered. Our choice.
const MOST_PEOPLE: usize = 10_000;

/// The name of everybody who did not type one, since November 2022.
const NO_NAME: &str = "微信用户";

/// The grey picture of everybody who did not choose one.
const NO_PICTURE: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

/// What WeChat knows of one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestUser {
    /// The phone number, without the country code.
    pub phone_number: String,
    /// The country code, without `+`.
    pub country_code: String,
    /// The name that user information bears.
    pub nickname: String,
    /// The picture that user information bears.
    pub avatar_url: String,
    /// Whether their codes are refused: 40226.
    pub blocked: bool,
}

impl TestUser {
    /// The phone number as WeChat spells it: with the country code if that is not China's.
    pub(super) fn full_phone_number(&self) -> String {
        match self.country_code.as_str() {
            "86" => self.phone_number.clone(),
            foreign => format!("+{foreign}{}", self.phone_number),
        }
    }
}

/// All people.
pub(super) struct People {
    identifiers: Identifiers,
    /// By the user's label.
    known: Recent<(User, TestUser)>,
}

impl People {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            known: Recent::holding(MOST_PEOPLE),
        }
    }

    /// What is known of the user; what is not follows from their name.
    pub(super) fn get(&self, user: &User) -> TestUser {
        let known = self.known.get(&user.label());
        known.map_or_else(|| self.undescribed(user), |(_, person)| person.clone())
    }

    /// Knows this of the user from now on.
    pub(super) fn put(&mut self, user: &User, person: TestUser) {
        let known = self
            .known
            .touch(&user.label(), || (user.clone(), person.clone()));
        known.1 = person;
    }

    /// The names of those who have one and were described, sorted.
    pub(super) fn names(&self) -> Vec<String> {
        let known = self.known.keys().into_iter();
        let users = known.filter_map(|label| self.known.get(label));
        users
            .filter_map(|(user, _)| match user {
                User::Named(name) => Some(name.clone()),
                User::Stranger(_) => None,
            })
            .collect()
    }

    fn undescribed(&self, user: &User) -> TestUser {
        TestUser {
            phone_number: self.identifiers.phone_number(&user.label()),
            country_code: "86".to_owned(),
            nickname: NO_NAME.to_owned(),
            avatar_url: NO_PICTURE.to_owned(),
            blocked: false,
        }
    }
}
