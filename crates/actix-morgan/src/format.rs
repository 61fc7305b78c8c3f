//! Parses a format: one of morgan's names, or a template of its tokens.

use std::str::FromStr;

use actix_web::http::header::HeaderName;

/// A parsed format: one of morgan's names, or a template of its tokens.
///
/// ```
/// let format: actix_morgan::Format = ":method :url :status".parse()?;
/// # Ok::<(), actix_morgan::FormatError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    pub(crate) pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    Literal(String),
    /// Known when the request arrives.
    Request(RequestToken),
    /// Known when the response head is ready, or later.
    Response(ResponseToken),
    /// Only `dev` has colors.
    Color(Color),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RequestToken {
    Method,
    Url,
    HttpVersion,
    RemoteAddress,
    RemoteUser,
    Referrer,
    UserAgent,
    Header(HeaderName),
    /// A header of which only the presence is shown.
    SecretHeader(HeaderName),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ResponseToken {
    Status,
    /// Milliseconds until the response head was ready, with this many decimal places.
    ResponseTime(usize),
    /// Milliseconds until the response body was sent, with this many decimal places.
    TotalTime(usize),
    Header(HeaderName),
    Date(DateStyle),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DateStyle {
    /// `23/Nov/2026:08:05:09 +0000`
    CommonLog,
    /// `2026-11-23T08:05:09.012Z`
    Iso,
    /// `Mon, 23 Nov 2026 08:05:09 GMT`
    Web,
    /// Prints `-`, as morgan does.
    Unknown,
}

/// A terminal escape sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Color {
    /// Switches to the color of the status.
    Status,
    /// Switches back to the default color.
    Reset,
}

/// The reason why a format cannot be parsed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormatError {
    /// The text is neither a format's name nor a template: it has no token.
    #[error(
        "`{0}` is not an access log format\n  hint: the formats are {FORMATS}; or write a template of {TOKENS}"
    )]
    UnknownFormat(String),
    /// The template has an unknown token.
    #[error("`:{0}` is not an access log token\n  hint: the tokens are {TOKENS}")]
    UnknownToken(String),
    /// `:req` or `:res` has no header name.
    #[error("`:{0}` needs the name of a header, as in `:{0}[content-length]`")]
    HeaderMissing(String),
    /// The argument of a time is not a number of decimal places.
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

/// morgan's default number of decimal places.
const DIGITS: usize = 3;

impl FromStr for Format {
    type Err = FormatError;

    fn from_str(format: &str) -> Result<Self, FormatError> {
        let pieces = match format {
            "dev" => return Self::dev(),
            "combined" => parse(COMBINED),
            "common" => parse(COMMON),
            "short" => parse(SHORT),
            "tiny" => parse(TINY),
            template => parse(template),
        };
        Ok(Self { pieces: pieces? })
    }
}

impl Format {
    /// Removes the colors, which only `dev` has.
    #[must_use]
    pub fn without_colors(mut self) -> Self {
        self.pieces
            .retain(|piece| !matches!(piece, Piece::Color(_)));
        self
    }

    /// Masks the value of a request header that contains a secret, as that of `Authorization` always is.
    #[must_use]
    pub fn masking(mut self, secret: &HeaderName) -> Self {
        for piece in &mut self.pieces {
            if matches!(piece, Piece::Request(RequestToken::Header(name)) if name == secret) {
                *piece = Piece::Request(RequestToken::SecretHeader(secret.clone()));
            }
        }
        self
    }

    fn dev() -> Result<Self, FormatError> {
        let mut pieces = vec![Piece::Color(Color::Reset)];
        for piece in parse(DEV)? {
            if piece == Piece::Response(ResponseToken::Status) {
                pieces.extend([
                    Piece::Color(Color::Status),
                    piece,
                    Piece::Color(Color::Reset),
                ]);
            } else {
                pieces.push(piece);
            }
        }
        pieces.push(Piece::Color(Color::Reset));
        Ok(Self { pieces })
    }

    pub(crate) fn has_total_time(&self) -> bool {
        let total = |piece: &Piece| matches!(piece, Piece::Response(ResponseToken::TotalTime(_)));
        self.pieces.iter().any(total)
    }

    pub(crate) fn has_date(&self) -> bool {
        let date = |piece: &Piece| matches!(piece, Piece::Response(ResponseToken::Date(_)));
        self.pieces.iter().any(date)
    }
}

fn parse(template: &str) -> Result<Vec<Piece>, FormatError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = template;
    while let Some((before, after)) = rest.split_once(':') {
        literal.push_str(before);
        let (name, tail) = after.split_at(name_length(after));
        if name.len() < 2 {
            literal.push(':');
            rest = after;
            continue;
        }
        let (argument, tail) = match split_argument(tail) {
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
    Ok(pieces)
}

fn name_length(text: &str) -> usize {
    let outside = |letter: char| !letter.is_ascii_alphanumeric() && !"-_".contains(letter);
    text.find(outside).unwrap_or(text.len())
}

/// Splits a bracketed argument from what follows it.
fn split_argument(text: &str) -> Option<(&str, &str)> {
    let (argument, tail) = text.strip_prefix('[')?.split_once(']')?;
    (!argument.is_empty()).then_some((argument, tail))
}

fn token(name: &str, argument: Option<&str>) -> Result<Piece, FormatError> {
    let token = match name {
        "method" => RequestToken::Method,
        "url" => RequestToken::Url,
        "http-version" => RequestToken::HttpVersion,
        "remote-addr" => RequestToken::RemoteAddress,
        "remote-user" => RequestToken::RemoteUser,
        "referrer" => RequestToken::Referrer,
        "user-agent" => RequestToken::UserAgent,
        "req" => RequestToken::Header(header(name, argument)?),
        _ => return response_token(name, argument).map(Piece::Response),
    };
    Ok(Piece::Request(token))
}

fn response_token(name: &str, argument: Option<&str>) -> Result<ResponseToken, FormatError> {
    Ok(match name {
        "status" => ResponseToken::Status,
        "response-time" => ResponseToken::ResponseTime(digits(name, argument)?),
        "total-time" => ResponseToken::TotalTime(digits(name, argument)?),
        "res" => ResponseToken::Header(header(name, argument)?),
        "date" => ResponseToken::Date(match argument {
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
