//! The interface of a login platform, in terms that all platforms share.

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::identity::{
    AccessTokenText, AppId, AppSecret, LoginCode, OpenId, PhoneCode, PhoneNumber, SessionKey,
    UnionId,
};
use crate::platforms::error::{CallError, Error};
use crate::platforms::payment::Payment;
use crate::platforms::rejection::Rejection;
use crate::settings::AppKind;

/// The future of a platform call. It runs on its worker's thread.
pub type PlatformFuture<'a, T, E> = Pin<Box<dyn Future<Output = Result<T, E>> + 'a>>;

/// A platform whose users log in. Each worker has its own instance, because HTTP connections belong to a worker's runtime.
pub trait Platform: fmt::Debug + Send + Sync {
    /// Exchanges a one-time login code for the user's identity. A code that may have been spent is never sent again.
    fn exchange_code<'a>(
        &'a self,
        app: &'a AppCredentials,
        code: &'a LoginCode,
    ) -> PlatformFuture<'a, Identity, Error>;

    /// Returns the URL of the page on which users of a website or official account log in. `None` for other apps.
    fn authorize_url(&self, app: &AppCredentials, page: &AuthorizePage<'_>) -> Option<String>;

    /// Describes the likely cause of a rejected login, and its fix, in one line for the log, without secrets.
    fn diagnose(&self, rejection: &Rejection, login: &LoginFacts<'_>) -> String;

    /// Prepares the calls below, for example by fetching an access token, so that a failure to do so spends no code.
    fn prepare<'a>(
        &'a self,
        app: &'a AppCredentials,
        now: Timestamp,
    ) -> PlatformFuture<'a, (), CallError>;

    /// Returns `true` unless the text cannot be a code of this platform. Such a text is not sent.
    fn is_possible_code(&self, code: &str) -> bool;

    /// Returns `true` if the text has the shape of a login code rather than of a phone number code.
    fn is_login_code(&self, code: &PhoneCode) -> bool;

    /// Exchanges a phone number code. A success may cost money and spends the code.
    fn phone_number<'a>(
        &'a self,
        app: &'a AppCredentials,
        code: &'a PhoneCode,
        openid: &'a OpenId,
        now: Timestamp,
    ) -> PlatformFuture<'a, PhoneNumber, CallError>;

    /// Asks whether a user's session key is still valid.
    fn check_session_key<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        key: &'a SessionKey,
        now: Timestamp,
    ) -> PlatformFuture<'a, SessionKeyStatus, CallError>;

    /// Replaces a user's session key. The old key becomes invalid at once.
    fn reset_session_key<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        key: &'a SessionKey,
        now: Timestamp,
    ) -> PlatformFuture<'a, SessionKeyReset, CallError>;

    /// Fetches the unionid of a user after a payment.
    fn paid_unionid<'a>(
        &'a self,
        app: &'a AppCredentials,
        openid: &'a OpenId,
        payment: &'a Payment,
        now: Timestamp,
    ) -> PlatformFuture<'a, UnionId, CallError>;

    /// Decrypts data that the client received encrypted.
    ///
    /// # Errors
    /// [`DecryptError`]. The client may learn only that the data is [malformed](DecryptError::Malformed): any other reason
    /// would be a padding oracle.
    fn decrypt(
        &self,
        key: &SessionKey,
        data: &EncryptedData<'_>,
        terms: &DecryptionTerms<'_>,
    ) -> Result<Decrypted, DecryptError>;
}

/// The credentials of an app on its platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppCredentials {
    /// The AppID.
    pub id: AppId,
    /// The AppSecret.
    pub secret: AppSecret,
    /// The kind of the app.
    pub kind: AppKind,
}

/// A page on which users log in.
#[derive(Debug, Clone, Copy)]
pub struct AuthorizePage<'a> {
    /// URL to which it redirects, with a code and the state.
    pub redirect: &'a str,
    /// The state: letters and digits.
    pub state: &'a str,
    /// If `true`, the user is asked for consent to their profile, of which only the unionid is used. Websites always ask.
    pub with_consent: bool,
}

/// A user, as the platform identifies them after a login. `Debug` shows none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The user's id within this app.
    pub openid: OpenId,
    /// The key of the data that the client receives encrypted; opaque, as the platform sent it. `None` after a web login.
    pub session_key: Option<SessionKey>,
    /// The user's id across all apps of one account, if the platform sends one.
    pub unionid: Option<UnionId>,
    /// `true` for the virtual account of a page that is shown as a snapshot. It is no user.
    pub is_snapshot: bool,
}

