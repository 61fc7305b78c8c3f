//! The language of the documentation: plain, modern engineering English.
//!
//! Counts archaic words and stock phrases in the doc comments of all Rust files and in all Markdown pages, and the item docs
//! that open with a question word.

use std::fs;

use crate::sources::{files, repository, sources};

/// Words and phrases that have a plainer equivalent.
const ARCHAIC: [&str; 39] = [
    "whoever",
    "whomever",
    "nobody",
    "somebody",
    "anybody",
    "everybody",
    "anew",
    "for ever",
    "is told",
    "are told",
    "told of",
    "tells",
    "bears",
    "mend",
    "mends",
    "mended",
    "so long",
    "likewise",
    "lets go",
    "let go of",
    "hands on",
    "handed on",
    "beside",
    "refusal",
    "refusals",
    "what is over",
    "but for",
    "the way out",
    "hitherto",
    "thereby",
    "whereby",
    "thereof",
    "errand",
    "errands",
    "upon",
    "hence",
    "whence",
    "shall",
    "looks after",
];

/// Openings of an item's doc that describe a question instead of the item.
const QUESTIONS: [&str; 9] = [
    "What", "How", "Whether", "Who", "Whose", "Which", "Where", "Why", "When",
];

/// Maximum number of archaic words per 1,000 words of documentation.
const MAX_ARCHAIC_PER_THOUSAND: f64 = 0.3;

/// Maximum share of item docs that open with a question word.
const MAX_QUESTIONS: f64 = 0.02;

/// All doc comments of a Rust file, each as one text.
fn docs(text: &str) -> Vec<String> {
    let mut docs = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let line = line.trim_start();
        let doc = line
            .strip_prefix("///")
            .or_else(|| line.strip_prefix("//!"));
        match (doc, docs.last_mut()) {
            (Some(doc), Some(last)) if open => *last = format!("{last}\n{}", doc.trim()),
            (Some(doc), _) => docs.push(doc.trim().to_owned()),
            (None, _) => {}
        }
        open = doc.is_some();
    }
    docs
}

/// All Rust files: of the server, its crates, its tests, examples and benchmarks.
fn rust_docs() -> Vec<String> {
    let roots = ["src", "crates", "tests", "examples", "benches"];
    let present = roots.iter().filter(|root| repository().join(root).is_dir());
    let texts = present.flat_map(|root| sources(root)).map(|file| file.text);
    texts.flat_map(|text| docs(&text)).collect()
}

/// All English pages.
fn pages() -> Vec<String> {
    let mut pages = files("", "md");
    pages.retain(|page| !page.to_str().unwrap().contains("zh"));
    assert!(pages.len() >= 5, "{pages:?}");
    let read = |page| fs::read_to_string(repository().join(page)).unwrap();
    pages.into_iter().map(read).collect()
}

/// Finds the archaic words of a text, each with its surroundings.
fn archaic(text: &str) -> Vec<String> {
    let plain: String = text
        .to_lowercase()
        .chars()
        .map(|letter| {
            if letter.is_alphanumeric() {
                letter
            } else {
                ' '
            }
        })
        .collect();
    let words: Vec<_> = plain.split_whitespace().collect();
    let mut found = Vec::new();
    for phrase in ARCHAIC {
        let phrase: Vec<_> = phrase.split(' ').collect();
        for (place, window) in words.windows(phrase.len()).enumerate() {
            if window == phrase {
                let around = place.saturating_sub(4)..(place + 6).min(words.len());
                found.push(format!(
                    "{}: … {} …",
                    phrase.join(" "),
                    words[around].join(" ")
                ));
            }
        }
    }
    found
}

#[test]
fn archaic_words_are_rare() {
    let texts = [rust_docs(), pages()].concat();
    let words: usize = texts
        .iter()
        .map(|text| text.split_whitespace().count())
        .sum();
    assert!(words > 20_000, "only {words} words were read");
    let found: Vec<_> = texts.iter().flat_map(|text| archaic(text)).collect();
    let per_thousand = 1_000.0 * count(found.len()) / count(words);
    assert!(
        per_thousand < MAX_ARCHAIC_PER_THOUSAND,
        "{per_thousand:.2} archaic words per 1,000 of {words} words:\n{}",
        found.join("\n")
    );
}

#[test]
fn docs_open_with_a_verb_or_a_noun() {
    let docs = rust_docs();
    assert!(docs.len() > 1_000, "only {} docs were read", docs.len());
    let is_question = |doc: &&String| {
        let first = doc.split(|letter: char| !letter.is_alphabetic()).next();
        first.is_some_and(|word| QUESTIONS.contains(&word))
    };
    let questions: Vec<_> = docs.iter().filter(is_question).collect();
    let share = count(questions.len()) / count(docs.len());
    assert!(
        share < MAX_QUESTIONS,
        "{:.1} % of {} docs: {questions:#?}",
        100.0 * share,
        docs.len()
    );
}

#[test]
fn no_file_states_what_it_does_not_know() {
    // In two parts, so that this file does not find itself.
    let phrase = ["never", "knows"].join(" ");
    for extension in ["rs", "py", "js", "sh", "toml"] {
        for file in files("", extension) {
            let text = fs::read_to_string(repository().join(&file)).unwrap();
            assert!(!text.to_lowercase().contains(&phrase), "{}", file.display());
        }
    }
}

#[test]
fn a_word_and_a_phrase_are_found() {
    assert_eq!(archaic("The token is told to nobody.").len(), 2);
    assert_eq!(archaic("Returns the session, besides the user.").len(), 0);
    assert_eq!(docs("/// One\n/// doc.\nfn a() {}\n/// Two").len(), 2);
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}
