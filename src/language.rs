//! The languages of the texts that people read.

/// A language. Names, the log and the settings are in English only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    /// English, the default.
    #[default]
    English,
    /// Simplified Chinese.
    Chinese,
}

/// A text in each language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Text {
    /// The English text.
    pub english: &'static str,
    /// The Chinese text.
    pub chinese: &'static str,
}

impl Language {
    /// Returns the language of a tag or locale, such as `zh-CN`, `zh_CN.UTF-8` or `en`; `None` for other languages.
    pub fn parse(name: &str) -> Option<Self> {
        let primary = name.split(['-', '_', '.']).next().unwrap_or_default();
        match () {
            () if primary.eq_ignore_ascii_case("en") => Some(Self::English),
            () if primary.eq_ignore_ascii_case("zh") => Some(Self::Chinese),
            () => None,
        }
    }

    /// Returns the language's tag, for `Content-Language` and for HTML.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::English => "en",
            Self::Chinese => "zh-CN",
        }
    }
}

impl Text {
    /// Pairs the texts.
    pub const fn new(english: &'static str, chinese: &'static str) -> Self {
        Self { english, chinese }
    }

    /// Returns the text in a language.
    pub const fn to(self, language: Language) -> &'static str {
        match language {
            Language::English => self.english,
            Language::Chinese => self.chinese,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Language::{self, Chinese, English};

    #[test]
    fn a_tag_or_locale_has_a_language() {
        for name in ["zh", "ZH", "zh-CN", "zh-Hans-CN", "zh_CN.UTF-8", "zh-TW"] {
            assert_eq!(Language::parse(name), Some(Chinese), "{name}");
        }
        for name in ["en", "en-GB", "en_US.UTF-8"] {
            assert_eq!(Language::parse(name), Some(English), "{name}");
        }
        for name in ["", "C.UTF-8", "fr", "zha", "*"] {
            assert_eq!(Language::parse(name), None, "{name}");
        }
    }
}
