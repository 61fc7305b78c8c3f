//! Exchanges a phone number code for the phone number: once, for it costs money, and for its own user only.
//!
//! Knows what is noted before WeChat is asked and after, and what follows for the next one who comes with the same code.
//! Never knows how WeChat is asked, or how the ledger is kept.

mod note;

use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::account::access_token::{self, AccessTokens};
use crate::account::{Error, openid_of};
use crate::identity::{CodeShape, OpenId, PhoneCode, PhoneNumber};
use crate::login::{Pauses, to_its_end};
use crate::platforms::wechat;
use crate::session::Sealed;
use crate::sessions::CurrentSession;
use crate::store::{Claim, Claimed, Holder, Store, Version};

use note::{Note, Slip};

/// How long an answer is kept: a day. Our choice: a mini program that was closed before the answer came asks again when it
/// is opened next, and a phone number lies about no longer than that.
const KEPT_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Exchanges phone number codes.
///
/// Each worker has its own, because each has its own connections to WeChat; the store behind them is one.
pub struct Phones {
    tokens: AccessTokens,
    store: Arc<dyn Store>,
    patience: SignedDuration,
}

impl Phones {
    /// Asks WeChat with these access tokens, and notes in `store` what it was asked and what it answered.
    ///
    /// `patience` is the longest that an exchange may take: WeChat's answer and the store's together.
    pub fn new(tokens: AccessTokens, store: Arc<dyn Store>, patience: SignedDuration) -> Self {
        Self {
            tokens,
            store,
            patience,
        }
    }

    /// The phone number that the user has agreed to give. The same user gets the same answer for the same code for a day
    ///; whoever comes while WeChat is being asked waits for it. Another user's code gives nothing.
    ///
    /// Goes on when the caller stops waiting: the answer is paid for.
    ///
    /// # Errors
    /// [`Error::LoginCodeForPhoneCode`] before anybody is asked; [`Error::PhoneNumber`] if WeChat gives none;
    /// [`Error::PhoneCodeSpent`] if WeChat was asked before and the answer was lost, for the code is spent by that.
    pub async fn exchange(
        self: Arc<Self>,
        live: CurrentSession,
        code: PhoneCode,
        now: Timestamp,
    ) -> Result<PhoneNumber, Error> {
        match code.shape() {
            shape @ (CodeShape::Login | CodeShape::Mock) => {
                return Err(Error::LoginCodeForPhoneCode(shape));
            }
            CodeShape::Phone | CodeShape::Cut | CodeShape::Unknown => {}
        }
        let openid = openid_of(&live)?;
        let slip = Slip::new(live.app(), live.user().id, &code);
        let exchange = Exchange {
            phones: self,
            holder: Holder::generate()?,
            live,
            code,
            openid,
            slip,
            start: now,
            clock: Instant::now(),
        };
        to_its_end(async move { exchange.find_or_ask().await }).await
    }
}

/// One wish for a phone number.
struct Exchange {
    phones: Arc<Phones>,
    live: CurrentSession,
    code: PhoneCode,
    openid: OpenId,
    slip: Slip,
    holder: Holder,
    start: Timestamp,
    clock: Instant,
}

impl Exchange {
    /// Reads what is noted; asks WeChat if nothing is.
    async fn find_or_ask(&self) -> Result<PhoneNumber, Error> {
        let give_up_at = plus(self.start, self.phones.patience.saturating_mul(2));
        let mut pauses = Pauses::new();
        while self.time() < give_up_at {
            match self.claim(None).await? {
                Claimed::Yours => return self.ask().await,
                Claimed::Kept { value, .. } => match self.slip.open(&value) {
                    Some(Note::Number(number)) => return Ok(number),
                    Some(Note::Asking { until }) if self.time() < until => {}
                    // Whoever asked is gone; or the note is sealed under an AppSecret of before.
                    Some(Note::Asking { .. } | Note::Lost) | None => {
                        return Err(Error::PhoneCodeSpent);
                    }
                },
                Claimed::Held { .. } => {}
            }
            pauses.pause().await;
        }
        Err(Error::PhoneNumber(access_token::Error::Overdue))
    }

