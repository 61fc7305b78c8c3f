//! Ids of users that are not derived from the seed.

use std::collections::HashMap;

/// Fixed openids and unionids.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    pub(crate) openids: IdsByScope,
    pub(crate) unionids: IdsByScope,
}

/// Fixed ids by scope and name.
#[derive(Debug, Default)]
pub(crate) struct IdsByScope(HashMap<(String, String), String>);

impl IdsByScope {
    pub(crate) fn get(&self, scope: &str, name: &str) -> Option<&str> {
        let id = self.0.get(&(scope.to_owned(), name.to_owned()));
        id.map(String::as_str)
    }

    /// Returns `false` if the id is empty, or that of another user.
    pub(crate) fn add(&mut self, scope: &str, name: &str, id: &str) -> bool {
        let is_taken = |((known_scope, known), taken): (&(String, String), &String)| {
            known_scope == scope && known != name && taken == id
        };
        let is_free = !id.is_empty() && !self.0.iter().any(is_taken);
        if is_free {
            let key = (scope.to_owned(), name.to_owned());
            self.0.insert(key, id.to_owned());
        }
        is_free
    }
}
