use std::time::Duration;

use super::{Reopen, take_up};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::model::{Limits, RetryLimits, TaskId};
use crate::schedule::fixture::{Fixture, ms, nonzero};

/// Attempts may take 10 s, and an operation has two.
fn limits() -> Limits {
    let retry = RetryLimits { max_attempts: nonzero(2), ..RetryLimits::default() };
    Limits { attempt_timeout: ms(10_000), retry, ..Limits::default() }
}

/// What a session takes up at 60 s.
fn taken(operations: usize, events: &[RunEvent], reopen: Reopen) -> Vec<RunEvent> {
    take_up(&Fixture::simple(limits(), operations), events, ms(60_000), reopen)
}

fn failure(kind: FailureKind) -> Failure {
    Failure { kind, status: Some(400), code: None, message: "no".to_owned(), given_up: None }
}

fn announced(op: OpIndex, attempt: u32, at: u64) -> RunEvent {
    RunEvent::AttemptStarted { op, attempt, at: ms(at) }
}

fn answered(op: OpIndex, attempt: u32, kind: Option<FailureKind>, retry_at: Option<Duration>) -> RunEvent {
    let record = AttemptRecord {
        started: ms(100),
        duration: ms(50),
        status: Some(400),
        error_code: None,
        error_message: kind.map(|_| "no".to_owned()),
        request_id: None,
        throttled: false,
        kind,
    };
    RunEvent::AttemptEnded { op, attempt, at: ms(150), record, retry_at, closed_until: None }
}

fn ended(op: OpIndex, outcome: Outcome) -> RunEvent {
    RunEvent::OperationEnded { op, at: ms(200), outcome }
}

#[test]
fn what_was_in_flight_is_unknown() {
    let lost = |duration| AttemptRecord {
        started: ms(59_000 - duration),
        duration: ms(duration + 1000).min(ms(10_000)),
        status: None,
        error_code: None,
        error_message: Some("the run ended before the answer came".to_owned()),
        request_id: None,
        throttled: false,
        kind: Some(FailureKind::NoAnswer),
    };
    // The first was announced a second before the resume, the second half a minute before, and its timeout was 10 s.
    for (before, attempt) in [(0, 1), (29_000, 2)] {
        let record = lost(before);
        let (at, outcome) = (ms(60_000), Outcome::Unknown(record.failure().expect("it has one")));
        assert_eq!(
            taken(1, &[announced(0, attempt, 59_000 - before)], Reopen::default()),
            [
                RunEvent::AttemptEnded { op: 0, attempt, at, record, retry_at: None, closed_until: None },
                RunEvent::OperationEnded { op: 0, at, outcome }
            ]
        );
    }
}

#[test]
fn only_what_was_not_taken_is_open_again_and_the_rest_on_the_operators_word() {
    let given_up = Failure { given_up: Some(NotAttemptedReason::Interrupted), ..failure(FailureKind::Throttled) };
    // Open again: as it is, with retry_failed, with retry_unknown.
    for (outcome, opened) in [
        (Outcome::Accepted, [false, false, false]),
        (Outcome::Confirmed, [false, false, false]),
        (Outcome::Skipped("another shard".to_owned()), [false, false, false]),
        (Outcome::NotAttempted(NotAttemptedReason::JournalFailed), [true, true, true]),
        (Outcome::NotAttempted(NotAttemptedReason::CredentialRefused), [true, true, true]),
        (Outcome::Failed(given_up), [true, true, true]),
        (Outcome::Failed(failure(FailureKind::Credential)), [true, true, true]),
        (Outcome::Failed(failure(FailureKind::Refused)), [false, true, false]),
        (Outcome::Failed(failure(FailureKind::Throttled)), [false, true, false]),
        (Outcome::Failed(failure(FailureKind::TaskFailed)), [false, true, false]),
        (Outcome::Unknown(failure(FailureKind::NoAnswer)), [false, false, true]),
        (Outcome::Unknown(failure(FailureKind::UnclearAnswer)), [false, false, true]),
    ] {
        let with = |retry_failed, retry_unknown| {
            let events = taken(1, &[ended(0, outcome.clone())], Reopen { retry_failed, retry_unknown });
            assert!(events.iter().all(|event| *event == RunEvent::OperationReopened { op: 0, at: ms(60_000) }));
            events.len() == 1
        };
        assert_eq!([with(false, false), with(true, false), with(false, true)], opened, "{outcome:?}");
    }
}