    /// Notes that WeChat is about to be asked, asks, and notes the answer.
    ///
    /// The access token comes first: until the first note nothing is lost, and whoever comes next simply begins anew.
    async fn ask(&self) -> Result<PhoneNumber, Error> {
        let (tokens, app) = (&self.phones.tokens, self.live.app().credentials());
        if let Err(error) = tokens.get(app, self.time()).await {
            self.phones
                .store
                .release(self.slip.key(), self.holder)
                .await?;
            return Err(Error::PhoneNumber(error));
        }
        let until = plus(self.time(), self.phones.patience);
        let Some(asking) = self.announce(until).await? else {
            // It took so long that somebody else has begun.
            return Err(Error::PhoneNumber(access_token::Error::Overdue));
        };
        let answer = tokens.with_token(app, self.time(), async |token| {
            let wechat = tokens.wechat();
            wechat
                .phone_number(&app.id, token, &self.code, &self.openid)
                .await
        });
        let answer = answer.await;
        if let Err(error) = self.note(asking, &answer).await {
            log::warn!("what became of a phone number code could not be noted: {error}");
        }
        answer.map_err(Error::PhoneNumber)
    }

    /// Notes that WeChat is about to be asked: whoever finds this after `until` knows that the code is spent.
    async fn announce(&self, until: Timestamp) -> Result<Option<Version>, Error> {
        if !self
            .keep(&Note::Asking { until }, plus(self.time(), KEPT_FOR))
            .await?
        {
            return Ok(None);
        }
        match self.claim(None).await? {
            Claimed::Kept { version, .. } => Ok(Some(version)),
            Claimed::Yours | Claimed::Held { .. } => Ok(None),
        }
    }

    /// Puts what the answer means for the next one in the place of the announcement.
    async fn note(
        &self,
        asking: Version,
        answer: &Result<PhoneNumber, access_token::Error>,
    ) -> Result<(), Error> {
        let now = self.time();
        let (note, expires_at) = match answer {
            Ok(number) => (Note::Number(number.clone()), plus(now, KEPT_FOR)),
            Err(access_token::Error::Call(error)) if is_lost(error) => {
                (Note::Lost, plus(now, KEPT_FOR))
            }
            // WeChat has given nothing for the code: the next one may ask again. A note that is over is none.
            Err(_) => (Note::Lost, now),
        };
        if let Claimed::Yours = self.claim(Some(asking)).await? {
            self.keep(&note, expires_at).await?;
        }
        Ok(())
    }

    async fn claim(&self, stale: Option<Version>) -> Result<Claimed, Error> {
        let now = self.time();
        let claim = Claim {
            key: self.slip.key(),
            holder: self.holder,
            now,
            until: plus(now, self.phones.patience),
            stale,
        };
        Ok(self.phones.store.claim(claim).await?)
    }

    async fn keep(&self, note: &Note, expires_at: Timestamp) -> Result<bool, Error> {
        let sealed: Sealed = self.slip.close(note)?;
        let kept = self
            .phones
            .store
            .keep(self.slip.key(), self.holder, sealed, expires_at);
        Ok(kept.await?.is_some())
    }

    /// What time it has become.
    fn time(&self) -> Timestamp {
        let waited = SignedDuration::try_from(self.clock.elapsed());
        plus(self.start, waited.unwrap_or(SignedDuration::MAX))
    }
}

/// Whether WeChat may have given the number, and been paid for it, without our seeing it.
fn is_lost(error: &wechat::Error) -> bool {
    error.may_have_been_heard() && error.refusal().is_none()
}

fn plus(time: Timestamp, span: SignedDuration) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

impl fmt::Debug for Phones {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Phones").finish_non_exhaustive()
    }
}
