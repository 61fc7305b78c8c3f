//! Says in one line why a login was refused and what to fix.
//!
//! Knows which facts point to which mistake: the code's shape, the Referer, WeChat's clock, the errcode.
//! Never knows where the facts come from, nor who reads the line. The line holds no code, secret or openid.

use std::fmt;

use jiff::Timestamp;

use crate::identity::{AppId, CodeShape};
use crate::platforms::wechat::errcode::{self, Class};
use crate::platforms::wechat::referer::{Channel, Referer};
use crate::platforms::wechat::refusal::Clue;
use crate::platforms::wechat::rid::Rid;

/// From which difference on our clock is said to be wrong, in seconds. Our choice: a call takes three at most, and
/// everything that is compared with WeChat's time has minutes.
pub const SKEW_TOLERANCE_SECONDS: i64 = 30;

/// What is known of a refused login. Its `Display` is the line.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    /// WeChat's error number.
    pub errcode: i64,
    /// WeChat's name of the call.
    pub rid: Option<&'a Rid>,
    /// What the code looked like.
    pub shape: CodeShape,
    /// The Referer of the login, if it was a mini program's.
    pub referer: Option<&'a Referer>,
    /// The AppID that the code was exchanged for.
    pub app_id: &'a AppId,
    /// The time of the login by our clock.
    pub now: Timestamp,
    /// What else WeChat's refusal told.
    pub clue: Option<Clue>,
}

impl Case<'_> {
    /// How many seconds our clock is ahead of WeChat's, by the rid; negative if it is behind.
    pub fn skew_seconds(&self) -> Option<i64> {
        let theirs = self.rid?.unix_seconds()?;
        Some(self.now.as_second() - i64::from(theirs))
    }

    /// The Referer, if it names another mini program than the login was meant for.
    fn stranger(&self) -> Option<&Referer> {
        self.referer
            .filter(|referer| referer.app_id != *self.app_id)
    }

    /// What to fix: the likeliest mistake that the facts show, else what the table of error numbers says.
    fn remedy(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let row = errcode::explain(self.errcode);
        let class = row.map_or(Class::Unknown, |row| row.class);
        let is_about_code = class == Class::CodeInvalid;
        if is_about_code && self.shape == CodeShape::Mock {
            return f.write_str("open the project in DevTools with its AppID: without one, wx.login gives only a mock code");
        }
        if let Some(stranger) = self.stranger()
            && (is_about_code || class == Class::Misconfigured || class == Class::Unsuitable)
        {
            return write!(
                f,
                "the mini program is {} and the server took it for {}: let `apps.<name>.app_id` and the mini program's project.config.json be the same",
                stranger.app_id, self.app_id
            );
        }
        match self.shape {
            CodeShape::Phone if is_about_code => f.write_str(
                "send the code from wx.login here: this is one from a getPhoneNumber button, or from a plugin",
            ),
            CodeShape::Cut if is_about_code => {
                f.write_str("the code was cut on its way: send `res.code` whole, as JSON")
            }
            CodeShape::Unknown if is_about_code => f.write_str(
                "the code was changed on its way: send `res.code` as it is, as JSON and not in a URL",
            ),
            CodeShape::Login if self.errcode == 40029 => f.write_str(
                "the code looks right, so it is older than 5 minutes, or the mini program that asked for it has another AppID",
            ),
            CodeShape::Login
            | CodeShape::Phone
            | CodeShape::Mock
            | CodeShape::Cut
            | CodeShape::Unknown => {
                let advice = row.map(|row| row.advice);
                f.write_str(advice.unwrap_or("look the number up in WeChat's list"))
            }
        }
    }
}

impl fmt::Display for Case<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let errmsg = errcode::explain(self.errcode).map_or("not in the table", |row| row.errmsg);
        write!(f, "login refused, errcode {} ({errmsg}): ", self.errcode)?;
        self.remedy(f)?;
        write!(f, " [the code is {}", self.shape)?;
        match self.referer {
            Some(referer) => write!(
                f,
                "; the Referer names {} ({})",
                referer.app_id, referer.channel
            )?,
            None => f.write_str("; no Referer of a mini program")?,
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
        // The shape is told already.
        if let Some(clue @ (Clue::CallerIp(_) | Clue::SentBefore)) = self.clue {
            write!(f, "; {clue}")?;
        }
        if let Some(rid) = self.rid {
            write!(f, "; rid {rid}")?;
        }
        f.write_str("]")
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Preview => "development, trial or review version",
            Self::DevTools => "DevTools",
            Self::Release => "released version",
        })
    }
}
