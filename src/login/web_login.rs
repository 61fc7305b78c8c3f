//! Logins with a web page of the platform: by QR code on a website, or inside the platform's app for an official account.

use jiff::Timestamp;

use crate::login::attempt::{Grant, LoginAttempt, LoginPage, PageRequest};
use crate::login::error::Error;
use crate::login::web_state::{InvalidState, LIFETIME, PresentedState, State};
use crate::login::{Logins, settle};
use crate::platforms::AuthorizePage;
use crate::session::Token;
use crate::store::{Claim, Claimed, Holder};

impl Logins {
    /// Returns the page on which the user logs in.
    ///
    /// # Errors
    /// [`Error::AppUnknown`]; [`Error::WrongKind`] if the app has no such page; [`Error::RedirectNotAllowed`].
    pub fn login_page(
        &self,
        request: &PageRequest<'_>,
        now: Timestamp,
    ) -> Result<LoginPage, Error> {
        let app = self.apps.choose_web(request.app)?;
        if !app.kind().is_web() {
            return Err(Error::WrongKind(app.kind()));
        }
        let redirect = app.redirect(request.redirect);
        let redirect = redirect.ok_or(Error::RedirectNotAllowed)?;
        let State { state, nonce } = State::generate(app, now)?;
        let page = AuthorizePage {
            redirect,
            state: &state,
            with_consent: request.with_consent,
        };
        let platform = self.platforms.get(app.platform());
        let url = platform.authorize_url(app.credentials(), &page);
        Ok(LoginPage {
            url: url.ok_or(Error::WrongKind(app.kind()))?,
            state,
            nonce,
            expires_in: LIFETIME,
        })
    }

    /// Exchanges the code of a login page for a session. The state is used up, even if the login fails.
    ///
    /// # Errors
    /// Those of [`Logins::log_in`]; [`Error::State`] if the state is not a new one of this app and this browser, and
    /// [`Error::WrongKind`], before any request is sent; [`Error::SnapshotUser`] if the user has no account yet.
    pub async fn log_in_on_page(
        &self,
        mut attempt: LoginAttempt,
        presented: &PresentedState<'_>,
        now: Timestamp,
    ) -> Result<Grant, Error> {
        let app = self.apps.choose_web(attempt.app.as_deref())?;
        attempt.app = Some(app.id().as_str().to_owned());
        if app.kind().is_web() {
            let expires_at = presented.check(app, now)?;
            self.use_up(presented, now, expires_at).await?;
        }
        let permit = self.admit(&attempt, true, now).await?;
        let outcome = self.exchange(&attempt, Token::generate()?, now).await;
        settle(permit, outcome)
    }

    /// Records that a state was used, until it expires: by a lease, which is never released.
    async fn use_up(
        &self,
        presented: &PresentedState<'_>,
        now: Timestamp,
        until: Timestamp,
    ) -> Result<(), Error> {
        let claim = Claim {
            key: presented.record(),
            holder: Holder::generate()?,
            now,
            until,
            stale: None,
        };
        match self.store.claim(claim).await? {
            Claimed::Yours => Ok(()),
            Claimed::Held { .. } | Claimed::Kept { .. } => Err(InvalidState::Used.into()),
        }
    }
}
