//! Merges worked out by hand.

use std::time::Duration;

use super::world::Scene;
use crate::event::Outcome;
use crate::merge::{Merged, Whole};

fn merged(scenes: &[Scene]) -> Whole {
    let runs = scenes.iter().map(|scene| Ok(scene.whole()));
    let all = runs.reduce(|one, other| one.and_then(|one: Merged| one.join(other?))).expect("runs");
    all.expect("no contradiction").whole().expect("runs")
}

/// The first letter of each outcome, in plan order.
fn letters(whole: &Whole) -> String {
    let outcomes = whole.summary.operations.iter().map(|operation| operation.outcome.as_ref().map(Outcome::as_str));
    outcomes.map(|outcome| outcome.and_then(|word| word.chars().next()).unwrap_or('?')).collect()
}

#[test]
fn the_run_that_tried_last_tells_how_an_operation_ended() {
    let first = Scene { projects: (0, 3), fates: vec!['a', 'f', 'u', 'n'], ..Scene::default() };
    // As `remaining.yaml` has it: projects 1 to 3, of which the last is not reached again.
    let rest = Scene { number: 2, begun: 60, projects: (1, 3), fates: vec!['a', 'f', 'n'], ..Scene::default() };
    let whole = merged(&[rest.clone(), first.clone()]);
    assert_eq!(letters(&whole), "aafn");
    let attempts: Vec<usize> = whole.summary.operations.iter().map(|operation| operation.attempts.len()).collect();
    assert_eq!(attempts, [1, 2, 2, 0]);
    let ids: Vec<&str> =
        whole.summary.operations[1].attempts.iter().filter_map(|attempt| attempt.request_id.as_deref()).collect();
    assert_eq!(ids, ["1-1", "2-0"], "in the order of their times");
    assert_eq!(whole.plan.plans.len(), 2, "side by side");
    assert_eq!(whole.plan.operations.iter().map(|operation| operation.plan).collect::<Vec<_>>(), [0, 1, 1, 1]);
    let overlaps: Vec<(usize, &[usize])> =
        whole.findings.overlaps.iter().map(|overlap| (overlap.op, overlap.runs.as_slice())).collect();
    assert_eq!(overlaps, [(1, &[0, 1][..]), (2, &[0, 1])]);
    assert_eq!((whole.findings.digests.len(), whole.findings.gaps.len()), (2, 0));
    // The first run left 1 and 2 to the second, which left 3 itself.
    assert!(whole.is_overtaken(0, |op| op > 0));
    assert!(!whole.is_overtaken(1, |op| op > 0));
}

#[test]
fn not_attempted_says_more_than_left_out() {
    let one = Scene { shard: Some((1, 3)), fates: vec!['n'], projects: (0, 2), ..Scene::default() };
    let other = Scene { number: 2, begun: 9, shard: Some((2, 3)), ..one.clone() };
    let whole = merged(&[one, other]);
    assert_eq!(letters(&whole), "nns");
    assert_eq!(whole.findings.gaps, [2]);
    assert_eq!(whole.findings.missing.iter().map(ToString::to_string).collect::<Vec<_>>(), ["3/3"]);
}

#[test]
fn time_in_which_nobody_was_at_work_does_not_count() {
    // By hand: 2 operations of 3 events, 100 ms each, and the end: 0.7 s at work.
    let scene = |number, begun| Scene { number, begun, projects: (0, 1), ..Scene::default() };
    let alone = merged(&[scene(1, 0)]).summary;
    assert_eq!((alone.elapsed, alone.worked()), (Duration::from_millis(700), Duration::from_millis(700)));
    let apart = merged(&[scene(1, 0), scene(2, 60)]).summary;
    assert_eq!((apart.elapsed, apart.worked()), (Duration::from_millis(60_700), Duration::from_millis(1400)));
    assert_eq!(apart.forecast, Duration::from_secs(4), "one after the other, 2 s each");
    let beside = merged(&[scene(1, 0), scene(2, 0)]).summary;
    assert_eq!((beside.elapsed, beside.worked()), (Duration::from_millis(700), Duration::from_millis(700)));
    assert_eq!(beside.forecast, Duration::from_secs(2), "side by side");
}

#[test]
fn the_time_and_forecast_of_one_run_are_its_own() {
    for resumed in [None, Some(2)] {
        let record = Scene { resumed, ..Scene::default() }.record(1.0);
        let own = record.summary.clone();
        let whole = Merged::of(record).whole().expect("a run").summary;
        assert_eq!((whole.elapsed, whole.idle, whole.forecast), (own.elapsed, own.idle, own.forecast));
        assert_eq!((whole.counts, whole.attempts, whole.throttled), (own.counts, own.attempts, own.throttled));
    }
}

#[test]
fn an_older_copy_gives_way_and_another_story_is_refused() {
    let scene = Scene::default();
    let (old, new) = (Merged::of(scene.record(0.5)), scene.whole());
    let events = |merged: Merged| merged.runs()[0].course.len();
    let joined = old.clone().join(new.clone()).expect("a copy");
    assert_eq!(events(joined), events(new.clone()));
    assert_eq!(events(new.clone().join(old).expect("a copy")), events(new.clone()));
    for other in [
        Scene { fates: vec!['f'], ..scene.clone() },
        Scene { begun: 1, ..scene.clone() },
        Scene { projects: (0, 4), ..scene.clone() },
        Scene { shard: Some((1, 2)), ..scene.clone() },
    ] {
        let conflict = new.clone().join(other.whole()).expect_err("another story").to_string();
        assert!(conflict.starts_with("two journals of run 20261124-080000-0001 tell different stories"), "{conflict}");
    }
}
