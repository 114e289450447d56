//! Runs of several sessions, worked out by hand: what goes on, what counts anew, what is taken back.

use std::time::Duration;

use super::service::{Reply, in_100_ms, refused, throttled, throttled_with_limit, unavailable};
use super::world::{Cut, Record, World};
use crate::event::{FailureKind, NotAttemptedReason, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::{Limits, MaxFailures, QuotaScope, RetryLimits};
use crate::resume::Reopen;
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::schedule::{AttemptEnd, ScheduleOptions};

fn limits(quota_text: &str) -> Limits {
    Limits { quota: quota(quota_text, QuotaScope::Address), attempt_timeout: ms(10_000), ..Limits::default() }
}

/// Every attempt takes 100 ms; `end` says how (operation, attempt) ends, and when an answer comes.
fn run(plan: &ExecutionPlan, cuts: &[Cut], end: fn(usize, u32, Duration) -> AttemptEnd) -> Record {
    let reply = |op, attempt| in_100_ms(move |answered| end(op, attempt, answered));
    World::new(plan, ScheduleOptions::default()).sessions(None, cuts, reply)
}

fn accepted(_: usize, _: u32, _: Duration) -> AttemptEnd {
    AttemptEnd::Accepted
}

/// Attempts as (operation, number).
fn attempts(record: &Record) -> Vec<(usize, u32)> {
    record.calls.iter().map(|call| (call.op, call.attempt)).collect()
}

fn waves_started(record: &Record) -> Vec<usize> {
    let wave = |event: &RunEvent| match event {
        RunEvent::WaveStarted { wave, .. } => Some(*wave),
        _ => None,
    };
    record.journal.iter().filter_map(wave).collect()
}

#[test]
fn a_pause_counts_from_the_end_of_its_wave_whatever_came_between() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None, None]);
    fixture.file().pause = ms(60_000);
    fixture.operations(1, 0, "cn-north-4", "default");
    fixture.operations(1, 1, "cn-north-4", "default");
    let plan = fixture.build();
    for (downtime, second) in [(10_000, 60_100), (40_100, 60_100), (200_000, 220_000)] {
        let record = run(&plan, &[Cut::at(ms(20_000), ms(downtime))], accepted);
        assert_eq!(record.sent(), [(0, 0), (1, second)], "after a downtime of {downtime} ms");
    }
}

#[test]
fn a_wave_goes_on_without_a_pause_and_is_not_told_to_begin_again() {
    let mut fixture = Fixture::new(limits("1/1s"), &[None, None]);
    fixture.file().pause = ms(5000);
    fixture.operations(1, 0, "cn-north-4", "default");
    fixture.operations(3, 1, "cn-north-4", "default");
    let record = run(&fixture.build(), &[Cut::at(ms(5500), ms(0))], accepted);
    assert_eq!(record.sent(), [(0, 0), (1, 5100), (2, 6200), (3, 7300)]);
    assert_eq!(waves_started(&record), [0, 1]);
}

#[test]
fn an_earlier_wave_that_is_open_again_goes_first_and_is_followed_by_its_pause() {
    let mut fixture = Fixture::new(limits("1/1s"), &[Some("1"), None]);
    fixture.file().pause = ms(5000);
    fixture.operations(1, 0, "cn-north-4", "default");
    fixture.operations(3, 1, "cn-north-4", "default");
    let end = |op, attempt, _| if (op, attempt) == (0, 1) { refused() } else { AttemptEnd::Accepted };
    let reopen = Reopen { retry_failed: true, retry_unknown: false };
    let record = run(&fixture.build(), &[Cut { reopen, ..Cut::at(ms(6000), ms(1000)) }], end);
    assert_eq!(record.sent(), [(0, 0), (1, 5100), (0, 7000), (2, 12_100), (3, 13_200)]);
    assert_eq!(waves_started(&record), [0, 1]);
}

