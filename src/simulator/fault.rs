//! Faults: what goes wrong on purpose, read from `429:10%,drop:1%,latency:200ms`.
//!
//! Which request gets which fault is a function of the seed and the request's ordinal, so that a failure that was seen
//! once can be seen again. `docs/simulator.md` has the table of what each kind does.

use std::fmt;
use std::time::Duration;

use crate::model::{InvalidValue, parse_duration};

/// What goes wrong with one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// 429 `APIGW.0308`, although the quota is not used up.
    #[serde(rename = "429")]
    Throttled,
    /// 500 `APIGW.0601`.
    #[serde(rename = "500")]
    Internal,
    /// 502 `APIGW.0202`.
    #[serde(rename = "502")]
    BadGateway,
    /// 503 `APIGW.0613`.
    #[serde(rename = "503")]
    Unavailable,
    /// 504 `APIGW.0203`: the gateway gave up waiting, the task was created.
    #[serde(rename = "504")]
    GatewayTimeout,
    /// 401 `APIGW.0301`.
    #[serde(rename = "401")]
    Unauthorized,
    /// 403 `APIGW.0302`.
    #[serde(rename = "403")]
    Forbidden,
    /// The connection is closed instead of an answer; nothing was done.
    Drop,
    /// The connection is closed instead of an answer; the task was created.
    DropAfter,
    /// No answer ever; the task was created.
    Hang,
    /// 200 with a login page, as a captive portal answers; nothing was done.
    Html,
    /// 200 with an empty body; the task was created.
    Empty,
    /// 200 with a non-zero `error_code`; nothing was done.
    ErrorCode,
    /// 302 to another path of the simulator; nothing was done.
    Redirect,
    /// 200 with 64 MiB of JSON; the task was created.
    Huge,
    /// 200, a byte a second for two minutes; the task was created.
    Slow,
    /// Bytes that are not HTTP; the task was created.
    Garbage,
    /// 400 whose text repeats every header of the request, secrets included.
    Echo,
}

impl FaultKind {
    /// All of them, in the order of the documentation.
    pub const ALL: [Self; 18] = [
        Self::Throttled,
        Self::Internal,
        Self::BadGateway,
        Self::Unavailable,
        Self::GatewayTimeout,
        Self::Unauthorized,
        Self::Forbidden,
        Self::Drop,
        Self::DropAfter,
        Self::Hang,
        Self::Html,
        Self::Empty,
        Self::ErrorCode,
        Self::Redirect,
        Self::Huge,
        Self::Slow,
        Self::Garbage,
        Self::Echo,
    ];

    /// The word in `--fault`, and in the request log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Throttled => "429",
            Self::Internal => "500",
            Self::BadGateway => "502",
            Self::Unavailable => "503",
            Self::GatewayTimeout => "504",
            Self::Unauthorized => "401",
            Self::Forbidden => "403",
            Self::Drop => "drop",
            Self::DropAfter => "drop-after",
            Self::Hang => "hang",
            Self::Html => "html",
            Self::Empty => "empty",
            Self::ErrorCode => "error-code",
            Self::Redirect => "redirect",
            Self::Huge => "huge",
            Self::Slow => "slow",
            Self::Garbage => "garbage",
            Self::Echo => "echo",
        }
    }

    /// Whether the request is carried out all the same. Where the real service leaves it open, it is: the case that
    /// punishes a client that repeats blindly.
    #[must_use]
    pub fn commits(self) -> bool {
        matches!(
            self,
            Self::GatewayTimeout | Self::DropAfter | Self::Hang | Self::Empty | Self::Huge | Self::Slow | Self::Garbage
        )
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Shares are counted in millionths.
const WHOLE: u32 = 1_000_000;

/// How often which fault happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    /// Each kind with its share of the requests, in millionths; at most [`WHOLE`] together.
    shares: Vec<(FaultKind, u32)>,
    /// Shortest and longest latency.
    latency: Option<(Duration, Duration)>,
    retry_after: bool,
}

