//! What is kept of a refusal of WeChat's.
//!
//! Knows the number, the rid, and the sentence that tells a developer what to fix.
//! Never holds WeChat's own text: nothing that came over the wire but numbers, a rid and an IP.

use std::fmt;
use std::net::IpAddr;

use crate::identity::CodeShape;
use crate::platforms::wechat::errcode::{self, Class, Row};
use crate::platforms::wechat::rid::Rid;

/// What WeChat said when it refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// WeChat's error number.
    pub errcode: i64,
    /// WeChat's name of the call.
    pub rid: Option<Rid>,
    /// What else is known that helps to find the reason.
    pub clue: Option<Clue>,
}

/// A fact about this one refusal that helps to find its reason. Safe to log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clue {
    /// What the refused login code looked like (40029).
    Shape(CodeShape),
    /// What the refused phone number code looked like (40029).
    PhoneShape(CodeShape),
    /// The IP address from which WeChat saw the call come (40164).
    CallerIp(IpAddr),
    /// The same call had got errcode -1 before, so it was this server that spent the code (40163).
    SentBefore,
}

impl Refusal {
    /// Takes what is safe to keep from WeChat's number and text.
    pub(crate) fn new(errcode: i64, errmsg: &str) -> Self {
        Self {
            errcode,
            rid: Rid::find(errmsg),
            clue: caller_ip(errmsg)
                .filter(|_| errcode == 40164)
                .map(Clue::CallerIp),
        }
    }

    /// What kind of refusal it is.
    pub fn class(&self) -> Class {
        self.row().map_or(Class::Unknown, |row| row.class)
    }

    /// The row of the table of error numbers, if the number is in it.
    pub fn row(&self) -> Option<&'static Row> {
        errcode::explain(self.errcode)
    }
}

/// The sentence for the log: number, name, meaning, what to fix, clue, rid.
impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WeChat refused with errcode {}", self.errcode)?;
        match self.row() {
            Some(row) => write!(f, " ({}): {}; {}", row.errmsg, row.meaning, row.advice)?,
            None => write!(
                f,
                ": a number that is not in the table; look it up in WeChat's list"
            )?,
        }
        if let Some(clue) = self.clue {
            write!(f, "; {clue}")?;
        }
        if let Some(rid) = &self.rid {
            write!(f, "; rid {rid}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Clue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shape(CodeShape::Mock) => f.write_str(
                "this one is the mock code that DevTools gives without an AppID: open the project with its AppID",
            ),
            Self::Shape(CodeShape::Login) => f.write_str(
                "this one is shaped like a login code, so think of its age and its AppID first",
            ),
            Self::Shape(CodeShape::Phone) => f.write_str(
                "this one is shaped like a phone number code, which is no login code: send the one from wx.login",
            ),
            Self::PhoneShape(CodeShape::Login) => f.write_str(
                "this one is shaped like a login code, which is no phone number code: send `e.detail.code` of the button's event",
            ),
            Self::PhoneShape(CodeShape::Phone) => f.write_str(
                "this one is shaped like a phone number code, so think of its age (5 minutes from the tap) and its AppID first",
            ),
            Self::Shape(shape) | Self::PhoneShape(shape) => write!(f, "this one is {shape}"),
            Self::CallerIp(ip) => write!(f, "WeChat saw the call come from {ip}"),
            Self::SentBefore => f.write_str(
                "this server had sent it a moment ago and got errcode -1, so the client did nothing wrong",
            ),
        }
    }
}

/// The first IP address in an `errmsg` such as `invalid ip 1.2.3.4 ipv6 ::ffff:1.2.3.4, not in whitelist`.
fn caller_ip(errmsg: &str) -> Option<IpAddr> {
    errmsg
        .split([' ', ','])
        .find_map(|word| word.parse::<IpAddr>().ok())
}
