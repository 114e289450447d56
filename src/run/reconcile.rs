//! What a look at the service's tasks says of requests whose outcome is unknown, as events.
//!
//! The port is [`TaskList`]; it has no implementation yet, since which task came from which request is the service's to tell
//! (`docs/run-loop.md`, "Resume"). A resume will ask it after `resume::take_up` and before it repeats anything on the operator's
//! word, and put these events into the journal like all others.

use std::time::Duration;

use super::port::{Found, TaskList};
use crate::event::{Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::summary::RunSummary;

/// Asks for each operation that is unknown, in plan order. What was taken becomes accepted, what was certainly not taken is
/// open again, and the rest stays as it is. `at` is the time of the events.
pub async fn reconcile(
    plan: &ExecutionPlan,
    summary: &RunSummary,
    at: Duration,
    tasks: &impl TaskList,
) -> Vec<RunEvent> {
    let started_at = summary.started_at.unwrap_or_default();
    let mut events = Vec::new();
    for (op, (operation, known)) in plan.operations.iter().zip(&summary.operations).enumerate() {
        if !matches!(known.outcome, Some(Outcome::Unknown(_))) {
            continue;
        }
        let sent: Vec<jiff::Timestamp> =
            known.attempts.iter().filter_map(|attempt| started_at.checked_add(attempt.started).ok()).collect();
        match tasks.find(operation, &sent).await {
            Found::Taken => {
                events.push(RunEvent::OperationReopened { op, at });
                events.push(RunEvent::OperationEnded { op, at, outcome: Outcome::Accepted });
            }
            Found::NotTaken => events.push(RunEvent::OperationReopened { op, at }),
            Found::Unclear => {}
        }
    }
    events
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason};
    use crate::model::{Limits, Operation};
    use crate::schedule::fixture::Fixture;

    /// Says of the n-th operation that it is asked about what stands in the list.
    struct Tasks {
        found: RefCell<Vec<Found>>,
        asked: RefCell<Vec<(String, Vec<jiff::Timestamp>)>>,
    }

    impl TaskList for Tasks {
        async fn find(&self, operation: &Operation, sent: &[jiff::Timestamp]) -> Found {
            self.asked.borrow_mut().push((operation.id.to_string(), sent.to_vec()));
            self.found.borrow_mut().remove(0)
        }
    }

    #[tokio::test]
    async fn only_what_is_unknown_is_asked_about_and_only_proof_changes_it() {
        let plan = Fixture::simple(Limits::default(), 5);
        let failure =
            Failure { kind: FailureKind::NoAnswer, status: None, code: None, message: String::new(), given_up: None };
        let unknown = || Outcome::Unknown(failure.clone());
        let left = Outcome::NotAttempted(NotAttemptedReason::Interrupted);
        let mut summary = RunSummary::new(5);
        let s = Duration::from_secs;
        let record = AttemptRecord {
            started: s(3),
            duration: s(75),
            status: None,
            error_code: None,
            error_message: None,
            request_id: None,
            throttled: false,
            kind: Some(FailureKind::NoAnswer),
        };
        summary.apply(&RunEvent::AttemptEnded { op: 1, attempt: 1, at: s(78), record, retry_at: None });
        for (op, outcome) in [Outcome::Accepted, unknown(), unknown(), left, unknown()].into_iter().enumerate() {
            summary.apply(&RunEvent::OperationEnded { op, at: s(80), outcome });
        }
        let tasks = Tasks {
            found: RefCell::new(vec![Found::Taken, Found::Unclear, Found::NotTaken]),
            asked: RefCell::default(),
        };
        let events = reconcile(&plan, &summary, s(90), &tasks).await;
        assert_eq!(
            events,
            [
                RunEvent::OperationReopened { op: 1, at: s(90) },
                RunEvent::OperationEnded { op: 1, at: s(90), outcome: Outcome::Accepted },
                RunEvent::OperationReopened { op: 4, at: s(90) },
            ]
        );
        let asked = tasks.asked.take();
        assert_eq!(
            asked.iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
            [1, 2, 4].map(|op| plan.operations[op].id.as_str())
        );
        assert_eq!(asked[0].1, [jiff::Timestamp::UNIX_EPOCH + s(3)], "when its attempt was sent");
        events.iter().for_each(|event| summary.apply(event));
        assert_eq!((summary.counts.accepted, summary.counts.unknown), (2, 1));
    }
}