impl Faults {
    /// Reads `429:10%,drop:0.5%,latency:100ms..2s,retry-after`. Shares are percentages of all requests, and a request
    /// gets at most one fault; `latency` delays every answer; `retry-after` adds that header to 429 and 503.
    ///
    /// # Errors
    /// For an unknown kind, one that is given twice, a share that is no percentage above 0 %, shares of more than 100 %
    /// together, or a latency that is no duration or range of durations.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let mut faults = Self::default();
        for item in text.split(',').map(str::trim) {
            let (name, value) = match item.split_once(':') {
                Some((name, value)) => (name.trim(), Some(value.trim())),
                None => (item, None),
            };
            match (name, value) {
                ("", _) => return Err(invalid("is empty; write it as in `429:10%,drop:1%,latency:200ms`")),
                ("latency", _) if faults.latency.is_some() => return Err(invalid("gives `latency` twice")),
                ("latency", value) => faults.latency = Some(parse_latency(value.unwrap_or(""))?),
                ("retry-after", None) => faults.retry_after = true,
                ("retry-after", Some(_)) => return Err(invalid("gives `retry-after` a value; it has none")),
                (name, value) => faults.add(name, value)?,
            }
        }
        let sum = faults.shares.iter().map(|(_, share)| u64::from(*share)).sum::<u64>();
        if sum > u64::from(WHOLE) {
            return Err(invalid("has more than 100 % together; a request gets at most one fault"));
        }
        Ok(faults)
    }

    fn add(&mut self, name: &str, value: Option<&str>) -> Result<(), InvalidValue> {
        let Some(kind) = FaultKind::ALL.into_iter().find(|kind| kind.as_str() == name) else {
            let names = FaultKind::ALL.map(FaultKind::as_str).join(", ");
            return Err(invalid(format!("has an unknown kind `{name}`; known are {names}, latency, retry-after")));
        };
        if self.shares.iter().any(|(earlier, _)| *earlier == kind) {
            return Err(invalid(format!("gives `{name}` twice")));
        }
        let Some(share) = value.and_then(parse_share) else {
            return Err(invalid(format!(
                "needs a share for `{name}` above 0 % and up to 100 %, such as `{name}:10%` or `{name}:0.5%`"
            )));
        };
        self.shares.push((kind, share));
        Ok(())
    }

    /// The fault of request number `ordinal`, if it has one.
    pub(super) fn of(&self, seed: u64, ordinal: u64) -> Option<FaultKind> {
        if self.shares.is_empty() {
            return None;
        }
        let mut draw = fastrand::Rng::with_seed(mix(seed, ordinal)).u32(..WHOLE);
        for (kind, share) in &self.shares {
            match draw.checked_sub(*share) {
                Some(rest) => draw = rest,
                None => return Some(*kind),
            }
        }
        None
    }

    /// The latency of request number `ordinal`, on the run's clock.
    pub(super) fn latency(&self, seed: u64, ordinal: u64) -> Duration {
        let Some((shortest, longest)) = self.latency else { return Duration::ZERO };
        let span = u64::try_from((longest - shortest).as_micros()).unwrap_or(u64::MAX - 1);
        // Another stream than the faults', so that adding a latency changes no fault.
        let extra = fastrand::Rng::with_seed(mix(!seed, ordinal)).u64(..=span);
        shortest + Duration::from_micros(extra)
    }

    /// Whether 429 and 503 carry `Retry-After`.
    pub(super) fn retry_after(&self) -> bool {
        self.retry_after
    }
}

