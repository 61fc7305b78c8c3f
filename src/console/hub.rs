//! The latest events, and the pages that read them.

use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use serde::Serialize;
use tokio::sync::watch;

/// Number of events that are kept. The page shows as many.
const KEPT: usize = 500;

/// Maximum number of open pages. Our choice.
const MAX_PAGES: usize = 16;

/// The latest events. All workers share it.
pub struct Hub {
    /// Distinguishes the event numbers of this process from those of its predecessor.
    start: u32,
    scope: Scope,
    pages: AtomicUsize,
    ring: Mutex<VecDeque<Event>>,
    /// The number of the latest event.
    latest: watch::Sender<u64>,
}

/// The events that are recorded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All events, with bodies and headers: in development.
    All,
    /// Rejected requests, without bodies and headers: for operators.
    Rejections,
}

/// An event as it is sent to the pages.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its number, from 1.
    pub number: u64,
    /// `request` or `call`.
    pub kind: &'static str,
    /// A JSON object.
    pub data: Arc<str>,
}

/// The last event that a page has seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Position {
    start: u32,
    number: u64,
}

/// An open page. Events are recorded until the last one is dropped.
pub struct Page {
    hub: Arc<Hub>,
    seen: u64,
    latest: watch::Receiver<u64>,
}

/// An event with its time.
#[derive(Serialize)]
struct Timed<'a, T> {
    /// Milliseconds since 1970.
    at: i64,
    #[serde(flatten)]
    event: &'a T,
}

impl Hub {
    /// Creates a hub without events and pages.
    pub fn new(scope: Scope) -> Self {
        Self {
            start: getrandom::u32().unwrap_or_default(),
            scope,
            pages: AtomicUsize::new(0),
            ring: Mutex::default(),
            latest: watch::Sender::new(0),
        }
    }

    /// Returns the events that are recorded.
    pub fn scope(&self) -> Scope {
        self.scope
    }

    /// Returns `true` if a page is open.
    pub fn is_watched(&self) -> bool {
        self.pages.load(Ordering::Relaxed) > 0
    }

    /// Records an event. Call it only if a page is open.
    #[expect(
        clippy::disallowed_methods,
        reason = "an event has the time at which it ended, which is later than that of its request"
    )]
    pub fn record(&self, kind: &'static str, event: &impl Serialize) {
        let at = Timestamp::now().as_millisecond();
        let data = serde_json::to_string(&Timed { at, event });
        let mut ring = self.lock();
        let number = ring.back().map_or(0, |event| event.number) + 1;
        if ring.len() == KEPT {
            ring.pop_front();
        }
        // Texts and numbers always serialize.
        let data = data.unwrap_or_default().into();
        ring.push_back(Event { number, kind, data });
        drop(ring);
        self.latest.send_replace(number);
    }

    /// Opens a page that has seen the events up to a position, or none. Returns `None` if there are too many pages.
    pub fn open(self: &Arc<Self>, seen: Option<Position>) -> Option<Page> {
        if self.pages.fetch_add(1, Ordering::Relaxed) >= MAX_PAGES {
            self.pages.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        let seen = seen.filter(|seen| seen.start == self.start);
        Some(Page {
            hub: Arc::clone(self),
            seen: seen.map_or(0, |seen| seen.number),
            latest: self.latest.subscribe(),
        })
    }

    /// Returns the position of an event.
    pub fn position(&self, number: u64) -> Position {
        let start = self.start;
        Position { start, number }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Event>> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Page {
    /// Returns the events since the last call, and the number of those that were dropped before the page read them.
    pub fn take(&mut self) -> (Vec<Event>, u64) {
        self.latest.mark_unchanged();
        let ring = self.hub.lock();
        let new = ring.iter().filter(|event| event.number > self.seen);
        let events: Vec<_> = new.cloned().collect();
        drop(ring);
        let first = events.first().map_or(0, |event| event.number);
        // A page that has seen nothing has missed nothing.
        let missed = match self.seen {
            0 => 0,
            seen => first.saturating_sub(seen + 1),
        };
        self.seen = events.last().map_or(self.seen, |event| event.number);
        (events, missed)
    }

    /// Waits for an event.
    pub async fn changed(&mut self) {
        // The hub has the sender, and this page has the hub.
        self.latest.changed().await.unwrap_or_default();
    }

    /// Returns the position of an event.
    pub fn position(&self, event: &Event) -> Position {
        self.hub.position(event.number)
    }
}

impl Drop for Page {
    fn drop(&mut self) {
        self.hub.pages.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}-{}", self.start, self.number)
    }
}

impl FromStr for Position {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (start, number) = text.split_once('-').ok_or(())?;
        let start = u32::from_str_radix(start, 16).map_err(drop)?;
        let number = number.parse().map_err(drop)?;
        Ok(Self { start, number })
    }
}

