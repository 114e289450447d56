//! What a resume makes of what it finds: which outcomes stand, which operations are open again, said in events.
//!
//! A decision and nothing else: the caller puts the events into the journal before it launches anything, and
//! `schedule::History` reads them there like all others. See "Resume" in `docs/run-loop.md`.

use std::borrow::Cow;
use std::time::Duration;

use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;

/// What is said of an attempt whose answer no session has seen.
const LOST: &str = "the run ended before the answer came";

/// What the operator asks to try again, beyond what is safe.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reopen {
    /// Everything that failed.
    pub retry_failed: bool,
    /// Everything whose outcome is unknown: it may be asked for twice.
    pub retry_unknown: bool,
}

/// The events with which a session takes up a run at `at`, in plan order. They come after its `RunResumed` and before anything
/// that it launches.
///
/// What was in flight is unknown now; so is what was announced and perhaps never sent, since nobody can tell the two apart. Open
/// again is what was never sent, what failed although repeating it was safe and attempts were left, and what failed for its
/// credential (nothing was taken, and a mended key makes it right); with `reopen` also what else failed or is unknown. Accepted,
/// confirmed and skipped operations never are.
///
/// `events` are those of all sessions before, in order, with or without this session's `RunResumed`. A session that died while
/// it wrote these events is taken up like any other.
#[must_use]
pub fn take_up(plan: &ExecutionPlan, events: &[RunEvent], at: Duration, reopen: Reopen) -> Vec<RunEvent> {
    let mut taken = Vec::new();
    for (op, standing) in standings(plan, events).into_iter().enumerate() {
        let limits = &plan.plans[plan.operations[op].plan].limits;
        let outcome = match standing.latest {
            Latest::Open => continue,
            Latest::Ended(outcome) => Cow::Borrowed(outcome),
            Latest::InFlight { attempt, started } => {
                let until = started.saturating_add(limits.attempt_timeout).min(at);
                let record = lost(started, until.saturating_sub(started));
                let outcome = outcome_of(&record, false);
                taken.push(RunEvent::AttemptEnded { op, attempt, at, record, retry_at: None, closed_until: None });
                taken.push(RunEvent::OperationEnded { op, at, outcome: outcome.clone() });
                Cow::Owned(outcome)
            }
            Latest::Answered(record) => {
                let outcome = outcome_of(record, standing.attempts < limits.retry.max_attempts.get());
                taken.push(RunEvent::OperationEnded { op, at, outcome: outcome.clone() });
                Cow::Owned(outcome)
            }
        };
        if reopens(&outcome, reopen) {
            taken.push(RunEvent::OperationReopened { op, at });
        }
    }
    taken
}

/// What the events say last of an operation.
#[derive(Clone, Debug, Default)]
enum Latest<'a> {
    /// Never announced, waiting for a repeat, or reopened: the scheduler goes on with it.
    #[default]
    Open,
    /// Announced, and no answer.
    InFlight { attempt: u32, started: Duration },
    /// Answered for good, and the session died before it could say what that means.
    Answered(&'a AttemptRecord),
    /// Has its outcome.
    Ended(&'a Outcome),
}

#[derive(Clone, Debug, Default)]
struct Standing<'a> {
    latest: Latest<'a>,
    /// Attempts since it was last opened.
    attempts: u32,
}

fn standings<'a>(plan: &ExecutionPlan, events: &'a [RunEvent]) -> Vec<Standing<'a>> {
    let mut standings = vec![Standing::default(); plan.operations.len()];
    for event in events {
        let mut set = |op: OpIndex, latest: Latest<'a>| {
            if let Some(standing) = standings.get_mut(op) {
                standing.attempts += u32::from(matches!(latest, Latest::InFlight { .. }));
                standing.latest = latest;
            }
        };
        match event {
            RunEvent::AttemptStarted { op, attempt, at } => {
                set(*op, Latest::InFlight { attempt: *attempt, started: *at });
            }
            RunEvent::AttemptWithdrawn { op, .. } => {
                if let Some(standing) = standings.get_mut(*op) {
                    *standing = Standing { latest: Latest::Open, attempts: standing.attempts.saturating_sub(1) };
                }
            }
            RunEvent::AttemptEnded { op, record, retry_at: None, .. } => set(*op, Latest::Answered(record)),
            RunEvent::AttemptEnded { op, retry_at: Some(_), .. } => set(*op, Latest::Open),
            RunEvent::OperationEnded { op, outcome, .. } | RunEvent::TaskEnded { op, outcome, .. } => {
                set(*op, Latest::Ended(outcome));
            }
            RunEvent::TaskFound { op, .. } => set(*op, Latest::Ended(&Outcome::Accepted)),
            RunEvent::OperationReopened { op, .. } => {
                if let Some(standing) = standings.get_mut(*op) {
                    *standing = Standing::default();
                }
            }
            RunEvent::RunStarted { .. }
            | RunEvent::RunResumed { .. }
            | RunEvent::WaveStarted { .. }
            | RunEvent::TaskProgressed { .. }
            | RunEvent::TaskUnclear { .. }
            | RunEvent::Stopping { .. }
            | RunEvent::RunEnded { .. } => {}
        }
    }
    standings
}

fn lost(started: Duration, duration: Duration) -> AttemptRecord {
    AttemptRecord {
        started,
        duration,
        status: None,
        error_code: None,
        error_message: Some(LOST.to_owned()),
        request_id: None,
        throttled: false,
        kind: Some(FailureKind::NoAnswer),
    }
}

/// The outcome that the last answer of an operation gives it. If the answer allowed a repeat and attempts were left, it was not
/// repeated because its session stopped.
fn outcome_of(record: &AttemptRecord, attempts_left: bool) -> Outcome {
    let Some(failure) = record.failure() else { return Outcome::Accepted };
    match failure.kind {
        FailureKind::NoAnswer | FailureKind::UnclearAnswer => Outcome::Unknown(failure),
        FailureKind::Throttled | FailureKind::Unavailable | FailureKind::NotSent if attempts_left => {
            Outcome::Failed(Failure { given_up: Some(NotAttemptedReason::Interrupted), ..failure })
        }
        FailureKind::Throttled
        | FailureKind::Unavailable
        | FailureKind::NotSent
        | FailureKind::Refused
        | FailureKind::Credential
        | FailureKind::Redirected
        | FailureKind::TaskFailed => Outcome::Failed(failure),
    }
}

/// Whether an operation with this outcome is open again in the next session.
#[must_use]
pub fn reopens(outcome: &Outcome, reopen: Reopen) -> bool {
    match outcome {
        Outcome::Accepted | Outcome::Confirmed | Outcome::Skipped(_) => false,
        Outcome::NotAttempted(_) => true,
        Outcome::Failed(failure) => {
            reopen.retry_failed || failure.given_up.is_some() || failure.kind == FailureKind::Credential
        }
        Outcome::Unknown(_) => reopen.retry_unknown,
    }
}

#[cfg(test)]
mod tests;
