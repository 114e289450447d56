//! The fold of a journal, by hand. That it leads to the very state of the schedule that wrote the journal is a law of `laws`.

use std::time::Duration;

use super::service::failure;
use crate::event::{AttemptRecord, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::{Limits, TaskId};
use crate::policy::CallEnd;
use crate::schedule::fixture::{Fixture, ms};
use crate::schedule::{History, PastCall, PastState, Traffic};

fn plan() -> ExecutionPlan {
    Fixture::simple(Limits { attempt_timeout: ms(10_000), ..Limits::default() }, 2)
}

fn announced(op: OpIndex, attempt: u32, at: u64) -> RunEvent {
    RunEvent::AttemptStarted { op, attempt, at: ms(at) }
}

fn refused(attempt: u32, at: u64, kind: FailureKind, said: &str, retry_at: Option<Duration>) -> RunEvent {
    let record = AttemptRecord {
        started: ms(at - 100),
        duration: ms(100),
        status: None,
        error_code: None,
        error_message: Some(said.to_owned()),
        request_id: None,
        throttled: kind == FailureKind::Throttled,
        kind: Some(kind),
    };
    RunEvent::AttemptEnded { op: 0, attempt, at: ms(at), record, retry_at, closed_until: None }
}

fn seen(traffic: Traffic) -> PastCall {
    PastCall { op: 0, traffic }
}

fn launched(at: u64) -> PastCall {
    seen(Traffic::Launched { at: ms(at) })
}

#[test]
fn every_call_counts_but_those_that_were_certainly_not_sent() {
    let limit = Some((200, Duration::from_secs(300)));
    let mut events = vec![
        announced(0, 1, 0),
        refused(1, 100, FailureKind::NotSent, "no connection", Some(ms(1000))),
        announced(0, 2, 1000),
        refused(2, 1100, FailureKind::Throttled, "limit:200,time:5 minute", Some(ms(2000))),
        announced(0, 3, 2000),
        refused(3, 2100, FailureKind::NoAnswer, "timeout", None),
    ];
    let RunEvent::AttemptEnded { closed_until, .. } = &mut events[3] else { panic!("the answer") };
    *closed_until = Some(ms(9000));
    let history = History::from_events(&plan(), &events, ms(60_000));
    assert_eq!(history.operations[0].attempts, 3);
    let ended = |at, end| seen(Traffic::Ended { at: ms(at), end });
    assert_eq!(
        history.calls,
        [
            launched(0),
            seen(Traffic::NotSent),
            launched(1000),
            ended(1100, CallEnd::Throttled { opens: ms(9000), limit }),
            launched(2000),
            ended(2100, CallEnd::Unanswered),
        ]
    );
}

/// A session that died between taking a repeat back and saying what that means.
#[test]
fn a_repeat_that_is_taken_back_waits_as_it_did() {
    let events = [
        announced(0, 1, 0),
        refused(1, 100, FailureKind::Unavailable, "busy", Some(ms(5000))),
        announced(0, 2, 5000),
        RunEvent::AttemptWithdrawn { op: 0, attempt: 2, at: ms(5001) },
    ];
    let past = History::from_events(&plan(), &events, ms(5002)).operations.remove(0);
    assert!(matches!(past.state, PastState::Waiting { at, .. } if at == ms(5000)), "{past:?}");
    assert_eq!(past.attempts, 1);
}

#[test]
fn what_is_in_flight_at_the_end_is_lost_and_counts_until_its_timeout() {
    let events = [announced(0, 1, 1000)];
    let lost = [launched(1000), seen(Traffic::Lost { until: ms(11_000) })];
    for now in [2000, 60_000] {
        let history = History::from_events(&plan(), &events, ms(now));
        assert_eq!(history.calls, lost, "the service may still be busy with it at {now} ms");
        assert_eq!(history.operations[0].state, PastState::Ended { spent: true });
        assert_eq!(history.wave_ends[0], [Some(ms(now.min(11_000)))]);
        // A session that resumes it and says so in events changes nothing but the outcome.
        let mut taken = events.to_vec();
        let resumed_at = jiff::Timestamp::UNIX_EPOCH;
        taken.push(RunEvent::RunResumed { at: ms(now), resumed_at, forecast: Duration::ZERO });
        taken.extend(crate::resume::take_up(&plan(), &taken, ms(now), crate::resume::Reopen::default()));
        assert_eq!(History::from_events(&plan(), &taken, ms(now)), history);
    }
}

#[test]
fn attempts_of_before_a_reopening_are_forgiven_and_still_numbered() {
    let reason = NotAttemptedReason::Interrupted;
    let given_up = Outcome::Failed(failure(FailureKind::Unavailable, Some(503)));
    let events = [
        announced(0, 1, 0),
        refused(1, 100, FailureKind::Unavailable, "later", Some(ms(1000))),
        RunEvent::OperationEnded { op: 0, at: ms(200), outcome: given_up },
        RunEvent::OperationEnded { op: 1, at: ms(200), outcome: Outcome::NotAttempted(reason) },
        RunEvent::OperationReopened { op: 0, at: ms(500) },
        RunEvent::OperationReopened { op: 1, at: ms(500) },
        announced(0, 2, 600),
        refused(2, 700, FailureKind::Unavailable, "later", Some(ms(1700))),
    ];
    let history = History::from_events(&plan(), &events, ms(900));
    let (first, second) = (&history.operations[0], &history.operations[1]);
    assert_eq!((first.attempts, first.forgiven), (2, 1));
    assert!(
        matches!(&first.state, PastState::Waiting { at, failure } if *at == ms(1700) && failure.message == "later")
    );
    assert_eq!((second.attempts, second.forgiven, &second.state), (0, 0, &PastState::Open));
    assert_eq!(history.wave_ends[0], [None], "nothing that was sent has ended for good");
}

/// Three waves of one operation each, of which two have begun: a display shows the first with something open, else the latest.
#[test]
fn a_display_finds_the_wave_that_goes_on() {
    let mut fixture = Fixture::new(Limits::default(), &[None, None, None]);
    for wave in 0..3 {
        fixture.operations(1, wave, "cn-north-4", "default");
    }
    let plan = fixture.build();
    let begins = |wave, at| RunEvent::WaveStarted { plan: 0, wave, at: ms(at) };
    let ended = |op, at| RunEvent::OperationEnded { op, at: ms(at), outcome: Outcome::Accepted };
    let mut events = vec![begins(0, 0), announced(0, 1, 0), ended(0, 100), begins(1, 200), announced(1, 1, 200)];
    let current = |events: &[RunEvent]| History::from_events(&plan, events, ms(60_000)).current_waves(&plan);
    assert_eq!(current(&[]), []);
    assert_eq!(current(&events), [(0, 1)], "what was in flight is unknown, and the third has not begun");
    events.push(ended(1, 300));
    assert_eq!(current(&events), [(0, 1)]);
    events.push(RunEvent::OperationReopened { op: 0, at: ms(60_000) });
    assert_eq!(current(&events), [(0, 0)]);
}

/// A look at the tasks changes what counts against budgets, and never when a request ended: pauses count from there.
#[test]
fn what_is_seen_of_tasks_changes_budgets_and_no_times() {
    let resumed = RunEvent::RunResumed { at: ms(60_000), resumed_at: jiff::Timestamp::UNIX_EPOCH, forecast: ms(0) };
    let accepted = RunEvent::OperationEnded { op: 1, at: ms(12_000), outcome: Outcome::Accepted };
    let mut events = vec![announced(0, 1, 1000), accepted, resumed];
    events.extend(crate::resume::take_up(&plan(), &events, ms(60_000), crate::resume::Reopen::default()));
    let past = |events: &[RunEvent]| {
        let mut history = History::from_events(&plan(), events, ms(90_000));
        assert_eq!(history.wave_ends[0], [Some(ms(12_000))], "the other was lost, and its timeout over at 11 s");
        assert_eq!((history.calls.len(), history.operations[0].attempts), (2, 1), "no look is a call");
        history.operations.remove(0).state
    };
    assert_eq!(past(&events), PastState::Ended { spent: true });
    let at = ms(80_000);
    events.push(RunEvent::TaskUnclear { op: 0, at, why: "no task is listed".to_owned() });
    assert_eq!(past(&events), PastState::Ended { spent: true });
    events.push(RunEvent::TaskFound { op: 0, at, task: TaskId::parse("a").expect("legal"), early: false });
    assert_eq!(past(&events), PastState::Ended { spent: false });
    events.push(RunEvent::TaskProgressed { op: 0, at, percent: 45 });
    events.push(RunEvent::TaskFound { op: 1, at, task: TaskId::parse("b").expect("legal"), early: false });
    events.push(RunEvent::TaskEnded { op: 1, at, outcome: Outcome::Confirmed });
    let confirmed = [&events[..], &[RunEvent::TaskEnded { op: 0, at, outcome: Outcome::Confirmed }]].concat();
    assert_eq!(past(&confirmed), PastState::Ended { spent: false });
    events.push(RunEvent::TaskEnded { op: 0, at, outcome: Outcome::Failed(failure(FailureKind::TaskFailed, None)) });
    assert_eq!(past(&events), PastState::Ended { spent: true });
}
