//! The ledger record of a phone number code.

use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::apps::App;
use crate::identity::{AppId, PhoneCode, PhoneNumber, PhoneText, UserId, Watermark};
use crate::store::once::Record;

/// The progress of an exchange.
pub(super) enum Note {
    /// The platform is being asked. If this is still stored after `until`, the code is spent and its answer lost.
    Asking { until: Timestamp },
    /// The phone number.
    Number(PhoneNumber),
    /// The platform's answer was lost.
    Lost,
}

/// Returns the record of a user's code. It is sealed under the AppSecret and the code, and other users have other records.
pub(super) fn record(app: &App, user: UserId, code: &PhoneCode) -> Record {
    let names = [app.id().as_str(), &user.to_string(), code.expose()];
    let secrets = [app.credentials().secret.expose(), code.expose()];
    Record::new("phone number", &names, &secrets)
}

impl Note {
    pub(super) fn encode(&self) -> Zeroizing<String> {
        Zeroizing::new(match self {
            Self::Asking { until } => format!("asking\n{}", until.as_millisecond()),
            Self::Lost => "lost".to_owned(),
            Self::Number(number) => format!(
                "number\n{}\n{}\n{}\n{}",
                number.phone_number.expose(),
                number.pure_phone_number.expose(),
                number.country_code,
                number.watermark.unix_seconds,
            ),
        })
    }

    /// Returns `None` if the text is malformed.
    pub(super) fn decode(text: &str, app_id: &AppId) -> Option<Self> {
        // A phone number may contain spaces, but no line break.
        let mut parts = text.split('\n');
        match parts.next()? {
            "asking" => {
                let until = Timestamp::from_millisecond(parts.next()?.parse().ok()?).ok()?;
                Some(Self::Asking { until })
            }
            "lost" => Some(Self::Lost),
            "number" => Some(Self::Number(PhoneNumber {
                phone_number: PhoneText::new(parts.next()?),
                pure_phone_number: PhoneText::new(parts.next()?),
                country_code: parts.next()?.to_owned(),
                watermark: Watermark {
                    app_id: app_id.clone(),
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
    use crate::identity::{AppSecret, PlatformName};

    const APP_ID: &str = "wx4f4bc4dec97d474b";

    fn record_of(user: u8, code: &str, secret: &str) -> Record {
        let secret = AppSecret::new(secret);
        let app = App::new(PlatformName::Wechat, AppId::new(APP_ID), secret);
        let code = PhoneCode::parse(code).unwrap();
        record(&app, UserId([user; 16]), &code)
    }

    #[test]
    fn a_note_is_decoded_as_it_was_encoded() {
        let app_id = AppId::new(APP_ID);
        let decoded = |note: Note| Note::decode(&note.encode(), &app_id);
        let number = PhoneNumber {
            phone_number: PhoneText::new("+44 7700 900123"),
            pure_phone_number: PhoneText::new("7700 900123"),
            country_code: "44".to_owned(),
            watermark: Watermark {
                app_id: app_id.clone(),
                unix_seconds: 1_477_314_187,
            },
        };
        let note = decoded(Note::Number(number.clone()));
        assert!(matches!(note, Some(Note::Number(decoded)) if decoded == number));
        let until = Timestamp::from_millisecond(1_477_314_187_123).unwrap();
        let note = decoded(Note::Asking { until });
        assert!(matches!(note, Some(Note::Asking { until: decoded }) if decoded == until));
        assert!(matches!(decoded(Note::Lost), Some(Note::Lost)));
        assert!(Note::decode("number\n1", &app_id).is_none());
    }

    #[test]
    fn a_record_is_opened_with_its_own_user_code_and_secret_only() {
        let mine = record_of(1, "0a", "secret");
        for (other, is_same_record) in [
            (record_of(2, "0a", "secret"), false),
            (record_of(1, "0b", "secret"), false),
            (record_of(1, "0a", "other"), true),
        ] {
            assert!(!mine.can_open(&other));
            assert_eq!(mine.has_key_of(&other), is_same_record);
        }
        assert!(mine.can_open(&record_of(1, "0a", "secret")));
    }
}
