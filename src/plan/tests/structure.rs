//! What the schema refuses, and how it is said. Lines and columns are counted by hand.

use super::{GOOD, Read, assert_lines, label, only};
use crate::diagnostic::Code;

/// `GOOD` with one part replaced.
fn with(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from:?}");
    GOOD.replacen(from, to, 1)
}

#[test]
fn an_unknown_key_is_underlined_and_what_was_meant_is_offered() {
    let text = with("    registry_sets: [all]", "    registry_set: [all]\n    colour: red");
    let read = Read::new(&text);
    let found = read.structure();
    let lines: Vec<_> = found.iter().map(|diagnostic| read.line(diagnostic)).collect();
    assert_eq!(
        lines,
        [
            "8:5 unknown-key `registry_set` is not a key of a project",
            "9:5 unknown-key `colour` is not a key of a project"
        ]
    );
    assert_eq!(read.underlined(&found[0]), "registry_set");
    let allowed = "`name`, `project_ids`, `project_id`, `regions`, `registry_sets`, `labels`, `enterprise_project_id`, \
                   `credential`, `requests`";
    assert_eq!(found[0].help, Some(format!("did you mean `registry_sets`? Allowed are {allowed}")));
    assert_eq!(found[1].help, Some(format!("allowed are {allowed}")));
}

#[test]
fn a_key_of_another_level_is_sent_there() {
    let found = only(&format!("{GOOD}max_operations: 5\n"));
    assert_eq!(found.code, Code::UnknownKey);
    assert!(found.help.expect("help").starts_with("it belongs under `rollout`; "));
}

#[test]
fn a_misspelt_key_is_not_also_a_missing_one() {
    assert_lines(&with("name: web", "nmae: web"), &["7:5 unknown-key `nmae` is not a key of a project"]);
    assert_lines(&with("project_ids:", "projectids:"), &["9:5 unknown-key `projectids` is not a key of a project"]);
    assert_lines(
        &with("registry_sets:\n", "registrysets:\n"),
        &["3:1 unknown-key `registrysets` is not a key of a plan"],
    );
}

#[test]
fn missing_keys_point_at_their_parent() {
    assert_lines(
        "name: x\nregistry_sets:\n  a: {}\n  b: { registries: [{ registry_type: Harbor }] }\nprojects:\n  - labels: [x]\n",
        &[
            "1:1 missing-key a plan needs `version`",
            "3:3 missing-key a registry set needs one of `registries`, `sync_all_registries` or `select`",
            "4:21 missing-key a registry needs `registry_id`",
            "6:5 missing-key a project needs `name`",
            "6:5 missing-key a project needs `project_ids`, or `project_id` with `regions`",
        ],
    );
    let found = only(&with("version: 1\n", ""));
    assert_eq!(label(&found), "`version` is missing");
    assert_eq!(found.help.as_deref(), Some("add `version`: version of the plan format"));
}

#[test]
fn half_of_a_pair_is_missing_the_other() {
    let ids = "project_ids:\n      cn-north-4: 0a1b2c3d";
    assert_lines(&with(ids, "project_id: x"), &["7:5 missing-key `project_id` needs `regions` beside it"]);
    assert_lines(&with(ids, "regions: [cn-north-4]"), &["7:5 missing-key `regions` needs `project_id` beside it"]);
}

#[test]
fn keys_that_exclude_each_other_are_shown_both() {
    let text = with(
        "sync_all_registries: true",
        "sync_all_registries: true\n    registries: [{ registry_id: a, registry_type: Other }]",
    );
    let found = only(&text);
    let read = Read::new(&text);
    assert_eq!(read.line(&found), "6:5 conflicting-keys `registries` can't stand beside `sync_all_registries`");
    let (_, first) = read.sources.place(found.secondary[0].location);
    assert_eq!((first.line(), first.column()), (5, 5));
    assert_lines(
        &with("    project_ids:", "    project_id: x\n    project_ids:"),
        &["10:5 conflicting-keys `project_ids` can't stand beside `project_id`"],
    );
    assert_lines(
        &with("    project_ids:", "    regions: [cn-north-4]\n    project_id: x\n    project_ids:"),
        &["10:5 conflicting-keys `project_id` can't stand beside `regions`"],
    );
}

