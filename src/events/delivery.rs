//! The delivery of events: one node at a time, each user's events in order, with retries.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::stream::{StreamExt as _, iter};
use jiff::{SignedDuration, Timestamp};

use crate::events::receiver::{LIMIT, Receiver, Rejected};
use crate::events::sequences::sequences;
use crate::identity::UserId;
use crate::metrics::Metrics;
use crate::session::CryptoError;
use crate::store::{self, Claim, Claimed, Event, EventRemoval, Holder, LedgerKey, Store};
use crate::time::{minus, plus};

/// Pause while there is nothing to deliver. Our choice: a second of delay, for one read of an empty table.
const IDLE: Duration = Duration::from_secs(1);

/// First and longest pause before another attempt. Our choice.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(5);

/// Time after which a step starts no more deliveries. Our choice.
const STEP: Duration = Duration::from_secs(10);

/// Maximum time of a step, with a margin for a slow store. A node that dies delays the events by this time.
const LEASE: Duration = Duration::from_secs(30);
const _: () = assert!(STEP.as_secs() + LIMIT.as_secs() < LEASE.as_secs());

/// Maximum number of deliveries in flight, each of other users. Our choice.
const IN_FLIGHT: usize = 16;

/// Delivers the events of a store.
pub struct Delivery {
    store: Arc<dyn Store>,
    receiver: Receiver,
    metrics: Option<Arc<Metrics>>,
    /// Age at which an event that the receiver rejects is dropped.
    keep: SignedDuration,
    lease: (LedgerKey, Holder),
    /// The users of whom an event was rejected. Their later events wait.
    failing: HashMap<UserId, Failing>,
    /// Number of steps since the receiver last accepted an event.
    failed_steps: u32,
}

struct Failing {
    attempts: u32,
    /// Time of the next attempt.
    due: Timestamp,
}

/// Result of deliveries that follow each other.
struct Outcome {
    delivered: Vec<Event>,
    rejected: Option<(Event, Rejected)>,
}

impl Delivery {
    /// Delivers to a receiver. An event is dropped if it is rejected after `keep`.
    ///
    /// # Errors
    /// [`CryptoError::NoRandomness`] if the operating system returns no random bytes.
    pub fn new(
        store: Arc<dyn Store>,
        receiver: Receiver,
        metrics: Option<Arc<Metrics>>,
        keep: SignedDuration,
    ) -> Result<Self, CryptoError> {
        Ok(Self {
            store,
            receiver,
            metrics,
            keep,
            lease: (LedgerKey::of("event delivery", &[]), Holder::generate()?),
            failing: HashMap::new(),
            failed_steps: 0,
        })
    }

    /// Delivers a limited number of events, and returns the pause before the next step.
    ///
    /// Dropping the future is safe: an event whose delivery is not recorded is delivered again.
    pub async fn step(&mut self, now: Timestamp) -> Duration {
        match self.try_step(now).await {
            Ok(pause) => pause,
            Err(error) => {
                log::warn!("events wait, because the store failed: {error}");
                IDLE
            }
        }
    }

    async fn try_step(&mut self, now: Timestamp) -> Result<Duration, store::Error> {
        let forgotten = minus(now, LONGEST_PAUSE);
        self.failing
            .retain(|_user, failing| failing.due > forgotten);
        let waiting = self
            .failing
            .iter()
            .filter(|(_user, failing)| failing.due > now);
        let waiting: Vec<_> = waiting.map(|(user, _failing)| *user).collect();
        if self.store.events(waiting.clone()).await?.is_empty() || !self.take_lease(now).await? {
            return Ok(IDLE);
        }
        // Read again, now that no other node delivers.
        let events = self.wanted(waiting).await?;
        let pause = self.deliver(events, now).await;
        let (key, holder) = self.lease;
        self.store.release(key, holder).await?;
        pause
    }

    /// Returns the events to deliver. After a step without success, those of users whose events were not rejected come first, so
    /// that events that the receiver never accepts do not stop those of other users.
    async fn wanted(&self, waiting: Vec<UserId>) -> Result<Vec<Event>, store::Error> {
        if self.failed_steps > 0 {
            let failing = self.failing.keys().copied().collect();
            let others = self.store.events(failing).await?;
            if !others.is_empty() {
                return Ok(others);
            }
        }
        self.store.events(waiting).await
    }

    /// Returns `false` if another node delivers.
    async fn take_lease(&self, now: Timestamp) -> Result<bool, store::Error> {
        let (key, holder) = self.lease;
        let until = plus(now, LEASE);
        let claim = Claim {
            key,
            holder,
            now,
            until,
            stale: None,
        };
        Ok(self.store.claim(claim).await? == Claimed::Yours)
    }

