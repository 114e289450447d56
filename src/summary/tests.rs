use std::time::Duration;

use super::{Cause, Counts, RunSummary, fold_ids};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, Outcome, RunEvent};
use crate::model::TaskId;

fn failure(code: Option<&str>, message: &str) -> Failure {
    let (code, message) = (code.map(str::to_owned), message.to_owned());
    Failure { kind: FailureKind::Refused, status: Some(400), code, message, given_up: None }
}

fn ended(op: usize, outcome: Outcome) -> RunEvent {
    RunEvent::OperationEnded { op, at: Duration::from_secs(op as u64), outcome }
}

fn record(throttled: bool) -> AttemptRecord {
    AttemptRecord {
        started: Duration::ZERO,
        duration: Duration::from_millis(12),
        status: Some(if throttled { 429 } else { 200 }),
        error_code: None,
        error_message: None,
        request_id: None,
        throttled,
        kind: throttled.then_some(FailureKind::Throttled),
    }
}

#[test]
fn events_fold_into_counts() {
    let mut summary = RunSummary::new(2);
    let second = Duration::from_secs(1);
    let attempt = |attempt, at, throttled, retry_at| RunEvent::AttemptEnded {
        op: 0,
        attempt,
        at,
        record: record(throttled),
        retry_at,
        closed_until: None,
    };
    summary.apply(&RunEvent::AttemptStarted { op: 0, attempt: 1, at: Duration::ZERO });
    assert_eq!(summary.in_flight, 1);
    summary.apply(&attempt(1, second, true, Some(second * 2)));
    summary.apply(&RunEvent::AttemptStarted { op: 0, attempt: 2, at: second * 2 });
    summary.apply(&attempt(2, second * 3, false, None));
    summary.apply(&ended(0, Outcome::Accepted));
    assert_eq!((summary.attempts, summary.throttled, summary.in_flight), (2, 1, 0));
    assert_eq!(summary.elapsed, second * 3);
    assert_eq!(summary.operations[0].attempts.len(), 2);
    assert!(!summary.is_conserved(), "operation 1 has no outcome yet");
    summary.apply(&ended(1, Outcome::NotAttempted(NotAttemptedReason::Interrupted)));
    assert_eq!(summary.counts, Counts { planned: 2, accepted: 1, not_attempted: 1, ..Counts::default() });
    assert!(summary.is_conserved());
}

#[test]
fn conservation_is_broken_by_a_second_outcome_and_by_a_missing_one() {
    let mut twice = RunSummary::new(2);
    twice.apply(&ended(0, Outcome::Accepted));
    twice.apply(&ended(0, Outcome::Accepted));
    assert_eq!(twice.counts.ended(), 2, "the sum alone would not notice");
    assert!(!twice.is_conserved());
    let mut in_flight = RunSummary::new(0);
    in_flight.apply(&RunEvent::AttemptStarted { op: 0, attempt: 1, at: Duration::ZERO });
    assert!(!in_flight.is_conserved());
}

#[test]
fn failures_are_grouped_by_cause_whatever_their_ids() {
    let mut summary = RunSummary::new(6);
    let no = |id: &str| failure(Some("HSS.0013"), &format!("not enough permission, request {id}"));
    summary.apply(&ended(0, Outcome::Unknown(failure(None, "no answer after sending (timeout 75 s)"))));
    summary.apply(&ended(1, Outcome::Failed(no("0f3a9c1be2d44a77"))));
    summary.apply(&ended(2, Outcome::Accepted));
    summary.apply(&ended(3, Outcome::Failed(failure(None, "no answer after sending (timeout 75 s)"))));
    summary.apply(&ended(4, Outcome::Failed(no("77e1b2d30f3a9c1b"))));
    summary.apply(&ended(5, Outcome::NotAttempted(NotAttemptedReason::Interrupted)));
    let cause = |outcome, code: Option<&str>, message: &str, ops: &[usize]| Cause {
        outcome,
        kind: (outcome != "not_attempted").then_some(FailureKind::Refused),
        code: code.map(str::to_owned),
        message: message.to_owned(),
        given_up: None,
        ops: ops.to_vec(),
    };
    assert_eq!(
        summary.causes(),
        [
            cause("failed", Some("HSS.0013"), "not enough permission, request …", &[1, 4]),
            cause("unknown", None, "no answer after sending (timeout 75 s)", &[0]),
            cause("failed", None, "no answer after sending (timeout 75 s)", &[3]),
            cause("not_attempted", None, "the run was interrupted", &[5]),
        ]
    );
}

