//! Faults: what goes wrong on purpose, read from `429:10%,drop:1%,latency:200ms`.
//!
//! Which request gets which fault is a function of the seed and the request's ordinal, so that a failure that was seen
//! once can be seen again. `docs/simulator.md` has the table of what each kind does.

use std::fmt;
use std::time::Duration;

use super::dice::{Kind, Shares, TimeRange, invalid};
use crate::model::InvalidValue;

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

impl Kind for FaultKind {
    const KINDS: &'static [Self] = &Self::ALL;
    const SUBJECT: &'static str = "request";
    const OTHERS: &'static str = "latency, retry-after";
    const EXAMPLE: &'static str = "429:10%,drop:1%,latency:200ms";
}

/// How often which fault happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults {
    shares: Shares<FaultKind>,
    latency: Option<TimeRange>,
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
        let (mut latency, mut retry_after) = (None, false);
        let shares = Shares::parse(text, |name, value| {
            match (name, value) {
                ("latency", _) if latency.is_some() => return Err(invalid("gives `latency` twice")),
                ("latency", value) => {
                    let range = TimeRange::read(value.unwrap_or(""));
                    latency = Some(range.map_err(|phrase| invalid(format!("has a latency: {phrase}")))?);
                }
                ("retry-after", None) => retry_after = true,
                ("retry-after", Some(_)) => return Err(invalid("gives `retry-after` a value; it has none")),
                _ => return Ok(false),
            }
            Ok(true)
        })?;
        Ok(Self { shares, latency, retry_after })
    }

    /// The fault of request number `ordinal`, if it has one.
    pub(super) fn of(&self, seed: u64, ordinal: u64) -> Option<FaultKind> {
        self.shares.of(seed, ordinal)
    }

    /// The latency of request number `ordinal`, on the run's clock.
    pub(super) fn latency(&self, seed: u64, ordinal: u64) -> Duration {
        // Another stream than the faults', so that adding a latency changes no fault.
        self.latency.map_or(Duration::ZERO, |latency| latency.draw(!seed, ordinal))
    }

    /// Whether 429 and 503 carry `Retry-After`.
    pub(super) fn retry_after(&self) -> bool {
        self.retry_after
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_specification_reads_as_it_is_written() {
        let faults = Faults::parse("429:10%, drop-after:0.5%,latency:100ms..2s,retry-after").expect("legal");
        assert_eq!(faults.latency, Some(TimeRange::new(Duration::from_millis(100), Duration::from_secs(2))));
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
            ("latency:200", "latency: `200` that needs a unit"),
            ("latency", "latency: `` that"),
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
