//! The identity of a user in the simulator.

/// The identity of a user. Everything WeChat calls the user is derived from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct UserId(String);

impl UserId {
    /// The user with this name.
    pub(crate) fn named(name: &str) -> Self {
        Self(format!("named {name}"))
    }

    /// The user of an unissued code, identified by the code's digest.
    pub(crate) fn of_unissued_code(digest: u64) -> Self {
        Self(format!("stranger {digest:016x}"))
    }

    /// Returns the name, if the user has one.
    pub(crate) fn name(&self) -> Option<&str> {
        name_in(&self.0)
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// Returns the name in the text of a [`UserId`], if the user has one.
pub(crate) fn name_in(id: &str) -> Option<&str> {
    id.strip_prefix("named ")
}