#[test]
fn what_failed_before_counts_against_a_budget() {
    let mut fixture = Fixture::new(limits("100/1s"), &[Some("1")]);
    fixture.operations(5, 0, "cn-north-4", "default");
    let plan = fixture.build();
    let end = |op, _, _| if op == 0 { refused() } else { AttemptEnd::Accepted };
    let record = run(&plan, &[Cut::at(ms(100), ms(900))], end);
    // 0 has failed and 1 was in flight at the end: two of a budget of one.
    assert_eq!(record.words(), ["failed", "unknown", "not_attempted", "not_attempted", "not_attempted"]);
    let spent = NotAttemptedReason::BudgetSpent(plan.plans[0].waves[0].budget.expect("it has one"));
    assert_eq!(record.outcomes[&2], (ms(1000), Outcome::NotAttempted(spent)));
    // Interrupted instead, 1 lands. One failed and one in flight are all that the budget allows, so the rest goes one by one.
    let reply = |op, attempt| in_100_ms(move |answered| end(op, attempt, answered));
    let cuts = [Cut::at(ms(500), ms(800))];
    let record = World::new(&plan, ScheduleOptions::default()).sessions(Some(ms(150)), &cuts, reply);
    assert_eq!(record.sent(), [(0, 0), (1, 100), (2, 1000), (3, 1100), (4, 1200)]);
}

#[test]
fn calls_count_in_their_window_after_a_resume() {
    let plan = Fixture::simple(limits("5/1m"), 8);
    let record = run(&plan, &[Cut::at(ms(10_000), ms(20_000))], accepted);
    let first = [(0, 0), (1, 100), (2, 100), (3, 100), (4, 100)];
    // Answered at 100 and 200 ms. The first call of a session goes alone, as its credential may be another one.
    assert_eq!(record.sent()[..5], first);
    assert_eq!(record.sent()[5..], [(5, 60_100), (6, 60_200), (7, 60_200)]);
    let record = run(&plan, &[Cut::at(ms(10_000), ms(100_000))], accepted);
    assert_eq!(record.sent()[5..], [(5, 110_000), (6, 110_100), (7, 110_100)]);
}

#[test]
fn a_call_that_was_lost_in_flight_counts_until_its_timeout() {
    let plan = Fixture::simple(limits("5/1m"), 7);
    let record = run(&plan, &[Cut::at(ms(150), ms(0))], accepted);
    // 0 was answered at 100 ms; 1 to 4 were in flight, and the service may be busy with them until 10 100 ms.
    assert_eq!(record.sent()[5..], [(5, 60_100), (6, 70_100)]);
    assert_eq!(record.words()[..5], ["accepted", "unknown", "unknown", "unknown", "unknown"]);
}

#[test]
fn a_limit_that_was_learned_holds_in_the_next_session() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let end = |op, attempt, at| match (op, attempt) {
        (0, 1) => throttled_with_limit(at, "limit:1,time:5 second"),
        _ => AttemptEnd::Accepted,
    };
    let record = run(&plan, &[Cut::at(ms(1000), ms(1000))], end);
    assert_eq!(record.sent(), [(0, 0), (0, 5100), (1, 10_200), (2, 15_300)]);
}

/// A thousand calls a second were stated, and the third got a 429. So one goes every 125 ms, eight in the second that was asked for,
/// and twice as many after the first answer that comes a quarter of it later, at 1550 ms.
#[test]
fn a_pace_that_was_felt_out_goes_on_in_the_next_session() {
    let plan = Fixture::simple(limits("1000/1s"), 10);
    let end = |op, attempt, at: Duration| match (op, attempt) {
        (2, 1) => throttled(at, Some(ms(1000))),
        _ => AttemptEnd::Accepted,
    };
    let whole = run(&plan, &[], end);
    let first = [(0, 0), (1, 100), (2, 100), (3, 100), (4, 100), (5, 200)];
    assert_eq!(whole.sent()[..6], first);
    assert_eq!(whole.sent()[6..], [(2, 1200), (6, 1325), (7, 1450), (8, 1575), (9, 1637)]);
    for cut in [500, 1310, 1440] {
        let resumed = run(&plan, &[Cut::at(ms(cut), ms(0))], end);
        assert_eq!(resumed.sent(), whole.sent(), "cut at {cut} ms");
    }
}

#[test]
fn a_pause_that_a_429_asked_for_holds_though_its_call_is_not_repeated() {
    let limits = Limits { retry: RetryLimits { max_attempts: nonzero(1), ..RetryLimits::default() }, ..limits("5/1s") };
    let plan = Fixture::simple(limits, 2);
    let end = |op, _, at: Duration| if op == 0 { throttled(at, Some(ms(30_000))) } else { AttemptEnd::Accepted };
    assert_eq!(run(&plan, &[Cut::at(ms(2000), ms(0))], end).sent(), [(0, 0), (1, 30_100)]);
}

