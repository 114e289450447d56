use std::time::Duration;

use super::{counted, plan_tables, short_id, validation_line};
use crate::forecast::forecast;
use crate::report::fixture::{SMALL, planned};

fn tables(files: &[(&str, &str)], width: usize, most_rows: usize) -> String {
    let (plan, _) = planned(files);
    let forecast = forecast(&plan, Duration::from_millis(500));
    plan_tables(&plan, &forecast, width, most_rows)
}

/// The lines of a plan's table, without heading and forecast.
fn rows(text: &str) -> Vec<&str> {
    text.lines().skip_while(|line| !line.starts_with("wave ")).take_while(|line| !line.is_empty()).collect()
}

const WAVES: &str = "\
version: 1
name: fleet
registry_sets:
  all: { sync_all_registries: true }
  harbor: { registries: [{ registry_id: abc, registry_type: Harbor }, { registry_id: def, registry_type: Jfrog }] }
  found: { select: { status: success } }
projects:
  - { name: payments, project_ids: { cn-north-4: lookup }, labels: [canary], registry_sets: [harbor, found] }
  - { name: search, project_ids: { eu-west-101: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }, registry_sets: [all] }
  - { name: 支付, project_id: \"pay-{{ region }}\", regions: [cn-north-4], registry_sets: [harbor], enterprise_project_id: all_granted_eps }
rollout:
  waves:
    - { name: canary, select: { labels: [canary] }, max_failures: 0 }
    - { name: rest, max_failures: 5% }
";

#[test]
fn with_room_enough_everything_is_whole() {
    let text = tables(&[("plans/fleet.yaml", WAVES)], 200, 100);
    assert!(text.starts_with("fleet   plans/fleet.yaml   sha256:"), "{text}");
    assert_eq!(
        rows(&text),
        [
            "wave    project   region       project id                        enterprise  what",
            "canary  payments  cn-north-4   lookup                            0           2 registries and what select finds (harbor, found)",
            "rest    search    eu-west-101  0a1b2c3d4e5f60718293a4b5c6d7e8f9  0           all registries (all)",
            "rest    支付      cn-north-4   pay-cn-north-4                    all         2 registries (harbor)",
        ]
    );
    let end: Vec<&str> = text.lines().rev().take(3).collect();
    assert_eq!(
        end,
        [
            "Failure budget: canary 0 of 1; rest 5 % of 2 = 0, so one at a time.",
            "1 of 3 use `lookup` or `select`, which `--online` and `run` resolve by reads.",
            "3 operations, 3 calls. Forecast 2 s: quota doesn't bind.",
        ]
    );
}

#[test]
fn in_a_narrow_terminal_ids_are_short_and_lines_end_at_its_edge() {
    let text = tables(&[("plans/fleet.yaml", WAVES)], 60, 100);
    assert_eq!(
        rows(&text),
        [
            "wave    project   region       project id      enterprise  …",
            "canary  payments  cn-north-4   lookup          0           …",
            "rest    search    eu-west-101  0a1b2c3d…e8f9   0           …",
            "rest    支付      cn-north-4   pay-cn-north-4  all         …",
        ]
    );
    for line in text.lines() {
        assert!(unicode_width::UnicodeWidthStr::width(line) <= 60, "{line}");
    }
}

#[test]
fn rows_beyond_the_most_are_counted() {
    let text = tables(&[("fleet.yaml", SMALL)], 100, 1);
    assert_eq!(rows(&text).len(), 3, "{text}");
    assert!(text.contains("\nand 2 more; `hss-sync plan` shows them all\n\n3 operations"), "{text}");
}

#[test]
fn several_plans_have_a_digest_together() {
    let other = SMALL.replace("fleet", "other").replace("0a1b", "9f8e").replace("search-eu", "se");
    let other = other.replace("billing-north", "bn");
    let text = tables(&[("a.yaml", SMALL), ("b.yaml", &other)], 100, 100);
    assert!(text.contains("\nother   b.yaml   sha256:"), "{text}");
    assert!(text.contains("\nTogether sha256:"), "{text}");
    assert!(text.ends_with("6 operations, 6 calls. Forecast 1 s: quota doesn't bind.\n"), "{text}");
}

fn line(text: &str) -> String {
    let (plan, _) = planned(&[("fleet.yaml", text)]);
    validation_line(&plan, &forecast(&plan, Duration::from_millis(500)))
}

#[test]
fn validate_says_what_it_takes() {
    assert_eq!(line(SMALL), "1 plan valid: 3 operations in 2 regions, 3 calls, at least 1 s\n");
    let slow = format!("{SMALL}limits: {{ quota: {{ calls: 1, per: 1m }} }}\n");
    assert_eq!(
        line(&slow),
        "1 plan valid: 3 operations in 2 regions, 3 calls, at least 1 min 01 s (cn-north-4: 2 calls at 1 a minute)\n"
    );
}

#[test]
fn plans_together_have_the_smallest_quota() {
    let slow = |name: &str, id: &str, calls: u32| {
        SMALL
            .replace("fleet", name)
            .replace("0a1b", id)
            .replace("search-eu", id)
            .replace("billing-north", &format!("b{id}"))
            + &format!("limits: {{ quota: {{ calls: {calls}, per: 1m }} }}\n")
    };
    let (plan, _) = planned(&[("a.yaml", &slow("one", "aaaa", 2)), ("b.yaml", &slow("two", "bbbb", 1))]);
    assert_eq!(
        validation_line(&plan, &forecast(&plan, Duration::from_millis(500))),
        "2 plans valid: 6 operations in 2 regions, 6 calls, at least 3 min 02 s (cn-north-4: 4 calls at 1 a minute)\n"
    );
}

#[test]
fn long_ids_keep_both_ends() {
    assert_eq!(short_id("0a1b2c3d4e5f60718293a4b5c6d7e8f9"), "0a1b2c3d…e8f9");
    assert_eq!(short_id("0"), "0");
    assert_eq!(short_id("sixteen-letters!"), "sixteen-letters!");
}

#[test]
fn one_is_no_plural() {
    assert_eq!([counted(1, "call"), counted(2, "call")], ["1 call", "2 calls"]);
}
