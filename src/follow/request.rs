//! Requests that made a task, or may have, and when that task would have begun.

use std::collections::BTreeSet;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

use crate::event::{AttemptRecord, FailureKind, OpIndex, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{OperationId, RegistryRef, RegistryType, TaskId, signed};
use crate::summary::RunSummary;

/// How much earlier than its request a task may begin, by what the clocks say.
pub(super) const BEFORE: SignedDuration = SignedDuration::from_mins(1);
/// How much later than the answer to its request a task may begin.
pub(super) const AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How much longer a gateway may hold a request that nobody waits for any more (60 s is the longest setting of APIG).
pub(super) const GATEWAY: Duration = Duration::from_secs(60);
/// How long after the latest time at which it may have begun a task is listed at the latest. That is assumed, nobody states it.
pub(super) const LISTED: Duration = Duration::from_secs(60);

/// One moment on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The run's clock.
    pub run: Duration,
    /// The wall, as this machine has it.
    pub wall: Timestamp,
}

/// A time in which a task would have begun; both ends belong to it. On this machine's wall clock, since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    pub(super) from: SignedDuration,
    pub(super) to: SignedDuration,
}

impl Window {
    fn holds(self, begin: SignedDuration) -> bool {
        (self.from..=self.to).contains(&begin)
    }
}

/// What a request asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// Every registry of the project.
    All,
    /// These.
    Registries(BTreeSet<(String, RegistryType)>),
}

/// A request of this run: an operation with the attempts that the service took, or may have taken.
#[derive(Clone, Debug)]
pub(super) struct Request {
    pub(super) op: OpIndex,
    pub(super) id: OperationId,
    pub(super) what: What,
    /// The service said that it took it, or its task was found: there is a task.
    pub(super) accepted: bool,
    /// Its task, once that is proved. One that was found too early to be sure is looked for again.
    pub(super) task: Option<TaskId>,
    /// Of each attempt that was taken or may have been. A task in none of these did not come of it.
    pub(super) all: Vec<Window>,
    /// Of those that the outcome is about: the last one that was taken, or the ones since that may have been.
    made: Vec<Window>,
    /// When, on the run's clock, its task is listed at the latest, if there is one.
    pub(super) settled: Duration,
}

impl Request {
    /// The request of an operation; none when it is proved that the service took nothing.
    pub(super) fn of(plan: &ExecutionPlan, summary: &RunSummary, op: OpIndex, now: Now) -> Option<Self> {
        let operation = summary.operations.get(op)?;
        let attempts: Vec<&AttemptRecord> = operation.attempts.iter().filter(|attempt| may_be_taken(attempt)).collect();
        if attempts.is_empty() && operation.task.is_none() {
            return None;
        }
        // Up to the last one that was taken the outcomes of all are known, and are not what is asked about.
        let taken = attempts.iter().rposition(|attempt| attempt.kind.is_none());
        let from = match taken {
            Some(last) if last + 1 < attempts.len() => last + 1,
            Some(last) => last,
            None => 0,
        };
        let clocks = Clocks::new(summary, now);
        let all: Vec<Window> = attempts.iter().map(|attempt| clocks.window(attempt)).collect();
        let made = &attempts[from..];
        let after = Duration::try_from(AFTER).unwrap_or_default();
        let settled = made.iter().map(|attempt| latest(attempt).saturating_add(after + LISTED)).max();
        let planned = plan.operations.get(op)?;
        let body = &planned.content.body;
        let registry = |entry: &RegistryRef| (entry.registry_id.to_string(), entry.registry_type);
        Some(Self {
            op,
            id: planned.id.clone(),
            what: match body.sync_all_registries {
                true => What::All,
                false => What::Registries(body.registry_info.iter().map(registry).collect()),
            },
            accepted: operation.outcome == Some(Outcome::Accepted),
            task: operation.task.clone().filter(|_| !operation.found_early),
            made: all[from..].to_vec(),
            all,
            settled: settled.unwrap_or_default(),
        })
    }

    /// Whether a task that began then may be the one that the outcome of this request is about.
    pub(super) fn made_at(&self, begin: SignedDuration) -> bool {
        self.made.iter().any(|window| window.holds(begin))
    }

    /// Whether a task that began then may have come of it, of whatever attempt.
    pub(super) fn may_have_made_at(&self, begin: SignedDuration) -> bool {
        self.all.iter().any(|window| window.holds(begin))
    }

    /// The earliest begin of a task of it.
    pub(super) fn earliest(&self) -> Option<SignedDuration> {
        self.made.iter().map(|window| window.from).min()
    }
}

/// Whether the service took the attempt, or may have.
fn may_be_taken(attempt: &AttemptRecord) -> bool {
    matches!(attempt.kind, None | Some(FailureKind::NoAnswer | FailureKind::UnclearAnswer))
}

/// Until when the service may have taken it, on the run's clock.
fn latest(attempt: &AttemptRecord) -> Duration {
    let end = attempt.started.saturating_add(attempt.duration);
    if attempt.kind.is_none() { end } else { end.saturating_add(GATEWAY) }
}

/// From the run's clock to the wall, in the two ways that there are. They agree unless the wall clock was set meanwhile, or the
/// run's clock stood still while the machine slept; a window then holds what either says.
struct Clocks {
    by_start: SignedDuration,
    by_now: SignedDuration,
}

impl Clocks {
    fn new(summary: &RunSummary, now: Now) -> Self {
        let by_now = now.wall.as_duration().saturating_sub(signed(now.run));
        Self { by_start: summary.started_at.map_or(by_now, Timestamp::as_duration), by_now }
    }

    fn window(&self, attempt: &AttemptRecord) -> Window {
        let (first, last) = (self.by_start.min(self.by_now), self.by_start.max(self.by_now));
        Window {
            from: first.saturating_add(signed(attempt.started)).saturating_sub(BEFORE),
            to: last.saturating_add(signed(latest(attempt))).saturating_add(AFTER),
        }
    }
}
