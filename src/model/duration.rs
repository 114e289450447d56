//! Durations: as people write them in plans and flags, and as they are read to people.

use std::time::Duration;

use super::id::InvalidValue;

/// The longest duration that a plan or flag may state: 30 days.
const LONGEST: Duration = Duration::from_secs(30 * 24 * 3600);

/// A span that may come to lie before a zero; the longest there is, for one that is longer.
#[must_use]
pub fn signed(span: Duration) -> jiff::SignedDuration {
    jiff::SignedDuration::try_from(span).unwrap_or(jiff::SignedDuration::MAX)
}

/// Reads a duration with a unit: `500ms`, `75s`, `2m`, `1h 30m`, `PT5M`. At most 30 days.
///
/// # Errors
/// When there is no unit, the text is no duration, it is negative or longer than 30 days.
pub fn parse_duration(text: &str) -> Result<Duration, InvalidValue> {
    let what = "a duration";
    let text = text.trim();
    if !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(InvalidValue::new(what, format!("needs a unit: `{text}s` or `{text}m`")));
    }
    let shape =
        || InvalidValue::new(what, "is a number with a unit, such as `500ms`, `75s`, `2m`, `1h 30m`".to_owned());
    let span: jiff::Span = text.parse().map_err(|_| shape())?;
    // A day is 24 hours here; months and years are of no fixed length and refused.
    let parsed = span.to_duration(jiff::SpanRelativeTo::days_are_24_hours()).map_err(|_| shape())?;
    let duration = Duration::try_from(parsed).map_err(|_| InvalidValue::new(what, "can't be negative"))?;
    if duration > LONGEST {
        return Err(InvalidValue::new(what, "is longer than 30 days"));
    }
    Ok(duration)
}

/// A duration as plans write it, with nothing lost: [`parse_duration`] reads it back. `75s`, `2m`, `1h 30m`.
#[must_use]
pub fn write_duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match jiff::SignedDuration::try_from(duration) {
        Ok(span) if duration.subsec_nanos() > 0 || seconds >= 100 || seconds.is_multiple_of(60) => format!("{span:#}"),
        _ => format!("{seconds}s"),
    }
}

/// A measured duration for people, the two largest units that matter: `0.4 s`, `12 s`, `2 min 00 s`, `3 h 05 min`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    if duration < Duration::from_secs(10) {
        let tenths = (duration.as_millis() + 50) / 100;
        return format!("{}.{} s", tenths / 10, tenths % 10);
    }
    format_seconds(duration.as_secs() + u64::from(duration.subsec_millis() >= 500))
}

/// A duration that is only expected, for people: as [`format_duration`], in whole seconds, rounded up, at least one.
#[must_use]
pub fn format_estimate(duration: Duration) -> String {
    format_seconds((duration.as_secs() + u64::from(duration.subsec_nanos() > 0)).max(1))
}

/// How long ago something was, for people, in its largest unit: `45 s`, `5 min`, `3 h`, `2 d`.
#[must_use]
pub fn format_age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..86_400 => format!("{} h", seconds / 3600),
        _ => format!("{} d", seconds / 86_400),
    }
}

fn format_seconds(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {:02} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {:02} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_has_one_unit() {
        let ages = [(0, "0 s"), (59, "59 s"), (60, "1 min"), (3599, "59 min"), (7200, "2 h"), (86_400, "1 d")];
        for (seconds, text) in ages {
            assert_eq!(format_age(seconds), text);
        }
    }

    #[test]
    fn durations_need_a_unit_and_a_bound() {
        assert_eq!(parse_duration("75s"), Ok(Duration::from_secs(75)));
        assert_eq!(parse_duration("1h 30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(parse_duration("PT5M"), Ok(Duration::from_secs(300)));
        assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(parse_duration("30d"), parse_duration("720h"));
        for bad in ["", "10", "1.5", "-5s", "soon", "31d", "9999999h", "1mo", "1y"] {
            assert!(parse_duration(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_back() {
        for (milliseconds, text) in [
            (0, "0s"),
            (500, "500ms"),
            (75_000, "75s"),
            (60_000, "1m"),
            (150_000, "2m 30s"),
            (5_400_000, "1h 30m"),
            (2_592_000_000, "720h"),
        ] {
            let duration = Duration::from_millis(milliseconds);
            assert_eq!(write_duration(duration), text);
            assert_eq!(parse_duration(text), Ok(duration));
        }
        let odd = Duration::new(61, 1_002_003);
        assert_eq!(parse_duration(&write_duration(odd)), Ok(odd));
    }

    #[test]
    fn people_read_two_units_at_most() {
        let show = |ms| format_duration(Duration::from_millis(ms));
        assert_eq!(show(449), "0.4 s");
        assert_eq!(show(12_000), "12 s");
        assert_eq!(show(59_700), "1 min 00 s");
        assert_eq!(show(120_000), "2 min 00 s");
        assert_eq!(show(11_100_000), "3 h 05 min");
        assert_eq!(format_estimate(Duration::from_millis(1_200)), "2 s");
        assert_eq!(format_estimate(Duration::ZERO), "1 s");
        assert_eq!(format_estimate(Duration::from_millis(120_400)), "2 min 01 s");
    }
}
