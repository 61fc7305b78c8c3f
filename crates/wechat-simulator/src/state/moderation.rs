//! The words by which texts are judged.

use serde::{Deserialize, Serialize};

/// The words of texts that need a review or are risky. All others pass.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Words {
    review: Vec<String>,
    risky: Vec<String>,
}

/// The judgement of a text.
pub(crate) enum Verdict {
    Pass,
    Review,
    Risky,
}

impl Words {
    pub(crate) fn verdict(&self, text: &str) -> Verdict {
        let has_any = |words: &[String]| {
            let mut words = words.iter().filter(|word| !word.is_empty());
            words.any(|word| text.contains(word.as_str()))
        };
        if has_any(&self.risky) {
            Verdict::Risky
        } else if has_any(&self.review) {
            Verdict::Review
        } else {
            Verdict::Pass
        }
    }
}
