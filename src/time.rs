//! Points in time: sums that end at the limits of [`Timestamp`], and RFC 3339 as responses and the log show it.

use jiff::tz::Offset;
use jiff::{Timestamp, TimestampArithmetic};

/// Returns the time after this span, at most [`Timestamp::MAX`].
pub fn plus(time: Timestamp, span: impl Into<TimestampArithmetic>) -> Timestamp {
    time.saturating_add(span).unwrap_or(Timestamp::MAX)
}

/// Returns the time before this span, at least [`Timestamp::MIN`].
pub fn minus(time: Timestamp, span: impl Into<TimestampArithmetic>) -> Timestamp {
    time.saturating_sub(span).unwrap_or(Timestamp::MIN)
}

/// Returns the time without the parts of a millisecond, as the stores keep it.
pub fn to_milliseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(time.as_millisecond()).unwrap_or(time)
}

/// Formats a time in UTC, to the millisecond: `2026-11-23T08:05:09.012Z`.
///
/// Digit by digit, because each session check formats four times, and jiff's general printer takes several times as many
/// instructions. A test compares the two.
pub fn rfc3339(time: Timestamp) -> String {
    let time = Offset::UTC.to_datetime(time);
    let year = time.year();
    let [month, day] = [time.month(), time.day()].map(i16::from);
    let [hour, minute, second] = [time.hour(), time.minute(), time.second()].map(i16::from);
    let milli = time.millisecond();
    let digit = |number: i16| b'0' + u8::try_from(number % 10).unwrap_or_default();
    #[rustfmt::skip]
    let text = [
        digit(year / 1000), digit(year / 100), digit(year / 10), digit(year), b'-',
        digit(month / 10), digit(month), b'-',
        digit(day / 10), digit(day), b'T',
        digit(hour / 10), digit(hour), b':',
        digit(minute / 10), digit(minute), b':',
        digit(second / 10), digit(second), b'.',
        digit(milli / 100), digit(milli / 10), digit(milli), b'Z',
    ];
    String::from_utf8(text.to_vec()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use jiff::fmt::temporal::DateTimePrinter;

    use super::*;

    #[test]
    fn times_are_formatted_as_by_jiff() {
        let printer = DateTimePrinter::new().precision(Some(3));
        // From 1970 to 9999, at steps that fall on every part of a day, a month and a second.
        for milliseconds in (0..253_402_207_200_000).step_by(97_130_271_817) {
            let time = Timestamp::from_millisecond(milliseconds).unwrap();
            assert_eq!(rfc3339(time), printer.timestamp_to_string(&time));
        }
        let last = Timestamp::from_millisecond(951_868_799_999).unwrap();
        assert_eq!(rfc3339(last), "2000-02-29T23:59:59.999Z");
    }
}
