//! What a selection takes of a plan, and what it does to that.

use proptest::prelude::*;

use super::{Selection, shard_of};
use crate::expand::ExecutionPlan;
use crate::model::{Label, LeftOut, Limits, ProjectName, SetName, Shard};
use crate::schedule::fixture::Fixture;

/// Number, project, region, wave, labels, sets.
///
/// 0 payments cn-north-4 first canary,pci harbor,swr
/// 1 payments cn-north-4 first canary,pci harbor,swr
/// 2 payments eu-west-101 second - swr
/// 3 search cn-north-4 second - harbor
/// 4 search cn-north-4 second - harbor
fn plan() -> ExecutionPlan {
    let mut fixture = Fixture::new(Limits::default(), &[Some("50%"), Some("50%")]);
    fixture.operations(2, 0, "cn-north-4", "default");
    fixture.operations(1, 1, "eu-west-101", "default");
    fixture.operations(2, 1, "cn-north-4", "default");
    let mut plan = fixture.build();
    let label = |name: &str| Label::parse(name).expect("legal");
    let set = |name: &str| SetName::parse(name).expect("legal");
    for (op, operation) in plan.operations.iter_mut().enumerate() {
        match op {
            0 | 1 => {
                operation.labels = [label("canary"), label("pci")].into();
                operation.sets = [set("harbor"), set("swr")].into();
            }
            2 => operation.sets = [set("swr")].into(),
            _ => {
                operation.target.project = ProjectName::parse("search").expect("legal");
                operation.sets = [set("harbor")].into();
            }
        }
    }
    plan
}

fn parse(expressions: &[&str]) -> Selection {
    let expressions: Vec<String> = expressions.iter().map(|text| (*text).to_owned()).collect();
    Selection::parse(&expressions, None).expect("legal expressions")
}

/// The numbers of the operations that are taken, and what is told.
fn taken(expressions: &[&str]) -> Result<(Vec<usize>, Vec<String>), Vec<String>> {
    let mut plan = plan();
    let notes = parse(expressions).apply(&mut plan).map_err(super::NothingSelected::into_messages)?;
    Ok((selected(&plan), notes))
}

fn selected(plan: &ExecutionPlan) -> Vec<usize> {
    let operations = plan.operations.iter().enumerate();
    operations.filter(|(_, operation)| operation.is_selected()).map(|(op, _)| op).collect()
}

#[test]
fn one_name_of_each_key_must_match_and_none_that_is_negated() {
    for (expressions, expected) in [
        (&[][..], &[0, 1, 2, 3, 4][..]),
        (&["label=canary"], &[0, 1]),
        (&["project=pay*"], &[0, 1, 2]),
        (&["region=cn-*"], &[0, 1, 3, 4]),
        (&["region=??-west-101"], &[2]),
        (&["set=swr"], &[0, 1, 2]),
        (&["set=swr", "set=harbor"], &[0, 1, 2, 3, 4]),
        (&["project=payments", "region=cn-*"], &[0, 1]),
        (&["region=eu-*", "region=cn-*", "set=harbor"], &[0, 1, 3, 4]),
        (&["!label=canary"], &[2, 3, 4]),
        (&["!set=swr"], &[3, 4]),
        (&["!project=search", "!region=cn-*"], &[2]),
        (&["region=cn-*", "!label=pci"], &[3, 4]),
        (&["label=*"], &[0, 1]),
        (&["!label=*"], &[2, 3, 4]),
        (&["project=Payments", "project=search"], &[3, 4]),
    ] {
        assert_eq!(taken(expressions).expect("something").0, expected, "{expressions:?}");
    }
    let wave = plan().plans[0].waves[1].name.to_string();
    assert_eq!(taken(&[&format!("wave={wave}")]).expect("something").0, [2, 3, 4]);
}

#[test]
fn what_is_told_of_a_selection_is_how_much_is_left_and_what_matches_nothing() {
    let (_, notes) = taken(&["project=paymnts", "project=search", "!region=la-*"]).expect("something");
    assert_eq!(
        notes,
        [
            "--select project=paymnts: no project is named like that; did you mean `payments`? There are the projects payments, \
             search",
            "--select !region=la-*: no region is named like that. There are the regions cn-north-4, eu-west-101",
            "2 of 5 operations; 3 not selected",
        ]
    );
    assert_eq!(taken(&[]).expect("everything").1, [] as [&str; 0]);
    assert_eq!(taken(&["region=*"]).expect("everything").1, [] as [&str; 0]);
}