/// An access token of an app. `Debug` does not show it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccessToken {
    /// The token itself.
    pub token: AccessTokenText,
    /// Time until it expires, counted from the reply.
    pub expires_in: Duration,
}

/// The facts of a login that help to find the cause of its rejection.
#[derive(Debug, Clone, Copy)]
pub struct LoginFacts<'a> {
    /// The rejected code.
    pub code: &'a LoginCode,
    /// The Referer of the login, if it was a mini program's.
    pub referer: Option<&'a Referer>,
    /// The AppID for which the code was exchanged.
    pub app_id: &'a AppId,
    /// Time of the login by our clock.
    pub now: Timestamp,
}

/// The mini program that sent a request, according to its Referer header. A client can forge it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referer {
    /// AppID of the mini program.
    pub app_id: AppId,
    /// Kind of release.
    pub version: AppVersion,
}

/// The kind of release of a mini program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AppVersion {
    /// A development, trial or review version.
    Preview,
    /// The developer tools.
    DevTools,
    /// A released version.
    Release,
}

/// The validity of a session key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SessionKeyStatus {
    /// The key is valid.
    Valid,
    /// The key was replaced by a newer login, has expired, or never belonged to this user: the user must log in again.
    Stale,
}

/// The result of a session key reset. `Debug` shows no key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SessionKeyReset {
    /// The new key, valid until the old one would have expired. The old one is invalid.
    Renewed(SessionKey),
    /// There was no valid key to replace, as for [`SessionKeyStatus::Stale`].
    Stale,
}

/// Encrypted data, as a client sent it.
#[derive(Clone, Copy)]
pub struct EncryptedData<'a> {
    /// `encryptedData`.
    pub data: &'a str,
    /// `iv`.
    pub iv: &'a str,
    /// `rawData` and its `signature`, if the event has them.
    pub raw: Option<SignedRawData<'a>>,
}

/// Unencrypted data with a signature that proves its origin.
#[derive(Clone, Copy)]
pub struct SignedRawData<'a> {
    /// `rawData`, byte for byte: serialized again it would be a different text.
    pub text: &'a [u8],
    /// `signature`: forty lower-case hexadecimal digits.
    pub signature: &'a str,
}

/// Conditions on the watermark of decrypted data.
#[derive(Debug, Clone, Copy)]
pub struct DecryptionTerms<'a> {
    /// AppID for which the data must have been created.
    pub app_id: &'a AppId,
    /// Current time by our clock.
    pub now: Timestamp,
    /// Maximum distance of the data's time from `now`, in the past and, as clocks differ, in the future. Inclusive.
    pub max_age: Duration,
}

/// Decrypted data. `Debug` shows none of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decrypted {
    /// The fields for the client.
    pub fields: Fields,
    /// The user's unionid, if the data has one. A client can forge it, because the encryption is not authenticated.
    pub unionid: Option<UnionId>,
    /// Set if a form had turned `+` into a space, which was corrected; the client should be corrected too.
    pub was_repaired: bool,
}

/// The reason why encrypted data was rejected, for the log. Of the reasons for several keys, the greatest says most.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum DecryptError {
    /// The data has the wrong shape, so that no key decrypts it. The text names the field and its flaw.
    #[error("the data is malformed: {0}")]
    Malformed(&'static str),
    /// The key does not decrypt it.
    #[error(
        "no session key of the session decrypts the data: it was encrypted under the key of another login, or for another user, or it was altered"
    )]
    WrongKey,
    /// The key decrypts it, but not to data of the platform.
    #[error("the data decrypts, but it is no JSON object with a watermark")]
    NoWatermark,
    /// The signature of `rawData` does not match.
    #[error("the data decrypts, but `signature` is not that of `rawData`")]
    WrongSignature,
    /// The watermark names another app.
    #[error(
        "the data decrypts, but it is for the AppID {found}, and the session is for {expected}"
    )]
    OtherApp {
        /// The AppID of the watermark.
        found: AppId,
        /// The AppID of the session.
        expected: AppId,
    },
    /// The watermark is too old, or too far in the future.
    #[error(
        "the data decrypts, but its time is {} s {} our clock, and `wechat.watermark_seconds` allows {max} s: it is a late or repeated request, or our clock is wrong",
        .ahead.unsigned_abs(), if *.ahead < 0 { "behind" } else { "ahead of" }
    )]
    WrongTime {
        /// Seconds by which the data's time is ahead of our clock.
        ahead: i64,
        /// Maximum number of seconds.
        max: u64,
    },
}

/// Fields of a JSON object for the client, as the platform sent them, without those that identify a user to the platform.
#[derive(Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Fields(pub(crate) Map<String, Value>);

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Fields(***)")
    }
}
