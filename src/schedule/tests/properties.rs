use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::SignedDuration;
use proptest::option::of;
use proptest::prelude::*;

use super::books::{bucket_of, quotas_of};
use super::choice::{Choice, build, choice, cut_run, run, run_beside};
use super::world::Record;
use crate::event::Outcome;
use crate::expand::ExecutionPlan;
use crate::schedule::CallElsewhere;
use crate::schedule::fixture::ms;

/// What another run of the same plan met, and when it was interrupted.
fn choice_seed() -> impl Strategy<Value = (u64, Option<u64>)> {
    (any::<u64>(), of(0u64..20_000))
}

/// The buckets of a plan with all their quotas.
fn buckets(plan: &ExecutionPlan) -> BTreeMap<String, BTreeSet<(u32, Duration)>> {
    let names = (0..plan.operations.len()).map(|op| bucket_of(plan, op));
    names
        .map(|bucket| {
            let quotas = quotas_of(plan, &bucket);
            (bucket, quotas)
        })
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// The laws themselves are asserted in `laws`, at each step.
    #[test]
    fn every_law_holds_at_every_step(choice in choice()) {
        run(&choice, &build(&choice));
    }

    /// The same laws over all sessions together, wherever the run is cut.
    #[test]
    fn every_law_holds_over_all_sessions_of_a_run(choice in cut_run()) {
        run(&choice, &build(&choice));
    }

    /// A run after another one of the same plan, in whatever state that was left: no window of any bucket holds more calls of
    /// both than its quota allows.
    #[test]
    fn no_window_holds_more_calls_of_two_runs(choice in cut_run(), other in choice_seed(), gap in 0u64..20_000) {
        let plan = build(&choice);
        let before = run(&Choice { seed: other.0, stop_at: other.1, cuts: Vec::new(), ..choice.clone() }, &plan);
        let zero = -SignedDuration::try_from(before.end + ms(gap)).expect("short");
        let calls = CallElsewhere::of_run(&plan, &before.journal, zero);
        let calls = CallElsewhere::still_counting(calls, &plan, Duration::ZERO);
        let after = run_beside(&choice, &plan, calls);
        for (bucket, quotas) in buckets(&plan) {
            let counted = |record: &Record, zero: SignedDuration| -> Vec<SignedDuration> {
                let inside = record.calls.iter().filter(|call| bucket_of(&plan, call.op) == bucket);
                inside.filter_map(|call| Some(SignedDuration::try_from(call.counted?).expect("short") + zero)).collect()
            };
            let mut counted = [counted(&before, zero), counted(&after, SignedDuration::ZERO)].concat();
            counted.sort();
            for (calls, per) in quotas {
                let per = SignedDuration::try_from(per).expect("short");
                for (index, from) in counted.iter().enumerate() {
                    let inside = counted[index..].iter().filter(|at| **at < *from + per).count();
                    prop_assert!(inside <= calls as usize, "{inside} calls in a window of {bucket} from {from:?}");
                }
            }
        }
    }

    #[test]
    fn the_same_run_looks_the_same_twice(choice in cut_run()) {
        let plan = build(&choice);
        let (first, second) = (run(&choice, &plan), run(&choice, &plan));
        prop_assert_eq!(first.effects, second.effects);
        prop_assert_eq!(first.journal, second.journal);
    }

    /// Without trouble, deadline or stop, everything is accepted at the first attempt, and alike operations in plan order.
    #[test]
    fn a_quiet_run_accepts_everything_in_plan_order(choice in choice()) {
        let mut choice = Choice { trouble: 0, withdrawn: 0, stop_at: None, max_duration: None, ..choice };
        for plan in &mut choice.plans {
            plan.deadline = None;
        }
        let plan = build(&choice);
        let record = run(&choice, &plan);
        prop_assert!(record.outcomes.values().all(|(_, outcome)| *outcome == Outcome::Accepted));
        prop_assert_eq!(record.calls.len(), plan.operations.len());
        let alike = |a: usize, b: usize| {
            let (a, b) = (&plan.operations[a], &plan.operations[b]);
            (a.plan, a.wave, &a.target) == (b.plan, b.wave, &b.target)
        };
        for (index, call) in record.calls.iter().enumerate() {
            let overtaken = record.calls[index + 1..].iter().find(|later| later.op < call.op && alike(later.op, call.op));
            prop_assert!(overtaken.is_none(), "{} was sent before an earlier one like it", call.op);
        }
    }
}
