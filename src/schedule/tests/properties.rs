use proptest::prelude::*;

use super::choice::{Choice, build, choice, cut_run, run};
use crate::event::Outcome;

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