#[test]
fn an_id_without_quotes_shows_how_to_quote_it() {
    let number = only(&with("0a1b2c3d", "12345e67"));
    assert_eq!(number.code, Code::NumberAsId);
    assert_eq!(number.message, "this project id is read by YAML as the number 12345e67");
    assert_eq!(number.help.as_deref(), Some("quote it: \"12345e67\""));
    let set = "registries: [{ registry_id: 00012, registry_type: Other }]";
    assert_lines(
        &with("sync_all_registries: true", set),
        &["5:33 number-as-id this registry id is read by YAML as the number 00012"],
    );
    assert_lines(
        &with("name: web", "name: true\n    enterprise_project_id: 0\n    labels: [1.0]"),
        &[
            "7:11 boolean-as-id this project name is read by YAML as the boolean true",
            "8:28 number-as-id this enterprise project id is read by YAML as the number 0",
            "9:14 number-as-id this label is read by YAML as the number 1.0",
        ],
    );
}

#[test]
fn a_key_without_a_value_is_not_a_type_error() {
    let text = with("name: web", "name:\n    labels:\n      -");
    assert_lines(&text, &["7:5 null-value `name` has no value", "9:7 null-value this label is empty"]);
    assert_eq!(only(&with("name: small", "name: ~")).help.as_deref(), Some("give it a plan name"));
    let optional = only(&format!("{GOOD}rollout:\n"));
    assert_eq!(optional.help.as_deref(), Some("give it the rollout, or remove the key"));
    assert_lines(&format!("{GOOD}rollout:\n"), &["11:1 null-value `rollout` has no value"]);
}

#[test]
fn types_are_named_in_plain_words() {
    for (tail, line, help) in [
        (
            "limits: [1]",
            "11:9 wrong-type `limits` must be a mapping of keys to values, not a list",
            "write `key: value` lines, without `- ` or `[ ]`",
        ),
        (
            "limits: { concurrency: '5' }",
            "11:24 wrong-type `concurrency` must be a whole number, not text",
            "remove the quotes: 5",
        ),
        (
            "limits: { concurrency: 1.5 }",
            "11:24 wrong-type `concurrency` must be a whole number, not a number with a fraction",
            "",
        ),
        (
            "limits: { attempt_timeout: 75 }",
            "11:28 invalid-value `attempt_timeout` needs a unit",
            "write `75s` for seconds or `75m` for minutes",
        ),
        (
            "rollout: { waves: { name: x } }",
            "11:19 wrong-type `waves` must be a list, not a mapping",
            "start each item with `- `",
        ),
        (
            "rollout: { waves: [{ name: x, max_failures: [1] }] }",
            "11:45 wrong-type `max_failures` must be a whole number or a percentage such as `5%`, not a list",
            "",
        ),
        (
            "defaults: { registry_sets: all }",
            "11:28 wrong-type `registry_sets` must be a list, not text",
            "write a list: [all]",
        ),
        (
            "vars: { a: [x] }",
            "11:12 wrong-type `a` must be text, a number, or `true` or `false`, not a list",
            "write one value; quote it if it starts with `{` or `[`",
        ),
    ] {
        let text = format!("{GOOD}{tail}\n");
        assert_lines(&text, &[line]);
        assert_eq!(only(&text).help.unwrap_or_default(), help, "{tail}");
    }
    // Of a block only the beginning is underlined.
    let text = with("    registry_sets: [all]", "    registry_sets:\n      a: 1\n      b: 2\n    labels: { a: 1 }");
    let read = Read::new(&text);
    let found = read.structure();
    assert_eq!(found.iter().map(|found| read.underlined(found)).collect::<Vec<_>>(), ["a", "{ a: 1 }"]);
    let text = with("    project_ids:\n      cn-north-4: 0a1b2c3d", "    project_ids:\n      - a\n      - b");
    assert_eq!(Read::new(&text).underlined(&only(&text)), "-");
    assert_lines("- a\n", &["1:1 wrong-type a plan must be a mapping of keys to values, not a list"]);
}

