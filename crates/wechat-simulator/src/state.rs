//! What the server's requests and the test share: the world, its clock, the faults to come and the record.
//!
//! Knows how WeChat words an answer: JSON, and with a refusal a rid.
//! Never knows HTTP, or what a parameter means.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use super::asked::{Record, RecordedRequest};
use super::clock::Clock;
use super::endpoints;
use super::faults::Faults;
use super::masked;
use super::refusal;
use super::rids::Refused;
use super::world::World;

/// One simulator, without its socket.
pub(super) struct State {
    pub(super) clock: Clock,
    world: Mutex<World>,
    faults: Mutex<Faults>,
    record: Mutex<Record>,
}

impl State {
    pub(super) fn new(clock: Clock, world: World) -> Self {
        Self {
            clock,
            world: Mutex::new(world),
            faults: Mutex::default(),
            record: Mutex::default(),
        }
    }

    pub(super) fn world(&self) -> MutexGuard<'_, World> {
        lock(&self.world)
    }

    pub(super) fn faults(&self) -> MutexGuard<'_, Faults> {
        lock(&self.faults)
    }

    pub(super) fn record(&self) -> MutexGuard<'_, Record> {
        lock(&self.record)
    }

    /// Does what was asked, and says so in WeChat's way.
    pub(super) fn answer(&self, asked: &RecordedRequest) -> Value {
        let answer = endpoints::answer(&mut self.world(), asked, self.clock.now());
        answer.unwrap_or_else(|refused| self.refuse(asked, refused.errcode, refused.errmsg))
    }

    /// Refuses what was asked, without doing it.
    pub(super) fn refuse(&self, asked: &RecordedRequest, errcode: i64, errmsg: &str) -> Value {
        let now = self.clock.now();
        let mut world = self.world();
        let rid = world.rids.next(now);
        let body = refusal::body(errcode, errmsg, &rid);
        let app_id = endpoints::app_of(&world, asked, now);
        world.rids.remember(Refused {
            rid,
            app_id,
            at: now,
            url: masked::url(asked),
            body: masked::body_text(&asked.body),
            answer: body.to_string(),
            caller: asked.caller.map(|ip| ip.to_string()).unwrap_or_default(),
        });
        body
    }

    /// Forgets all but the apps and the time.
    pub(super) fn reset(&self) {
        let mut world = self.world();
        *world = world.afresh();
        *self.faults() = Faults::default();
        self.record().clear();
    }

    /// Lets a rival server renew the access tokens of the app that was asked about.
    pub(super) fn clobber(&self, asked: &RecordedRequest) {
        let now = self.clock.now();
        let mut world = self.world();
        if let Some(app_id) = endpoints::app_of(&world, asked, now) {
            world.tokens.clobber(&app_id, now);
        }
    }
}

fn lock<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