#[test]
fn ids_are_folded_and_words_are_kept() {
    for (text, folded) in [
        ("request 0f3a9c1be2d44a77 refused", "request … refused"),
        ("id 5f9f0c8e-1111-2222-3333-444455556666.", "id …."),
        ("key QTWAOYTTINDUT2QVKYUC", "key …"),
        ("limit:200,time:5 minute", "limit:#,time:# minute"),
        ("defaced facade", "defaced facade"),
        ("register the authentication-configuration", "register the authentication-configuration"),
        ("权限不足 12 项", "权限不足 # 项"),
        ("", ""),
    ] {
        assert_eq!(fold_ids(text), folded, "{text}");
    }
}

/// A run that was killed after 10 s and taken up again at 100 s.
#[test]
fn a_resumed_run_counts_its_work_and_not_the_time_between() {
    let s = Duration::from_secs;
    let mut summary = RunSummary::new(2);
    let interrupted = Outcome::NotAttempted(NotAttemptedReason::Interrupted);
    summary.apply(&RunEvent::OperationEnded { op: 0, at: s(10), outcome: Outcome::Accepted });
    summary.apply(&RunEvent::OperationEnded { op: 1, at: s(10), outcome: interrupted });
    summary.apply(&RunEvent::RunResumed { at: s(100), resumed_at: jiff::Timestamp::UNIX_EPOCH, forecast: s(5) });
    summary.apply(&RunEvent::OperationReopened { op: 1, at: s(100) });
    assert_eq!((summary.counts.accepted, summary.counts.not_attempted), (1, 0));
    assert!(!summary.is_conserved(), "one is open again");
    summary.apply(&RunEvent::OperationEnded { op: 1, at: s(104), outcome: Outcome::Accepted });
    assert!(summary.is_conserved());
    assert_eq!((summary.elapsed, summary.worked(), summary.forecast, summary.resumed), (s(104), s(14), s(15), 1));
}

fn found(op: usize) -> RunEvent {
    let task = TaskId::parse(&format!("task-{op}")).expect("legal");
    RunEvent::TaskFound { op, at: Duration::from_secs(100), task, early: false }
}

fn unclear(op: usize, why: &str) -> RunEvent {
    RunEvent::TaskUnclear { op, at: Duration::from_secs(100), why: why.to_owned() }
}

fn task_ended(op: usize, outcome: Outcome) -> RunEvent {
    RunEvent::TaskEnded { op, at: Duration::from_secs(200), outcome }
}

fn task_failed() -> Outcome {
    Outcome::Failed(Failure { kind: FailureKind::TaskFailed, status: None, ..failure(None, "sync of harbor failed") })
}

