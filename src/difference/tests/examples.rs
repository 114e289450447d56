//! One example for each kind of change, with the whole text.

use super::{PLAN, batch};
use crate::difference::Difference;
use crate::expand::{EndpointChain, Overrides, expand};
use crate::model::Endpoint;

/// From the plan to the plan with these changes of its text.
#[track_caller]
fn edited(edits: &[(&str, &str)]) -> Difference {
    let mut text = PLAN.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "{from} is in the plan");
        text = text.replacen(from, to, 1);
    }
    batch(&[("plans/fleet.yaml", PLAN)]).to(&batch(&[("plans/fleet.yaml", &text)]))
}

#[track_caller]
fn assert_text(edits: &[(&str, &str)], expected: &str) {
    assert_eq!(edited(edits).text(100), expected);
}

#[test]
fn operations_come_and_go_in_plan_order() {
    assert_text(
        &[("      cn-east-3: pay-3\n", "      cn-south-1: pay-s\n")],
        "- payments / cn-east-3: 2 registries (harbor, swr)   plans/fleet.yaml:15\n\
         + payments / cn-south-1: 2 registries (harbor, swr)   plans/fleet.yaml:15\n",
    );
    assert_text(
        &[
            ("      cn-north-4: pay-4\n", ""),
            (
                "requests: per-set",
                "requests: per-set\n  - { name: web, project_ids: { cn-north-1: w }, registry_sets: [swr] }",
            ),
            ("  - { name: search, project_ids: { eu-west-101: search-eu }, registry_sets: [all] }\n", ""),
            ("  all: { sync_all_registries: true }\n", ""),
        ],
        "- payments / cn-north-4: 2 registries (harbor, swr)   plans/fleet.yaml:14\n\
         - search / eu-west-101: all registries (all)   plans/fleet.yaml:17\n\
         + web / cn-north-1: 1 registry (swr)   plans/fleet.yaml:19\n",
    );
}

#[test]
fn a_changed_request_says_what_changed() {
    assert_text(
        &[(
            "h-1, registry_type: Harbor }",
            "h-1, registry_type: Harbor }\n      - { registry_id: 77aa, registry_type: Jfrog }",
        )],
        "~ payments / cn-north-4: registry 77aa (Jfrog) added   plans/fleet.yaml:15\n\
         ~ payments / cn-east-3: registry 77aa (Jfrog) added   plans/fleet.yaml:16\n\
         ~ billing / cn-north-4 (harbor): registry 77aa (Jfrog) added   plans/fleet.yaml:21\n",
    );
    assert_text(
        &[("registry_id: h-1, registry_type: Harbor", "registry_id: h-1, registry_type: Jfrog"), ("pay-4", "lookup")],
        "~ payments / cn-north-4: project id pay-4 -> lookup, registry h-1: Harbor -> Jfrog   plans/fleet.yaml:14\n\
         ~ payments / cn-east-3: registry h-1: Harbor -> Jfrog   plans/fleet.yaml:15\n\
         ~ billing / cn-north-4 (harbor): registry h-1: Harbor -> Jfrog   plans/fleet.yaml:20\n",
    );
    assert_text(
        &[("eu-west-101: search-eu }, registry_sets: [all]", "eu-west-101: search-eu }, registry_sets: [swr]")],
        "~ search / eu-west-101: all registries (all) -> 1 registry (swr)   plans/fleet.yaml:17\n",
    );
    assert_text(
        &[("registry_name: prod-* }", "registry_name: test-*, status: fail }")],
        "~ billing / cn-north-4 (found): selection found (type Harbor or Jfrog, name test-*, status fail) added, selection \
         found (type Harbor or Jfrog, name prod-*) removed   plans/fleet.yaml:20\n",
    );
    assert_text(
        &[
            ("    labels: [canary]", "    registry_sets: [harbor]\n    credential: emea\n    labels: [canary]"),
            ("[all] }", "[all], enterprise_project_id: all_granted_eps }"),
        ],
        "~ payments / cn-north-4: credential default -> emea, registry swr-cn-north-4 (SwrEnterprise) removed   \
         plans/fleet.yaml:14\n\
         ~ payments / cn-east-3: credential default -> emea, registry swr-cn-east-3 (SwrEnterprise) removed   \
         plans/fleet.yaml:15\n\
         ~ search / eu-west-101: enterprise project 0 -> all_granted_eps   plans/fleet.yaml:19\n",
    );
}

