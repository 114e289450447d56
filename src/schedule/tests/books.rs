//! The tests' own books: what the journal of a run says, kept live and read back after a crash by the same code.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::event::{Failure, FailureKind, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::QuotaScope;
use crate::policy::stated_limit;

/// What shares a bucket, by the words of the contract.
pub(super) fn bucket_of(plan: &ExecutionPlan, op: usize) -> String {
    let scopes: Vec<QuotaScope> = plan.plans.iter().map(|file| file.limits.quota.scope).collect();
    let operation = &plan.operations[op];
    if scopes.contains(&QuotaScope::Global) {
        "all".to_owned()
    } else if scopes.contains(&QuotaScope::Address) {
        operation.endpoint.to_string()
    } else {
        format!("{} {}", operation.endpoint, operation.target.credential)
    }
}

pub(super) fn quotas_of(plan: &ExecutionPlan, bucket: &str) -> BTreeSet<(u32, Duration)> {
    let inside = (0..plan.operations.len()).filter(|op| bucket_of(plan, *op) == bucket);
    let quota = |op: usize| plan.plans[plan.operations[op].plan].limits.quota;
    inside.map(|op| (quota(op).calls.get(), quota(op).per)).collect()
}

/// When an event happened; the first one at zero.
pub(super) fn time_of(event: &RunEvent) -> Duration {
    match event {
        RunEvent::RunStarted { .. } => Duration::ZERO,
        RunEvent::RunResumed { at, .. }
        | RunEvent::OperationReopened { at, .. }
        | RunEvent::WaveStarted { at, .. }
        | RunEvent::AttemptStarted { at, .. }
        | RunEvent::AttemptWithdrawn { at, .. }
        | RunEvent::AttemptEnded { at, .. }
        | RunEvent::OperationEnded { at, .. }
        | RunEvent::TaskFound { at, .. }
        | RunEvent::TaskProgressed { at, .. }
        | RunEvent::TaskEnded { at, .. }
        | RunEvent::TaskUnclear { at, .. }
        | RunEvent::Stopping { at, .. }
        | RunEvent::RunEnded { at } => *at,
    }
}

#[derive(Default)]
pub(super) struct Books {
    /// Operations with an outcome, and when they ended: for a lost one that is its timeout, if it was over before the resume.
    pub(super) outcomes: BTreeMap<usize, (Duration, Outcome)>,
    /// Announced and not answered, in this session or an earlier one: when it times out.
    pub(super) in_flight: BTreeMap<usize, Duration>,
    /// Of these, those of earlier sessions.
    lost: BTreeSet<usize>,
    /// Not to be repeated before then.
    pub(super) waiting: BTreeMap<usize, Duration>,
    /// Of those in flight, the repeats, and what they waited for.
    launched_from: BTreeMap<usize, Duration>,
    /// How those that are repeated failed before.
    pub(super) failures: BTreeMap<usize, Failure>,
    /// Announcements, in all and since the operation was last opened.
    pub(super) announced: BTreeMap<usize, (u32, u32)>,
    pub(super) waves: BTreeSet<(usize, usize)>,
    /// Until when a 429 closes a bucket, as far as the journal knows.
    pub(super) closed: BTreeMap<String, Duration>,
    /// Limits that the texts of 429 stated, and since when they are known: bucket, time, calls, window.
    pub(super) learned: BTreeSet<(String, Duration, u32, Duration)>,
}

impl Books {
    pub(super) fn read(plan: &ExecutionPlan, journal: &[RunEvent]) -> Self {
        let mut books = Self::default();
        for event in journal {
            books.apply(plan, event);
        }
        books
    }

    pub(super) fn apply(&mut self, plan: &ExecutionPlan, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { .. } | RunEvent::Stopping { .. } | RunEvent::RunEnded { .. } => {}
            RunEvent::TaskFound { .. }
            | RunEvent::TaskProgressed { .. }
            | RunEvent::TaskEnded { .. }
            | RunEvent::TaskUnclear { .. } => panic!("the scheduler knows no tasks"),
            RunEvent::RunResumed { .. } => self.lost.extend(self.in_flight.keys()),
            RunEvent::OperationReopened { op, .. } => {
                self.outcomes.remove(op).expect("only what has an outcome is reopened");
                self.failures.remove(op);
                self.announced.entry(*op).or_default().1 = 0;
            }
            RunEvent::WaveStarted { plan, wave, .. } => {
                assert!(self.waves.insert((*plan, *wave)), "wave {wave} of plan {plan} begins twice");
            }
            RunEvent::AttemptStarted { op, attempt, at } => {
                let (all, latest) = self.announced.entry(*op).or_default();
                (*all, *latest) = (*all + 1, *latest + 1);
                assert_eq!(attempt, all, "attempts of {op} are not numbered one by one over all sessions");
                self.launched_from.remove(op);
                if let Some(waited) = self.waiting.remove(op) {
                    self.launched_from.insert(*op, waited);
                }
                self.in_flight.insert(*op, *at + plan.plans[plan.operations[*op].plan].limits.attempt_timeout);
            }
            RunEvent::AttemptWithdrawn { op, attempt, .. } => {
                let (all, latest) = self.announced.entry(*op).or_default();
                assert_eq!(attempt, all, "another attempt of {op} is taken back");
                (*all, *latest) = (*all - 1, *latest - 1);
                self.in_flight.remove(op).expect("only what is in flight is taken back");
                self.waiting.extend(self.launched_from.remove_entry(op));
            }
            RunEvent::AttemptEnded { op, attempt, at, record, retry_at, closed_until } => {
                assert_eq!(*attempt, self.announced[op].0, "another attempt of {op} is in flight");
                // A lost one stays in these books until its outcome, for the sake of its time.
                if !self.lost.contains(op) {
                    self.in_flight.remove(op);
                }
                if let Some(retry_at) = retry_at {
                    self.waiting.insert(*op, *retry_at);
                    self.failures.insert(*op, record.failure().expect("only what failed is repeated"));
                }
                if record.kind == Some(FailureKind::Throttled) {
                    let bucket = bucket_of(plan, *op);
                    let until = closed_until.expect("a 429 closes its bucket");
                    let closed = self.closed.entry(bucket.clone()).or_default();
                    *closed = (*closed).max(until);
                    let stated = record.error_message.as_deref().and_then(stated_limit);
                    self.learned.extend(stated.map(|(calls, per)| (bucket, *at, calls, per)));
                }
            }
            RunEvent::OperationEnded { op, at, outcome } => {
                let timeout = self.in_flight.remove(op).filter(|_| self.lost.remove(op));
                self.waiting.remove(op);
                let ended = timeout.map_or(*at, |timeout| timeout.min(*at));
                let before = self.outcomes.insert(*op, (ended, outcome.clone()));
                assert_eq!(before, None, "{op} has two outcomes");
            }
        }
    }
}