#[test]
fn what_is_seen_of_tasks_moves_operations_and_loses_none() {
    let mut summary = RunSummary::new(4);
    let unknown = Outcome::Unknown(failure(None, "no answer"));
    for (op, outcome) in [Outcome::Accepted, unknown.clone(), unknown, Outcome::Accepted].into_iter().enumerate() {
        summary.apply(&ended(op, outcome));
    }
    let mut step = |event: RunEvent, (accepted, confirmed, failed, unknown): (usize, usize, usize, usize)| {
        summary.apply(&event);
        let counts = Counts { planned: 4, accepted, confirmed, failed, unknown, ..Counts::default() };
        assert_eq!(summary.counts, counts, "{event:?}");
        assert!(summary.is_conserved(), "{event:?}");
        summary.clone()
    };
    let of = |summary: &RunSummary, op: usize| {
        let operation = &summary.operations[op];
        (operation.task.as_ref().map(|task| task.as_str().to_owned()), operation.percent, operation.unclear.clone())
    };
    let progressed = |op, percent| RunEvent::TaskProgressed { op, at: Duration::from_secs(150), percent };
    let text = |text: &str| Some(text.to_owned());

    let now = step(unclear(1, "two tasks fit"), (2, 0, 0, 2));
    assert_eq!(of(&now, 1), (None, None, text("two tasks fit")));
    let now = step(found(1), (3, 0, 0, 1));
    assert_eq!(of(&now, 1), (text("task-1"), None, None), "what was unclear is found");
    step(found(0), (3, 0, 0, 1));
    step(found(0), (3, 0, 0, 1));
    let now = step(progressed(0, 45), (3, 0, 0, 1));
    assert_eq!(of(&now, 0), (text("task-0"), Some(45), None));
    let now = step(task_ended(0, Outcome::Confirmed), (2, 1, 0, 1));
    assert_eq!(of(&now, 0), (text("task-0"), None, None));
    step(unclear(1, "still at 7 %"), (2, 1, 0, 1));
    let now = step(task_ended(1, task_failed()), (1, 1, 1, 1));
    assert_eq!(of(&now, 1), (text("task-1"), None, None));
    let now = step(unclear(3, "no task of its time"), (1, 1, 1, 1));
    assert_eq!(now.elapsed, Duration::from_secs(200));
    assert_eq!(now.operations[3].left_open(), Some("no task of its time"));

    summary.apply(&RunEvent::OperationReopened { op: 1, at: Duration::from_secs(300) });
    assert_eq!((summary.counts.failed, summary.counts.ended()), (0, 3));
    assert_eq!(of(&summary, 1), (None, None, None), "it begins anew");
    summary.apply(&ended(1, Outcome::Accepted));
    assert!(summary.is_conserved());
}

#[test]
fn what_a_look_left_open_is_grouped_by_why() {
    let mut summary = RunSummary::new(6);
    for op in 0..6 {
        let outcome = if op == 2 { Outcome::Unknown(failure(None, "no answer")) } else { Outcome::Accepted };
        summary.apply(&ended(op, outcome));
    }
    for op in [0, 1, 2, 4, 5] {
        summary.apply(&unclear(op, if op == 0 { "two tasks fit" } else { "no task is listed" }));
    }
    summary.apply(&found(5));
    summary.apply(&unclear(5, "it was at 45 %"));
    summary.apply(&found(3));
    summary.apply(&unclear(3, "it was at 7 %"));
    summary.apply(&found(4));
    summary.apply(&task_ended(4, task_failed()));
    let cause = |outcome, message: &str, ops: &[usize]| Cause {
        outcome,
        kind: None,
        code: None,
        message: message.to_owned(),
        given_up: None,
        ops: ops.to_vec(),
    };
    assert_eq!(
        summary.left_open(),
        [
            cause("accepted", "it was at # %", &[3, 5]),
            cause("accepted", "two tasks fit", &[0]),
            cause("accepted", "no task is listed", &[1]),
            cause("unknown", "no task is listed", &[2]),
        ]
    );
    let reasons: Vec<_> = summary.operations.iter().map(|operation| operation.reason().unwrap_or_default()).collect();
    assert_eq!(
        reasons,
        [
            "not confirmed: two tasks fit",
            "not confirmed: no task is listed",
            "no answer; no task is listed",
            "not confirmed: it was at 7 %",
            "sync of harbor failed",
            "not confirmed: it was at 45 %",
        ]
    );
    assert_eq!(summary.causes().len(), 2, "the unknown one and the failed one");
}