#[test]
fn a_repeat_waits_on_and_keeps_its_number() {
    let plan = Fixture::simple(limits("100/1s"), 2);
    let end = |op, attempt, at: Duration| match (op, attempt) {
        (0, 1) => unavailable(at + ms(8900)),
        _ => AttemptEnd::Accepted,
    };
    let record = run(&plan, &[Cut::at(ms(1000), ms(1000)), Cut::at(ms(3000), ms(1000))], end);
    assert_eq!(record.sent(), [(0, 0), (1, 100), (0, 9000)]);
    assert_eq!(attempts(&record), [(0, 1), (1, 1), (0, 2)]);
}

#[test]
fn a_deadline_counts_from_the_start_of_each_session() {
    let mut fixture = Fixture::new(limits("1/1m"), &[None]);
    fixture.deadline(ms(90_000));
    fixture.operations(3, 0, "cn-north-4", "default");
    let plan = fixture.build();
    // The third could not start before the deadline, so the first session ends at 60 200 ms.
    let record = run(&plan, &[Cut::at(ms(1_000_000), ms(0))], accepted);
    assert_eq!(record.sent(), [(0, 0), (1, 60_100), (2, 120_200)]);
    let fresh = ScheduleOptions { max_duration: Some(ms(50_000)), ..ScheduleOptions::default() };
    let cuts = [Cut::at(ms(1_000_000), ms(20_000)); 2];
    let record = World::new(&plan, fresh).sessions(None, &cuts, |_, _| in_100_ms(|_| AttemptEnd::Accepted));
    // 100 ms: nothing before 50 s. 20 100 ms: 60 100 ms is before 70 100 ms. 80 200 ms: 120 200 ms is before 130 200 ms.
    assert_eq!(record.sent(), [(0, 0), (1, 60_100), (2, 120_200)]);
}

#[test]
fn fail_fast_looks_at_the_failures_of_its_session() {
    let plan = Fixture::simple(limits("100/1s"), 3);
    let options = ScheduleOptions { fail_fast: true, ..ScheduleOptions::default() };
    let end = |op| if op == 0 { refused() } else { AttemptEnd::Accepted };
    let record =
        World::new(&plan, options).sessions(None, &[Cut::at(ms(500), ms(500))], |op, _| in_100_ms(move |_| end(op)));
    assert_eq!(record.words(), ["failed", "accepted", "accepted"]);
}

#[test]
fn attempts_are_allowed_anew_when_an_operation_is_opened_again() {
    let limits =
        Limits { retry: RetryLimits { max_attempts: nonzero(2), ..RetryLimits::default() }, ..limits("100/1s") };
    let plan = Fixture::simple(limits, 1);
    let end = |_, _, at: Duration| unavailable(at + ms(400));
    let stays = Cut::at(ms(5000), ms(0));
    assert_eq!(attempts(&run(&plan, &[stays], end)), [(0, 1), (0, 2)]);
    let reopen = Reopen { retry_failed: true, retry_unknown: false };
    assert_eq!(attempts(&run(&plan, &[Cut { reopen, ..stays }], end)), [(0, 1), (0, 2), (0, 3), (0, 4)]);
}

#[test]
fn a_launch_that_is_taken_back_leaves_no_trace() {
    // One at a time by its budget, and one call a minute: whatever it kept would hold the next one up.
    let mut fixture = Fixture::new(limits("1/1m"), &[Some("0")]);
    fixture.operations(2, 0, "cn-north-4", "default");
    let end = |op, _, _| match op {
        0 => AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed),
        _ => AttemptEnd::Accepted,
    };
    let record = run(&fixture.build(), &[], end);
    assert_eq!(record.sent(), [(1, 100)]);
    assert_eq!(record.outcomes[&0].1, Outcome::NotAttempted(NotAttemptedReason::JournalFailed));
}

#[test]
fn a_repeat_that_is_taken_back_ends_as_it_failed_before() {
    let plan = Fixture::simple(limits("100/1s"), 1);
    let end = |_, attempt, at: Duration| match attempt {
        1 => unavailable(at + ms(400)),
        _ => AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed),
    };
    let record = run(&plan, &[], end);
    let Outcome::Failed(failure) = &record.outcomes[&0].1 else { panic!("{:?}", record.outcomes) };
    assert_eq!((failure.kind, &failure.given_up), (FailureKind::Unavailable, &Some(NotAttemptedReason::JournalFailed)));
    // It is open again in the next session, and its number is the one that was never used.
    let end = |_, attempt, at: Duration| if attempt == 1 { unavailable(at + ms(400)) } else { AttemptEnd::Accepted };
    let mut withdraw = true;
    let record =
        World::new(&plan, ScheduleOptions::default()).sessions(None, &[Cut::at(ms(9000), ms(0))], |op, attempt| {
            let taken_back = attempt == 2 && std::mem::take(&mut withdraw);
            in_100_ms(move |at| {
                if taken_back { AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed) } else { end(op, attempt, at) }
            })
        });
    assert_eq!(attempts(&record), [(0, 1), (0, 2)]);
}

