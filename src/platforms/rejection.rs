//! A platform's rejection of a call: its error number, and the reason in terms that all platforms share.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Pause after an exhausted quota. The platform resets it at 00:00 in China, but the operator can reset it in the platform's
/// console at any time. Our choice: one probe per minute costs no quota worth mentioning, and logins work again a minute
/// after the quota is back.
pub const QUOTA_PAUSE: Duration = Duration::from_mins(1);

/// A rejected call. Its `Display` is the sentence for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// Stable name of the platform, such as `wechat`.
    pub platform: &'static str,
    /// The platform's error number.
    pub errcode: i64,
    /// The platform's id of the call, which its support asks for.
    pub rid: Option<String>,
    /// The reason.
    pub reason: Reason,
    /// Meaning of the number and advice for the developer, without secrets.
    pub explanation: String,
    /// A fact about this call that helps to find the cause.
    pub hint: Option<Hint>,
}

/// A fact about a rejected call that helps to find the cause. Safe to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hint {
    /// The IP address from which the platform received the call.
    CallerIp(IpAddr),
    /// This server had sent the code before, and the platform had replied that it was busy.
    SentBefore,
}

/// The reason of a rejection. A new one does not compile until every caller handles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// Not an error.
    Success,
    /// The platform is overloaded for a moment.
    Busy,
    /// The code is invalid or expired: the client needs a new one.
    CodeInvalid,
    /// The code was exchanged before: the client needs a new one.
    CodeUsed,
    /// The platform blocks this user. A retry cannot succeed.
    UserBlocked,
    /// The quota of this minute is exhausted.
    RateLimited,
    /// The quota of this day or month is exhausted.
    QuotaExhausted,
    /// The access token is no longer valid: renew it once, then retry.
    TokenInvalid,
    /// The session key is no longer valid: the user must log in again.
    SessionKeyStale,
    /// The arguments do not match the platform's records: an openid of another app.
    Mismatch,
    /// The user has no such payment, or it is too old.
    PaymentUnknown,
    /// The app does not exist, or the code belongs to another app.
    UnknownApp,
    /// The app has no permission for the endpoint.
    NotPermitted,
    /// A setting of this server or in the platform's console is wrong.
    Misconfigured,
    /// The request is malformed: a bug of this server.
    InvalidRequest,
    /// The error number is not in the table.
    Unknown,
}

impl Rejection {
    /// Adds a sentence to the explanation.
    pub(crate) fn explain(&mut self, more: &str) {
        self.explanation.push_str("; ");
        self.explanation.push_str(more);
    }
}

impl Reason {
    /// Returns `true` if the client sent what the platform does not accept from it. Limits count such logins.
    pub(crate) fn is_fault_of_client(self) -> bool {
        match self {
            Self::CodeInvalid | Self::CodeUsed | Self::UserBlocked => true,
            Self::Success
            | Self::Busy
            | Self::RateLimited
            | Self::QuotaExhausted
            | Self::TokenInvalid
            | Self::SessionKeyStale
            | Self::Mismatch
            | Self::PaymentUnknown
            | Self::UnknownApp
            | Self::NotPermitted
            | Self::Misconfigured
            | Self::InvalidRequest
            | Self::Unknown => false,
        }
    }

    /// Returns the time after which a retry can succeed; `None` if a retry cannot.
    pub(crate) fn retry_after(self) -> Option<Duration> {
        match self {
            Self::Busy => Some(Duration::from_secs(1)),
            Self::RateLimited => Some(Duration::from_mins(1)),
            // The circuit breaker lets a probe through once per minute.
            Self::QuotaExhausted => Some(QUOTA_PAUSE),
            Self::Success
            | Self::CodeInvalid
            | Self::CodeUsed
            | Self::UserBlocked
            | Self::TokenInvalid
            | Self::SessionKeyStale
            | Self::Mismatch
            | Self::PaymentUnknown
            | Self::UnknownApp
            | Self::NotPermitted
            | Self::Misconfigured
            | Self::InvalidRequest
            | Self::Unknown => None,
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (platform, errcode) = (self.platform, self.errcode);
        write!(
            f,
            "{platform} rejected the call with errcode {errcode}: {}",
            self.explanation
        )?;
        if let Some(hint) = self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(rid) = &self.rid {
            write!(f, "; rid {rid}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::CallerIp(ip) => write!(f, "the call came from {ip}"),
            Self::SentBefore => f.write_str(
                "this server sent the code a moment ago and got a busy reply, so the client is not at fault",
            ),
        }
    }
}
