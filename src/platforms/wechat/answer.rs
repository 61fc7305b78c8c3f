//! Reading WeChat's answers, leniently where its documentation and its servers differ.
//!
//! Knows the frame that all answers share: one JSON object, `errcode`, `errmsg`.
//! Never knows which call an answer belongs to, nor how the bytes came.

use serde_json::{Map, Value};

use crate::identity::{AppId, Watermark};
use crate::platforms::wechat::error::{Error, Flaw};
use crate::platforms::wechat::refusal::Refusal;
use crate::platforms::wechat::transport::Reply;

/// The longest text that is taken from an answer, in bytes. Our choice: an access token, the longest, may have 512.
const MAX_TEXT_BYTES: usize = 512;

/// The longest phone number, in bytes. Our choice: 15 digits and what people put between them.
const MAX_DIGITS_BYTES: usize = 64;

/// The members of an answer that is no refusal.
pub(crate) struct Answer {
    status: u16,
    members: Map<String, Value>,
}

impl Answer {
    /// Reads the body as JSON whatever its content type is, and decides on `errcode` whatever the status is.
    ///
    /// A missing `errcode` means 0, and a text such as `"40029"` is a number too. Bytes that are no UTF-8 spoil only the
    /// text that they stand in.
    pub(crate) fn read(reply: &Reply) -> Result<Self, Error> {
        let status = reply.status;
        let flawed = |flaw| Error::Unintelligible { status, flaw };
        if (300..400).contains(&status) {
            return Err(flawed(Flaw::Redirect));
        }
        if reply.is_cut {
            return Err(flawed(Flaw::TooLong));
        }
        let text = String::from_utf8_lossy(&reply.body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(flawed(Flaw::Empty));
        }
        let members: Map<String, Value> = serde_json::from_str(text)
            .ok() // The parser's complaint may quote the body.
            .ok_or(flawed(Flaw::NotJson))?;
        let errcode = errcode(&members).map_err(flawed)?;
        if errcode != 0 {
            let errmsg = members.get("errmsg").and_then(Value::as_str);
            return Err(Error::Refused(Refusal::new(
                errcode,
                errmsg.unwrap_or_default(),
            )));
        }
        if !(200..300).contains(&status) {
            return Err(flawed(Flaw::NoErrcode));
        }
        Ok(Self { status, members })
    }

    /// Takes out a member that a success must have.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<String, Error> {
        self.optional(name)
            .ok_or_else(|| self.flawed(Flaw::Missing(name)))
    }

    /// Takes out a number that a success must have, which may stand there as a text.
    pub(crate) fn required_number(&mut self, name: &'static str) -> Result<i64, Error> {
        let number = self.members.remove(name).as_ref().and_then(number);
        number.ok_or_else(|| self.flawed(Flaw::Missing(name)))
    }

    /// Takes out a text that a success must have, and that may stand there as a number: up to [`MAX_DIGITS_BYTES`] printable
    /// ASCII characters. A space is one, because a number that was paid for is not to be lost over it.
    pub(crate) fn required_digits(&mut self, name: &'static str) -> Result<String, Error> {
        let text = match self.members.remove(name) {
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(text)) => Some(text),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        text.filter(|text| is_line_of(text, MAX_DIGITS_BYTES))
            .ok_or_else(|| self.flawed(Flaw::Missing(name)))
    }

    /// Takes out an object that a success must have.
    pub(crate) fn required_object(&mut self, name: &'static str) -> Result<Self, Error> {
        let Some(Value::Object(members)) = self.members.remove(name) else {
            return Err(self.flawed(Flaw::Missing(name)));
        };
        Ok(Self {
            status: self.status,
            members,
        })
    }

    /// Takes out the watermark, which must name this mini program.
    pub(crate) fn watermark(&mut self, app: &AppId) -> Result<Watermark, Error> {
        let mut watermark = self.required_object("watermark")?;
        if watermark.required("appid")? != app.as_str() {
            return Err(self.flawed(Flaw::Foreign("watermark")));
        }
        Ok(Watermark {
            app_id: app.clone(),
            unix_seconds: watermark.required_number("timestamp")?,
        })
    }

    /// The error of an answer that is otherwise a success.
    pub(crate) fn flawed(&self, flaw: Flaw) -> Error {
        Error::Unintelligible {
            status: self.status,
            flaw,
        }
    }

    /// Takes out a member: a text of 1 to [`MAX_TEXT_BYTES`] printable ASCII characters, as all of WeChat's identifiers are.
    pub(crate) fn optional(&mut self, name: &str) -> Option<String> {
        match self.members.remove(name)? {
            Value::String(text) => Some(text).filter(|text| is_identifier(text)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_) => None,
        }
    }
}

/// A whole number, whether it came as one or as a text.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

fn is_identifier(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_line_of(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn errcode(members: &Map<String, Value>) -> Result<i64, Flaw> {
    match members.get("errcode") {
        None | Some(Value::Null) => Ok(0),
        Some(value) => number(value).ok_or(Flaw::BadErrcode),
    }
}