#[test]
fn wrong_capitals_of_a_type_are_put_right() {
    for (written, meant) in [("JFrog", "Jfrog"), ("harbor", "Harbor"), ("SWRPrivate", "SwrPrivate")] {
        let set = format!("registries: [{{ registry_id: a, registry_type: {written} }}]");
        let found = only(&with("sync_all_registries: true", &set));
        assert_eq!(found.code, Code::InvalidValue);
        assert_eq!(found.message, format!("`{written}` is not a registry type"));
        let help = found.help.expect("help");
        assert!(help.starts_with(&format!("did you mean `{meant}`? Capitals matter.")), "{help}");
    }
    // One type or a list of them: the one that is wrong is underlined.
    let select = "select: { registry_type: [Harbor, docker] }";
    assert_lines(&with("sync_all_registries: true", select), &["5:39 invalid-value `docker` is not a registry type"]);
    let select = "select: { registry_type: 5, status: ok }";
    assert_lines(
        &with("sync_all_registries: true", select),
        &[
            "5:30 wrong-type `registry_type` must be a registry type or a list of them, not a number",
            "5:41 invalid-value `ok` is not a registry status",
        ],
    );
}

#[test]
fn bounds_and_lengths_are_out_of_range() {
    let long = "x".repeat(65);
    let set = format!(
        "registries: [{{ registry_id: {long}, registry_type: Other }}, {{ registry_id: '', registry_type: Other }}]"
    );
    assert_lines(
        &with("sync_all_registries: true", &set),
        &[
            &format!(
                "5:33 out-of-range `{}…` is not a registry id: it is 65 characters long, at most 64 are allowed",
                &long[..60]
            ),
            // 33 + 65 + `, registry_type: Other }, { registry_id: ` (42)
            "5:139 out-of-range this registry id is empty",
        ],
    );
    assert_lines(
        &format!("{GOOD}limits: {{ concurrency: 0, quota: {{ calls: 100001 }}, retry: {{ max_attempts: 21 }} }}\n"),
        &[
            "11:24 out-of-range `concurrency` must be from 1 to 1024, not 0",
            "11:43 out-of-range `calls` must be from 1 to 100000, not 100001",
            "11:76 out-of-range `max_attempts` must be from 1 to 20, not 21",
        ],
    );
    assert_lines(
        &format!("{GOOD}description: {}\n", "x".repeat(1001)),
        &["11:14 out-of-range this description is 1001 characters long, at most 1000 are allowed"],
    );
}

#[test]
fn empty_and_repeated_are_errors() {
    assert_lines(
        &with("    registry_sets: [all]", "    registry_sets: []\n    labels: [a, b, a]"),
        &[
            "8:20 empty-collection `registry_sets` must hold at least one entry",
            "9:20 repeated-item `a` stands twice in `labels`",
        ],
    );
    assert_lines(
        &with("sync_all_registries: true", "registries: []"),
        &["5:17 empty-collection `registries` must hold at least one entry"],
    );
    assert_lines(
        &with("sync_all_registries: true", "select: {}"),
        &["5:13 empty-collection `select` must hold at least one entry"],
    );
}

#[test]
fn another_version_is_told_only_that() {
    let text = with("version: 1", "version: 2").replace("projects:", "targets:");
    assert_lines(&text, &["1:10 unsupported-version plan version 2 is not supported: this hss-sync reads version 1"]);
    assert_lines(&with("version: 1", "version: '1'"), &["1:10 wrong-type `version` must be a whole number, not text"]);
    assert_lines(&with("version: 1", "version: 1.0"), &[]);
}

