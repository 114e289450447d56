//! Whole texts, worked out by hand from the plans above them.

use super::super::{Left, NotWritable, left_of};
use super::{good, read, run};
use crate::event::{Failure, FailureKind, NotAttemptedReason, Outcome, RunEvent};
use crate::expand::Overrides;
use crate::model::TaskId;
use crate::plan::VariableValue;
use crate::summary::RunSummary;

/// The example of the contract, with a place more. Operations: payments in cn-north-4 (0) and eu-west-101 (1), then search in
/// ap-southeast-1 (2), ap-southeast-3 (3).
const FLEET: &str = r#"
version: 1
name: fleet-nightly
description: Refresh the image list of every production registry.
vars:
  environment: prod
  harbor_id: 5f9f0c8e-1111-2222-3333-444455556666
registry_sets:
  harbor:
    registries:
      - { registry_id: "{{ vars.harbor_id }}", registry_type: Harbor }
  swr:
    registries:
      - { registry_id: "swr-{{ region }}-{{ vars.environment }}", registry_type: SwrEnterprise }
defaults:
  enterprise_project_id: "0"
  registry_sets: [harbor]
  credential: default
projects:
  - name: payments
    project_ids:
      cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9
      eu-west-101: lookup
    registry_sets: [harbor, swr]
    labels: [canary, pci]
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-1, ap-southeast-3]
    enterprise_project_id: all_granted_eps
rollout:
  max_operations: 500
  deadline: 6h
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 0 }
    - { name: rest, max_failures: 5% }
  pause: 2m
limits:
  quota: { calls: 5, per: 1m, scope: address }
  concurrency: 8
  region_concurrency: 4
  attempt_timeout: 75s
  retry: { max_attempts: 5, initial_delay: 1s, max_delay: 5m }
endpoints:
  cn-north-4: https://hss.cn-north-4.myhuaweicloud.com
"#;

#[test]
fn places_with_nothing_left_go_with_all_that_only_they_used() {
    let text = good(FLEET).text(&[(3, Left::Failed), (1, Left::Unknown)]);
    let expected = r#"# What run 20261124-080000-7f3a left over: 2 operations, 1 failed, 1 unknown.
#
# CAUTION: what is unknown was sent, and may have been accepted. Running this plan sends it again.
# Look it up in the task list of HSS before, or use `hss-sync resume 20261124-080000-7f3a`, which leaves it alone. Unknown:
#   payments / eu-west-101

version: 1
name: fleet-nightly

vars:
  environment: prod
  harbor_id: "5f9f0c8e-1111-2222-3333-444455556666"

registry_sets:
  harbor:
    registries:
      - { registry_id: "{{ vars.harbor_id }}", registry_type: Harbor }
  swr:
    registries:
      - { registry_id: "swr-{{ region }}-{{ vars.environment }}", registry_type: SwrEnterprise }

defaults:
  enterprise_project_id: "0"
  registry_sets: [harbor]
  credential: default

projects:
  - name: payments
    project_ids:
      eu-west-101: lookup
    registry_sets: [harbor, swr]
    labels: [canary, pci]
  - name: search
    project_id: "{{ vars.environment }}-search-{{ region }}"
    regions: [ap-southeast-3]
    enterprise_project_id: all_granted_eps

# A percentage is taken of what is left, and rounded down.
rollout:
  max_operations: 500
  deadline: 6h
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 0 }
    - { name: rest, max_failures: 5% }
  pause: 2m

limits:
  quota: { calls: 5, per: 1m, scope: address }
  concurrency: 8
  region_concurrency: 4
  attempt_timeout: 75s
  retry: { max_attempts: 5, initial_delay: 1s, max_delay: 5m }
"#;
    assert_eq!(text, expected);
    let only_first = good(FLEET).text(&[(0, Left::NotAttempted)]);
    for gone in ["search", "rest", "defaults:\n  registry_sets", "A percentage", "CAUTION"] {
        assert!(!only_first.contains(gone), "{gone} is still in\n{only_first}");
    }
    let endpoint = "endpoints:\n  cn-north-4: \"https://hss.cn-north-4.myhuaweicloud.com\"\n";
    assert!(only_first.ends_with(endpoint), "{only_first}");
}

