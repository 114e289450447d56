//! What no schema can judge, and what decoding makes of the rest.

use std::time::Duration;

use super::{GOOD, Read, assert_lines, only};
use crate::model::{MaxFailures, QuotaScope, RegistryType};
use crate::plan::{Places, RequestMode, SetKind, VariableValue};
use crate::yaml::ScalarStyle;

#[test]
fn values_that_are_wrong_are_told_at_once() {
    assert_lines(
        &format!(
            "{GOOD}\
limits:
  quota: {{ per: 0s }}
  attempt_timeout: 0s
  retry: {{ initial_delay: 10s, max_delay: 1s }}
rollout:
  deadline: soon
  pause: 721h
endpoints:
  cn-north-4: https://hss.cn-north-4.myhuaweicloud.com/v5
  cn-north-1: http://hss.cn-north-1.myhuaweicloud.com
"
        )
        .replace("https://hss.cn-north-4.myhuaweicloud.com/v5", "https://u:p@hss.cn-north-4.myhuaweicloud.com"),
        &[
            "12:17 out-of-range `per` must be longer than zero",
            "13:20 out-of-range `attempt_timeout` must be longer than zero",
            "14:43 out-of-range `max_delay` (1.0 s) is shorter than `initial_delay` (10 s)",
            "16:13 invalid-value `soon` is not a duration: a duration is a number with a unit, such as `500ms`, `75s`, `2m`, `1h 30m`",
            "17:10 invalid-value `721h` is not a duration: it is longer than 30 days",
            "19:15 invalid-value `https://u:p@hss.cn-north-4.myhuaweicloud.com` is not an endpoint: it holds a user or password, which belong in a credential",
            "20:15 invalid-value `http://hss.cn-north-1.myhuaweicloud.com` is not an endpoint: it uses http, which is for loopback only; write `https://`",
        ],
    );
}

#[test]
fn one_delay_can_be_shorter_than_the_other_s_default() {
    assert_lines(
        &format!("{GOOD}limits: {{ retry: {{ max_delay: 500ms }} }}\n"),
        &["11:31 out-of-range `max_delay` (0.5 s) is shorter than `initial_delay` (1.0 s by default)"],
    );
    assert_lines(
        &format!("{GOOD}limits: {{ retry: {{ initial_delay: 6m }} }}\n"),
        &["11:35 out-of-range `max_delay` (5 min 00 s by default) is shorter than `initial_delay` (6 min 00 s)"],
    );
}

#[test]
fn a_variable_is_rendered_as_it_is_written_or_refused() {
    let id = "'{{ vars.a }}'";
    let plan = |value: &str| format!("{}vars: {{ a: {value} }}\n", GOOD.replace("0a1b2c3d", id));
    for value in ["0012", "1.10", "1e3", "0x1F", "0o17", "1_000", "+5", ".inf", ".nan", "12345678901234567890123"] {
        let found = only(&plan(value));
        let line = Read::new(&plan(value)).line(&found);
        let expected = format!(
            "11:12 number-as-id this variable is read by YAML as the number {value}, which is not rendered as it is written"
        );
        assert_eq!(line, expected);
        assert_eq!(found.help, Some(format!("quote it: \"{value}\"")));
    }
    assert_lines(
        &plan("True"),
        &[
            "11:12 boolean-as-id this variable is read by YAML as the boolean True, which is not rendered as it is written",
        ],
    );
    for (value, expected) in [
        ("12", VariableValue::Integer(12)),
        ("-3", VariableValue::Integer(-3)),
        ("1.5", VariableValue::Float(1.5)),
        ("true", VariableValue::Bool(true)),
        ("'0012'", VariableValue::Text("0012".to_owned())),
        ("yes", VariableValue::Text("yes".to_owned())),
    ] {
        assert_eq!(Read::new(&plan(value)).decode().expect(value).vars[0].value, expected, "{value}");
    }
}