#[test]
fn sync_all_registries_is_true_or_absent() {
    assert_lines(&with("true", "false"), &["5:26 invalid-value `sync_all_registries` can only be `true`"]);
    assert_lines(&with("true", "yes"), &["5:26 wrong-type `sync_all_registries` must be `true` or `false`, not text"]);
}

#[test]
fn templates_are_refused_where_nothing_renders_them() {
    let template = "'a{{ vars.b }}'";
    for (text, line) in [
        (
            with("name: small", &format!("name: {template}")),
            "2:9 template-not-allowed `{{ … }}` is not rendered in a plan name",
        ),
        (
            with("name: web", &format!("name: {template}")),
            "7:13 template-not-allowed `{{ … }}` is not rendered in a project name",
        ),
        (
            with("[all]", &format!("[{template}]")),
            "8:23 template-not-allowed `{{ … }}` is not rendered in a registry set name",
        ),
        (
            with("cn-north-4:", &format!("{template}:")),
            "10:7 template-not-allowed `{{ … }}` is not rendered in a region",
        ),
        (
            format!("{GOOD}description: {template}\n"),
            "11:16 template-not-allowed `{{ … }}` is not rendered in a description",
        ),
        (
            format!("{GOOD}vars: {{ x: {template} }}\n"),
            "11:14 template-not-allowed `{{ … }}` is not rendered in a variable",
        ),
        (
            format!("{GOOD}rollout: {{ pause: {template} }}\n"),
            "11:21 template-not-allowed `{{ … }}` is not rendered in a duration",
        ),
        (
            format!("{GOOD}rollout: {{ max_operations: {template} }}\n"),
            "11:30 template-not-allowed `{{ … }}` is not rendered in a number of operations",
        ),
        (
            format!("{GOOD}endpoints: {{ a: {template} }}\n"),
            "11:19 template-not-allowed `{{ … }}` is not rendered in an endpoint",
        ),
        (
            format!("{GOOD}rollout: {{ waves: [{{ name: x, select: {{ regions: [{template}] }} }}] }}\n"),
            "11:53 template-not-allowed `{{ … }}` is not rendered in a selection",
        ),
    ] {
        assert_lines(&text, &[line]);
    }
    assert_lines(
        &with("0a1b2c3d", "'x-{% if a %}'"),
        &["10:22 template-syntax only `{{ … }}` is rendered in a plan, not `{%`"],
    );
}

#[test]
fn names_of_variables_and_regions_are_judged_at_their_key() {
    assert_lines(
        &format!("{}vars: {{ 1a: x, b-c: y }}\n", with("cn-north-4", "CN-North-4")),
        &[
            "10:7 invalid-value `CN-North-4` is not a region: a region holds only a–z, 0–9 and `-`, and neither starts nor ends with `-` (as in `cn-north-4`)",
            "11:9 invalid-value `1a` is not a variable name: a variable name holds only letters, digits and `_`, and starts with no digit",
            "11:16 invalid-value `b-c` is not a variable name: a variable name holds only letters, digits and `_`, and starts with no digit",
        ],
    );
}

#[test]
fn a_mistake_behind_an_alias_is_told_once_where_it_is_written() {
    let text = with("[all]", "&sets [5]") + "  - { name: b, project_ids: { cn-north-4: x }, registry_sets: *sets }\n";
    assert_lines(&text, &["8:27 number-as-id this registry set name is read by YAML as the number 5"]);
}

#[test]
fn at_most_a_hundred_are_shown_and_the_rest_is_counted() {
    let projects: String =
        (0..130).map(|n| format!("  - {{ name: {n}, project_ids: {{ cn-north-4: x }} }}\n")).collect();
    let found = super::found(&format!("{GOOD}{projects}"));
    assert_eq!(found.len(), 100);
    assert_eq!(found[99].notes, ["30 more problems follow, which are not shown"]);
    assert_eq!(
        Read::new(&format!("{GOOD}{projects}")).line(&found[99]),
        "110:13 number-as-id this project name is read by YAML as the number 99"
    );
}