/// Omits the events.
impl fmt::Debug for Hub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hub").finish_non_exhaustive()
    }
}

impl fmt::Debug for Page {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Page").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(events: &[Event]) -> Vec<u64> {
        events.iter().map(|event| event.number).collect()
    }

    #[test]
    fn events_are_recorded_while_a_page_is_open() {
        let hub = Arc::new(Hub::new(Scope::All));
        assert!(!hub.is_watched());
        let page = hub.open(None).unwrap();
        assert!(hub.is_watched());
        let other = hub.open(None).unwrap();
        drop(page);
        assert!(hub.is_watched());
        drop(other);
        assert!(!hub.is_watched());
    }

    #[actix_rt::test]
    async fn each_page_gets_each_event_once() {
        let hub = Arc::new(Hub::new(Scope::All));
        let (mut one, mut other) = (hub.open(None).unwrap(), hub.open(None).unwrap());
        hub.record("request", &());
        one.changed().await;
        assert_eq!(numbers(&one.take().0), [1]);
        assert!(one.take().0.is_empty());
        hub.record("call", &());
        one.changed().await;
        assert_eq!(numbers(&one.take().0), [2]);
        assert_eq!(numbers(&other.take().0), [1, 2]);
    }

    #[test]
    fn a_slow_page_skips_events_and_gets_their_number() {
        let hub = Arc::new(Hub::new(Scope::All));
        let mut page = hub.open(None).unwrap();
        hub.record("request", &());
        assert_eq!(page.take().0.len(), 1);
        for _ in 0..KEPT + 7 {
            hub.record("request", &());
        }
        let (events, missed) = page.take();
        assert_eq!((events.len(), missed), (KEPT, 7));
        assert_eq!(hub.lock().len(), KEPT);
    }

    #[test]
    fn a_page_continues_where_it_was_unless_the_process_is_another() {
        let hub = Arc::new(Hub::new(Scope::All));
        for _ in 0..3 {
            hub.record("request", &());
        }
        let position = hub.position(2).to_string();
        let seen: Position = position.parse().unwrap();
        let take = |seen| numbers(&hub.open(seen).unwrap().take().0);
        assert_eq!(take(Some(seen)), [3]);
        assert_eq!(take(None), [1, 2, 3]);
        let start = seen.start.wrapping_add(1);
        assert_eq!(take(Some(Position { start, ..seen })), [1, 2, 3]);
        for malformed in ["", "2", "x-2", "1-", "1-x", "100000000-1"] {
            assert_eq!(malformed.parse::<Position>(), Err(()), "{malformed}");
        }
    }

    #[test]
    fn the_number_of_pages_is_limited() {
        let hub = Arc::new(Hub::new(Scope::All));
        let mut pages: Vec<_> = (0..MAX_PAGES).map(|_| hub.open(None).unwrap()).collect();
        assert!(hub.open(None).is_none());
        pages.pop();
        assert!(hub.open(None).is_some());
    }
}
