//! One request to the control API, and what is said to one that cannot be followed.
//!
//! Knows paths, methods, queries and JSON bodies.
//! Never knows what is ordered.

use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::app_handle::AppHandle;
use crate::state::State;

/// What somebody orders.
pub(crate) struct Order {
    pub(super) method: String,
    /// The parts of the path behind `/simulator`, decoded.
    pub(super) segments: Vec<String>,
    query: Vec<(String, String)>,
    body: Vec<u8>,
}

/// Why an order is not followed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Complaint {
    pub(crate) status: u16,
    pub(crate) message: String,
    /// With status 405: the methods that there are.
    pub(crate) allow: Option<&'static str>,
}

impl Complaint {
    /// 400: what was sent is not what the path takes.
    pub(super) fn malformed(message: impl Into<String>) -> Self {
        Self {
            status: 400,
            message: message.into(),
            allow: None,
        }
    }

    /// 404: what the path or the query names does not exist.
    pub(super) fn missing(message: impl Into<String>) -> Self {
        Self {
            status: 404,
            message: message.into(),
            allow: None,
        }
    }

    /// 405: the path does not take the method.
    pub(super) fn method(allow: &'static str) -> Self {
        Self {
            status: 405,
            message: format!("this path takes {allow}"),
            allow: Some(allow),
        }
    }
}

impl Order {
    /// Reads the order.
    pub(crate) fn new(
        method: &str,
        path: &str,
        query: Vec<(String, String)>,
        body: &[u8],
    ) -> Result<Self, Complaint> {
        let rest = path.strip_prefix("/simulator").unwrap_or(path);
        let segments = rest.split('/').filter(|segment| !segment.is_empty());
        Ok(Self {
            method: method.to_owned(),
            segments: segments.map(decoded).collect::<Result<_, _>>()?,
            query,
            body: body.to_vec(),
        })
    }

    /// Complains of any other method.
    pub(super) fn only(&self, method: &'static str) -> Result<(), Complaint> {
        if self.method == method {
            Ok(())
        } else {
            Err(Complaint::method(method))
        }
    }

    /// The body, which may be missing if no member is required.
    pub(super) fn body<T: DeserializeOwned>(&self) -> Result<T, Complaint> {
        let body = match self.body.as_slice() {
            [] => b"{}",
            body => body,
        };
        let read = serde_json::from_slice(body);
        read.map_err(|error| Complaint::malformed(format!("the body is not understood: {error}")))
    }

    /// The value of the query's parameter of that name.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut query = self.query.iter();
        let found = query.find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    /// The app that the query's `app_id` names; the first, if it names none.
    pub(super) fn app<'a>(&self, state: &'a State) -> Result<AppHandle<'a>, Complaint> {
        let world = state.world();
        let app = match self.parameter("app_id") {
            Some(app_id) => world.app(app_id),
            None => world.apps().first().map(Arc::clone),
        };
        drop(world);
        let app = app.ok_or_else(|| Complaint::missing("there is no app of that `app_id`"))?;
        Ok(AppHandle { state, app })
    }

    pub(super) fn not_found(&self) -> Complaint {
        let path = self.segments.join("/");
        Complaint::missing(format!("there is no `/simulator/{path}`"))
    }
}

/// The segment without its percent signs.
fn decoded(segment: &str) -> Result<String, Complaint> {
    let malformed = || Complaint::malformed("the path is not percent-encoded UTF-8");
    let mut bytes = segment.bytes();
    let mut decoded = Vec::with_capacity(segment.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || {
            let digit = char::from(bytes.next()?).to_digit(16)?;
            u8::try_from(digit).ok()
        };
        let (high, low) = (digit(), digit());
        let (high, low) = high.zip(low).ok_or_else(malformed)?;
        decoded.push(high << 4 | low);
    }
    String::from_utf8(decoded).ok().ok_or_else(malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_decoded() {
        assert_eq!(decoded("%E5%B0%8F%e6%98%8e+a").unwrap(), "小明+a");
        for malformed in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decoded(malformed).unwrap_err().status, 400);
        }
    }
}
