//! How fast requests are sent: what was typed, else what is stated under the bounds of the settings file.

use std::num::NonZeroU32;

use super::load::LoadFailure;
use crate::cli::PaceArgs;
use crate::journal::Invocation;
use crate::model::{Limits, Quota};

/// Speed as domain values.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pace {
    /// As typed, now or when the run began; the scope stays that of the plan.
    quota: Option<Quota>,
    concurrency: Option<NonZeroU32>,
    /// What the settings file allows where nothing was typed.
    most_quota: Option<Quota>,
    most_concurrency: Option<NonZeroU32>,
}

impl Pace {
    /// Reads the flags.
    ///
    /// # Errors
    /// A quota that is none.
    pub(super) fn parse(args: &PaceArgs) -> Result<Self, LoadFailure> {
        Self::with(args, args.quota.as_deref(), args.concurrency)
    }

    /// The flags, else those with which the run was begun.
    ///
    /// # Errors
    /// A quota that is none.
    pub(super) fn resumed(args: &PaceArgs, begun: &Invocation) -> Result<Self, LoadFailure> {
        Self::with(args, args.quota.as_deref().or(begun.quota.as_deref()), args.concurrency.or(begun.concurrency))
    }

    /// What a lock states.
    ///
    /// # Errors
    /// A quota that is none.
    pub(super) fn locked(quota: Option<&str>, concurrency: Option<u32>) -> Result<Self, LoadFailure> {
        Self::with(&PaceArgs::default(), quota, concurrency)
    }

    /// What this states, else what `below` does; the settings file's bounds are this one's.
    pub(super) fn over(self, below: Self) -> Self {
        Self { quota: self.quota.or(below.quota), concurrency: self.concurrency.or(below.concurrency), ..self }
    }

    /// The quota that was typed.
    pub(super) fn quota(&self) -> Option<Quota> {
        self.quota
    }

    /// The concurrency that was typed.
    pub(super) fn concurrency(&self) -> Option<u32> {
        self.concurrency.map(NonZeroU32::get)
    }

    fn with(args: &PaceArgs, quota: Option<&str>, concurrency: Option<u32>) -> Result<Self, LoadFailure> {
        let parse = |text: &str| {
            Quota::parse(text).map_err(|error| LoadFailure::Usage(vec![format!("--quota {text}: {error}")]))
        };
        Ok(Self {
            quota: quota.map(parse).transpose()?,
            concurrency: concurrency.and_then(NonZeroU32::new),
            most_quota: args.at_most.quota.as_deref().map(parse).transpose()?,
            most_concurrency: args.at_most.concurrency.and_then(NonZeroU32::new),
        })
    }

    /// Sets the speed in what a plan, or nobody, states. A bound keeps to the fewer calls and to the longer window, so that
    /// it never makes anything faster.
    pub(super) fn apply(&self, limits: &mut Limits) {
        let stated = limits.quota;
        limits.quota = match (self.quota, self.most_quota) {
            (Some(typed), _) => Quota { scope: stated.scope, ..typed },
            (None, Some(most)) => {
                Quota { calls: stated.calls.min(most.calls), per: stated.per.max(most.per), scope: stated.scope }
            }
            (None, None) => stated,
        };
        limits.concurrency = match (self.concurrency, self.most_concurrency) {
            (Some(typed), _) => typed,
            (None, Some(most)) => limits.concurrency.min(most),
            (None, None) => limits.concurrency,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::AtMost;

    /// The quota and concurrency of a plan that states 5/1m and 8, by what was typed and what the settings file allows.
    fn pace(typed: (Option<&str>, Option<u32>), most: (Option<&str>, Option<u32>)) -> String {
        let at_most = AtMost { quota: most.0.map(str::to_owned), concurrency: most.1 };
        let args = PaceArgs { quota: typed.0.map(str::to_owned), concurrency: typed.1, at_most };
        let mut limits = Limits::default();
        Pace::parse(&args).expect("quotas").apply(&mut limits);
        format!("{}/{}s {}", limits.quota.calls, limits.quota.per.as_secs(), limits.concurrency)
    }

    #[test]
    fn a_bound_slows_down_and_what_was_typed_wins() {
        assert_eq!(pace((None, None), (None, None)), "5/60s 8");
        assert_eq!(pace((None, None), (Some("3/1m"), Some(2))), "3/60s 2");
        assert_eq!(pace((None, None), (Some("100/1s"), Some(64))), "5/60s 8", "never faster");
        assert_eq!(pace((None, None), (Some("3/30s"), None)), "3/60s 8", "the fewer calls, the longer window");
        assert_eq!(pace((None, None), (Some("20/5m"), None)), "5/300s 8");
        assert_eq!(pace((Some("9/1m"), Some(9)), (Some("3/1m"), Some(2))), "9/60s 9");
    }
}
