//! The recordings as data.

use std::io::Read;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
pub(crate) struct Case {
    pub(crate) id: String,
    pub(crate) method: String,
    #[serde(default)]
    path: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    body_b64: Option<String>,
    body_zb64: Option<String>,
    raw_steps: Option<Vec<RawStep>>,
    n_responses: Option<usize>,
    methods: Option<Vec<String>>,
    timeout_ms: Option<u64>,
    pub(crate) contract: Contract,
    pub(crate) express: Express,
}

/// The agreed behaviour of this server, where it may differ from Express.
#[derive(Deserialize)]
pub(crate) struct Contract {
    pub(crate) verdict: String,
    pub(crate) ours: Ours,
}

#[derive(Deserialize)]
pub(crate) struct Ours {
    status: Option<Value>,
    pub(crate) body: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Express {
    pub(crate) responses: Vec<Recorded>,
    #[serde(default)]
    parsed: Vec<Value>,
}

#[derive(Deserialize)]
pub(crate) struct Recorded {
    pub(crate) status: u16,
}

/// A request to morgan, and its line in each format.
#[derive(Deserialize)]
pub(crate) struct LogCase {
    pub(crate) name: String,
    pub(crate) method: String,
    raw_b64: Option<String>,
    raw_zb64: Option<String>,
    pub(crate) lines: std::collections::HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct RawStep {
    send_b64: Option<String>,
    send_zb64: Option<String>,
    wait_ms: Option<u64>,
    #[serde(default)]
    half_close: bool,
}

pub(crate) enum Step {
    Send(Vec<u8>),
    Wait(u64),
    HalfClose,
}

/// The bytes to send, and the responses to wait for.
pub(crate) struct Script {
    pub(crate) steps: Vec<Step>,
    pub(crate) methods: Vec<String>,
    pub(crate) responses: usize,
    pub(crate) timeout_ms: u64,
}

/// The result of Express's parser.
pub(crate) enum Parsed {
    /// The parser did not read the body.
    Skipped,
    /// The value was too long or too deep to record.
    Unrecorded,
    Value(Value),
}

pub(crate) fn cases() -> Vec<Case> {
    #[derive(Deserialize)]
    struct Cases {
        cases: Vec<Case>,
    }
    let Cases { cases } = serde_json::from_str(include_str!("../../express/cases.json")).unwrap();
    cases
}

pub(crate) fn log_cases() -> Vec<LogCase> {
    serde_json::from_str(include_str!("../../express/log_cases.json")).unwrap()
}

impl Case {
    pub(crate) fn script(&self) -> Script {
        let responses = self.n_responses.unwrap_or(1);
        let steps = match &self.raw_steps {
            Some(steps) => steps.iter().map(RawStep::step).collect(),
            None => vec![Step::Send(self.plain())],
        };
        let methods = self.methods.clone();
        Script {
            steps,
            methods: methods.unwrap_or_else(|| vec![self.method.clone()]),
            responses,
            timeout_ms: self.timeout_ms.unwrap_or(2500),
        }
    }

    fn plain(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.path);
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head += "\r\n";
        // One byte for each character, as in Node.
        let mut bytes: Vec<u8> = head.chars().map(|c| u8::try_from(c).unwrap()).collect();
        bytes.extend(unpack(self.body_b64.as_ref(), self.body_zb64.as_ref()).unwrap_or_default());
        bytes
    }

    pub(crate) fn group(&self) -> &str {
        self.id.split('/').next().unwrap()
    }
}

impl Ours {
    /// Returns the allowed statuses, if the contract names any. 0 is no response.
    pub(crate) fn statuses(&self) -> Option<Vec<u16>> {
        let status = |value: &Value| {
            value
                .as_u64()
                .map_or(0, |status| u16::try_from(status).unwrap())
        };
        let statuses = self.status.as_ref()?;
        let several = statuses.as_array().map(Vec::as_slice);
        let several = several.unwrap_or(std::slice::from_ref(statuses));
        Some(several.iter().map(status).collect())
    }
}

impl Express {
    pub(crate) fn parsed(&self) -> Parsed {
        match self.parsed.first() {
            None => Parsed::Skipped,
            Some(Value::String(text)) if text == "undefined" => Parsed::Skipped,
            Some(Value::String(text)) => {
                serde_json::from_str(text).map_or(Parsed::Unrecorded, Parsed::Value)
            }
            Some(_) => Parsed::Unrecorded,
        }
    }
}

impl LogCase {
    pub(crate) fn script(&self) -> Script {
        let bytes = unpack(self.raw_b64.as_ref(), self.raw_zb64.as_ref()).unwrap();
        Script::of(&self.method, bytes)
    }
}

impl Script {
    /// One request, one response.
    pub(crate) fn of(method: &str, bytes: Vec<u8>) -> Self {
        Self {
            steps: vec![Step::Send(bytes)],
            methods: vec![method.to_owned()],
            responses: 1,
            timeout_ms: 2500,
        }
    }
}

impl RawStep {
    fn step(&self) -> Step {
        if let Some(bytes) = unpack(self.send_b64.as_ref(), self.send_zb64.as_ref()) {
            Step::Send(bytes)
        } else if let Some(milliseconds) = self.wait_ms {
            Step::Wait(milliseconds)
        } else {
            assert!(self.half_close, "a step of an unknown kind");
            Step::HalfClose
        }
    }
}

fn unpack(plain: Option<&String>, deflated: Option<&String>) -> Option<Vec<u8>> {
    let bytes = BASE64_STANDARD.decode(plain.or(deflated)?).unwrap();
    if plain.is_some() {
        return Some(bytes);
    }
    let mut inflated = Vec::new();
    let mut stream = flate2::read::ZlibDecoder::new(&bytes[..]);
    stream.read_to_end(&mut inflated).unwrap();
    Some(inflated)
}
