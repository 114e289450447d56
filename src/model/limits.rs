//! Limits of a run: quota, concurrency, timeouts, retries, failure budgets.

use std::fmt;
use std::num::NonZeroU32;
use std::time::Duration;

use super::id::InvalidValue;

/// What shares one quota bucket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum QuotaScope {
    /// One endpoint: safe for both published limits, per user and per source address.
    #[default]
    Address,
    /// One endpoint and credential.
    User,
    /// Everything.
    Global,
}

impl QuotaScope {
    /// The plan's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::User => "user",
            Self::Global => "global",
        }
    }
}

/// At most `calls` calls in any window of length `per`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls in a window, at least one.
    pub calls: NonZeroU32,
    /// Length of the sliding window, more than zero.
    pub per: Duration,
    /// What shares the bucket.
    pub scope: QuotaScope,
}

impl Default for Quota {
    /// The published limit: 5 calls a minute for one user and for one source address (HSS constraints page, 2025-11-28).
    fn default() -> Self {
        Self {
            calls: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
            per: Duration::from_secs(60),
            scope: QuotaScope::Address,
        }
    }
}

impl Quota {
    /// Reads `CALLS/DURATION`, such as `5/1m` or `200/5m`; the scope is the default one.
    ///
    /// # Errors
    /// When either half is missing, zero or not a number or duration.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let what = "a quota";
        let shape = || InvalidValue::new(what, "is CALLS/DURATION, such as `5/1m`");
        let (calls, per) = text.split_once('/').ok_or_else(shape)?;
        let calls =
            calls.trim().parse().map_err(|_| InvalidValue::new(what, "needs a whole number of calls above 0"))?;
        let per = super::parse_duration(per)
            .map_err(|error| InvalidValue::new(what, format!("has a window that {}", error.reason)))?;
        if per.is_zero() {
            return Err(InvalidValue::new(what, "needs a window longer than 0"));
        }
        Ok(Self { calls, per, scope: QuotaScope::default() })
    }

    /// As [`Quota::parse`] reads it; without the scope.
    #[must_use]
    pub fn written(&self) -> String {
        format!("{}/{}", self.calls, super::write_duration(self.per))
    }
}

impl fmt::Display for Quota {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.per == Duration::from_secs(60) {
            write!(f, "{} a minute", self.calls)
        } else if self.per == Duration::from_secs(1) {
            write!(f, "{} a second", self.calls)
        } else {
            write!(f, "{} per {}", self.calls, super::format_duration(self.per))
        }
    }
}

/// How an attempt that is safe to repeat is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// Attempts for one operation, the first included; 1 to 20.
    pub max_attempts: NonZeroU32,
    /// Delay before the second attempt.
    pub initial_delay: Duration,
    /// No delay is longer.
    pub max_delay: Duration,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            max_attempts: NonZeroU32::new(5).unwrap_or(NonZeroU32::MIN),
            initial_delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(300),
        }
    }
}

/// Everything that bounds how a plan is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Calls per window.
    pub quota: Quota,
    /// Requests in flight over all regions.
    pub concurrency: NonZeroU32,
    /// Requests in flight in one region.
    pub region_concurrency: NonZeroU32,
    /// Time for one attempt, from sending to the end of the answer. The gateway waits up to 60 s itself.
    pub attempt_timeout: Duration,
    /// Repeats.
    pub retry: RetryLimits,
}

impl Default for Limits {
    fn default() -> Self {
        let eight = NonZeroU32::new(8).unwrap_or(NonZeroU32::MIN);
        let four = NonZeroU32::new(4).unwrap_or(NonZeroU32::MIN);
        Self {
            quota: Quota::default(),
            concurrency: eight,
            region_concurrency: four,
            attempt_timeout: Duration::from_secs(75),
            retry: RetryLimits::default(),
        }
    }
}

/// How many failures are tolerated, as written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MaxFailures {
    /// A number of operations.
    Count(u32),
    /// A percentage, 0–100, of the operations; rounded down.
    Percent(u8),
}

impl MaxFailures {
    /// Reads `5` or `5%`.
    ///
    /// # Errors
    /// When it is neither a whole number nor a whole percentage from 0 to 100.
    pub fn parse(text: &str) -> Result<Self, InvalidValue> {
        let what = "a number of failures";
        let text = text.trim();
        if let Some(percent) = text.strip_suffix('%') {
            return match percent.trim().parse::<u8>() {
                Ok(percent @ 0..=100) => Ok(Self::Percent(percent)),
                _ => Err(InvalidValue::new(what, "as a percentage is a whole number from `0%` to `100%`")),
            };
        }
        text.parse()
            .map(Self::Count)
            .map_err(|_| InvalidValue::new(what, "is a whole number such as `3`, or a percentage such as `5%`"))
    }

    /// What it allows among `total` operations.
    #[must_use]
    pub fn of(self, total: usize) -> FailureBudget {
        let allowed = match self {
            Self::Count(count) => count as usize,
            Self::Percent(percent) => total * usize::from(percent) / 100,
        };
        FailureBudget { stated: self, total, allowed }
    }
}

impl fmt::Display for MaxFailures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            Self::Percent(percent) => write!(f, "{percent} %"),
        }
    }
}

/// A failure budget with its arithmetic: "5 % of 90 = 4".
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FailureBudget {
    /// As written in the plan or flag.
    pub stated: MaxFailures,
    /// Operations it is taken of.
    pub total: usize,
    /// Failures that are tolerated; one more stops.
    pub allowed: usize,
}

impl fmt::Display for FailureBudget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stated {
            MaxFailures::Count(_) => write!(f, "{} of {}", self.allowed, self.total),
            MaxFailures::Percent(_) => write!(f, "{} of {} = {}", self.stated, self.total, self.allowed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_round_down_and_say_so() {
        let budget = |text: &str, total| MaxFailures::parse(text).expect("legal").of(total);
        for (text, total, allowed) in [
            ("0", 9, 0),
            ("3", 1, 3),
            ("10%", 1, 0),
            ("10%", 9, 0),
            ("10%", 10, 1),
            ("10%", 11, 1),
            ("5%", 90, 4),
            ("100%", 7, 7),
        ] {
            assert_eq!(budget(text, total).allowed, allowed, "{text} of {total}");
        }
        assert_eq!(budget("5%", 90).to_string(), "5 % of 90 = 4");
        for bad in ["", "-1", "101%", "1.5%", "x"] {
            assert!(MaxFailures::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_quota_is_calls_in_a_window_and_nothing_else() {
        let quota = |text: &str| Quota::parse(text).expect("legal");
        assert_eq!((quota("200/5m").calls.get(), quota("200/5m").per), (200, Duration::from_secs(300)));
        for bad in ["5", "0/1m", "5/0s", "x/1m", "5/1"] {
            assert!(Quota::parse(bad).is_err(), "{bad:?}");
        }
        assert_eq!(Quota::default().to_string(), "5 a minute");
    }
}
