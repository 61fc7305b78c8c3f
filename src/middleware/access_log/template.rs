//! Reads the format of the access log: one of morgan's names, or a template of its tokens.
//!
//! Knows morgan's language. Never knows requests.

use actix_web::http::header::HeaderName;

/// A format that was understood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Template {
    pub(super) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    Literal(String),
    /// Known when the request arrives.
    Asked(Asked),
    /// Known when the response is.
    Answered(Answered),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    Method,
    Url,
    HttpVersion,
    RemoteAddress,
    RemoteUser,
    Referrer,
    UserAgent,
    Header(HeaderName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Answered {
    Status,
    /// The number of the terminal's colour for the status. Only `dev` has it.
    Colour,
    /// Milliseconds until the head of the response was ready, with so many digits.
    ResponseTime(usize),
    /// Milliseconds until the response has finished, with so many digits.
    TotalTime(usize),
    Header(HeaderName),
    Date(DateStyle),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DateStyle {
    /// `23/Nov/2026:08:05:09 +0000`
    CommonLog,
    /// `2026-11-23T08:05:09.012Z`
    Iso,
    /// `Mon, 23 Nov 2026 08:05:09 GMT`
    Web,
    /// Prints `-`, as morgan does.
    Unknown,
}

/// A `log.format` that is not understood.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// Neither a name nor a template: there is no token in it.
    #[error(
        "`{0}` is no access log format\n  hint: the formats are {FORMATS}; or write a template of {TOKENS}"
    )]
    UnknownFormat(String),
    /// A template names a token that does not exist.
    #[error("`:{0}` is no token of the access log\n  hint: the tokens are {TOKENS}")]
    UnknownToken(String),
    /// `:req` and `:res` say nothing without a header.
    #[error("`:{0}` needs the name of a header, as in `:{0}[content-length]`")]
    HeaderMissing(String),
    /// The number of digits of a time.
    #[error("`:{0}[{1}]` needs a number of digits from 0 to 100, as in `:{0}[3]`")]
    Digits(String, String),
}

const FORMATS: &str = "dev, combined, common, short, tiny";
const TOKENS: &str = ":method :url :status :response-time[digits] :total-time[digits] \
    :res[header] :req[header] :date[clf|iso|web] :remote-addr :remote-user :referrer :user-agent \
    :http-version";

const COMBINED: &str = ":remote-addr - :remote-user [:date[clf]] \
    \":method :url HTTP/:http-version\" :status :res[content-length] \":referrer\" \":user-agent\"";
const COMMON: &str = ":remote-addr - :remote-user [:date[clf]] \
    \":method :url HTTP/:http-version\" :status :res[content-length]";
const SHORT: &str = ":remote-addr :remote-user :method :url HTTP/:http-version :status \
    :res[content-length] - :response-time ms";
const TINY: &str = ":method :url :status :res[content-length] - :response-time ms";
const DEV: &str = ":method :url :status :response-time ms - :res[content-length]";
/// `:colour` is not a token that others may use.
const DEV_COLOURED: &str = "\u{1b}[0m:method :url \u{1b}[:colourm:status\u{1b}[0m \
    :response-time ms - :res[content-length]\u{1b}[0m";
/// morgan's number of digits where none is given.
const DIGITS: usize = 3;

impl Template {
    /// Understands a name or a template.
    pub(super) fn parse(format: &str, no_color: bool) -> Result<Self, FormatError> {
        match format {
            "dev" if no_color => Self::of_tokens(DEV),
            "dev" => Self::coloured(),
            "combined" => Self::of_tokens(COMBINED),
            "common" => Self::of_tokens(COMMON),
            "short" => Self::of_tokens(SHORT),
            "tiny" => Self::of_tokens(TINY),
            template => Self::of_tokens(template),
        }
    }

    /// Whether a line can only be written when its response has finished.
    pub(super) fn waits_for_the_end(&self) -> bool {
        let total = |piece: &Piece| matches!(piece, Piece::Answered(Answered::TotalTime(_)));
        self.pieces.iter().any(total)
    }

    /// Whether a line shows when it was written.
    pub(super) fn has_date(&self) -> bool {
        let date = |piece: &Piece| matches!(piece, Piece::Answered(Answered::Date(_)));
        self.pieces.iter().any(date)
    }

    fn coloured() -> Result<Self, FormatError> {
        let mut pieces = Vec::new();
        let (before, after) = DEV_COLOURED.split_once(":colour").unwrap_or_default();
        pieces.extend(Self::of_tokens(before)?.pieces);
        pieces.push(Piece::Answered(Answered::Colour));
        pieces.extend(Self::of_tokens(after)?.pieces);
        Ok(Self { pieces })
    }

    fn of_tokens(template: &str) -> Result<Self, FormatError> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = template;
        while let Some((before, after)) = rest.split_once(':') {
            literal.push_str(before);
            let (name, tail) = after.split_at(length_of_name(after));
            if name.len() < 2 {
                literal.push(':');
                rest = after;
                continue;
            }
            let (argument, tail) = match argument(tail) {
                Some((argument, tail)) => (Some(argument), tail),
                None => (None, tail),
            };
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(token(name, argument)?);
            rest = tail;
        }
        if pieces.is_empty() {
            return Err(FormatError::UnknownFormat(template.to_owned()));
        }
        literal.push_str(rest);
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self { pieces })
    }
}

fn length_of_name(text: &str) -> usize {
    let outside = |letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter);
    text.find(outside).unwrap_or(text.len())
}

/// What stands in brackets, and what follows them.
fn argument(text: &str) -> Option<(&str, &str)> {
    let (argument, tail) = text.strip_prefix('[')?.split_once(']')?;
    (!argument.is_empty()).then_some((argument, tail))
}

fn token(name: &str, argument: Option<&str>) -> Result<Piece, FormatError> {
    let asked = match name {
        "method" => Asked::Method,
        "url" => Asked::Url,
        "http-version" => Asked::HttpVersion,
        "remote-addr" => Asked::RemoteAddress,
        "remote-user" => Asked::RemoteUser,
        "referrer" => Asked::Referrer,
        "user-agent" => Asked::UserAgent,
        "req" => Asked::Header(header(name, argument)?),
        _ => return answered(name, argument).map(Piece::Answered),
    };
    Ok(Piece::Asked(asked))
}

fn answered(name: &str, argument: Option<&str>) -> Result<Answered, FormatError> {
    Ok(match name {
        "status" => Answered::Status,
        "response-time" => Answered::ResponseTime(digits(name, argument)?),
        "total-time" => Answered::TotalTime(digits(name, argument)?),
        "res" => Answered::Header(header(name, argument)?),
        "date" => Answered::Date(match argument {
            Some("clf") => DateStyle::CommonLog,
            Some("iso") => DateStyle::Iso,
            Some("web") | None => DateStyle::Web,
            Some(_) => DateStyle::Unknown,
        }),
        unknown => return Err(FormatError::UnknownToken(unknown.to_owned())),
    })
}

fn header(token: &str, name: Option<&str>) -> Result<HeaderName, FormatError> {
    let name = name.and_then(|name| HeaderName::from_bytes(name.as_bytes()).ok());
    name.ok_or_else(|| FormatError::HeaderMissing(token.to_owned()))
}

fn digits(token: &str, argument: Option<&str>) -> Result<usize, FormatError> {
    let Some(argument) = argument else {
        return Ok(DIGITS);
    };
    let digits = argument.parse().ok().filter(|digits| *digits <= 100);
    digits.ok_or_else(|| FormatError::Digits(token.to_owned(), argument.to_owned()))
}
