//! Who a WeChat user is to the simulator: a name that a test gave, or nobody in particular.
//!
//! Knows how users are told apart.
//! Never knows what WeChat calls them.

/// The user whom the code `the code is a mock one` always logs in.
pub const MOCK_USER: &str = "mock";

/// A WeChat user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum User {
    /// The user of that name.
    Named(String),
    /// The one user of a code that was never issued, told by the code's digest.
    Stranger(u64),
}

impl User {
    /// The user of that name.
    pub(super) fn named(name: &str) -> Self {
        Self::Named(name.to_owned())
    }

    /// A text that no other user has.
    pub(super) fn label(&self) -> String {
        match self {
            Self::Named(name) => format!("named {name}"),
            Self::Stranger(digest) => format!("stranger {digest:016x}"),
        }
    }
}