#[test]
fn many_changes_of_one_request_are_counted() {
    let registries: String =
        (1..=5).map(|n| format!("\n      - {{ registry_id: r-{n}, registry_type: Other }}")).collect();
    let to = format!("h-1, registry_type: Harbor }}{registries}");
    let text = edited(&[("h-1, registry_type: Harbor }", &to)]).text(1);
    let expected = "~ payments / cn-north-4: registry r-1 (Other) added, registry r-2 (Other) added, registry r-3 (Other) added, \
                    2 more changes   plans/fleet.yaml:19\nand 2 more\n";
    assert_eq!(text, expected);
}

#[test]
fn names_of_sets_make_no_difference() {
    let names = PLAN.replace("harbor", "port").replace("found", "seen");
    let (old, new) = (batch(&[("p.yaml", PLAN)]), batch(&[("p.yaml", &names.replace("search-eu", "s"))]));
    assert_eq!(old.to(&new).text(9), "~ search / eu-west-101: project id search-eu -> s   p.yaml:17\n");
}

#[test]
fn requests_for_one_place_are_told_apart_by_their_sets() {
    // One request for both sets becomes one for each: neither of the two is the old one.
    assert_text(
        &[("    labels: [canary]", "    labels: [canary]\n    requests: per-set"), ("      cn-east-3: pay-3\n", "")],
        "- payments / cn-north-4: 2 registries (harbor, swr)   plans/fleet.yaml:14\n\
         - payments / cn-east-3: 2 registries (harbor, swr)   plans/fleet.yaml:15\n\
         + payments / cn-north-4: 1 registry (harbor)   plans/fleet.yaml:10\n\
         + payments / cn-north-4: 1 registry (swr)   plans/fleet.yaml:10\n",
    );
    let both = [
        ("h-1", "h-2"),
        ("registry_name: prod-*", "status: fail"),
        ("    requests: per-set", "    requests: per-set\n    credential: emea"),
    ];
    let billing = edited(&both).text(9).lines().filter(|line| line.contains("billing")).collect::<Vec<_>>().join("\n");
    assert_eq!(
        billing,
        "~ billing / cn-north-4 (harbor): credential default -> emea, registry h-2 (Harbor) added, registry h-1 (Harbor) removed   \
         plans/fleet.yaml:20\n\
         ~ billing / cn-north-4 (found): credential default -> emea, selection found (type Harbor or Jfrog, status fail) added, \
         selection found (type Harbor or Jfrog, name prod-*) removed   plans/fleet.yaml:20"
    );
    assert_text(
        &[("registry_sets: [harbor, found]", "registry_sets: [found]")],
        "- billing / cn-north-4: 1 registry (harbor)   plans/fleet.yaml:20\n",
    );
}

#[test]
fn operations_move_between_waves() {
    assert_text(
        &[("{ name: search,", "{ name: search, labels: [canary],"), ("    labels: [canary]\n", ""), ("pay-4", "pay-5")],
        "~ payments / cn-north-4: project id pay-4 -> pay-5, wave canary -> rest   plans/fleet.yaml:14\n\
         ~ payments / cn-east-3: wave canary -> rest   plans/fleet.yaml:15\n\
         ~ search / eu-west-101: wave rest -> canary   plans/fleet.yaml:16\n",
    );
}

