//! A map that forgets what nobody touched for longest, so that a simulator that runs for months stays small.
//!
//! Knows keys, and the order in which they were last touched.
//! Never knows what it keeps.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};

/// At most so many values, by text.
pub(super) struct Recent<V> {
    entries: HashMap<String, (u64, V)>,
    /// By the count at which a key was last touched.
    order: BTreeMap<u64, String>,
    touches: u64,
    most: usize,
}

impl<V> Recent<V> {
    pub(super) fn holding(most: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            touches: 0,
            most,
        }
    }

    /// Looks without touching.
    pub(super) fn get(&self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Touches the key's value, which is made if there is none.
    pub(super) fn touch(&mut self, key: &str, make: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= self.most && !self.entries.contains_key(key) {
            self.forget_one();
        }
        self.touches += 1;
        let touch = self.touches;
        self.order.insert(touch, key.to_owned());
        match self.entries.entry(key.to_owned()) {
            Entry::Occupied(known) => {
                let (last, value) = known.into_mut();
                self.order.remove(last);
                *last = touch;
                value
            }
            Entry::Vacant(unknown) => &mut unknown.insert((touch, make())).1,
        }
    }

    /// All keys, sorted.
    pub(super) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }

    fn forget_one(&mut self) {
        if let Some((_, oldest)) = self.order.pop_first() {
            self.entries.remove(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_touched_for_longest_is_forgotten() {
        let mut recent = Recent::holding(2);
        for key in ["a", "b", "a", "c"] {
            *recent.touch(key, || 0) += 1;
        }
        assert_eq!(recent.keys(), ["a", "c"]);
        assert_eq!([recent.get("a"), recent.get("b")], [Some(&2), None]);
        assert_eq!(recent.order.len(), 2);
    }
}
