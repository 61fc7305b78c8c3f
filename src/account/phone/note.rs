//! What the ledger holds about a phone number code, and what opens it.
//!
//! Knows that a note opens only with the AppSecret and the code together, and is found by its own user only.
//! Never knows what follows from a note.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::identity::{AppId, PhoneCode, PhoneNumber, PhoneText, UserId, Watermark};
use crate::login::App;
use crate::session::{CryptoError, Seal, Sealed};
use crate::store::LedgerKey;

/// How far it has come with a code.
pub(super) enum Note {
    /// WeChat is being asked, by whoever wrote this; after this time they are gone, and the code is spent.
    Asking { until: Timestamp },
    /// WeChat's answer.
    Number(PhoneNumber),
    /// WeChat's answer never came.
    Lost,
}

/// Where the note on a user's code lies.
pub(super) struct Slip {
    key: LedgerKey,
    seal: Seal,
    app_id: AppId,
}

impl Slip {
    pub(super) fn new(app: &App, user: UserId, code: &PhoneCode) -> Self {
        let (app_id, code) = (app.id(), code.expose());
        let secret = app.credentials().secret.expose();
        let both = Zeroizing::new(format!("{}:{secret}{code}", secret.len()));
        Self {
            key: LedgerKey::of("phone number", &[app_id.as_str(), &user.to_string(), code]),
            seal: Seal::new(both.as_bytes(), b"weapp-login phone number v1"),
            app_id: app_id.clone(),
        }
    }

    pub(super) fn key(&self) -> LedgerKey {
        self.key
    }

    pub(super) fn close(&self, note: &Note) -> Result<Sealed, CryptoError> {
        let text = Zeroizing::new(match note {
            Note::Asking { until } => format!("asking\n{}", until.as_millisecond()),
            Note::Lost => "lost".to_owned(),
            Note::Number(number) => format!(
                "number\n{}\n{}\n{}\n{}",
                number.phone_number.expose(),
                number.pure_phone_number.expose(),
                number.country_code,
                number.watermark.unix_seconds,
            ),
        });
        self.seal.seal(&text, &self.key.0)
    }

    /// `None` if it was closed under another AppSecret, or altered.
    pub(super) fn open(&self, sealed: &Sealed) -> Option<Note> {
        let text = self.seal.open(sealed, &self.key.0)?;
        // Whatever stands between a number's digits, it is one line.
        let mut parts = text.split('\n');
        match parts.next()? {
            "asking" => {
                let until = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
                Some(Note::Asking { until })
            }
            "lost" => Some(Note::Lost),
            "number" => Some(Note::Number(PhoneNumber {
                phone_number: PhoneText::new(parts.next()?),
                pure_phone_number: PhoneText::new(parts.next()?),
                country_code: parts.next()?.to_owned(),
                watermark: Watermark {
                    app_id: self.app_id.clone(),
                    unix_seconds: parts.next()?.parse().ok()?,
                },
            })),
            _ => None,
        }
    }
}