#[test]
fn every_value_of_a_plan_arrives() {
    let text = include_str!("../../../plans/everything.yaml");
    let read = Read::new(text);
    let file = read.decode().expect("the shipped plan");
    let at = |span| read.sources.get(read.id).slice(span).to_owned();

    assert_eq!((file.name.value.as_str(), at(file.name.span).as_str()), ("everything", "everything"));
    let names: Vec<_> = file.vars.iter().map(|variable| variable.name.value.as_str()).collect();
    assert_eq!(names, ["environment", "shard", "beta", "harbor_id"]);

    let SetKind::Registries(items) = &file.registry_sets[0].kind else { panic!("named registries") };
    assert_eq!(&*items[0].registry_id.text, "{{ vars.harbor_id }}");
    assert_eq!(items[0].registry_id.style, ScalarStyle::DoubleQuoted);
    assert_eq!(at(items[1].registry_type.span), "SwrEnterprise");
    assert!(matches!(file.registry_sets[1].kind, SetKind::All));
    let SetKind::Select(select) = &file.registry_sets[2].kind else { panic!("a selection") };
    assert_eq!(select.registry_type, [RegistryType::Harbor, RegistryType::Jfrog]);
    assert_eq!((select.registry_name.as_deref(), select.status.as_deref()), (Some("prod-*"), Some("success")));

    let set_names = |sets: &Option<Vec<crate::source::Spanned<crate::model::SetName>>>| -> Vec<String> {
        sets.iter().flatten().map(|set| set.value.to_string()).collect()
    };
    assert_eq!(&*file.defaults.enterprise_project_id.as_ref().expect("given").text, "0");
    assert_eq!(&*file.defaults.credential.as_ref().expect("given").text, "default");
    assert_eq!(file.defaults.requests, Some(RequestMode::Merged));
    assert_eq!(set_names(&file.defaults.registry_sets), ["named"]);

    let [payments, search, archive] = file.projects.as_slice() else { panic!("three projects") };
    let Places::PerRegion(places) = &payments.places else { panic!("ids by region") };
    assert_eq!((places[1].region.value.as_str(), &*places[1].project_id.text), ("eu-west-101", "lookup"));
    assert_eq!(set_names(&payments.registry_sets), ["named", "discovered"]);
    let labels: Vec<_> = payments.labels.iter().map(|label| label.value.as_str()).collect();
    assert_eq!(labels, ["canary", "pci"]);
    assert_eq!((&payments.enterprise_project_id, payments.requests), (&None, None));

    let Places::Same { project_id, regions } = &search.places else { panic!("one id for all") };
    assert_eq!(&*project_id.text, "{{ vars.environment }}-search-{{ region }}");
    assert_eq!(regions.iter().map(|region| &*region.text).collect::<Vec<_>>(), ["ap-southeast-1", "ap-southeast-3"]);
    assert_eq!(search.requests, Some(RequestMode::PerSet));
    assert_eq!(&*search.credential.as_ref().expect("given").text, "emea");
    assert_eq!(&*search.enterprise_project_id.as_ref().expect("given").text, "all_granted_eps");
    // Through the alias: the place is where the names are written.
    let aliased = &search.registry_sets.as_ref().expect("given")[0];
    assert_eq!(aliased.span, payments.registry_sets.as_ref().expect("given")[0].span);
    assert_eq!((archive.labels.len(), set_names(&archive.registry_sets).len()), (0, 1));

    let rollout = &file.rollout;
    assert_eq!((rollout.max_operations, rollout.pause), (100, Duration::from_secs(120)));
    assert_eq!(at(rollout.max_operations_span.expect("written")), "100");
    assert_eq!(rollout.deadline.map(|deadline| deadline.value), Some(Duration::from_secs(6 * 3600)));
    let [canary, rest] = rollout.waves.as_slice() else { panic!("two waves") };
    let select = canary.select.as_ref().expect("given");
    let texts =
        |list: &[crate::source::Spanned<String>]| list.iter().map(|item| item.value.clone()).collect::<Vec<_>>();
    assert_eq!(texts(&select.labels), ["canary"]);
    assert_eq!(texts(&select.projects), ["pay*"]);
    assert_eq!(texts(&select.regions), ["cn-*", "eu-*"]);
    assert_eq!(texts(&select.sets), ["named"]);
    assert_eq!(canary.max_failures, Some(MaxFailures::Count(0)));
    assert_eq!((rest.select.is_none(), rest.max_failures), (true, Some(MaxFailures::Percent(5))));

    let limits = &file.limits;
    assert_eq!(
        (limits.quota.calls.get(), limits.quota.per, limits.quota.scope),
        (5, Duration::from_secs(60), QuotaScope::Address)
    );
    assert_eq!((limits.concurrency.get(), limits.region_concurrency.get()), (8, 4));
    assert_eq!(limits.attempt_timeout, Duration::from_secs(75));
    let retry = limits.retry;
    assert_eq!(
        (retry.max_attempts.get(), retry.initial_delay, retry.max_delay),
        (5, Duration::from_secs(1), Duration::from_secs(300))
    );
    assert_eq!(file.endpoints[0].1.value.as_str(), "https://hss.cn-north-4.myhuaweicloud.com");
}

