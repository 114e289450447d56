//! What is left out of a plan: never launched, never ended, and counted by nothing.

use super::service::refused;
use crate::event::NotAttemptedReason;
use crate::expand::ExecutionPlan;
use crate::forecast::forecast;
use crate::model::{LeftOut, Limits, MaxFailures, QuotaScope};
use crate::schedule::fixture::{Fixture, ms, quota};
use crate::schedule::{Effect, Input, Schedule, ScheduleOptions};

/// Waves of 2, 2 and 2 operations with a pause between. Of the first and second wave nothing is selected but operation 1.
fn plan() -> ExecutionPlan {
    let limits = Limits { quota: quota("100/1s", QuotaScope::Address), ..Limits::default() };
    let mut fixture = Fixture::new(limits, &[None, None, None]);
    fixture.file().pause = ms(5000);
    for wave in 0..3 {
        fixture.operations(2, wave, "cn-north-4", "default");
    }
    let mut plan = fixture.build();
    for op in [0, 2, 3] {
        plan.operations[op].left_out = Some(LeftOut::NotSelected);
    }
    plan
}

#[test]
fn what_is_left_out_costs_no_call_and_a_wave_of_it_no_pause() {
    let forecast = forecast(&plan(), ms(100));
    assert_eq!(forecast.calls, 3);
    // One pause: 1, then 4 and 5. Had the second wave its own, there were two.
    assert_eq!(forecast.duration, ms(100 + 5000 + 100));
    assert_eq!(forecast.ends, [ms(0), ms(0), ms(0), ms(100), ms(5200), ms(5200)]);
}

#[test]
fn budgets_of_a_run_are_of_what_is_selected() {
    for (max_failures, fail_fast, text) in [(Some("50%"), false, "50 % of 3 = 1"), (None, true, "0 of 3")] {
        let max_failures = max_failures.map(|text| MaxFailures::parse(text).expect("legal"));
        let options = ScheduleOptions { max_failures, fail_fast, ..ScheduleOptions::default() };
        let mut schedule = Schedule::new(&plan(), options);
        let mut effects = Vec::new();
        schedule.step(ms(0), Input::Start, &mut effects);
        let mut now = ms(0);
        let stopped = loop {
            let mut next = Input::Tick;
            for effect in std::mem::take(&mut effects) {
                match effect {
                    Effect::Launch { op, .. } => next = Input::AttemptEnded { op, end: refused() },
                    Effect::End { op, .. } => assert!(plan().operations[op].is_selected()),
                    Effect::WaitUntil { at, .. } if next == Input::Tick => now = at,
                    Effect::Stopping { reason } => next = Input::Stop(reason),
                    _ => {}
                }
            }
            if let Input::Stop(reason) = next {
                break reason;
            }
            schedule.step(now, next, &mut effects);
        };
        let NotAttemptedReason::BudgetSpent(budget) = stopped else { panic!("{stopped:?}") };
        assert_eq!(budget.to_string(), text);
    }
}

#[test]
fn a_plan_of_which_nothing_is_selected_is_over_at_once() {
    let mut plan = plan();
    for operation in &mut plan.operations {
        operation.left_out = Some(LeftOut::NotSelected);
    }
    let mut effects = Vec::new();
    Schedule::new(&plan, ScheduleOptions::default()).step(ms(0), Input::Start, &mut effects);
    assert_eq!(effects, [Effect::Done]);
}
