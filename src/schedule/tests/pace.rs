//! What certainty costs: how close a run comes to the optimum, and what a cut adds to it. All in virtual time.

use std::time::Duration;

use proptest::prelude::*;

use super::books::time_of;
use super::choice::{Choice, CutChoice, build, cut_run};
use super::service::{Reply, in_100_ms};
use super::world::{Cut, When, World};
use crate::event::RunEvent;
use crate::forecast::{forecast, forecast_rest};
use crate::model::{Limits, QuotaScope};
use crate::resume::{Reopen, take_up};
use crate::schedule::fixture::{Fixture, ms, quota};
use crate::schedule::{AttemptEnd, History, ScheduleOptions};

/// A strict service: ten calls in any two seconds, answered after 50 ms, counted at any moment of them.
#[test]
fn a_strict_quota_is_kept_at_its_full_rate_and_as_forecast() {
    let limits = Limits { quota: quota("10/2s", QuotaScope::Address), ..Limits::default() };
    let plan = Fixture::simple(limits, 100);
    // No call can be later than the last of the tenth window: 9 times 2 s, and its answer.
    let optimum = ms(9 * 2000 + 50);
    // What the commands assume of a service that they don't know: twice what this one takes.
    let forecast = forecast(&plan, ms(100)).duration;
    for counted in [0.0, 0.3, 1.0] {
        let record = World::new(&plan, ScheduleOptions::default()).run(None, |_, _| Reply {
            latency: ms(50),
            counted,
            end: Box::new(|_| AttemptEnd::Accepted),
        });
        let mut at: Vec<Duration> = record.calls.iter().filter_map(|call| call.counted).collect();
        at.sort();
        let refusals = (10..at.len()).filter(|index| at[*index] < at[index - 10] + ms(2000)).count();
        assert_eq!((at.len(), refusals), (100, 0));
        let (wall, ideal, forecast) = (record.end.as_secs_f64(), optimum.as_secs_f64(), forecast.as_secs_f64());
        assert!(wall / ideal <= 1.05, "{wall} s against {ideal} s");
        assert!((forecast / wall - 1.0).abs() <= 0.05, "{wall} s, forecast {forecast} s");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    /// Cuts without downtime, in a run without trouble of one plan, bucket and credential. Each costs at most the timeout of
    /// what it lost in flight (that may count so long) and the latency of one call that shows the credential to be good; and no
    /// call is made twice or for nothing.
    #[test]
    fn a_cut_costs_a_timeout_and_a_latency_at_most(choice in cut_run()) {
        let mut choice = quiet(choice);
        choice.plans.truncate(1);
        choice.plans[0].operations.iter_mut().for_each(|(_, region, credential)| (*region, *credential) = (0, 0));
        let (lost, spent, number) = cost_of_cuts(&choice);
        let bound = if lost { choice.longest_timeout() + ms(100) } else { ms(100) };
        prop_assert!(spent <= bound * number, "{spent:?} for {number} cuts of {bound:?} at most");
    }

    /// Where several buckets share credentials and concurrency, a cut may change the order of the calls, which has no such bound; but
    /// never their number.
    #[test]
    fn a_cut_costs_no_call(choice in cut_run()) {
        cost_of_cuts(&quiet(choice));
    }

    /// A session without trouble takes exactly what the forecast of the rest says, from the journal that it resumes.
    #[test]
    fn the_forecast_of_the_rest_comes_true(choice in cut_run()) {
        let choice = quiet(choice);
        let plan = build(&choice);
        let cuts: Vec<Cut> = choice.cuts.iter().map(without_downtime).collect();
        let reply = |_, _| in_100_ms(|_| AttemptEnd::Accepted);
        let record = World::new(&plan, ScheduleOptions::default()).sessions(None, &cuts, reply);
        let resumed = record.journal.iter().rposition(|event| matches!(event, RunEvent::RunResumed { .. }));
        let mut events = record.journal[..=resumed.expect("there is a cut")].to_vec();
        let start = events.last().map(time_of).expect("the resume");
        events.extend(take_up(&plan, &events, start, Reopen::default()));
        let history = History::from_events(&plan, &events, start);
        let rest = forecast_rest(&plan, ms(100), ScheduleOptions::default(), &history, start);
        prop_assert_eq!(start + rest.duration, record.end);
        let ended = |event: &RunEvent| matches!(event, RunEvent::OperationEnded { .. });
        let (before, after): (Vec<_>, Vec<_>) =
            record.journal.iter().enumerate().filter(|(_, event)| ended(event)).partition(|(at, _)| *at < events.len());
        let ends = before.iter().map(|_| Duration::ZERO).chain(after.iter().map(|(_, event)| time_of(event) - start));
        prop_assert_eq!(rest.ends, ends.collect::<Vec<_>>());
    }
}

/// Killed with everything in its journal, and resumed at once.
fn without_downtime(cut: &CutChoice) -> Cut {
    Cut { when: When::Steps(cut.steps), ..Cut::at(ms(0), ms(0)) }
}

/// Without anything that stops a run before its end.
fn quiet(choice: Choice) -> Choice {
    let mut choice = Choice { max_failures: None, ..choice };
    for plan in &mut choice.plans {
        (plan.deadline, plan.budgets) = (None, vec![0; plan.budgets.len()]);
    }
    choice
}

/// Whether the cuts lost a call, by how much the run is longer with them, and how many they are.
fn cost_of_cuts(choice: &Choice) -> (bool, Duration, u32) {
    let plan = build(choice);
    let cuts: Vec<Cut> = choice.cuts.iter().map(without_downtime).collect();
    let run = |cuts: &[Cut]| {
        World::new(&plan, ScheduleOptions::default()).sessions(None, cuts, |_, _| in_100_ms(|_| AttemptEnd::Accepted))
    };
    let (whole, parts) = (run(&[]), run(&cuts));
    assert_eq!(parts.calls.len(), plan.operations.len(), "a call was made twice, or not at all");
    let lost = parts.calls.iter().any(|call| call.lost);
    (lost, parts.end.saturating_sub(whole.end), u32::try_from(cuts.len()).expect("few"))
}
