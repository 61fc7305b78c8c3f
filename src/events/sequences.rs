//! The order in which events are delivered.

use std::collections::HashSet;

use crate::identity::UserId;
use crate::store::Event;

/// Splits events into sequences that can be delivered at the same time. All events of a user are in one, in order, and an event
/// about two users joins those of both.
pub(super) fn sequences(events: Vec<Event>) -> Vec<Vec<Event>> {
    let mut sequences: Vec<(HashSet<UserId>, Vec<Event>)> = Vec::new();
    for event in events {
        let mut users = HashSet::from([event.user]);
        users.extend(event.other_user);
        let (joined, mut others): (Vec<_>, Vec<_>) = sequences
            .into_iter()
            .partition(|(of, _)| !of.is_disjoint(&users));
        let mut sequence = Vec::new();
        for (of, events) in joined {
            users.extend(of);
            sequence.extend(events);
        }
        sequence.push(event);
        sequence.sort_by_key(|event| event.position);
        others.push((users, sequence));
        sequences = others;
    }
    sequences
        .into_iter()
        .map(|(_users, events)| events)
        .collect()
}
