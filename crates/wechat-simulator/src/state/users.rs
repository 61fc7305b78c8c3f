//! Users: their identity in the simulator, and the data WeChat has about them.

use serde::{Deserialize, Serialize};

use crate::bounded::LruMap;
use crate::identifiers::Identifiers;
use crate::json::Object;
use crate::saved_state::SavedUser;
use crate::user_id::{UserId, name_in};

/// The user that the login code `the code is a mock one` always logs in.
pub const MOCK_USER: &str = "mock";

/// Maximum number of users whose data is kept. Our choice.
const MAX_USERS: usize = 10_000;

/// The nickname of users who did not choose one, since November 2022.
const DEFAULT_NICKNAME: &str = "微信用户";

/// The picture of users who did not choose one.
const DEFAULT_AVATAR: &str = "https://thirdwx.qlogo.cn/mmopen/vi_32/POgEwh4mIHO4nibH0KlMECNjjGxQUq24ZEaGT4poC6icRiccVGKSyXwibcPq4BWmiaIGuG1icwxaQX6grC9VemZoJ8rg/132";

/// A simulated user's data, the same in all apps.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestUser {
    /// The phone number, without the country code.
    pub phone_number: String,
    /// The country code, without `+`.
    pub country_code: String,
    /// The nickname in user information.
    pub nickname: String,
    /// The picture in user information.
    pub avatar_url: String,
    /// If `true`, logins get error 40226.
    pub blocked: bool,
    /// The rank of getUserRiskRank, from 0 to 4.
    pub risk_rank: u8,
}

impl TestUser {
    /// Returns the phone number as WeChat writes it, once with the country code unless it is China's.
    pub(crate) fn phone_info(&self) -> Object {
        let full_number = match self.country_code.as_str() {
            "86" => self.phone_number.clone(),
            code => format!("+{code}{}", self.phone_number),
        };
        Object::new()
            .with("phoneNumber", full_number)
            .with("purePhoneNumber", &self.phone_number)
            .with("countryCode", &self.country_code)
    }
}

/// All users. Memory: the data of the last [`MAX_USERS`] users whose data was set.
pub(crate) struct Users {
    identifiers: Identifiers,
    by_id: LruMap<TestUser>,
}

impl Users {
    pub(crate) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            by_id: LruMap::new(MAX_USERS),
        }
    }

    /// Returns the user's data; by default it is derived from the identity.
    pub(crate) fn get(&self, id: &UserId) -> TestUser {
        let known = self.by_id.peek(id.as_str()).cloned();
        known.unwrap_or_else(|| default_data(&self.identifiers, id))
    }

    /// Returns the user's data for an update, and lists the user from now on.
    pub(crate) fn get_mut(&mut self, id: &UserId) -> &mut TestUser {
        let default = || default_data(&self.identifiers, id);
        self.by_id.get_or_insert_with(id.as_str(), default)
    }

    /// Adds a user of a saved state.
    pub(crate) fn add(&mut self, name: &str, saved: &SavedUser) {
        let user = self.get_mut(&UserId::named(name));
        for (field, value) in [
            (&mut user.phone_number, &saved.phone_number),
            (&mut user.country_code, &saved.country_code),
            (&mut user.nickname, &saved.nickname),
            (&mut user.avatar_url, &saved.avatar_url),
        ] {
            if let Some(value) = value {
                value.clone_into(field);
            }
        }
        user.blocked = saved.blocked.unwrap_or(user.blocked);
        user.risk_rank = saved.risk_rank.unwrap_or(user.risk_rank);
    }

    /// Returns the names of the listed users, sorted.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.by_id.keys().into_iter().filter_map(name_in).collect()
    }
}

fn default_data(identifiers: &Identifiers, id: &UserId) -> TestUser {
    TestUser {
        phone_number: identifiers.phone_number(id.as_str()),
        country_code: "86".to_owned(),
        nickname: DEFAULT_NICKNAME.to_owned(),
        avatar_url: DEFAULT_AVATAR.to_owned(),
        blocked: false,
        risk_rank: 0,
    }
}
