//! Parses WeChat's replies: one JSON object with `errcode` and `errmsg`. Lenient where documentation and servers differ.

use serde_json::{Map, Value};

use crate::identity::{AppId, Watermark};
use crate::platforms::error::{Error, InvalidReply};
use crate::platforms::transport::RawReply;
use crate::platforms::wechat::errcode;

/// Maximum length of a text in a reply, in bytes. Our choice: an access token, the longest, has at most 512.
const MAX_TEXT_BYTES: usize = 512;

/// Maximum length of a phone number, in bytes. Our choice: 15 digits and the separators that people use.
const MAX_DIGITS_BYTES: usize = 64;

/// The fields of a successful reply.
pub(crate) struct Reply {
    status: u16,
    fields: Map<String, Value>,
}

impl Reply {
    /// Parses the body as JSON regardless of the content type, and decides by `errcode` regardless of the status.
    ///
    /// A missing `errcode` means 0, and a text such as `"40029"` counts as a number. Invalid UTF-8 invalidates only the
    /// text that contains it.
    pub(crate) fn read(reply: &RawReply) -> Result<Self, Error> {
        let status = reply.status;
        let invalid = |flaw| Error::InvalidReply { status, flaw };
        if (300..400).contains(&status) {
            return Err(invalid(InvalidReply::Redirect));
        }
        if reply.is_truncated {
            return Err(invalid(InvalidReply::TooLong));
        }
        let text = String::from_utf8_lossy(&reply.body);
        let text = text.trim_start_matches('\u{feff}').trim();
        if text.is_empty() {
            return Err(invalid(InvalidReply::Empty));
        }
        let fields: Map<String, Value> = serde_json::from_str(text)
            .ok() // The parser's error may quote the body.
            .ok_or(invalid(InvalidReply::NotJson))?;
        let errcode = errcode_of(&fields).map_err(invalid)?;
        if errcode != 0 {
            let errmsg = fields.get("errmsg").and_then(Value::as_str);
            return Err(Error::Rejected(errcode::rejection(
                errcode,
                errmsg.unwrap_or_default(),
            )));
        }
        if !(200..300).contains(&status) {
            return Err(invalid(InvalidReply::NoErrcode));
        }
        Ok(Self { status, fields })
    }

    /// Removes and returns a required text field.
    pub(crate) fn required(&mut self, name: &'static str) -> Result<String, Error> {
        self.optional(name)
            .ok_or_else(|| self.invalid(InvalidReply::Missing(name)))
    }

    /// Removes and returns a required number, which may be encoded as a text.
    pub(crate) fn required_number(&mut self, name: &'static str) -> Result<i64, Error> {
        let number = self.fields.remove(name).as_ref().and_then(number);
        number.ok_or_else(|| self.invalid(InvalidReply::Missing(name)))
    }

    /// Removes and returns a required text that may be encoded as a number: up to [`MAX_DIGITS_BYTES`] printable ASCII
    /// characters. Spaces are allowed, so that a phone number that was paid for is not lost.
    pub(crate) fn required_digits(&mut self, name: &'static str) -> Result<String, Error> {
        let text = match self.fields.remove(name) {
            Some(Value::Number(number)) => Some(number.to_string()),
            Some(Value::String(text)) => Some(text),
            Some(Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_)) | None => None,
        };
        text.filter(|text| is_printable(text, MAX_DIGITS_BYTES))
            .ok_or_else(|| self.invalid(InvalidReply::Missing(name)))
    }

    /// Removes and returns a required object.
    pub(crate) fn required_object(&mut self, name: &'static str) -> Result<Self, Error> {
        let Some(Value::Object(fields)) = self.fields.remove(name) else {
            return Err(self.invalid(InvalidReply::Missing(name)));
        };
        Ok(Self {
            status: self.status,
            fields,
        })
    }

    /// Removes and returns the watermark, which must name this mini program.
    pub(crate) fn watermark(&mut self, app: &AppId) -> Result<Watermark, Error> {
        let mut watermark = self.required_object("watermark")?;
        if watermark.required("appid")? != app.as_str() {
            return Err(self.invalid(InvalidReply::Foreign("watermark")));
        }
        Ok(Watermark {
            app_id: app.clone(),
            unix_seconds: watermark.required_number("timestamp")?,
        })
    }

    /// Creates the error for an unusable field.
    pub(crate) fn invalid(&self, flaw: InvalidReply) -> Error {
        Error::InvalidReply {
            status: self.status,
            flaw,
        }
    }

    /// Removes and returns an optional text that [is an identifier](is_identifier).
    pub(crate) fn optional(&mut self, name: &str) -> Option<String> {
        let Value::String(text) = self.fields.remove(name)? else {
            return None;
        };
        is_identifier(&text).then_some(text)
    }
}

/// Returns a whole number, encoded as a number or as a text.
pub(crate) fn number(value: &Value) -> Option<i64> {
    value
        .as_i64()
        .or_else(|| value.as_str()?.trim().parse().ok())
}

/// Returns `true` for 1 to [`MAX_TEXT_BYTES`] printable ASCII characters, as all of WeChat's ids are.
pub(crate) fn is_identifier(text: &str) -> bool {
    (1..=MAX_TEXT_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

fn is_printable(text: &str, max: usize) -> bool {
    (1..=max).contains(&text.len())
        && text
            .bytes()
            .all(|byte| byte == b' ' || byte.is_ascii_graphic())
}

fn errcode_of(fields: &Map<String, Value>) -> Result<i64, InvalidReply> {
    match fields.get("errcode") {
        None | Some(Value::Null) => Ok(0),
        Some(value) => number(value).ok_or(InvalidReply::BadErrcode),
    }
}