#[test]
fn a_wave_with_another_name_moves_nothing() {
    assert_text(
        &[("name: canary, select: { labels: [canary] }, max_failures: 0", "name: first, select: { labels: [canary] }")],
        "waves: canary, rest -> first, rest   plans/fleet.yaml\n\
         max_failures of wave first: 0 -> no bound   plans/fleet.yaml\n",
    );
    // Names that change places move everything.
    let swapped = edited(&[
        ("name: canary, select", "name: x, select"),
        ("name: rest", "name: canary"),
        ("name: x,", "name: rest,"),
    ]);
    let text = swapped.text(2);
    assert!(text.starts_with("waves: canary, rest -> rest, canary   plans/fleet.yaml\nmax_failures of wave"), "{text}");
    assert_eq!(swapped.text(9).matches("wave canary -> rest ").count(), 2);
    assert_eq!(swapped.text(9).matches("wave rest -> canary ").count(), 3);
    // Two waves become one: that moves.
    assert_text(
        &[
            ("    - { name: canary, select: { labels: [canary] }, max_failures: 0 }\n", ""),
            ("name: rest", "name: every"),
        ],
        "waves: canary, rest -> every   plans/fleet.yaml\n\
         ~ payments / cn-north-4: wave canary -> every   plans/fleet.yaml:14\n\
         ~ payments / cn-east-3: wave canary -> every   plans/fleet.yaml:15\n\
         ~ search / eu-west-101: wave rest -> every   plans/fleet.yaml:17\n\
         ~ billing / cn-north-4 (harbor): wave rest -> every   plans/fleet.yaml:20\n\
         ~ billing / cn-north-4 (found): wave rest -> every   plans/fleet.yaml:20\n",
    );
}

#[test]
fn settings_are_named_as_plans_name_them() {
    assert_text(
        &[
            ("name: fleet", "name: ships"),
            ("max_operations: 50", "max_operations: 60"),
            ("  deadline: 6h\n", ""),
            ("max_failures: 5%", "max_failures: 7"),
            ("pause: 2m", "pause: 0s"),
            ("calls: 5, per: 1m, scope: address", "calls: 10, per: 61s, scope: user"),
            ("concurrency: 8", "concurrency: 9"),
            ("region_concurrency: 4", "region_concurrency: 5"),
            ("75s", "76s"),
            (
                "max_attempts: 5, initial_delay: 1s, max_delay: 5m",
                "max_attempts: 4, initial_delay: 500ms, max_delay: 4m",
            ),
        ],
        "name: fleet -> ships   plans/fleet.yaml\n\
         max_operations: 50 -> 60   plans/fleet.yaml\n\
         deadline: 6h -> none   plans/fleet.yaml\n\
         max_failures of wave rest: 5% -> 7   plans/fleet.yaml\n\
         pause: 2m -> none   plans/fleet.yaml\n\
         quota: 5 a minute -> 10 per 61s   plans/fleet.yaml\n\
         quota scope: address -> user   plans/fleet.yaml\n\
         concurrency: 8 -> 9   plans/fleet.yaml\n\
         region_concurrency: 4 -> 5   plans/fleet.yaml\n\
         attempt_timeout: 75s -> 76s   plans/fleet.yaml\n\
         retry max_attempts: 5 -> 4   plans/fleet.yaml\n\
         retry initial_delay: 1s -> 500ms   plans/fleet.yaml\n\
         retry max_delay: 5m -> 4m   plans/fleet.yaml\n",
    );
    assert_text(
        &[("limits:", "endpoints: { cn-north-4: \"https://own.myhuaweicloud.com\" }\nlimits:")],
        "endpoint of cn-north-4: https://hss.cn-north-4.myhuaweicloud.com -> https://own.myhuaweicloud.com   \
         plans/fleet.yaml\n",
    );
}

#[test]
fn what_no_line_shows_is_said_to_be_there() {
    let hidden = "a setting that is not shown differs: one that an option of this call covers, or an entry of `endpoints` that \
                  names the built-in one   plans/fleet.yaml\n";
    let endpoint = "endpoints: { cn-north-4: \"https://hss.cn-north-4.myhuaweicloud.com\" }\nlimits:";
    assert_text(&[("limits:", endpoint)], hidden);
}