#[test]
fn nothing_selected_is_told_with_what_there_is() {
    assert_eq!(
        taken(&["label=canray"]).expect_err("nothing"),
        [
            "--select takes none of the 5 operations, so there is nothing to do",
            "--select label=canray: no label is named like that; did you mean `canary`? There are the labels canary, pci",
        ]
    );
    assert_eq!(
        taken(&["project=search", "region=eu-*"]).expect_err("nothing")[1..],
        [
            "each of them matches something, but no operation matches all: of different keys all must match",
            "There are the projects payments, search",
            "There are the regions cn-north-4, eu-west-101",
        ]
    );
    assert_eq!(
        taken(&["project=search", "!set=harbor"]).expect_err("nothing")[1],
        "no operation matches all of them and none of those with `!`"
    );
    assert_eq!(taken(&["!region=*"]).expect_err("nothing")[1], "each operation matches one of those with `!`");
    let mut plan = plan();
    assert_eq!(parse(&["label=x"]).or_nothing().apply(&mut plan).expect("nothing is fine").len(), 2);
    assert_eq!(selected(&plan), [] as [usize; 0]);
}

#[test]
fn every_expression_that_is_wrong_is_told() {
    let expressions = ["x".to_owned(), "label=a".to_owned(), "y=z".to_owned()];
    assert_eq!(Selection::parse(&expressions, None).expect_err("two are wrong").len(), 2);
}

#[test]
fn waves_and_budgets_count_what_is_selected_and_the_digest_is_that_of_the_whole() {
    let mut plan = plan();
    let digest = plan.digest.clone();
    parse(&["project=search"]).apply(&mut plan).expect("something");
    let waves = &plan.plans[0].waves;
    let of = |wave: usize| (waves[wave].operations, waves[wave].budget.expect("a budget").to_string());
    assert_eq!(of(0), (0, "50 % of 0 = 0".to_owned()));
    assert_eq!(of(1), (2, "50 % of 2 = 1".to_owned()));
    assert_eq!(plan.digest, digest);
    assert_eq!(plan.operations[0].left_out.map(LeftOut::reason).as_deref(), Some("not selected"));
}

#[test]
fn a_shard_is_taken_of_what_is_selected_and_may_be_empty() {
    let shard = |index| Shard::try_new(index, 2).expect("legal");
    let mut seen = Vec::new();
    for index in 1..=2 {
        let mut plan = plan();
        let selection = Selection::parse(&["region=cn-*".to_owned()], Some(shard(index))).expect("legal");
        let notes = selection.apply(&mut plan).expect("something");
        seen.extend(selected(&plan));
        assert_eq!(plan.operations[2].left_out, Some(LeftOut::NotSelected), "selected first");
        for operation in plan.operations.iter().filter(|operation| operation.target.region.as_str() == "cn-north-4") {
            let own = shard_of(&operation.id, std::num::NonZeroU32::new(2).expect("not 0"));
            assert_eq!(operation.left_out, (own != index).then_some(LeftOut::OtherShard(shard(own))));
        }
        let quota = plan.plans[0].limits.quota.to_string();
        assert_eq!(quota, if index == 1 { "3 a minute" } else { "2 a minute" });
        let count = selected(&plan).len();
        assert_eq!(
            notes,
            [format!("shard {index}/2: {count} of 5 operations; 1 not selected, {} in other shards", 4 - count)]
        );
    }
    seen.sort_unstable();
    assert_eq!(seen, [0, 1, 3, 4]);

    let mut none = plan();
    let many = Selection::parse(&[], Some(Shard::try_new(999, 1000).expect("legal"))).expect("legal");
    let notes = many.apply(&mut none).expect("an empty shard is fine");
    assert_eq!(selected(&none), [] as [usize; 0]);
    assert_eq!(
        notes,
        [
            "1000 shards share 5 a minute, which is less than one call each: each sends 1 per 3 h 20 min, and shards that start \
             together may be told to wait (429), which is safe and costs calls; split into 5 shards at most (--shard K/5), which \
             are as fast and never are",
            "shard 999/1000: 0 of 5 operations; 5 in other shards",
        ]
    );
}

proptest! {
    /// The parts of a plan are the plan, whatever N; and an operation stays where it is when others come or go.
    #[test]
    fn each_operation_is_in_exactly_one_shard(operations in 1_usize..60, count in 1_u32..40, drop in 0_usize..60) {
        let whole = Fixture::simple(Limits::default(), operations);
        let mut times = vec![0; operations];
        for index in 1..=count {
            let selection = Selection::parse(&[], Some(Shard::try_new(index, count).expect("legal"))).expect("legal");
            let mut part = whole.clone();
            selection.apply(&mut part).expect("never nothing selected");
            for op in selected(&part) {
                times[op] += 1;
            }
            let mut fewer = whole.clone();
            fewer.operations.remove(drop % operations);
            selection.apply(&mut fewer).expect("never nothing selected");
            let ids = |plan: &ExecutionPlan| plan.selected().map(|one| one.id.clone()).collect::<Vec<_>>();
            let gone = &whole.operations[drop % operations].id;
            let mut expected = ids(&part);
            expected.retain(|id| id != gone);
            prop_assert_eq!(ids(&fewer), expected);
        }
        prop_assert!(times.iter().all(|times| *times == 1), "{:?}", times);
    }
}
