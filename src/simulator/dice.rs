//! What is left to chance, and how it is written: shares of kinds (`429:10%,drop:1%`) and ranges of times (`1m..20m`).
//!
//! Every draw is a function of a seed and a number, so that what was seen once can be seen again.

use std::fmt;
use std::time::Duration;

use crate::model::{InvalidValue, parse_duration};

/// Shares are counted in millionths.
const WHOLE: u32 = 1_000_000;

/// Something that happens to a share of all subjects, at most one kind to each.
pub(super) trait Kind: Copy + PartialEq + fmt::Display + 'static {
    /// All of them, in the order of the documentation.
    const KINDS: &'static [Self];
    /// Whom it happens to: "request".
    const SUBJECT: &'static str;
    /// What else a specification may have, for an error's text.
    const OTHERS: &'static str;
    /// A specification, for an error's text.
    const EXAMPLE: &'static str;
}

/// How often which kind happens: in millionths of all subjects, together at most [`WHOLE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shares<K>(Vec<(K, u32)>);

impl<K> Default for Shares<K> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<K: Kind> Shares<K> {
    /// Reads a comma list of kinds with their shares. What else an item may be, `other` takes: it says whether the item was
    /// its own.
    ///
    /// # Errors
    /// For an empty item, an unknown kind, one that is given twice, a share that is no percentage above 0 %, shares of more
    /// than 100 % together, and those of `other`.
    pub(super) fn parse<'a>(
        text: &'a str,
        mut other: impl FnMut(&'a str, Option<&'a str>) -> Result<bool, InvalidValue>,
    ) -> Result<Self, InvalidValue> {
        let mut shares = Self::default();
        for item in text.split(',').map(str::trim) {
            let (name, value) = match item.split_once(':') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (item, None),
            };
            if name.is_empty() {
                return Err(invalid(format!("is empty; write it as in `{}`", K::EXAMPLE)));
            }
            if !other(name, value)? {
                shares.add(name, value)?;
            }
        }
        if shares.0.iter().map(|(_, share)| u64::from(*share)).sum::<u64>() > u64::from(WHOLE) {
            return Err(invalid(format!("has more than 100 % together; a {} gets at most one fault", K::SUBJECT)));
        }
        Ok(shares)
    }

    fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), InvalidValue> {
        let Some(kind) = K::KINDS.iter().copied().find(|kind| kind.to_string() == name) else {
            let names: Vec<_> = K::KINDS.iter().map(ToString::to_string).collect();
            let known = names.join(", ");
            return Err(invalid(format!("has an unknown kind `{name}`; known are {known}, {}", K::OTHERS)));
        };
        if self.0.iter().any(|(earlier, _)| *earlier == kind) {
            return Err(invalid(format!("gives `{name}` twice")));
        }
        let Some(share) = value.and_then(parse_share) else {
            return Err(invalid(format!(
                "needs a share for `{name}` above 0 % and up to 100 %, such as `{name}:10%` or `{name}:0.5%`"
            )));
        };
        self.0.push((kind, share));
        Ok(())
    }

    /// What happens to subject number `ordinal`, if anything.
    pub(super) fn of(&self, seed: u64, ordinal: u64) -> Option<K> {
        if self.0.is_empty() {
            return None;
        }
        let mut draw = fastrand::Rng::with_seed(mix(seed, ordinal)).u32(..WHOLE);
        for (kind, share) in &self.0 {
            match draw.checked_sub(*share) {
                Some(rest) => draw = rest,
                None => return Some(*kind),
            }
        }
        None
    }
}

/// A fixed time, or one between two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    shortest: Duration,
    longest: Duration,
}

impl TimeRange {
    /// From `shortest` to `longest`, both included; the larger of the two counts as the longest.
    #[must_use]
    pub fn new(shortest: Duration, longest: Duration) -> Self {
        Self { shortest: shortest.min(longest), longest: longest.max(shortest) }
    }