#[test]
fn an_answer_whose_meaning_was_not_written_any_more_gives_the_outcome() {
    let events = [
        (answered(0, 1, None, None), Outcome::Accepted),
        (answered(1, 1, Some(FailureKind::Refused), None), Outcome::Failed(failure(FailureKind::Refused))),
        (answered(2, 1, Some(FailureKind::UnclearAnswer), None), Outcome::Unknown(failure(FailureKind::UnclearAnswer))),
    ];
    for (op, (answer, outcome)) in events.into_iter().enumerate() {
        let ended = RunEvent::OperationEnded { op, at: ms(60_000), outcome };
        assert_eq!(taken(3, &[announced(op, 1, 100), answer], Reopen::default()), [ended]);
    }
}

#[test]
fn a_repeatable_answer_stands_only_when_the_attempts_are_used_up() {
    let unavailable = failure(FailureKind::Unavailable);
    let mut events = vec![announced(0, 1, 100), answered(0, 1, Some(FailureKind::Unavailable), None)];
    let given_up = Failure { given_up: Some(NotAttemptedReason::Interrupted), ..unavailable.clone() };
    let (op, at) = (0, ms(60_000));
    let stopped = RunEvent::OperationEnded { op, at, outcome: Outcome::Failed(given_up) };
    assert_eq!(taken(1, &events, Reopen::default()), [stopped, RunEvent::OperationReopened { op, at }]);
    events.extend([announced(0, 2, 200), answered(0, 2, Some(FailureKind::Unavailable), None)]);
    let used_up = RunEvent::OperationEnded { op, at, outcome: Outcome::Failed(unavailable) };
    assert_eq!(taken(1, &events, Reopen::default()), [used_up]);
}

#[test]
fn what_waits_or_was_never_announced_is_left_to_the_scheduler() {
    let events = [announced(0, 1, 100), answered(0, 1, Some(FailureKind::Unavailable), Some(ms(900)))];
    assert_eq!(taken(2, &events, Reopen { retry_failed: true, retry_unknown: true }), []);
}

#[test]
fn everything_comes_in_plan_order_and_only_once() {
    let mut events = vec![
        announced(2, 1, 100),
        announced(0, 1, 100),
        ended(1, Outcome::NotAttempted(NotAttemptedReason::Interrupted)),
    ];
    let reopen = Reopen { retry_failed: false, retry_unknown: true };
    let first = taken(3, &events, reopen);
    let order = first.iter().map(|event| match event {
        RunEvent::AttemptEnded { op, .. } => ("answer", *op),
        RunEvent::OperationEnded { op, .. } => ("end", *op),
        RunEvent::OperationReopened { op, .. } => ("open", *op),
        other => panic!("{other:?}"),
    });
    let order: Vec<_> = order.collect();
    let expected = [("answer", 0), ("end", 0), ("open", 0), ("open", 1), ("answer", 2), ("end", 2), ("open", 2)];
    assert_eq!(order, expected);
    events.extend(first);
    assert_eq!(taken(3, &events, reopen), []);
}

/// What earlier sessions saw of tasks is the outcome, and what they did not see changes none.
#[test]
fn what_was_seen_of_tasks_stands() {
    let found = |op| RunEvent::TaskFound { op, at: ms(300), task: TaskId::parse("a").expect("legal"), early: false };
    let unclear = |op| RunEvent::TaskUnclear { op, at: ms(300), why: "two tasks fit".to_owned() };
    let task_ended = |op, outcome| RunEvent::TaskEnded { op, at: ms(400), outcome };
    let unknown = |op| ended(op, Outcome::Unknown(failure(FailureKind::NoAnswer)));
    let mut events: Vec<RunEvent> = (0..4).map(unknown).collect();
    events.extend([unclear(0), found(1), unclear(1), found(2), found(3)]);
    events.push(task_ended(2, Outcome::Confirmed));
    events.push(task_ended(3, Outcome::Failed(failure(FailureKind::TaskFailed))));
    let opened = |retry_failed, retry_unknown| {
        let reopened = |event: RunEvent| match event {
            RunEvent::OperationReopened { op, .. } => op,
            other => panic!("{other:?}"),
        };
        taken(4, &events, Reopen { retry_failed, retry_unknown }).into_iter().map(reopened).collect::<Vec<_>>()
    };
    assert!(opened(false, false).is_empty());
    assert_eq!(opened(true, false), [3]);
    assert_eq!(opened(false, true), [0], "the others are known to be accepted");
}
