use std::time::Duration;

use super::{Decider, drive, forecast, forecast_rest, forecast_with};
use crate::model::{KNOWN_REGIONS, Limits, QuotaScope};
use crate::policy::CallEnd;
use crate::schedule::fixture::{Fixture, ms, nonzero, quota};
use crate::schedule::{History, PastCall, PastOperation, PastState, Schedule, ScheduleOptions, Traffic};

fn limits(quota_text: &str, scope: QuotaScope) -> Limits {
    Limits { quota: quota(quota_text, scope), concurrency: nonzero(64), ..Limits::default() }
}

#[test]
fn quota_decides_a_large_region() {
    let mut fixture = Fixture::new(limits("5/1m", QuotaScope::Address), &[None]);
    fixture.operations(3, 0, "eu-west-101", "default");
    fixture.operations(12, 0, "cn-north-4", "default");
    let forecast = forecast(&fixture.build(), ms(100));
    // By hand. 0 ms: the first call shows that the credential is good. 100 ms: four places in flight in each region.
    // cn-north-4 sends 4 at 100, 1 at 200; answers 4 at 200, 1 at 300. A minute after each: 4 at 60 200, 1 at 60 300, and
    // again 2 at 120 300 (answered 60 300 + 60 000), the last answer 120 400.
    assert_eq!(forecast.calls, 15);
    assert_eq!(forecast.duration, ms(120_400));
    assert_eq!(forecast.decided_by, Some(Decider { name: "cn-north-4".to_owned(), calls: 12 }));
    // Nothing is in flight from 300 to 60 200 and from 60 400 to 120 300.
    assert_eq!(forecast.quota_wait, ms(59_900 + 59_900));
}

#[test]
fn a_pause_is_not_the_quotas_doing() {
    let mut fixture = Fixture::new(limits("5/1m", QuotaScope::Address), &[None, None]);
    fixture.file().pause = ms(120_000);
    fixture.operations(2, 0, "cn-north-4", "default");
    fixture.operations(1, 1, "cn-north-4", "default");
    let forecast = forecast(&fixture.build(), ms(400));
    assert_eq!((forecast.calls, forecast.duration), (3, ms(400 + 400 + 120_000 + 400)));
    assert_eq!(forecast.ends, [ms(400), ms(800), ms(121_200)]);
    assert_eq!((forecast.quota_wait, forecast.decided_by), (Duration::ZERO, None));
}

#[test]
fn a_shared_bucket_has_a_name_for_what_shares_it() {
    for (scope, name) in [
        (QuotaScope::Address, "cn-north-4"),
        (QuotaScope::User, "cn-north-4, credential default"),
        (QuotaScope::Global, "all endpoints"),
    ] {
        let forecast = forecast(&Fixture::simple(limits("1/1s", scope), 3), ms(10));
        assert_eq!(forecast.decided_by.map(|decider| decider.name).as_deref(), Some(name));
    }
}

#[test]
fn deadlines_cut_a_forecast_short_only_when_asked() {
    let mut fixture = Fixture::new(limits("1/1m", QuotaScope::Address), &[None]);
    fixture.deadline(ms(90_000));
    fixture.operations(4, 0, "cn-north-4", "default");
    let plan = fixture.build();
    assert_eq!(forecast(&plan, ms(0)).duration, ms(180_000));
    let with_deadline = forecast_with(&plan, ms(0), ScheduleOptions::default());
    // Calls at 0 and 60 s; the third would start at 120 s, after the deadline, so nothing is waited for.
    assert_eq!((with_deadline.calls, with_deadline.duration), (2, ms(60_000)));
}

#[test]
fn nothing_to_do_takes_no_time() {
    let forecast = forecast(&Fixture::simple(Limits::default(), 0), ms(400));
    assert_eq!((forecast.calls, forecast.duration, forecast.decided_by), (0, Duration::ZERO, None));
}

/// The work is a dozen looks at queues for each call (a queue passes up to eight gates), however many queues wait: 20,000 operations in 1,600 queues (32 regions, 50 plans)
/// that share 32 buckets. A scan over queues in each step would take 64 million. Times are in `docs/run-loop.md`.
#[test]
fn the_work_does_not_grow_with_what_waits() {
    let mut fixture = Fixture::new(limits("5/1m", QuotaScope::Address), &[None]);
    for plan in 0..50 {
        if plan > 0 {
            fixture.add_plan(limits("5/1m", QuotaScope::Address), &[None]);
        }
        for index in 0..400 {
            fixture.operations(1, 0, KNOWN_REGIONS[index % KNOWN_REGIONS.len()], "default");
        }
    }
    let plan = fixture.build();
    let mut schedule = Schedule::new(&plan, ScheduleOptions::default());
    let forecast = drive(&plan, ms(400), &mut schedule, Duration::ZERO);
    assert_eq!(forecast.calls, 20_000);
    assert!(schedule.looks <= 20 * forecast.calls, "{} looks", schedule.looks);
}

#[test]
fn the_rest_of_a_run_is_measured_from_its_resume() {
    let plan = Fixture::simple(limits("5/1m", QuotaScope::Address), 8);
    let past = |op| PastOperation {
        attempts: u32::from(op < 5),
        forgiven: 0,
        state: if op < 5 { PastState::Ended { spent: false } } else { PastState::Open },
    };
    let launched = (0..5).map(|op| PastCall { op, traffic: Traffic::Launched { at: ms(0) } });
    let ended = Traffic::Ended { at: ms(200), end: CallEnd::Taken };
    let calls = launched.chain((0..5).map(|op| PastCall { op, traffic: ended })).collect();
    let history = History { operations: (0..8).map(past).collect(), calls, ..History::default() };
    let rest = forecast_rest(&plan, ms(100), ScheduleOptions::default(), &history, ms(30_000));
    // The five calls leave their window at 60 200 ms. One goes alone, as its credential is new to this session.
    assert_eq!((rest.calls, rest.duration, rest.quota_wait), (3, ms(30_400), ms(30_200)));
    let zero = ms(0);
    assert_eq!(rest.ends, [zero, zero, zero, zero, zero, ms(30_300), ms(30_400), ms(30_400)]);
    assert_eq!(rest.plan_ends, [ms(30_400)]);
    assert_eq!(rest.decided_by, Some(Decider { name: "cn-north-4".to_owned(), calls: 3 }));
}

#[test]
fn a_run_that_is_over_has_no_rest() {
    let plan = Fixture::simple(limits("5/1m", QuotaScope::Address), 1);
    let ended = PastOperation { attempts: 1, forgiven: 0, state: PastState::Ended { spent: true } };
    let history = History { operations: vec![ended], ..History::default() };
    let rest = forecast_rest(&plan, ms(100), ScheduleOptions::default(), &history, ms(5000));
    assert_eq!((rest.calls, rest.duration, rest.ends), (0, Duration::ZERO, vec![Duration::ZERO]));
}