#[test]
fn a_failed_journal_stops_everything() {
    use crate::schedule::{Effect, Input, Schedule};
    let plan = Fixture::simple(limits("100/1s"), 3);
    let mut schedule = Schedule::new(&plan, ScheduleOptions::default());
    let mut effects = Vec::new();
    let reason = NotAttemptedReason::JournalFailed;
    schedule.step(ms(0), Input::Start, &mut effects);
    schedule.step(ms(5), Input::Stop(reason.clone()), &mut effects);
    effects.clear();
    let end = AttemptEnd::Withdrawn(reason.clone());
    schedule.step(ms(5), Input::AttemptEnded { op: 0, end }, &mut effects);
    assert_eq!(effects, [Effect::End { op: 0, outcome: Outcome::NotAttempted(reason) }, Effect::Done]);
}

/// Found by the properties: a repeat of a later wave that waited for an earlier one, open again, held the last place in the budget
/// that the earlier one needed.
#[test]
fn a_repeat_does_not_wait_for_an_earlier_wave_that_is_open_again() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None, None]);
    fixture.operations(1, 0, "cn-north-4", "default");
    fixture.operations(2, 1, "cn-north-4", "default");
    let options = ScheduleOptions { max_failures: Some(MaxFailures::Count(0)), ..ScheduleOptions::default() };
    let mut withdraw = true;
    let cuts = [Cut::at(ms(500), ms(0))];
    let record = World::new(&fixture.build(), options).sessions(None, &cuts, |op, attempt| {
        let taken_back = std::mem::take(&mut withdraw);
        in_100_ms(move |at| match (op, attempt) {
            _ if taken_back => AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed),
            (1, 1) => unavailable(at + ms(800)),
            _ => AttemptEnd::Accepted,
        })
    });
    assert_eq!(record.sent(), [(1, 100), (1, 1000), (0, 1100), (2, 1200)]);
}

/// What stands behind such a repeat in its queue does wait: 2 goes when the first wave is over, though the quota has room for it
/// from 1600 ms on.
#[test]
fn what_stands_behind_a_repeat_waits_for_an_earlier_wave_that_is_open_again() {
    let mut fixture = Fixture::new(limits("1/500ms"), &[None, None]);
    fixture.operations(1, 0, "eu-west-101", "emea");
    fixture.operations(2, 1, "cn-north-4", "default");
    let mut withdraw = true;
    let cuts = [Cut::at(ms(500), ms(0))];
    let record = World::new(&fixture.build(), ScheduleOptions::default()).sessions(None, &cuts, |op, attempt| {
        let taken_back = std::mem::take(&mut withdraw);
        let reply = in_100_ms(move |at| match (op, attempt) {
            _ if taken_back => AttemptEnd::Withdrawn(NotAttemptedReason::JournalFailed),
            (1, 1) => unavailable(at + ms(800)),
            _ => AttemptEnd::Accepted,
        });
        if op == 0 && !taken_back { Reply { latency: ms(2000), ..reply } } else { reply }
    });
    assert_eq!(record.sent(), [(1, 100), (0, 500), (1, 1000), (2, 2500)]);
}

#[test]
fn a_pause_counts_from_a_repeat_of_a_wave_that_was_passed_over() {
    let mut fixture = Fixture::new(limits("100/1s"), &[None, None, None]);
    fixture.file().pause = ms(5000);
    for wave in 0..3 {
        fixture.operations(1, wave, "cn-north-4", "default");
    }
    let end = |op, attempt, at: Duration| match (op, attempt) {
        (0, 1) => refused(),
        (1, 1) => unavailable(at + ms(2800)),
        _ => AttemptEnd::Accepted,
    };
    let reopen = Reopen { retry_failed: true, retry_unknown: false };
    let record = run(&fixture.build(), &[Cut { reopen, ..Cut::at(ms(6000), ms(0)) }], end);
    // 0 ends again at 6100 ms. The repeat of 1 ends at 8100 ms, in the pause after that, and nothing is left of its wave then.
    assert_eq!(record.sent(), [(0, 0), (1, 5100), (0, 6000), (1, 8000), (2, 13_100)]);
}
