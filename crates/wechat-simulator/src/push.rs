//! WeChat's side of the message push: signs, encrypts and delivers a message to the server of a mini program.
//!
//! Source: [message push](https://developers.weixin.qq.com/miniprogram/dev/framework/server-ability/message-push.html).

use std::io::{self, Read as _, Write as _};
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Value};

use crate::crypto::{encrypt_push, sign_push};

/// Time limit of each step of a delivery, as at WeChat.
const TIMEOUT: Duration = Duration::from_secs(5);

/// Maximum size of a reply. Our choice.
const MAX_REPLY: u64 = 1024 * 1024;

/// A key in the text form of 43 characters, whose last has two bits too many.
const KEY_FORMAT: GeneralPurpose = GeneralPurpose::new(
    &ALPHABET,
    GeneralPurposeConfig::new()
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The format of a pushed message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Format {
    Json,
    Xml,
}

/// The values with which a push is signed.
pub(crate) struct Signer<'a> {
    pub(crate) token: &'a str,
    pub(crate) timestamp: String,
    pub(crate) nonce: String,
}

impl Signer<'_> {
    /// Returns the query of a push or of a verification.
    pub(crate) fn query(&self) -> Vec<(&'static str, String)> {
        let signature = sign_push(&[self.token, &self.timestamp, &self.nonce]);
        vec![
            ("signature", signature),
            ("timestamp", self.timestamp.clone()),
            ("nonce", self.nonce.clone()),
        ]
    }

    /// Returns the `msg_signature` of an encrypted message.
    pub(crate) fn sign_message(&self, encrypted: &str) -> String {
        sign_push(&[self.token, &self.timestamp, &self.nonce, encrypted])
    }
}

/// Encrypts a message with an `EncodingAESKey`. Returns `None` if the key is not 43 characters of base64.
pub(crate) fn encrypt(key: &str, random: &[u8; 16], message: &str, app_id: &str) -> Option<String> {
    let key: [u8; 32] = KEY_FORMAT.decode(key).ok()?.try_into().ok()?;
    let length = u32::try_from(message.len()).ok()?.to_be_bytes();
    let plain = [random, &length[..], message.as_bytes(), app_id.as_bytes()].concat();
    Some(STANDARD.encode(encrypt_push(&key, plain)))
}

/// Formats a message.
pub(crate) fn format_message(format: Format, message: &Map<String, Value>) -> String {
    match format {
        Format::Json => Value::from(message.clone()).to_string(),
        Format::Xml => format!("<xml>{}</xml>", xml_members(message)),
    }
}

fn xml_members(members: &Map<String, Value>) -> String {
    let members = members.iter().map(|(name, value)| xml_element(name, value));
    members.collect()
}

fn xml_element(name: &str, value: &Value) -> String {
    let content = match value {
        Value::String(text) => format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>")),
        Value::Object(members) => xml_members(members),
        Value::Array(items) => return items.iter().map(|item| xml_element(name, item)).collect(),
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
    };
    format!("<{name}>{content}</{name}>")
}

/// A request to deliver.
pub(crate) struct Delivery {
    /// An `http` URL.
    pub(crate) url: String,
    pub(crate) query: Vec<(&'static str, String)>,
    /// `None` for a verification, which is a `GET`.
    pub(crate) body: Option<(Format, String)>,
}

impl Delivery {
    /// Sends the request, and returns status and body of the reply. Blocks the thread.
    pub(crate) fn send(&self) -> io::Result<(u16, String)> {
        let invalid = || io::Error::new(io::ErrorKind::InvalidInput, "`url` is no http URL");
        let rest = self.url.strip_prefix("http://").ok_or_else(invalid)?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, "/"),
        };
        let host = if authority.contains(':') {
            authority.to_owned()
        } else {
            format!("{authority}:80")
        };
        let address = host.to_socket_addrs()?.next().ok_or_else(invalid)?;
        let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        stream.set_write_timeout(Some(TIMEOUT))?;
        stream.write_all(self.request(authority, path).as_bytes())?;
        let mut reply = Vec::new();
        stream.take(MAX_REPLY).read_to_end(&mut reply)?;
        parse(&String::from_utf8_lossy(&reply))
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the reply is not HTTP"))
    }

    /// Returns an HTTP/1.0 request, whose reply has no chunks.
    fn request(&self, authority: &str, path: &str) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(&self.query);
        let separator = if path.contains('?') { '&' } else { '?' };
        let target = format!("{path}{separator}{}", query.finish());
        let head = format!("{target} HTTP/1.0\r\nHost: {authority}\r\nUser-Agent: Mozilla/4.0\r\n");
        match &self.body {
            None => format!("GET {head}\r\n"),
            Some((format, body)) => {
                let content_type = match format {
                    Format::Json => "application/json",
                    Format::Xml => "text/xml",
                };
                let length = body.len();
                format!(
                    "POST {head}Content-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
        }
    }
}

fn parse(reply: &str) -> Option<(u16, String)> {
    let (head, body) = reply.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?.parse().ok()?;
    Some((status, body.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tencent's sample.
    #[test]
    fn a_message_is_encrypted_and_signed_as_in_tencents_sample() {
        let signer = Signer {
            token: "pamtest",
            timestamp: "1409304348".to_owned(),
            nonce: "xxxxxx".to_owned(),
        };
        let key = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG";
        let app_id = "wxb11529c136998cb6";
        let encrypted = encrypt(key, b"aaaabbbbccccdddd", "我是中文abcd123", app_id).unwrap();
        assert_eq!(
            encrypted,
            "jn1L23DB+6ELqJ+6bruv21Y6MD7KeIfP82D6gU39rmkgczbWwt5+3bnyg5K55bgVtVzd832WzZGMhkP72vVOfg=="
        );
        let signature = &signer.query()[0].1;
        assert_eq!(signature, "76480565cbe296026c53aaacd1ad523a1ddba24f");
        let message = signer.sign_message(&encrypted);
        assert_eq!(message, "82c962d39941aa48552f90ef55aa323dc620cc10");
        assert!(encrypt("short", b"aaaabbbbccccdddd", "", app_id).is_none());
    }

    #[test]
    fn a_verification_is_signed_as_in_wechats_example() {
        let signature = sign_push(&["AAAAA", "1714036504", "1514711492"]);
        assert_eq!(signature, "f464b24fc39322e44b38aa78f5edd27bd1441696");
    }

    #[test]
    fn xml_has_texts_as_character_data() {
        let message = serde_json::json!({"A": "x]]>y", "B": 1, "C": {"D": ["e", 2]}});
        let xml = format_message(Format::Xml, message.as_object().unwrap());
        assert_eq!(
            xml,
            "<xml><A><![CDATA[x]]]]><![CDATA[>y]]></A><B>1</B><C><D><![CDATA[e]]></D><D>2</D></C></xml>"
        );
    }
}