#[test]
fn values_in_force_replace_defaults() {
    let overrides = Overrides::from([
        ("environment".to_owned(), VariableValue::Text("00012".to_owned())),
        ("harbor_id".to_owned(), VariableValue::Text("never used by search alone".to_owned())),
    ]);
    let plan = FLEET.replace("registry_sets: [harbor]", "registry_sets: [swr]").replace("[harbor, swr]", "[swr]");
    let plan = plan.replace("5f9f0c8e-1111-2222-3333-444455556666", "h").replace(
        "  harbor:\n    registries:\n      - { registry_id: \"{{ vars.harbor_id }}\", registry_type: Harbor }\n",
        "",
    );
    let found = read(&[&plan], &overrides).unwrap_or_else(|found| panic!("{found}"));
    let text = found.text(&[(2, Left::NotAttempted)]);
    let vars =
        "# environment has the value that the run was given for it.\nvars:\n  environment: \"00012\"\n\nregistry_sets";
    assert!(text.contains(vars), "{text}");
    assert_eq!(good(&text).plan.operations[0].id, found.plan.operations[2].id);
}

/// Operations, by hand: pay in cn-north-1 a 0, b 1, c 2; cn-north-4 a 3, b 4, c 5; cn-east-3 a 6, b 7, c 8.
const PER_SET: &str = r#"
version: 1
name: sets
registry_sets:
  a: { registries: [{ registry_id: "a-{{ region }}", registry_type: Harbor }] }
  b: { registries: [{ registry_id: "b-{{ project.name }}", registry_type: Harbor }] }
  c: { sync_all_registries: true }
projects:
  - name: pay
    project_id: "{{ project.name }}-{{ region }}"
    regions: [cn-north-1, cn-north-4, cn-east-3]
    registry_sets: [a, b, c]
    requests: per-set
rollout:
  waves:
    - { name: w1, select: { projects: [pay], sets: [b] } }
    - { name: w2, select: { projects: ["pay-*"] } }
    - { name: w3 }
"#;

#[test]
fn where_other_sets_are_left_a_project_gets_more_entries() {
    let original = read(&[PER_SET], &Overrides::new());
    // No project is named `pay-…`, so the plan of the test needs one to be right.
    assert!(original.is_err());
    let plan = PER_SET
        .replace("rollout:", "  - { name: pay-x, project_ids: { cn-north-1: x }, registry_sets: [a] }\nrollout:");
    let original = good(&plan);
    let left: Vec<_> = [0, 1, 4, 5, 6, 7, 9].into_iter().map(|op| (op, Left::NotAttempted)).collect();
    let text = original.text(&left);
    let expected = r#"
registry_sets:
  a:
    registries:
      - { registry_id: "a-{{ region }}", registry_type: Harbor }
  b:
    registries:
      - { registry_id: "b-{{ project.name }}", registry_type: Harbor }
  b-2:
    registries:
      - { registry_id: b-pay, registry_type: Harbor }
  c:
    sync_all_registries: true

# Where different sets are left in the regions of one project, it has several entries. The operations of
# those with a new name have new ids; their requests are the same:
#   pay-2 was pay
projects:
  - name: pay
    project_id: "{{ project.name }}-{{ region }}"
    regions: [cn-north-1, cn-east-3]
    registry_sets: [a, b]
    requests: per-set
  - name: pay-2
    project_ids:
      cn-north-4: pay-cn-north-4
    registry_sets: [b-2, c]
    requests: per-set
  - name: pay-x
    project_ids:
      cn-north-1: x
    registry_sets: [a]

rollout:
  waves:
    - { name: w1, select: { projects: [pay, pay-2], sets: [b, b-2] } }
    - { name: w2, select: { projects: [pay-x] } }
    - { name: w3 }
"#;
    let (_, text_of_parts) = text.split_once("name: sets\n").expect("a head");
    let (parts, _) = text_of_parts.split_once("\nlimits:").expect("limits");
    assert_eq!(parts, expected);
    assert_eq!(
        good(&text).lines(),
        [
            "w3 pay/cn-north-1 (a)",
            "w1 pay/cn-north-1 (b)",
            "w3 pay/cn-east-3 (a)",
            "w1 pay/cn-east-3 (b)",
            "w1 pay-2/cn-north-4 (b-2)",
            "w3 pay-2/cn-north-4 (c)",
            "w2 pay-x/cn-north-1 (a)",
        ]
    );
}

/// Operations, by hand: the three regions of pay have a 0, b 1; a 2, b 3; a 4, b 5. In two of them only b is left, and there the
/// enterprise project, the credential and b come out of both region and project.
const MIXED: &str = r#"
version: 1
name: mixed
registry_sets:
  a: { sync_all_registries: true }
  b: { registries: [{ registry_id: "{{ region }}", registry_type: Harbor }] }
