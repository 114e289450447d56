use std::time::Duration;

use super::{Cause, Counts, RunSummary, fold_ids};
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, Outcome, RunEvent};

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