    /// Reads `90s`, or a range `1m..20m`.
    ///
    /// # Errors
    /// When an end is no duration, or the range ends before it starts.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        Self::read(text).map_err(|phrase| InvalidValue::new("a time or range of times", format!("has {phrase}")))
    }

    /// The same; the error is what is wrong, as a noun with a clause: "`200` that needs a unit".
    pub(super) fn read(text: &str) -> Result<Self, String> {
        let one = |text: &str| parse_duration(text).map_err(|error| format!("`{text}` that {}", error.reason));
        let (shortest, longest) = match text.split_once("..") {
            Some((shortest, longest)) => (one(shortest)?, one(longest)?),
            None => (one(text)?, one(text)?),
        };
        if shortest > longest {
            return Err(format!("a range `{text}` that ends before it starts"));
        }
        Ok(Self { shortest, longest })
    }

    /// The time of number `ordinal`, in microseconds.
    pub(super) fn draw(self, seed: u64, ordinal: u64) -> Duration {
        let span = u64::try_from((self.longest - self.shortest).as_micros()).unwrap_or(u64::MAX - 1);
        self.shortest + Duration::from_micros(fastrand::Rng::with_seed(mix(seed, ordinal)).u64(..=span))
    }
}

/// Spreads seed and ordinal over all bits (the finaliser of SplitMix64), so that neighbours draw unrelated numbers.
pub(super) fn mix(seed: u64, ordinal: u64) -> u64 {
    let mut z = seed.wrapping_add(ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

pub(super) fn invalid(reason: impl Into<String>) -> InvalidValue {
    InvalidValue::new("a fault specification", reason)
}

/// `10%` or `0.5%` in millionths; at most four decimals.
fn parse_share(text: &str) -> Option<u32> {
    let number = text.strip_suffix('%')?.trim();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(whole) || !digits(decimals) || decimals.len() > 4 {
        return None;
    }
    let decimals: u32 = format!("{decimals:0<4}").parse().ok()?;
    let share = whole.parse::<u32>().ok()?.checked_mul(10_000)?.checked_add(decimals)?;
    (1..=WHOLE).contains(&share).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_to_four_decimals() {
        for (text, share) in [("10%", Some(100_000)), ("0.5 %", Some(5_000)), ("0.0001%", Some(1)), ("0.00005%", None)]
        {
            assert_eq!(parse_share(text), share, "{text}");
        }
    }

    #[test]
    fn a_range_of_times_reads_as_it_is_written() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(TimeRange::parse("1m..20m"), Ok(TimeRange::new(minutes(1), minutes(20))));
        assert_eq!(TimeRange::parse("90s"), Ok(TimeRange::new(Duration::from_secs(90), Duration::from_secs(90))));
        assert_eq!(TimeRange::new(minutes(2), minutes(1)), TimeRange::new(minutes(1), minutes(2)));
        for (text, part) in [
            ("", "has `` that"),
            ("20", "has `20` that needs a unit"),
            ("1m..", "has `` that"),
            ("2m..1m", "has a range `2m..1m` that ends before it starts"),
            ("-1s", "can't be negative"),
            ("31d", "longer than 30 days"),
        ] {
            let error = TimeRange::parse(text).expect_err(text).to_string();
            assert!(error.starts_with("a time or range of times ") && error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn times_are_drawn_between_both_ends_and_again_the_same() {
        let range = TimeRange::parse("1s..2s").expect("legal");
        let drawn: Vec<_> = (0..1000).map(|ordinal| range.draw(7, ordinal)).collect();
        assert!(drawn.iter().all(|time| (range.shortest..=range.longest).contains(time)));
        let middle = Duration::from_millis(1500);
        assert!(drawn.iter().min().is_some_and(|time| *time < middle) && drawn.iter().max() > Some(&middle));
        assert_eq!(drawn, (0..1000).map(|ordinal| range.draw(7, ordinal)).collect::<Vec<_>>());
    }
}