defaults: { registry_sets: [a, b], requests: per-set }
projects:
  - { name: pay, project_ids: { cn-north-1: p1, cn-north-4: p4, cn-east-3: p3 } }
  - { name: pay-2, project_ids: { cn-north-1: x }, registry_sets: [a] }
"#;

#[test]
fn entries_part_where_one_text_can_not_stand_for_two_places() {
    let left = [(0, Left::Failed), (3, Left::Failed), (5, Left::Failed), (6, Left::Failed)];
    let lines = |plan: &str| good(&good(plan).text(&left)).lines();
    let together =
        ["all pay/cn-north-1 (a)", "all pay-3/cn-north-4 (b)", "all pay-3/cn-east-3 (b)", "all pay-2/cn-north-1 (a)"];
    // `pay-2` is taken.
    assert_eq!(lines(MIXED), together);
    assert_eq!(
        lines(&MIXED.replace("requests:", "enterprise_project_id: \"{{ project.name }}\", requests:")),
        together
    );

    let apart =
        ["all pay/cn-north-1 (a)", "all pay-3/cn-north-4 (b)", "all pay-4/cn-east-3 (b)", "all pay-2/cn-north-1 (a)"];
    let both = "{{ project.name }}-{{ region }}";
    for key in ["enterprise_project_id", "credential"] {
        assert_eq!(lines(&MIXED.replace("requests:", &format!("{key}: \"{both}\", requests:"))), apart, "{key}");
    }
    let copies = apart.map(|line| line.replace("pay-3/cn-north-4 (b)", "pay-3/cn-north-4 (b-2)"));
    let copies = copies.map(|line| line.replace("cn-east-3 (b)", "cn-east-3 (b-3)"));
    assert_eq!(lines(&MIXED.replace("{{ region }}", both)), copies);
}

#[test]
fn waves_forget_names_that_nothing_has_any_more() {
    let waves = FLEET
        .replace(
            "labels: [canary] }",
            "labels: [canary, slow], projects: [payments, sea*], regions: [eu-*, ap-*], sets: [swr, harbor] }",
        )
        .replace(
            "regions: [ap-southeast-1, ap-southeast-3]",
            "regions: [ap-southeast-1, ap-southeast-3]\n    labels: [slow]",
        );
    let text = good(&waves).text(&[(3, Left::Failed)]);
    let select = "      select: { labels: [slow], projects: [\"sea*\"], regions: [\"ap-*\"], sets: [harbor] }\n";
    assert!(text.contains(select), "{text}");
    assert_eq!(good(&text).lines(), ["canary search/ap-southeast-3 (harbor)"]);
}

#[test]
fn unknown_operations_are_named_up_to_twenty() {
    let regions: Vec<String> = (1..=12).map(|n| format!("cn-north-{n}")).collect();
    let plan = format!(
        "version: 1\nname: many\nregistry_sets: {{ a: {{ sync_all_registries: true }}, \
         b: {{ registries: [{{ registry_id: r, registry_type: Harbor }}] }} }}\n\
         projects: [{{ name: \"p\\u202Ex#y\", project_id: id, regions: [{}], registry_sets: [a, b], requests: per-set }}]\n",
        regions.join(", ")
    );
    let all: Vec<_> = (0..24).map(|op| (op, if op == 23 { Left::Failed } else { Left::Unknown })).collect();
    let text = good(&plan).text(&all);
    let header: Vec<&str> = text.lines().take_while(|line| line.starts_with('#')).collect();
    assert_eq!(header[0], "# What run 20261124-080000-7f3a left over: 24 operations, 1 failed, 23 unknown.");
    assert_eq!(header[4], "#   p\\u202ex#y / cn-north-1 (a)");
    assert_eq!(header[5], "#   p\\u202ex#y / cn-north-1 (b)");
    assert_eq!((header[23], header[24], header.len()), ("#   p\\u202ex#y / cn-north-10 (b)", "#   and 3 more", 25));
}

#[test]
fn each_plan_of_a_batch_has_its_own_text() {
    let other = FLEET
        .replace("fleet-nightly", "other")
        .replace("lookup", "e-1")
        .replace("prod", "test")
        .replace("0a1b", "1a1b");
    let both = read(&[FLEET, &other], &Overrides::new()).unwrap_or_else(|found| panic!("{found}"));
    let left = |ops: &[usize]| -> Vec<(usize, usize)> {
        let left: Vec<_> = ops.iter().map(|op| (*op, Left::Failed)).collect();
        both.left(&left).iter().map(|remaining| (remaining.plan, remaining.operations)).collect()
    };
    assert_eq!(left(&[0, 5, 7]), [(0, 1), (1, 2)]);
    assert_eq!(left(&[4]), [(1, 1)]);
    assert_eq!(left(&[]), []);
    assert_eq!(left(&[99]), [], "no such operation");
    let second = both.left(&[(4, Left::Failed)]).remove(0).text.expect("it can be written");
    assert!(second.contains("name: other\n"), "{second}");
    assert_eq!(good(&second).plan.operations[0].id, both.plan.operations[4].id);
}

