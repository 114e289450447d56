//! Calls of other runs: which of them count, in whose bucket, and for how long.

use std::time::Duration;

use jiff::SignedDuration;

use super::service::{in_100_ms, throttled};
use super::world::{Record, World};
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::model::{Limits, QuotaScope};
use crate::schedule::fixture::{Fixture, ms, quota};
use crate::schedule::{AttemptEnd, CallElsewhere, ScheduleOptions, share_quota};

/// Three calls to one region with one credential, three to another with another.
fn plan(text: &str, scope: QuotaScope) -> ExecutionPlan {
    let mut fixture = Fixture::new(Limits { quota: quota(text, scope), ..Limits::default() }, &[None]);
    fixture.operations(3, 0, "cn-north-4", "default");
    fixture.operations(3, 0, "eu-west-101", "emea");
    fixture.build()
}

/// What another run left in its journal, whose calls were each answered after 100 ms.
fn other(plan: &ExecutionPlan, end: fn(Duration) -> AttemptEnd) -> Vec<RunEvent> {
    let world = World::new(plan, ScheduleOptions { max_duration: Some(ms(1000)), ..ScheduleOptions::default() });
    world.run(None, |_, _| in_100_ms(end)).journal
}

/// What counts for a run of `plan` that begins `later` than the other one did.
fn counting(plan: &ExecutionPlan, events: &[RunEvent], later: u64) -> Vec<CallElsewhere> {
    let zero = -SignedDuration::try_from(ms(later)).expect("short");
    CallElsewhere::still_counting(CallElsewhere::of_run(plan, events, zero), plan, Duration::ZERO)
}

/// The run, when its calls are sent.
fn sent(plan: &ExecutionPlan, elsewhere: Vec<CallElsewhere>) -> Record {
    World::beside(plan, ScheduleOptions::default(), elsewhere).run(None, |_, _| in_100_ms(|_| AttemptEnd::Accepted))
}

fn accepted(_: Duration) -> AttemptEnd {
    AttemptEnd::Accepted
}

#[test]
fn a_run_waits_for_what_another_one_sent() {
    let plan = Fixture::simple(Limits { quota: quota("5/1m", QuotaScope::Address), ..Limits::default() }, 3);
    // Sent at 0, 100, 100 ms and answered 100 ms later; this run begins at 20 s.
    let calls = counting(&plan, &other(&plan, accepted), 20_000);
    let counted: Vec<i128> = calls.iter().map(|call| call.counted.as_millis()).collect();
    assert_eq!(counted, [-19_900, -19_800, -19_800]);
    assert_eq!(sent(&plan, calls).sent(), [(0, 0), (1, 100), (2, 40_100)]);
    assert_eq!(counting(&plan, &other(&plan, accepted), 60_200), [], "a window after its last answer nothing counts");
}

/// A plan of one call to this region with this credential.
fn one(region: &str, credential: &str) -> ExecutionPlan {
    let mut fixture = Fixture::new(Limits::default(), &[None]);
    fixture.operations(1, 0, region, credential);
    fixture.build()
}

#[test]
fn a_call_counts_where_the_scope_says() {
    use QuotaScope::{Address, Global, User};
    for (scope, region, credential, waits) in [
        (User, "eu-west-101", "emea", [false, true]),
        (User, "eu-west-101", "another", [false, false]),
        (User, "la-south-2", "emea", [false, false]),
        (Address, "eu-west-101", "another", [false, true]),
        (Address, "la-south-2", "emea", [false, false]),
        (Global, "la-south-2", "another", [true, true]),
    ] {
        let (plan, one) = (plan("4/1m", scope), one(region, credential));
        assert_eq!(share_quota(&plan, &one), waits.contains(&true), "{scope:?}, {region}, {credential}");
        // Made ten seconds ago.
        let calls = CallElsewhere::of_run(&one, &other(&one, accepted), SignedDuration::from_secs(-10));
        let calls = CallElsewhere::still_counting(calls, &plan, Duration::ZERO);
        let calls = [&calls[..], &calls, &calls, &calls].concat();
        let record = sent(&plan, calls);
        // Of the first region and credential, and of the second.
        let first = [0, 3].map(|op| record.calls.iter().find(|call| call.op == op).expect("it is sent").sent);
        assert_eq!(first.map(|at| at >= ms(50_100)), waits, "{scope:?}, {region}, {credential}");
    }
}

#[test]
fn a_429_of_another_run_closes_the_bucket() {
    let plan = Fixture::simple(Limits { quota: quota("5/1s", QuotaScope::Address), ..Limits::default() }, 1);
    let events = other(&plan, |at| throttled(at, Some(ms(30_000))));
    let calls = counting(&plan, &events, 10_000);
    assert_eq!(sent(&plan, calls).sent(), [(0, 20_100)]);
    assert_eq!(counting(&plan, &events, 40_000), []);
}

#[test]
fn a_call_that_a_killed_run_lost_counts_until_its_timeout() {
    let limits = Limits { quota: quota("1/1s", QuotaScope::Address), attempt_timeout: ms(5000), ..Limits::default() };
    let plan = Fixture::simple(limits, 1);
    let events = [RunEvent::AttemptStarted { op: 0, attempt: 1, at: ms(100) }];
    assert_eq!(sent(&plan, counting(&plan, &events, 2000)).sent(), [(0, 4100)]);
    let withdrawn = [&events[..], &[RunEvent::AttemptWithdrawn { op: 0, attempt: 1, at: ms(101) }]].concat();
    assert_eq!(counting(&plan, &withdrawn, 2000), [], "what was never sent is no call");
}

/// A journal that somebody made, or a clock that is wrong.
#[test]
fn no_journal_of_another_run_holds_this_one_for_longer_than_an_hour() {
    let plan = Fixture::simple(Limits { quota: quota("1/1s", QuotaScope::Address), ..Limits::default() }, 1);
    let hours = |hours: i64| SignedDuration::from_hours(hours);
    let call = |counted, closed_until| CallElsewhere {
        endpoint: plan.operations[0].endpoint.clone(),
        credential: plan.operations[0].target.credential.clone(),
        counted,
        closed_until,
    };
    for (calls, first) in [
        (vec![call(hours(1000), None)], 3_601_000),
        (vec![call(hours(0), Some(hours(1000)))], 3_600_000),
        (vec![call(SignedDuration::MIN, Some(SignedDuration::MAX))], 3_600_000),
        (vec![call(SignedDuration::MAX, None)], 3_601_000),
    ] {
        let calls = CallElsewhere::still_counting(calls, &plan, Duration::ZERO);
        assert_eq!(sent(&plan, calls).sent(), [(0, first)]);
    }
}
