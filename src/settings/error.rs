//! What can be wrong with the configuration, each as one message that names place, key, value and the way out.
//!
//! Knows the words. A value that may be a secret is masked before it comes here.
//! Never knows which values are allowed.

use std::fmt;

/// Everything that is wrong with the configuration, one problem after the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    /// The problems in the order in which they were found; at least one.
    pub problems: Vec<Problem>,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// A file that is there cannot be read.
    #[error("{place}: the file cannot be read: {reason}")]
    Unreadable {
        /// The file.
        place: Place,
        /// What the system says.
        reason: String,
    },
    /// A file or folder that a variable names cannot be read.
    #[error("{place}: {target} cannot be read: {reason}")]
    UnreadableTarget {
        /// The variable.
        place: Place,
        /// The file or folder.
        target: String,
        /// What the system says.
        reason: String,
    },
    /// A file or variable holds bytes that are no UTF-8.
    #[error("{place}: this is not UTF-8 text\n  hint: {hint}")]
    NotText {
        /// The file or variable.
        place: Place,
        /// The way out.
        hint: &'static str,
    },
    /// A file is not TOML.
    #[error("{file}{}: this is not TOML: {reason}{}", at_line(*line), hinted(*hint))]
    Syntax {
        /// The file.
        file: String,
        /// The line, counted from 1, if it is known.
        line: Option<usize>,
        /// What the parser says; without the line's text, which may hold a secret.
        reason: String,
        /// The way out, where there is one thing to do.
        hint: Option<&'static str>,
    },
    /// There is no such setting.
    #[error("unknown setting `{key}` in {place}; {}", instead(nearest.as_deref(), known))]
    UnknownKey {
        /// Where it stands.
        place: Place,
        /// The setting, as far as its first unknown part.
        key: String,
        /// The setting or variable that is spelt most alike.
        nearest: Option<String>,
        /// What there is at the same level.
        known: Vec<String>,
    },
    /// There is no such profile.
    #[error("WEAPP_PROFILE: the profile must be development or production, got {got}")]
    UnknownProfile {
        /// What was asked for.
        got: String,
    },
    /// A value is not allowed.
    #[error("{place}: `{key}` must be {must}, got {got}{}", hinted(hint.as_deref()))]
    WrongValue {
        /// Where the value stands.
        place: Place,
        /// The setting.
        key: String,
        /// What it must be.
        must: String,
        /// What it is; masked if it may be a secret.
        got: String,
        /// The way out.
        hint: Option<String>,
    },
    /// A secret is given both as itself and as a file.
    #[error("{place} and {other} are both set\n  hint: unset one of them")]
    Twice {
        /// The variable that names a file.
        place: Place,
        /// The variable that holds the secret.
        other: Place,
    },
    /// Two values do not go together.
    #[error("{place}: `{key}` {conflict}\n  hint: {hint}")]
    Conflict {
        /// Where the one to change stands.
        place: Place,
        /// The setting to change.
        key: String,
        /// What it does not go together with.
        conflict: String,
        /// The way out.
        hint: String,
    },
    /// The production profile without a mini program.
    #[error(
        "the production profile needs a mini program: set WEAPP_APPS__MAIN__APP_ID, and \
         WEAPP_APPS__MAIN__APP_SECRET or WEAPP_APPS__MAIN__APP_SECRET_FILE"
    )]
    AppMissing,
    /// The settings passed the checks and yet do not fit their types: a bug of ours.
    #[error("the settings passed every check and yet do not fit; please report this")]
    Unfit,
}

/// Where a value stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// In the binary.
    BuiltIn,
    /// In this file.
    File(String),
    /// In this environment variable.
    Variable(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BuiltIn => "built in",
            Self::File(name) | Self::Variable(name) => name,
        })
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            let gap = if index == 0 { "" } else { "\n" };
            write!(f, "{gap}{problem}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}

impl From<Problem> for Error {
    fn from(problem: Problem) -> Self {
        Self {
            problems: vec![problem],
        }
    }
}

fn hinted(hint: Option<&str>) -> String {
    hint.map_or_else(String::new, |hint| format!("\n  hint: {hint}"))
}

fn at_line(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}

fn instead(nearest: Option<&str>, known: &[String]) -> String {
    match nearest {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("known here: {}", known.join(", ")),
    }
}
