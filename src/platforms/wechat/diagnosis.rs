//! Finds the likely cause of a rejected login, for one line of the log without code, secret or openid.

use std::fmt;

use jiff::Timestamp;

use crate::identity::AppId;
use crate::platforms::platform::{AppVersion, LoginFacts, Referer};
use crate::platforms::rejection::{Hint, Reason, Rejection};
use crate::platforms::wechat::code_shape::CodeShape;
use crate::platforms::wechat::errcode;
use crate::platforms::wechat::rid;

/// Clock difference from which our clock is reported as wrong, in seconds. Our choice: a call takes at most three, and
/// every time that is compared with WeChat's has a tolerance of minutes.
pub(crate) const SKEW_TOLERANCE_SECONDS: i64 = 30;

/// A rejected login with everything that helps to find the cause. `Display` writes the line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Diagnosis<'a> {
    pub(crate) errcode: i64,
    pub(crate) rid: Option<&'a str>,
    pub(crate) shape: CodeShape,
    pub(crate) referer: Option<&'a Referer>,
    /// The AppID for which the code was exchanged.
    pub(crate) app_id: &'a AppId,
    pub(crate) now: Timestamp,
    pub(crate) hint: Option<Hint>,
}

impl<'a> Diagnosis<'a> {
    pub(crate) fn new(rejection: &'a Rejection, login: &LoginFacts<'a>) -> Self {
        Self {
            errcode: rejection.errcode,
            rid: rejection.rid.as_deref(),
            shape: CodeShape::of(login.code.expose()),
            referer: login.referer,
            app_id: login.app_id,
            now: login.now,
            hint: rejection.hint,
        }
    }

    /// Returns the seconds by which our clock is ahead of WeChat's, according to the rid; negative if it is behind.
    pub(crate) fn skew_seconds(&self) -> Option<i64> {
        let theirs = rid::unix_seconds(self.rid?)?;
        Some(self.now.as_second() - i64::from(theirs))
    }

    /// Writes the fix: for the likeliest mistake, or the advice of the table of error numbers.
    fn write_fix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = errcode::explain(self.errcode);
        let reason = row.map_or(Reason::Unknown, |row| row.reason);
        let is_about_code = reason == Reason::CodeInvalid;
        if is_about_code && self.shape == CodeShape::Mock {
            return f.write_str("open the project in DevTools with its AppID: without one, wx.login returns only a mock code");
        }
        if let Some(referer) = self.referer
            && referer.app_id != *self.app_id
            && (is_about_code
                || matches!(
                    reason,
                    Reason::Misconfigured | Reason::UnknownApp | Reason::Mismatch
                ))
        {
            return write!(
                f,
                "the mini program is {} and the server used {}: set `apps.<name>.app_id` and the mini program's project.config.json to the same AppID",
                referer.app_id, self.app_id
            );
        }
        match self.shape {
            CodeShape::Phone if is_about_code => f.write_str(
                "send the code from wx.login: this one is from a getPhoneNumber button or a plugin",
            ),
            CodeShape::Truncated if is_about_code => {
                f.write_str("the code was truncated in transit: send the whole `res.code`, as JSON")
            }
            CodeShape::Unknown if is_about_code => f.write_str(
                "the code was changed in transit: send `res.code` unchanged, as JSON and not in a URL",
            ),
            CodeShape::Login if self.errcode == 40029 => f.write_str(
                "the code looks right, so it is older than 5 minutes, or it was issued for another AppID",
            ),
            CodeShape::Login
            | CodeShape::Phone
            | CodeShape::Mock
            | CodeShape::Truncated
            | CodeShape::Unknown => {
                let advice = row.map(|row| row.advice.english);
                f.write_str(advice.unwrap_or("look the number up in WeChat's list"))
            }
        }
    }
}

impl fmt::Display for Diagnosis<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errmsg = errcode::explain(self.errcode).map_or("not in the table", |row| row.errmsg);
        write!(f, "login rejected, errcode {} ({errmsg}): ", self.errcode)?;
        self.write_fix(f)?;
        write!(f, " [the code is {}", self.shape)?;
        match self.referer {
            Some(referer) => write!(
                f,
                "; the Referer names {} ({})",
                referer.app_id, referer.version
            )?,
            None => f.write_str("; no mini program Referer")?,
        }
        write!(f, "; exchanged for {}", self.app_id)?;
        match self.skew_seconds() {
            Some(skew) if skew.abs() < SKEW_TOLERANCE_SECONDS => {}
            Some(skew) if skew > 0 => {
                write!(f, "; our clock is {skew} s ahead of WeChat's: set it")?;
            }
            Some(skew) => write!(f, "; our clock is {} s behind WeChat's: set it", -skew)?,
            None => {}
        }
        if let Some(hint) = self.hint {
            write!(f, "; {hint}")?;
        }
        if let Some(rid) = self.rid {
            write!(f, "; rid {rid}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for AppVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preview => "development, trial or review version",
            Self::DevTools => "DevTools",
            Self::Release => "released version",
        })
    }
}
