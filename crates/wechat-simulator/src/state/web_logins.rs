//! Logins with `sns/oauth2`, in a browser or in an official account: codes, access tokens and refresh tokens.

use std::time::Duration;

use crate::bounded::BoundedList;
use crate::errors::{
    ACCESS_TOKEN_EXPIRED, ApiError, INVALID_REFRESH_TOKEN, NOT_LATEST, REFRESH_TOKEN_EXPIRED,
};
use crate::identifiers::Identifiers;
use crate::state::codes::{CodeKind, Codes, Owner};
use crate::user_id::UserId;

/// Maximum number of codes whose scope is kept, and of tokens. Our choice.
const MAX_ITEMS: usize = 10_000;

/// Lifetimes of the tokens.
///
/// Source: [web page authorization](https://developers.weixin.qq.com/doc/offiaccount/OA_Web_Apps/Wechat_webpage_authorization.html).
pub(crate) const TOKEN_LIFETIME: Duration = Duration::from_hours(2);
const REFRESH_LIFETIME: Duration = Duration::from_hours(30 * 24);

/// A grant of a user to an app.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) app_id: String,
    pub(crate) user: UserId,
    pub(crate) scope: &'static str,
    pub(crate) access_token: String,
    pub(crate) refresh_token: String,
    expires_at: Duration,
    refresh_expires_at: Duration,
}

/// All logins.
pub(crate) struct WebLogins {
    identifiers: Identifiers,
    codes: Codes,
    /// Codes and their scopes.
    scopes: BoundedList<(String, &'static str)>,
    grants: BoundedList<Grant>,
    issued: u64,
}

impl WebLogins {
    pub(crate) fn new(identifiers: Identifiers) -> Self {
        let mut codes = Codes::new(CodeKind::Web, identifiers.clone());
        codes.issued_only = true;
        Self {
            identifiers,
            codes,
            scopes: BoundedList::new(MAX_ITEMS),
            grants: BoundedList::new(MAX_ITEMS),
            issued: 0,
        }
    }

    /// Issues a code for which the user gave consent.
    pub(crate) fn issue(
        &mut self,
        app_id: &str,
        user: UserId,
        scope: &'static str,
        now: Duration,
    ) -> String {
        let code = self.codes.issue(app_id, Owner::new(user), now);
        self.scopes.push((code.clone(), scope));
        code
    }

    /// Exchanges a code for tokens.
    pub(crate) fn exchange(
        &mut self,
        app_id: &str,
        code: &str,
        now: Duration,
    ) -> Result<Grant, ApiError> {
        let owner = self.codes.owner(app_id, code, now)?;
        self.codes.mark_used(app_id, code, owner.clone(), now);
        let mut scopes = self.scopes.iter();
        let scope = scopes.find(|(known, _)| known == code);
        let scope = scope.map_or("snsapi_base", |(_, scope)| scope);
        self.issued += 1;
        let text = |kind: &str| self.identifiers.access_token(app_id, kind, self.issued);
        let grant = Grant {
            app_id: app_id.to_owned(),
            user: owner.user,
            scope,
            access_token: text("web"),
            refresh_token: text("web refresh"),
            expires_at: now.saturating_add(TOKEN_LIFETIME),
            refresh_expires_at: now.saturating_add(REFRESH_LIFETIME),
        };
        self.grants.push(grant.clone());
        Ok(grant)
    }

    /// Extends the access token of a refresh token.
    pub(crate) fn refresh(
        &mut self,
        app_id: &str,
        refresh_token: &str,
        now: Duration,
    ) -> Result<Grant, ApiError> {
        let mut grants = self.grants.iter_mut();
        let found =
            grants.find(|grant| grant.refresh_token == refresh_token && grant.app_id == app_id);
        let grant = found.ok_or(INVALID_REFRESH_TOKEN)?;
        if grant.refresh_expires_at <= now {
            return Err(REFRESH_TOKEN_EXPIRED);
        }
        grant.expires_at = now.saturating_add(TOKEN_LIFETIME);
        Ok(grant.clone())
    }

    /// Returns the grant of an access token.
    pub(crate) fn grant(&self, access_token: &str, now: Duration) -> Result<&Grant, ApiError> {
        let mut grants = self.grants.iter();
        let found = grants.find(|grant| grant.access_token == access_token);
        let grant = found.ok_or(NOT_LATEST)?;
        if grant.expires_at > now {
            Ok(grant)
        } else {
            Err(ACCESS_TOKEN_EXPIRED)
        }
    }
}