/// Spreads seed and ordinal over all bits (the finaliser of SplitMix64), so that neighbours draw unrelated numbers.
pub(super) fn mix(seed: u64, ordinal: u64) -> u64 {
    let mut z = seed.wrapping_add(ordinal.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

fn invalid(reason: impl Into<String>) -> InvalidValue {
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

/// `200ms`, or a range `100ms..2s`.
fn parse_latency(text: &str) -> Result<(Duration, Duration), InvalidValue> {
    let one = |text: &str| {
        parse_duration(text).map_err(|error| invalid(format!("has a latency `{text}` that {}", error.reason)))
    };
    let (shortest, longest) = match text.split_once("..") {
        Some((shortest, longest)) => (one(shortest)?, one(longest)?),
        None => (one(text)?, one(text)?),
    };
    if shortest > longest {
        return Err(invalid(format!("has a latency range `{text}` that ends before it starts")));
    }
    Ok((shortest, longest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_as_it_is_written() {
        let faults = Faults::parse("429:10%, drop-after:0.5%,latency:100ms..2s,retry-after").expect("legal");
        assert_eq!(faults.shares, [(FaultKind::Throttled, 100_000), (FaultKind::DropAfter, 5_000)]);
        assert_eq!(faults.latency, Some((Duration::from_millis(100), Duration::from_secs(2))));
        assert!(faults.retry_after());
        for kind in FaultKind::ALL {
            let faults = Faults::parse(&format!("{kind}:100%")).expect("legal");
            assert_eq!(faults.of(3, 17), Some(kind));
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (text, part) in [
            ("", "is empty"),
            ("429:10%,", "is empty"),
            ("418:10%", "unknown kind `418`; known are 429, 500"),
            ("429", "needs a share for `429`"),
            ("429:10", "such as `429:10%`"),
            ("429:0%", "above 0 %"),
            ("429:0.00001%", "above 0 %"),
            ("429:101%", "up to 100 %"),
            ("429:-1%", "above 0 %"),
            ("429:99999999999%", "up to 100 %"),
            ("429:10%,429:1%", "gives `429` twice"),
            ("429:60%,503:41%", "more than 100 % together"),
            ("latency:200", "latency `200` that needs a unit"),
            ("latency", "latency `` that"),
            ("latency:2s..1s", "ends before it starts"),
            ("latency:1s,latency:1s", "gives `latency` twice"),
            ("retry-after:3s", "it has none"),
        ] {
            let error = Faults::parse(text).expect_err(text).to_string();
            assert!(error.contains(part), "{text:?}: {error}");
        }
    }

    #[test]
    fn the_same_seed_draws_the_same_faults_in_their_shares() {
        let faults = Faults::parse("429:10%,drop:1%").expect("legal");
        let draw = |seed| (0..100_000).map(|ordinal| faults.of(seed, ordinal)).collect::<Vec<_>>();
        let (first, again, other) = (draw(1), draw(1), draw(2));
        assert_eq!(first, again);
        assert_ne!(first, other);
        let count = |kind| first.iter().filter(|fault| **fault == Some(kind)).count();
        // Four standard deviations of a binomial count: 4·√(n·p·(1−p)).
        assert!(count(FaultKind::Throttled).abs_diff(10_000) < 380, "{}", count(FaultKind::Throttled));
        assert!(count(FaultKind::Drop).abs_diff(1_000) < 126, "{}", count(FaultKind::Drop));
    }

    #[test]
    fn latency_stays_in_its_range_and_changes_no_fault() {
        let plain = Faults::parse("503:20%").expect("legal");
        let faults = Faults::parse("503:20%,latency:100ms..200ms").expect("legal");
        let range = Duration::from_millis(100)..=Duration::from_millis(200);
        let latencies: Vec<_> = (0..1000).map(|ordinal| faults.latency(9, ordinal)).collect();
        assert!(latencies.iter().all(|latency| range.contains(latency)));
        assert!(latencies.iter().max() > latencies.iter().min());
        assert!((0..1000).all(|ordinal| plain.of(9, ordinal) == faults.of(9, ordinal)));
        assert_eq!(plain.latency(9, 1), Duration::ZERO);
    }
}
