//! What tells one series from another.
//!
//! Knows each family's labels. Every text is one that the program holds, and every number one of a closed set, so that
//! nobody who sends requests can make a series. Never knows how a series is kept.

use std::borrow::Cow;

use super::Labels;

/// One kind of request. The members that differ most come first: they are compared in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The status of the reply.
    pub status: u16,
    /// The method, or `other`.
    pub method: &'static str,
    /// The pattern of the route that was found, or `none`.
    pub route: &'static str,
}

/// One kind of login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Login {
    /// `success`, or the name of the error.
    pub outcome: &'static str,
    /// What WeChat said.
    pub errcode: Errcode,
}

/// One kind of call to WeChat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WechatCall {
    /// The path that was asked.
    pub endpoint: &'static str,
    /// How it ended, in a word.
    pub outcome: &'static str,
    /// What WeChat said.
    pub errcode: Errcode,
}

/// One kind of operation of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoreOperation {
    /// The method of the store.
    pub operation: &'static str,
    /// `done` or `failed`.
    pub outcome: &'static str,
}

/// An error number of WeChat's, as a label shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Errcode {
    /// WeChat said nothing.
    None,
    /// A number that is documented; 0 is a success.
    Known(i64),
    /// Any other.
    Other,
}

impl Errcode {
    fn label(self) -> Cow<'static, str> {
        match self {
            Self::None => Cow::Borrowed("none"),
            Self::Known(errcode) => Cow::Owned(errcode.to_string()),
            Self::Other => Cow::Borrowed("other"),
        }
    }
}

impl Labels for Request {
    const NAMES: &'static [&'static str] = &["route", "method", "status"];

    fn values(&self) -> Vec<Cow<'static, str>> {
        vec![
            self.route.into(),
            self.method.into(),
            self.status.to_string().into(),
        ]
    }
}

impl Labels for Login {
    const NAMES: &'static [&'static str] = &["outcome", "errcode"];

    fn values(&self) -> Vec<Cow<'static, str>> {
        vec![self.outcome.into(), self.errcode.label()]
    }
}

impl Labels for WechatCall {
    const NAMES: &'static [&'static str] = &["endpoint", "outcome", "errcode"];

    fn values(&self) -> Vec<Cow<'static, str>> {
        vec![
            self.endpoint.into(),
            self.outcome.into(),
            self.errcode.label(),
        ]
    }
}

impl Labels for StoreOperation {
    const NAMES: &'static [&'static str] = &["operation", "outcome"];

    fn values(&self) -> Vec<Cow<'static, str>> {
        vec![self.operation.into(), self.outcome.into()]
    }
}