#[test]
fn options_of_a_call_are_no_difference() {
    let here = batch(&[("p.yaml", PLAN)]);
    let mut there = batch(&[("p.yaml", PLAN)]);
    there.plan.plans[0].limits.concurrency = std::num::NonZeroU32::MIN;
    assert!(here.to(&there).is_empty());

    let id = there.sources.ids().next().expect("a source");
    let tree = crate::yaml::parse(id, there.sources.get(id)).expect("YAML");
    let plan = crate::plan::validate(crate::plan::decode(id, &tree).expect("a plan"), &[]).expect("valid").0;
    let chain = EndpointChain { all: Endpoint::parse("http://127.0.0.1:9").ok(), ..EndpointChain::default() };
    there.plan = expand(&[plan], &there.sources, &Overrides::new(), &chain).expect("expands").0;
    assert!(here.to(&there).is_empty());
}

#[test]
fn plans_come_go_and_move() {
    let of = |name: &str| {
        PLAN.replace("fleet", name)
            .replace("pay-", &format!("{name}-"))
            .replace("search-eu", name)
            .replace("billing-4", &format!("{name}-b"))
    };
    let (a, b, c) = (of("a"), of("b"), of("c"));
    let old = batch(&[("a.yaml", &a), ("b.yaml", &b), ("c.yaml", &c)]);
    let texts = |new: &[(&str, &str)]| old.to(&batch(new)).text(10);
    assert_eq!(texts(&[("a.yaml", &a), ("c.yaml", &c)]), "- plan b: 5 operations   b.yaml\n");
    let d = of("d");
    assert_eq!(
        texts(&[("d.yaml", &d), ("a.yaml", &a), ("c.yaml", &c)]),
        "+ plan d: 5 operations   d.yaml\n- plan b: 5 operations   b.yaml\n"
    );
    // Other files with the same plans, in another order.
    assert_eq!(texts(&[("b.yaml", &a), ("a.yaml", &b), ("x.yaml", &c)]), "");
    // Two of a name: one of them is new.
    let (also_b, more_b) = (
        b.replace("b-4", "b-5"),
        b.replace("b-4", "b-6").replace("b-3", "b-7").replace("b-b", "b-8").replace("-101: b", "-101: b9"),
    );
    assert_eq!(
        texts(&[("a.yaml", &a), ("y.yaml", &also_b), ("z.yaml", &more_b), ("c.yaml", &c)]),
        "~ payments / cn-north-4: project id b-4 -> b-5   y.yaml:14\n+ plan b: 5 operations   z.yaml\n"
    );
    // By path before by name, by name where the path is gone.
    let (b_now, c_now) = (b.replace("name: b\n", "name: c\n"), c.replace("pause: 2m", "pause: 3m"));
    assert_eq!(
        texts(&[("a.yaml", &a), ("b.yaml", &b_now), ("moved.yaml", &c_now)]),
        "name: b -> c   b.yaml\npause: 2m -> 3m   moved.yaml\n"
    );
}

#[test]
fn names_can_not_steer_a_terminal() {
    let plan = PLAN.replace("name: search", "name: \"s\\u202Ex\"");
    let without = plan.replace("eu-west-101: search-eu", "eu-west-101: search-us");
    let text = batch(&[("p\u{1b}[31m.yaml", &plan)]).to(&batch(&[("p\u{1b}[31m.yaml", &without)])).text(9);
    let expected = "~ s\\u{202e}x / eu-west-101: project id search-eu -> search-us   p\\u{1b}[31m.yaml:17\n";
    assert_eq!(text, expected);
}

#[test]
fn no_more_lines_than_asked_for() {
    let difference = edited(&[("pay-4", "pay-6"), ("pay-3", "pay-7"), ("search-eu", "s")]);
    assert_eq!(difference.text(3).lines().count(), 3);
    let two = difference.text(2);
    assert!(two.ends_with("   plans/fleet.yaml:15\nand 1 more\n"), "{two}");
    assert_eq!(difference.text(0), "and 3 more\n");
}
