//! Collections with a maximum size, so that a simulator that runs for months stays small.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap, VecDeque};

/// A list that drops its oldest item when it is full.
pub(crate) struct BoundedList<T> {
    items: VecDeque<T>,
    capacity: usize,
}

impl<T> BoundedList<T> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
        }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.items.len() >= self.capacity {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }

    /// Iterates from the oldest item to the newest.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.items.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut T> {
        self.items.iter_mut()
    }

    pub(crate) fn clear(&mut self) {
        self.items.clear();
    }
}

/// A map that drops its least recently used entry when it is full.
pub(crate) struct LruMap<V> {
    entries: HashMap<String, (u64, V)>,
    /// Keys by the number of their last use.
    order: BTreeMap<u64, String>,
    uses: u64,
    capacity: usize,
}

impl<V> LruMap<V> {
    pub(crate) fn new(capacity: usize) -> Self {
        Self {
            entries: HashMap::new(),
            order: BTreeMap::new(),
            uses: 0,
            capacity,
        }
    }

    /// Returns the value without marking it as used.
    pub(crate) fn peek(&self, key: &str) -> Option<&V> {
        self.entries.get(key).map(|(_, value)| value)
    }

    /// Marks the value as used and returns it; inserts `default()` first if there is none.
    pub(crate) fn get_or_insert_with(&mut self, key: &str, default: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() >= self.capacity
            && !self.entries.contains_key(key)
            && let Some((_, oldest)) = self.order.pop_first()
        {
            self.entries.remove(&oldest);
        }
        self.uses += 1;
        self.order.insert(self.uses, key.to_owned());
        match self.entries.entry(key.to_owned()) {
            Entry::Occupied(entry) => {
                let (last_use, value) = entry.into_mut();
                self.order.remove(last_use);
                *last_use = self.uses;
                value
            }
            Entry::Vacant(entry) => &mut entry.insert((self.uses, default())).1,
        }
    }

    /// Returns all keys, sorted.
    pub(crate) fn keys(&self) -> Vec<&str> {
        let mut keys: Vec<&str> = self.entries.keys().map(String::as_str).collect();
        keys.sort_unstable();
        keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_recently_used_entry_is_dropped() {
        let mut map = LruMap::new(2);
        for key in ["a", "b", "a", "c"] {
            *map.get_or_insert_with(key, || 0) += 1;
        }
        assert_eq!(map.keys(), ["a", "c"]);
        assert_eq!([map.peek("a"), map.peek("b")], [Some(&2), None]);
        assert_eq!(map.order.len(), 2);
    }
}
