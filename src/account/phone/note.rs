//! What the ledger holds about a phone number code, and what opens it.
//!
//! Knows that a note opens only with the AppSecret and the code together, and is found by its own user only.
//! Never knows what follows from a note.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::apps::App;
use crate::identity::{AppId, PhoneCode, PhoneNumber, PhoneText, UserId, Watermark};
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apps::Apps;
    use crate::identity::AppSecret;

    /// Where the note on a code lies, by the user, the code and the AppSecret.
    fn slip(user: u8, code: &str, secret: &str) -> Slip {
        let (name, id) = ("main".to_owned(), AppId::new("wx4f4bc4dec97d474b"));
        let apps = Apps::new([(name, id, AppSecret::new(secret))]);
        let code = PhoneCode::parse(code).unwrap();
        Slip::new(apps.find(None).unwrap(), UserId([user; 16]), &code)
    }

    fn number() -> PhoneNumber {
        PhoneNumber {
            phone_number: PhoneText::new("+44 7700 900123"),
            pure_phone_number: PhoneText::new("7700 900123"),
            country_code: "44".to_owned(),
            watermark: Watermark {
                app_id: AppId::new("wx4f4bc4dec97d474b"),
                unix_seconds: 1_477_314_187,
            },
        }
    }

    #[test]
    fn a_note_comes_back_as_it_was() {
        let slip = slip(1, "0a", "secret");
        let back = |note: Note| slip.open(&slip.close(&note).unwrap());
        assert!(
            matches!(back(Note::Number(number())), Some(Note::Number(back)) if back == number())
        );
        let until = Timestamp::from_millisecond(1_477_314_187_123).unwrap();
        assert!(
            matches!(back(Note::Asking { until }), Some(Note::Asking { until: back }) if back == until)
        );
        assert!(matches!(back(Note::Lost), Some(Note::Lost)));
    }

    #[test]
    fn a_note_opens_with_its_own_user_code_and_secret_only() {
        let mine = slip(1, "0a", "secret");
        let sealed = mine.close(&Note::Number(number())).unwrap();
        for other in [
            slip(2, "0a", "secret"),
            slip(1, "0b", "secret"),
            slip(1, "0a", "other"),
        ] {
            assert!(other.open(&sealed).is_none());
        }
        assert_ne!(mine.key(), slip(2, "0a", "secret").key());
        assert_ne!(mine.key(), slip(1, "0b", "secret").key());
        assert_eq!(mine.key(), slip(1, "0a", "other").key());
    }
}