#[test]
fn all_but_accepted_confirmed_and_skipped_is_left() {
    let failure =
        Failure { kind: FailureKind::NoAnswer, status: None, code: None, message: "x".to_owned(), given_up: None };
    let mut summary = RunSummary::new(10);
    let outcomes = [
        Outcome::Accepted,
        Outcome::Failed(failure.clone()),
        Outcome::Confirmed,
        Outcome::Unknown(failure.clone()),
        Outcome::Skipped("not selected".to_owned()),
        Outcome::NotAttempted(NotAttemptedReason::Interrupted),
        Outcome::Accepted,
        Outcome::Accepted,
        Outcome::Unknown(failure.clone()),
    ];
    let at = std::time::Duration::ZERO;
    for (op, outcome) in outcomes.into_iter().enumerate() {
        summary.apply(&RunEvent::OperationEnded { op, at, outcome });
    }
    // The task of one failed, the end of one was not seen, and one that was unknown was taken.
    for op in [6, 8] {
        summary.apply(&RunEvent::TaskFound { op, at, task: TaskId::parse("a").expect("legal"), early: false });
    }
    let task_failed = Outcome::Failed(Failure { kind: FailureKind::TaskFailed, ..failure });
    summary.apply(&RunEvent::TaskEnded { op: 6, at, outcome: task_failed });
    summary.apply(&RunEvent::TaskUnclear { op: 7, at, why: "two tasks fit".to_owned() });
    // The last one has no outcome: nobody knows whether it was sent.
    let expected =
        [(1, Left::Failed), (3, Left::Unknown), (5, Left::NotAttempted), (6, Left::Failed), (9, Left::Unknown)];
    assert_eq!(left_of(&summary), expected);
}

#[test]
fn a_selection_that_no_plan_can_hold_is_said() {
    let names: Vec<String> = (0..1000).map(|n| format!("p{n}")).collect();
    let project =
        |name: &String| format!("  - {{ name: {name}, project_id: {name}, regions: [cn-north-1, cn-north-4] }}\n");
    let projects: String = names.iter().map(project).collect();
    let plan = format!(
        "version: 1\nname: wide\nregistry_sets:\n  a: {{ sync_all_registries: true }}\n  \
         b: {{ registries: [{{ registry_id: b, registry_type: Harbor }}] }}\n\
         defaults: {{ registry_sets: [a, b], requests: per-set }}\nprojects:\n{projects}\
         rollout:\n  max_operations: 4000\n  waves: [{{ name: w, select: {{ projects: [{}] }} }}]\n",
        names.join(", ")
    );
    let found = good(&plan);
    // One new name beside 1000 that are all still there, then beside 999.
    let mut left: Vec<_> = (0..4000).step_by(4).chain([3]).map(|op| (op, Left::Failed)).collect();
    let error = found.left(&left).remove(0).text.expect_err("one name too many");
    assert_eq!(error, NotWritable::Selection { wave: "w".to_owned(), most: 1000, run: run() });
    left.remove(999);
    assert_eq!(good(&found.text(&left)).plan.operations.len(), 1000);
}

#[test]
fn a_value_that_no_plan_can_hold_is_said_and_not_changed() {
    let overrides = Overrides::from([("environment".to_owned(), VariableValue::Text("a{{b".to_owned()))]);
    let plan = FLEET.replace("{{ vars.environment }}", "{{ vars.environment | replace(from='{{', to='') }}");
    let found = read(&[&plan], &overrides).unwrap_or_else(|found| panic!("{found}"));
    let text = found.left(&[(2, Left::Failed)]).remove(0).text;
    let error = text.expect_err("no plan holds it");
    assert_eq!(error, NotWritable::Variable { name: "environment".to_owned(), what: "a template", run: run() });
    assert_eq!(
        error.to_string(),
        "the value that variable `environment` was given from outside holds a template, which `vars` of a plan can't hold; \
         `hss-sync resume 20261124-080000-7f3a` goes on without such a plan"
    );
}
