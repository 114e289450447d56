//! What holds for every two plans: random ones that differ in any of many ways.

use proptest::prelude::*;

use super::{PLAN, batch};
use crate::difference::{Difference, OperationChange, PlanChange, SettingChange};
use crate::model::WaveName;

/// Edits of the plan that do not touch each other's text, each with whether it changes the digest.
const EDITS: [(&str, &str, bool); 29] = [
    ("name: fleet", "name: ships", true),
    ("h-1, ", "h-2, ", true),
    ("registry_type: Harbor }\n", "registry_type: Jfrog }\n", true),
    ("swr-{{ region }}", "swr-{{ region | upper }}", true),
    ("registry_type: [Harbor, Jfrog]", "registry_type: [Jfrog, Harbor]", false),
    ("registry_name: prod-*", "status: fail", true),
    ("registry_sets: [harbor, swr]", "registry_sets: [swr, harbor]", false),
    ("defaults: {", "defaults: { enterprise_project_id: e-1,", true),
    ("cn-north-4: pay-4", "cn-north-1: pay-4", true),
    ("cn-east-3: pay-3\n", "cn-east-3: pay-3\n      cn-east-2: pay-2\n", true),
    ("labels: [canary]\n  - ", "labels: [canary, x]\n  - ", false),
    (
        "eu-west-101: search-eu }, registry_sets: [all]",
        "eu-west-101: search-eu }, registry_sets: [all], labels: [canary]",
        true,
    ),
    ("billing-4 }", "billing-4, cn-south-1: b }", true),
    ("[harbor, found]", "[found]", true),
    ("    requests: per-set\n", "", true),
    ("- name: billing", "- name: bills", true),
    ("max_operations: 50", "max_operations: 51", true),
    ("deadline: 6h", "deadline: 360m", false),
    ("{ name: canary, ", "{ name: first, ", true),
    ("max_failures: 0 }", "max_failures: 1 }", true),
    ("max_failures: 5%", "max_failures: 6%", true),
    ("pause: 2m", "pause: 121s", true),
    ("calls: 5", "calls: 6", true),
    ("per: 1m", "per: 60001ms", true),
    ("scope: address", "scope: global", true),
    ("attempt_timeout: 75s", "attempt_timeout: 75001ms", true),
    ("initial_delay: 1s", "initial_delay: 1001ms", true),
    ("limits:\n", "endpoints: { cn-east-3: \"https://hss.cn-east-3.myhuaweicloud.com\" }\nlimits:\n", true),
    ("version: 1\n", "# words\nversion: 1\n", false),
];

fn with(edits: u32) -> String {
    let chosen = EDITS.iter().enumerate().filter(|(index, _)| edits >> index & 1 == 1);
    chosen.fold(PLAN.to_owned(), |text, (_, (from, to, _))| {
        assert!(text.contains(from), "{from} is in the plan");
        text.replacen(from, to, 1)
    })
}

/// Counts of added, removed, changed operations, settings as old and new, moves, and whether it is hidden.
type Facts = (usize, usize, usize, Vec<SettingChange>, Vec<(WaveName, WaveName)>, bool);

fn facts(difference: &Difference) -> Facts {
    let mut facts = Facts::default();
    for plan in &difference.plans {
        let PlanChange::Changed { settings, operations, is_hidden, .. } = &plan.change else { continue };
        facts.3.extend(settings.clone());
        facts.5 |= is_hidden;
        for operation in operations {
            match &operation.change {
                OperationChange::Added { .. } => facts.0 += 1,
                OperationChange::Removed { .. } => facts.1 += 1,
                OperationChange::Changed { wave, .. } => {
                    facts.2 += 1;
                    facts.4.extend(wave.clone());
                }
            }
        }
    }
    facts.3.retain(|change| !change.setting.starts_with("max_failures of"));
    facts.4.sort();
    facts
}

#[test]
fn each_edit_alone_is_seen_if_it_means_something() {
    let old = batch(&[("p.yaml", PLAN)]);
    for (index, (from, to, changes)) in EDITS.iter().enumerate() {
        let new = batch(&[("p.yaml", &with(1 << index))]);
        assert_eq!(old.plan.digest != new.plan.digest, *changes, "{from} to {to}");
        assert_eq!(!old.to(&new).is_empty(), *changes, "{from} to {to}");
    }
}

proptest! {
    #[test]
    fn there_is_a_difference_if_and_only_if_the_digests_differ(
        (old, new) in prop_oneof![
            (any::<u32>(), any::<u32>()),
            (any::<u32>(), 0_u32..32).prop_map(|(edits, bit)| (edits, edits ^ (1 << bit))),
        ],
        most in 0_usize..20,
    ) {
        let (old, new) = (batch(&[("p.yaml", &with(old))]), batch(&[("p.yaml", &with(new))]));
        let forth = old.to(&new);
        prop_assert_eq!(forth.is_empty(), old.plan.digest == new.plan.digest);
        prop_assert!(old.to(&old).is_empty());
        prop_assert_eq!(&old.to(&new), &forth, "always the same");
        let text = forth.text(most);
        prop_assert_eq!(text.is_empty(), forth.is_empty());
        prop_assert!(text.lines().count() <= most + 1);

        // The other way round, what was added is removed, and each change is turned around.
        let (added, removed, changed, settings, moved, hidden) = facts(&new.to(&old));
        let settings = settings.into_iter();
        let settings = settings.map(|one| SettingChange { old: one.new, new: one.old, ..one }).collect();
        let mut moved: Vec<_> = moved.into_iter().map(|(old, new)| (new, old)).collect();
        moved.sort();
        prop_assert_eq!((removed, added, changed, settings, moved, hidden), facts(&forth));
    }
}