#[test]
fn limits_other_than_the_defaults_arrive_too() {
    let limits = "limits: { quota: { calls: 0x10, per: 5m, scope: global }, concurrency: 1_0, region_concurrency: 2.0, \
                  attempt_timeout: 90s, retry: { max_attempts: 1, initial_delay: 2s, max_delay: 3s } }\n";
    let limits = Read::new(&format!("{GOOD}{limits}")).decode().expect("legal").limits;
    assert_eq!(
        (limits.quota.calls.get(), limits.quota.per, limits.quota.scope),
        (16, Duration::from_secs(300), QuotaScope::Global)
    );
    assert_eq!((limits.concurrency.get(), limits.region_concurrency.get()), (10, 2));
    assert_eq!(limits.attempt_timeout, Duration::from_secs(90));
    let retry = limits.retry;
    assert_eq!(
        (retry.max_attempts.get(), retry.initial_delay, retry.max_delay),
        (1, Duration::from_secs(2), Duration::from_secs(3))
    );
}

#[test]
fn only_stars_and_question_marks_have_a_meaning_in_patterns() {
    // `[` stands for itself, so that it can't be wrong; a wave's pattern still has to match something.
    let wave = "rollout: { waves: [{ name: x, select: { projects: ['w[eb'] } }] }\n";
    assert_lines(&format!("{GOOD}{wave}"), &["11:52 unknown-project no project is named `w[eb`"]);
    assert_lines(&GOOD.replace("sync_all_registries: true", "select: { registry_name: 'w[eb' }"), &[]);
}

#[test]
fn a_plan_has_at_most_a_thousand_waves() {
    let waves = |count: usize| {
        let wave = |index: usize| format!("  - {{ name: w{index}, select: {{ projects: [web] }} }}\n");
        format!("{GOOD}rollout:\n  waves:\n{}", (0..count).map(wave).collect::<String>())
    };
    assert_lines(&waves(1000), &[]);
    assert_lines(&waves(1001), &["13:3 out-of-range `waves` has 1001 entries, at most 1000 are allowed"]);
}

#[test]
fn trees_that_did_not_pass_are_met_with_diagnostics() {
    for text in [
        "[]",
        "{}",
        "5",
        "projects: 5",
        "version: 1\nname: [x]\nregistry_sets: {a: }\nprojects: [5, {name: x}]",
        "limits: {quota: 5}",
        "name: x",
    ] {
        let found = Read::new(text).decode().expect_err(text);
        assert!(!found.is_empty(), "{text}");
    }
}
