//! The laws: the order of runs and how often each is given mean nothing, nothing is lost, and shards are the whole.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::world::{Scene, scene};
use crate::event::Outcome;
use crate::exit::ExitStatus;
use crate::merge::{Merged, Whole};
use crate::report::{Format, RunFacts, RunReport, write_report};

/// What the JSON report says of it; nothing where the runs contradict each other.
fn told(merged: Option<&Merged>) -> Option<String> {
    let whole = merged?.whole()?;
    let Whole { plan, sources, summary, runs, findings, .. } = &whole;
    let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: false, shard: None };
    let mut out = Vec::new();
    write_report(Format::Json, &mut out, &RunReport { plan, sources, summary, facts, runs, events: &[] })
        .expect("memory");
    Some(format!("{findings:?}\n{}", String::from_utf8(out).expect("text")))
}

fn join(one: Option<Merged>, other: Option<Merged>) -> Option<Merged> {
    one?.join(other?).ok()
}

/// Runs and copies of them as they were earlier.
fn sets() -> impl Strategy<Value = Vec<Merged>> {
    let copies = prop::collection::vec((0_usize..3, 0.0..=1.0), 3);
    (prop::collection::vec(scene(), 3), copies).prop_map(|(mut scenes, copies)| {
        for (number, scene) in (0_u8..).zip(&mut scenes) {
            scene.number = number;
        }
        copies.into_iter().map(|(index, kept)| Merged::of(scenes[index].record(kept))).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn order_and_grouping_mean_nothing(sets in sets()) {
        let [a, b, c] = [0, 1, 2].map(|index| Some(sets[index].clone()));
        let left = join(join(a.clone(), b.clone()), c.clone());
        prop_assert!(left.is_some(), "copies never contradict each other");
        let right = join(a.clone(), join(b.clone(), c.clone()));
        let turned = join(c, join(b, a));
        prop_assert_eq!(told(left.as_ref()), told(right.as_ref()));
        prop_assert_eq!(told(left.as_ref()), told(turned.as_ref()));
    }

    #[test]
    fn runs_that_contradict_each_other_do_so_in_every_order(scenes in prop::collection::vec(scene(), 3)) {
        let [a, b, c] = [0, 1, 2].map(|index: usize| Some(scenes[index].whole()));
        let left = join(join(a.clone(), b.clone()), c.clone());
        prop_assert_eq!(told(left.as_ref()), told(join(a.clone(), join(b.clone(), c.clone())).as_ref()));
        prop_assert_eq!(told(left.as_ref()), told(join(join(c, a), b).as_ref()));
    }

    #[test]
    fn a_run_given_twice_counts_once(sets in sets()) {
        let whole = sets.into_iter().map(Some).reduce(join).flatten();
        let twice = join(whole.clone(), whole.clone());
        prop_assert_eq!(twice.as_ref().map(Merged::len), whole.as_ref().map(Merged::len));
        prop_assert_eq!(told(twice.as_ref()), told(whole.as_ref()));
    }

    #[test]
    fn nothing_is_lost_and_nothing_counts_twice(sets in sets()) {
        let merged = sets.into_iter().map(Some).reduce(join).flatten().expect("copies never contradict each other");
        let whole = merged.whole().expect("runs");
        prop_assert!(whole.summary.is_conserved());
        let runs = merged.runs();
        let mut ids: Vec<&str> =
            runs.iter().flat_map(|run| &run.plan.operations).map(|operation| operation.id.as_str()).collect();
        ids.sort_unstable();
        ids.dedup();
        prop_assert_eq!(whole.plan.operations.len(), ids.len());
        let sum = |count: fn(&crate::summary::RunSummary) -> usize| runs.iter().map(|run| count(&run.summary)).sum::<usize>();
        prop_assert_eq!(whole.summary.attempts, sum(|summary| summary.attempts));
        prop_assert_eq!(whole.summary.throttled, sum(|summary| summary.throttled));
        prop_assert_eq!(whole.summary.resumed, sum(|summary| summary.resumed));
        let longest = runs.iter().map(|run| run.summary.worked()).max().expect("runs");
        prop_assert!(longest <= whole.summary.worked() && whole.summary.worked() <= whole.summary.elapsed);
        for (operation, ended) in whole.plan.operations.iter().zip(&whole.summary.operations) {
            let file = &whole.plan.plans[operation.plan];
            prop_assert!(operation.wave < file.waves.len());
            let (_, position) = whole.sources.place(operation.location);
            let source = whole.sources.get(operation.location.source);
            let line = source.slice(source.line_span(position.line()));
            let id = format!("\"{}\"", operation.target.project_id.as_str());
            prop_assert!(line.contains(&id), "{} in {}", id, line);
            prop_assert!(ended.attempts.is_sorted_by_key(|attempt| attempt.started));
            let skipped = matches!(ended.outcome, Some(Outcome::Skipped(_)));
            prop_assert!(!skipped || ended.attempts.is_empty());
        }
    }

    /// A plan that is run as N shards is the plan run as a whole, but for times and names.
    #[test]
    fn shards_are_the_whole(scene in scene(), count in 1_u32..5, lost in prop::option::of(1_u32..5)) {
        let whole = Scene { shard: None, ..scene.clone() };
        let shards = (1..=count).filter(|index| Some(*index) != lost).map(|index| {
            let (number, begun) = (u8::try_from(index).expect("few"), scene.begun + u64::from(index));
            Scene { number, begun, shard: Some((index, count)), ..scene.clone() }.whole()
        });
        let Some(merged) = shards.map(Some).reduce(join).flatten() else { return Ok(()) };
        let (merged, whole) = (merged.whole().expect("runs"), whole.record(1.0));
        let lost: BTreeMap<usize, ()> =
            merged.findings.gaps.iter().map(|op| (*op, ())).collect();
        prop_assert_eq!(merged.plan.digest.as_str(), whole.plan.digest.as_str());
        prop_assert_eq!(merged.plan.operations.len(), whole.plan.operations.len());
        for (op, operation) in merged.plan.operations.iter().enumerate() {
            prop_assert_eq!(&operation.id, &whole.plan.operations[op].id);
            let (own, its) = (&merged.summary.operations[op], &whole.summary.operations[op]);
            if lost.contains_key(&op) {
                prop_assert!(matches!(own.outcome, Some(Outcome::Skipped(_))));
                continue;
            }
            prop_assert_eq!(&own.outcome, &its.outcome);
            prop_assert_eq!(own.attempts.len(), its.attempts.len());
        }
        if lost.is_empty() {
            prop_assert_eq!(merged.summary.counts, whole.summary.counts);
            prop_assert_eq!(ExitStatus::of_run(&merged.summary), ExitStatus::of_run(&whole.summary));
            prop_assert!(merged.findings.is_complete());
        } else {
            prop_assert_eq!(merged.findings.missing.len(), 1);
        }
    }
}
