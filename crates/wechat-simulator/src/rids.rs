//! Which requests were refused under which rid, for those who ask about one.
//!
//! Knows the last refusals; keeps no value of a query or a body.
//! Never knows why they were refused.
//!
//! Memory: the [`MOST_REMEMBERED`] newest.

use std::collections::VecDeque;
use std::time::Duration;

use super::identifiers::Identifiers;

/// How many refusals are remembered. Our choice.
const MOST_REMEMBERED: usize = 1_000;

/// Source: [getRidInfo](https://developers.weixin.qq.com/miniprogram/dev/OpenApiDoc/openApi-mgnt/getRidInfo.html).
pub(super) const LIFETIME: Duration = Duration::from_hours(7 * 24);

/// All refusals, oldest first.
pub(super) struct Rids {
    identifiers: Identifiers,
    answers: u64,
    refused: VecDeque<Refused>,
}

/// A request that was refused, without secrets.
pub(super) struct Refused {
    pub(super) rid: String,
    /// The app, as far as the request names one that exists.
    pub(super) app_id: Option<String>,
    pub(super) at: Duration,
    pub(super) url: String,
    pub(super) body: String,
    pub(super) answer: String,
    pub(super) caller: String,
}

impl Rids {
    pub(super) fn new(identifiers: Identifiers) -> Self {
        Self {
            identifiers,
            answers: 0,
            refused: VecDeque::new(),
        }
    }

    /// A new identifier for one answer.
    pub(super) fn next(&mut self, now: Duration) -> String {
        self.answers += 1;
        self.identifiers.rid(now, self.answers)
    }

    pub(super) fn remember(&mut self, refused: Refused) {
        if self.refused.len() >= MOST_REMEMBERED {
            self.refused.pop_front();
        }
        self.refused.push_back(refused);
    }

    /// The request that was refused under that rid.
    pub(super) fn find(&self, rid: &str) -> Option<&Refused> {
        self.refused.iter().rev().find(|refused| refused.rid == rid)
    }
}
