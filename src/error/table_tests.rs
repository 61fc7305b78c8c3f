//! The table of errors: both languages.

use crate::error::ErrorCode;

/// Returns the words of a sentence that are names: of fields, headers, settings, functions and paths.
fn names(sentence: &str) -> Vec<&str> {
    let is_part = |letter: char| letter.is_ascii_alphanumeric() || "._-/".contains(letter);
    let words = sentence.split(|letter| !is_part(letter));
    let words = words.map(|word| word.trim_end_matches('.'));
    let is_name = |word: &&str| {
        if ["WeChat", "AppIDs"].contains(word) {
            return false;
        }
        let inside = word.get(1..).unwrap_or_default();
        inside.contains(|letter: char| "._-/".contains(letter) || letter.is_ascii_uppercase())
            || word.starts_with('/')
    };
    words.filter(is_name).collect()
}

#[test]
fn every_error_has_a_chinese_sentence_with_the_same_names() {
    let is_chinese = |text: &str| text.chars().any(|letter| ('一'..='龥').contains(&letter));
    for error in ErrorCode::ALL.iter().map(|code| code.definition()) {
        let chinese = error.chinese.unwrap_or_default();
        assert!(is_chinese(chinese) && chinese.ends_with('。'), "{chinese}");
        assert!(!is_chinese(error.message), "{}", error.message);
        for name in names(error.message) {
            assert!(chinese.contains(name), "{name} is missing: {chinese}");
        }
    }
    assert_eq!(
        names("Send e.detail.code to /login."),
        ["e.detail.code", "/login"]
    );
}
