//! What holds for every plan, whatever is left of it.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::Value;

use super::super::Left;
use super::shape::shapes;
use super::{Read, read};
use crate::event::OpIndex;
use crate::expand::Overrides;
use crate::model::{Operation, SyncBody};

/// JSON with the one character written as an escape that JSON allows and YAML does not.
fn as_yaml(value: &Value) -> String {
    value.to_string().replace('\u{ffff}', "\\uffff")
}

/// Which operations are left: bits of a number, taken around.
fn some_left(read: &Read, bits: u64) -> Vec<(OpIndex, Left)> {
    let kinds = [Left::Failed, Left::Unknown, Left::NotAttempted];
    let left = (0..read.plan.operations.len()).filter(|op| bits >> (op % 64) & 1 == 1);
    left.map(|op| (op, kinds[op % 3])).collect()
}

/// What is sent where, in which wave: all of an operation but its name and sets.
fn sent(read: &Read, operation: &Operation) -> String {
    let (target, content) = (&operation.target, &operation.content);
    let wave = &read.plan.plans[operation.plan].waves[operation.wave];
    let selectors: Vec<_> = content.selectors.iter().map(|one| serde_json::to_string(one).expect("JSON")).collect();
    format!(
        "{} {} {} {} {} {} {:?} {selectors:?}",
        wave.name,
        target.region,
        target.project_id.as_str(),
        target.enterprise_project_id,
        target.credential,
        operation.endpoint,
        String::from_utf8(SyncBody::to_bytes(&content.body)),
    )
}

fn budgets(read: &Read) -> BTreeMap<String, String> {
    let waves = read.plan.plans[0].waves.iter();
    waves.map(|wave| (wave.name.to_string(), format!("{:?}", wave.budget.map(|budget| budget.stated)))).collect()
}

fn check(original: &Read, left: &[(OpIndex, Left)]) -> Result<Read, TestCaseError> {
    let text = original.text(left);
    let again = read(&[&text], &Overrides::new()).map_err(|found| TestCaseError::fail(format!("{found}\n{text}")))?;
    prop_assert!(again.warnings.iter().all(|code| original.warnings.contains(code)), "{:?}\n{}", again.warnings, text);

    let expected: Vec<&Operation> = left.iter().map(|(op, _)| &original.plan.operations[*op]).collect();
    let found: Vec<&Operation> = again.plan.operations.iter().collect();
    let projects = |operations: &[&Operation]| -> Vec<String> {
        operations.iter().map(|operation| operation.target.project.to_string()).collect()
    };
    let all = |read: &Read, operations: &[&Operation]| -> Vec<String> {
        operations.iter().map(|operation| sent(read, operation)).collect()
    };
    let (mut wanted, mut got) = (all(original, &expected), all(&again, &found));
    let known: BTreeSet<String> = projects(&expected).into_iter().collect();
    if projects(&found).iter().all(|project| known.contains(project)) {
        prop_assert_eq!(&got, &wanted, "in order\n{}", text);
        let ids = |operations: &[&Operation]| operations.iter().map(|one| one.id.to_string()).collect::<Vec<_>>();
        prop_assert_eq!(ids(&found), ids(&expected), "{}", text);
        let sets = |operations: &[&Operation]| operations.iter().map(|one| one.sets.clone()).collect::<Vec<_>>();
        prop_assert_eq!(sets(&found), sets(&expected), "{}", text);
    } else {
        prop_assert!(text.contains("have new ids"), "{}", text);
        wanted.sort_unstable();
        got.sort_unstable();
        prop_assert_eq!(&got, &wanted, "in any order\n{}", text);
        let ids: BTreeSet<_> = expected.iter().map(|operation| &operation.id).collect();
        for operation in found.iter().filter(|operation| known.contains(operation.target.project.as_str())) {
            prop_assert!(ids.contains(&operation.id), "{} is new\n{}", operation.id, text);
        }
    }
    let (before, after) = (&original.plan.plans[0], &again.plan.plans[0]);
    let settings = |plan: &crate::expand::PlannedFile| {
        format!("{} {:?} {:?} {:?}", plan.name, plan.pause, plan.deadline.map(|(deadline, _)| deadline), plan.limits)
    };
    prop_assert_eq!(settings(after), settings(before));
    let stated = budgets(original);
    for (wave, budget) in budgets(&again) {
        prop_assert_eq!(Some(&budget), stated.get(&wave), "{}", wave);
    }
    Ok(again)
}

/// The plan as another reader of YAML has it, written in JSON.
fn by_another_reader(text: &str) -> String {
    let value: Value = serde_yaml::from_str(text).expect("YAML to others");
    as_yaml(&value)
}

proptest! {
    #[test]
    fn what_is_left_expands_to_what_was_left(shape in shapes(), bits in any::<u64>()) {
        let overrides = shape.overrides();
        let original = read(&[&as_yaml(&shape.json())], &overrides);
        prop_assume!(original.is_ok(), "{:?}", original.err());
        let Ok(original) = original else { return Ok(()) };
        let left = some_left(&original, bits);
        if left.is_empty() {
            prop_assert!(original.left(&left).is_empty());
            return Ok(());
        }
        let again = check(&original, &left)?;

        // Everything is left of what is left.
        let everything: Vec<_> = (0..again.plan.operations.len()).map(|op| (op, Left::Failed)).collect();
        let text = again.text(&everything);
        let twice = read(&[&text], &Overrides::new()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&twice.plan.digest, &again.plan.digest, "{}", text);

        let theirs = read(&[&by_another_reader(&text)], &Overrides::new()).map_err(TestCaseError::fail)?;
        prop_assert_eq!(&theirs.plan.digest, &again.plan.digest, "{}", text);
    }
}

/// Good plans of this repository, each with every operation alone, with all, and with every other one.
#[test]
fn the_plans_of_this_repository_leave_right_plans() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut paths: Vec<_> = ["plans", "tests/cases"]
        .iter()
        .flat_map(|folder| std::fs::read_dir(root.join(folder)).expect("a folder").flatten())
        .flat_map(|entry| [entry.path(), entry.path().join("plan.yaml"), entry.path().join("plan2.yaml")])
        .filter(|path| path.is_file() && path.extension().is_some_and(|extension| extension == "yaml"))
        .collect();
    paths.sort();
    let mut checked = 0;
    for path in paths {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        let Ok(original) = read(&[&text], &Overrides::new()) else { continue };
        checked += 1;
        let count = original.plan.operations.len();
        let singles = (0..count).map(|op| vec![(op, Left::Unknown)]);
        let all = std::iter::once((0..count).map(|op| (op, Left::Failed)).collect::<Vec<_>>());
        let halves = std::iter::once((0..count).step_by(2).map(|op| (op, Left::NotAttempted)).collect::<Vec<_>>());
        for left in singles.chain(all).chain(halves) {
            check(&original, &left).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        }
    }
    assert!(checked > 15, "{checked} plans");
}
