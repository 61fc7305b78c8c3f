//! Exchanges phone number codes for phone numbers. An exchange costs money, so each code is sent to the platform once.
//!
//! The ledger records each call before it is made, and its answer afterwards. If there is a record without an answer, the
//! answer was lost and the code is spent.

mod kept;
mod note;

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::account::error::Error;
use crate::account::session_key::require_mini_program;
use crate::identity::{OpenId, PhoneCode, PhoneNumber};
use crate::limits::{LimitedCall, Limits};
use crate::login::detached;
use crate::platforms::{self, CallError, Platform, Platforms};
use crate::sessions::CurrentSession;
use crate::store::once::{Once, Stored, Turn, Verdict};
use crate::store::{Store, Version};
use crate::time::plus;

use note::Note;

pub use kept::{KeptPhoneNumber, KeptPhoneNumbers};

/// Time for which an answer is stored. Our choice: a mini program that was closed before the answer arrived asks again
/// when it is opened next, and a phone number should not be stored for longer than that.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Exchanges phone number codes. One instance per worker, because HTTP connections to the platform belong to a worker's
/// runtime.
pub struct PhoneNumbers {
    platforms: Platforms,
    store: Arc<dyn Store>,
    time_limit: SignedDuration,
    limits: Arc<Limits>,
    kept: KeptPhoneNumbers,
}

impl PhoneNumbers {
    /// `time_limit` is the longest that an exchange may take, including the writes to the store.
    pub fn new(
        platforms: Platforms,
        store: Arc<dyn Store>,
        time_limit: SignedDuration,
        limits: Arc<Limits>,
        kept: KeptPhoneNumbers,
    ) -> Self {
        Self {
            platforms,
            store,
            time_limit,
            limits,
            kept,
        }
    }

    /// Returns the phone number that the user has agreed to share. For a day, the same user gets the same answer for the
    /// same code; a concurrent call waits for it. The platform rejects another user's code.
    ///
    /// Continues when the caller stops waiting, because the answer is paid for. If the settings want the number to be kept,
    /// it is durable when this returns.
    ///
    /// # Errors
    /// [`Error::LoginCodeForPhoneCode`], [`Error::CodeImpossible`] and [`Error::Limited`] before any request is sent;
    /// [`Error::PhoneNumber`] if the platform returns no
    /// number; [`Error::PhoneCodeSpent`] if the platform was asked before and its answer was lost; [`Error::Store`] if the store
    /// fails, also if only the number could not be kept: the same code gets it again.
    pub async fn exchange(
        self: Arc<Self>,
        session: CurrentSession,
        code: PhoneCode,
        now: Timestamp,
    ) -> Result<PhoneNumber, Error> {
        require_mini_program(&session)?;
        let platform = self.platforms.get(session.app().platform());
        if platform.is_login_code(&code) {
            return Err(Error::LoginCodeForPhoneCode);
        }
        if !platform.is_possible_code(code.expose()) {
            return Err(Error::CodeImpossible);
        }
        let user = session.user().id;
        self.limits.admit_call(user, LimitedCall::PhoneNumber)?;
        let openid = session.openid().ok_or(Error::OpenIdSealed)?;
        let record = note::record(session.app(), user, &code);
        let store = Arc::clone(&self.store);
        let exchange = Exchange {
            once: Once::new(store, record, self.time_limit, now)?,
            phones: self,
            session,
            code,
            openid,
        };
        detached(async move {
            let number = exchange.find_or_ask().await?;
            exchange.phones.kept.keep(user, &number).await?;
            Ok(number)
        })
        .await
    }
}

/// One exchange.
struct Exchange {
    phones: Arc<PhoneNumbers>,
    session: CurrentSession,
    code: PhoneCode,
    openid: OpenId,
    once: Once,
}

impl Exchange {
    fn platform(&self) -> &dyn Platform {
        self.phones.platforms.get(self.session.app().platform())
    }

    async fn find_or_ask(&self) -> Result<PhoneNumber, Error> {
        let turn = self.once.read_or_lease(|stored| self.verdict(stored));
        match turn.await? {
            Turn::Found(answer) => answer,
            Turn::Leased { .. } => self.ask().await,
        }
    }

    fn verdict(&self, stored: &Stored<'_>) -> Verdict<Result<PhoneNumber, Error>> {
        let app_id = self.session.app().id();
        match stored.text.and_then(|text| Note::decode(text, app_id)) {
            Some(Note::Number(number)) => Verdict::Use(Ok(number)),
            Some(Note::Asking { until }) if stored.now < until => Verdict::Wait,
            // The caller that asked is gone, or the AppSecret has changed since.
            Some(Note::Asking { .. } | Note::Lost) | None => {
                Verdict::Use(Err(Error::PhoneCodeSpent))
            }
        }
    }

    /// Records that the platform is being asked, asks it, and records the answer.
    ///
    /// Fetches the access token first: until the record is written, a failure does not spend the code.
    async fn ask(&self) -> Result<PhoneNumber, Error> {
        let (platform, app) = (self.platform(), self.session.app().credentials());
        if let Err(error) = platform.prepare(app, self.once.now()).await {
            self.once.release().await;
            return Err(Error::PhoneNumber(error));
        }
        let now = self.once.now();
        let until = plus(now, self.phones.time_limit);
        let asking = Note::Asking { until }.encode();
        let Some(version) = self.once.keep(&asking, plus(now, KEPT_FOR)).await? else {
            // The lease has expired, and another caller has begun.
            return Err(Error::PhoneNumber(CallError::Overdue));
        };
        let answer = platform
            .phone_number(app, &self.code, &self.openid, self.once.now())
            .await;
        if let Err(error) = self.record(version, &answer).await {
            log::warn!("the answer to a phone number code could not be stored: {error}");
        }
        answer.map_err(Error::PhoneNumber)
    }

    /// Replaces the record that the platform is being asked.
    async fn record(
        &self,
        asking: Version,
        answer: &Result<PhoneNumber, CallError>,
    ) -> Result<(), Error> {
        let note = match answer {
            Ok(number) => Note::Number(number.clone()),
            Err(CallError::Call(error)) if is_lost(error) => Note::Lost,
            // The platform has not accepted the code, so it may be sent again.
            Err(_) => return Ok(self.once.discard(asking).await?),
        };
        let expires_at = plus(self.once.now(), KEPT_FOR);
        self.once
            .replace(asking, &note.encode(), expires_at)
            .await?;
        Ok(())
    }
}

/// Returns `true` if the platform may have returned the number, and charged for it, although no answer arrived.
fn is_lost(error: &platforms::Error) -> bool {
    error.may_have_been_processed() && error.rejection().is_none()
}

impl fmt::Debug for PhoneNumbers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PhoneNumbers").finish_non_exhaustive()
    }
}
