//! Calls that other runs made: the service counts them against the same quota.
//!
//! A run that begins right after another one, or beside it, would else send into a window that is full already. Which runs there
//! are, the shell finds out; what of their calls still counts is decided here. `layout` says whose bucket a call is in, `restore`
//! puts it there. See "Other runs" in `docs/quota.md`.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::SignedDuration;

use super::history::{History, Traffic};
use super::layout::widest_scope;
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::model::{CredentialName, Endpoint, Operation, QuotaScope, signed};
use crate::policy::CallEnd;

/// A call of another run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallElsewhere {
    /// Where it went.
    pub endpoint: Endpoint,
    /// With whose right, by the name that the other plan has for it.
    pub credential: CredentialName,
    /// When the service counted it at the latest, on the clock of this run; mostly before its zero.
    pub counted: SignedDuration,
    /// For a 429: until when it closes the bucket, on the clock of this run.
    pub closed_until: Option<SignedDuration>,
}

/// Whether two runs draw on the same quota anywhere, by the scope that the first one states.
#[must_use]
pub fn share_quota(plan: &ExecutionPlan, other: &ExecutionPlan) -> bool {
    let own = Lanes::of(plan);
    Lanes::of(other).lanes.into_iter().any(|lane| own.share(lane))
}

/// Where a run sends with which credential.
struct Lanes<'a> {
    scope: QuotaScope,
    lanes: BTreeSet<(&'a Endpoint, &'a CredentialName)>,
}

impl<'a> Lanes<'a> {
    fn of(plan: &'a ExecutionPlan) -> Self {
        let lane = |operation: &'a Operation| (&operation.endpoint, &operation.target.credential);
        Self { scope: widest_scope(plan), lanes: plan.selected().map(lane).collect() }
    }

    /// Whether a call there is in a bucket of this run.
    fn share(&self, (endpoint, credential): (&Endpoint, &CredentialName)) -> bool {
        match self.scope {
            QuotaScope::Global => !self.lanes.is_empty(),
            QuotaScope::Address => self.lanes.iter().any(|(own, _)| *own == endpoint),
            QuotaScope::User => self.lanes.iter().any(|own| *own == (endpoint, credential)),
        }
    }
}

impl CallElsewhere {
    /// No journal of another run makes this one wait longer than this for a time that is still to come.
    pub const LONGEST_AHEAD: Duration = Duration::from_secs(3600);

    /// The calls of another run, by its events. Its clock stood at zero when that of this run stood at `zero`.
    #[must_use]
    pub fn of_run(plan: &ExecutionPlan, events: &[RunEvent], zero: SignedDuration) -> Vec<Self> {
        let here = |at: Duration| signed(at).saturating_add(zero);
        let history = History::from_events(plan, events, Duration::ZERO);
        let call = |op: usize, counted: Duration, closed_until: Option<Duration>| {
            let operation = &plan.operations[op];
            Self {
                endpoint: operation.endpoint.clone(),
                credential: operation.target.credential.clone(),
                counted: here(counted),
                closed_until: closed_until.map(here),
            }
        };
        let ended = history.calls.iter().filter_map(|past| match past.traffic {
            Traffic::Launched { .. } | Traffic::NotSent => None,
            Traffic::Ended { at, end: CallEnd::Throttled { opens, .. } } => Some(call(past.op, at, Some(opens))),
            Traffic::Ended { at, .. } => Some(call(past.op, at, None)),
            Traffic::Lost { until } => Some(call(past.op, until, None)),
        });
        ended.collect()
    }

    /// Of these calls, those that count against a bucket of `plan` at `now`, on its clock; the first one that is over first. None
    /// lies further ahead than an hour.
    #[must_use]
    pub fn still_counting(calls: Vec<Self>, plan: &ExecutionPlan, now: Duration) -> Vec<Self> {
        let own = Lanes::of(plan);
        let shares = |call: &Self| own.share((&call.endpoint, &call.credential));
        let longest = plan.plans.iter().map(|file| file.limits.quota.per).max().unwrap_or_default();
        let (now, ahead) = (signed(now), signed(now.saturating_add(Self::LONGEST_AHEAD)));
        let counts = |call: &Self| {
            call.counted.saturating_add(signed(longest)) > now || call.closed_until.is_some_and(|until| until > now)
        };
        let mut counting: Vec<Self> = calls.into_iter().filter(|call| shares(call) && counts(call)).collect();
        for call in &mut counting {
            call.counted = call.counted.min(ahead);
            call.closed_until = call.closed_until.filter(|until| *until > now).map(|until| until.min(ahead));
        }
        counting.sort_by_key(|call| call.counted);
        counting
    }
}
