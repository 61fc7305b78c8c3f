//! Reads the language that a client prefers from its `Accept-Language` header.

use actix_web::HttpMessage;
use actix_web::http::header::{AcceptLanguage, Header as _, Preference, Quality};

use crate::language::Language;

/// Returns the preferred language; English if the header is missing, malformed or names neither language.
pub fn preferred(request: &impl HttpMessage) -> Language {
    let Ok(accepted) = AcceptLanguage::parse(request) else {
        return Language::default();
    };
    let known = accepted.0.iter().filter_map(|range| {
        let language = match &range.item {
            Preference::Any => Language::default(),
            Preference::Specific(tag) => Language::parse(tag.primary_language())?,
        };
        (range.quality > Quality::ZERO).then_some((range.quality, language))
    });
    // Of equal qualities the first one counts, because browsers list their languages in order.
    let best = known.reduce(|best, next| if next.0 > best.0 { next } else { best });
    best.map_or_else(Language::default, |(_, language)| language)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::Language::{Chinese, English};
    use actix_web::http::header::ACCEPT_LANGUAGE;
    use actix_web::test::TestRequest;

    #[test]
    fn the_language_of_the_highest_quality_is_preferred() {
        for (header, language) in [
            ("zh", Chinese),
            ("ZH-cn", Chinese),
            ("zh-CN,zh;q=0.9,en;q=0.8", Chinese),
            // As WeChat on iOS sends it.
            ("zh-CN,zh-Hans;q=0.9", Chinese),
            ("en;q=0.5, zh;q=0.501", Chinese),
            ("fr, zh;q=0.2, en;q=0.1", Chinese),
            ("zh, en", Chinese),
            ("zh, *;q=0.5", Chinese),
            ("en, zh", English),
            ("en, zh;q=0.5", English),
            ("zh;q=0.5, en", English),
            ("zh;q=0, *", English),
            ("zh;q=0", English),
            ("*", English),
            ("fr", English),
            ("", English),
            ("zha", English),
            ("zh;q=2, ;;;", English),
        ] {
            let request = TestRequest::default().insert_header((ACCEPT_LANGUAGE, header));
            assert_eq!(preferred(&request.to_http_request()), language, "{header}");
        }
        assert_eq!(
            preferred(&TestRequest::default().to_http_request()),
            English
        );
        let binary = TestRequest::default().insert_header((ACCEPT_LANGUAGE, &b"zh, \xff"[..]));
        assert_eq!(preferred(&binary.to_http_request()), English);
    }
}