    async fn deliver(
        &mut self,
        mut events: Vec<Event>,
        now: Timestamp,
    ) -> Result<Duration, store::Error> {
        if self.failed_steps > 0 {
            // One is enough to find out if the receiver is back.
            events.truncate(1);
        }
        let clock = Instant::now();
        let sequences = iter(sequences(events));
        let deliveries = sequences.map(|events| self.deliver_in_order(events, now, clock));
        let outcomes: Vec<_> = deliveries.buffer_unordered(IN_FLIGHT).collect().await;
        let delivered: Vec<_> = outcomes
            .iter()
            .flat_map(|outcome| outcome.delivered.iter().map(|event| event.position))
            .collect();
        self.count("delivered", delivered.len());
        let accepts = !delivered.is_empty();
        if accepts {
            self.store
                .remove_events(EventRemoval::At(delivered))
                .await?;
        }
        let ended = plus(now, clock.elapsed());
        let rejected = self.note(outcomes, accepts, ended);
        self.drop_old(&rejected, accepts, ended).await?;
        Ok(match (accepts, rejected.is_empty()) {
            (true, _) => Duration::ZERO,
            (false, true) => IDLE,
            (false, false) => backoff(self.failed_steps),
        })
    }

    /// Delivers events in order, up to the first that is rejected.
    async fn deliver_in_order(
        &self,
        events: Vec<Event>,
        now: Timestamp,
        clock: Instant,
    ) -> Outcome {
        let mut outcome = Outcome {
            delivered: Vec::new(),
            rejected: None,
        };
        for event in events {
            let elapsed = clock.elapsed();
            if elapsed > STEP {
                break;
            }
            match self.receiver.deliver(&event, plus(now, elapsed)).await {
                Ok(()) => outcome.delivered.push(event),
                Err(rejected) => {
                    outcome.rejected = Some((event, rejected));
                    break;
                }
            }
        }
        outcome
    }

    /// Notes which users' events wait, and returns the rejected events. Logs the first rejection of an outage or of a user.
    fn note(&mut self, outcomes: Vec<Outcome>, accepts: bool, now: Timestamp) -> Vec<Event> {
        if accepts && self.failed_steps > 0 {
            log::info!("the receiver accepts events again");
            self.failing.clear();
        }
        let mut events = Vec::new();
        for outcome in outcomes {
            for event in outcome.delivered {
                self.failing.remove(&event.user);
            }
            let Some((event, reason)) = outcome.rejected else {
                continue;
            };
            let user = event.user;
            let failing = self.failing.entry(user).or_insert(Failing {
                attempts: 0,
                due: now,
            });
            failing.attempts = failing.attempts.saturating_add(1);
            failing.due = plus(now, backoff(failing.attempts));
            if self.failed_steps == 0 && failing.attempts == 1 {
                log::warn!("an event of user {user} waits, and will be delivered again: {reason}");
            }
            events.push(event);
        }
        self.count("failed", events.len());
        self.failed_steps = if accepts || events.is_empty() {
            0
        } else {
            self.failed_steps.saturating_add(1)
        };
        events
    }

    /// Drops what the receiver has rejected for too long: these events or, if it accepts none, all old ones.
    async fn drop_old(
        &self,
        rejected: &[Event],
        accepts: bool,
        now: Timestamp,
    ) -> Result<(), store::Error> {
        let oldest = minus(now, self.keep);
        let old = rejected.iter().filter(|event| event.at < oldest);
        let old: Vec<_> = old.map(|event| event.position).collect();
        if old.is_empty() {
            return Ok(());
        }
        let removal = if accepts {
            EventRemoval::At(old)
        } else {
            EventRemoval::Before(oldest)
        };
        let dropped = self.store.remove_events(removal).await?;
        self.count("dropped", dropped);
        log::error!(
            "{dropped} events were dropped, because the receiver has rejected them for too long (`events.keep_days`)"
        );
        Ok(())
    }

    fn count(&self, outcome: &str, events: usize) {
        if let Some(metrics) = &self.metrics {
            metrics.count_events(outcome, events);
        }
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Delivery").finish_non_exhaustive()
    }
}

/// Returns the pause after a number of failed attempts: it doubles, and varies by half, so that nodes do not try in step.
fn backoff(attempts: u32) -> Duration {
    let doublings = attempts.saturating_sub(1).min(16);
    let pause = LONGEST_PAUSE.min(FIRST_PAUSE * (1 << doublings));
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    pause.mul_f64(0.5 + 0.5 * f64::from(random) / f64::from(u32::MAX))
}
