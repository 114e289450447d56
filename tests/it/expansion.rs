//! What a plan becomes, end to end: what changes its digest and what doesn't, and what a published schema alone catches.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::common::{finish, finish_with, hss_sync};

const PLAN: &str = "\
version: 1
name: sample
vars: { env: prod }
registry_sets:
  a: { registries: [{ registry_id: \"{{ vars.env }}-a\", registry_type: Harbor }] }
  b: { registries: [{ registry_id: b-1, registry_type: Jfrog }] }
projects:
  - { name: one, project_ids: { cn-north-4: p-1, cn-east-3: p-2 }, registry_sets: [a, b], labels: [x] }
  - { name: two, project_id: \"{{ region }}-id\", regions: [cn-north-1, cn-south-1], registry_sets: [b] }
rollout:
  max_operations: 50
  deadline: 6h
  pause: 2m
  waves:
    - { name: first, select: { labels: [x] }, max_failures: 1 }
    - { name: rest }
limits:
  quota: { calls: 5, per: 1m, scope: address }
  concurrency: 8
  region_concurrency: 4
  attempt_timeout: 75s
  retry: { max_attempts: 5, initial_delay: 1s, max_delay: 5m }
endpoints: { cn-north-4: https://hss.cn-north-4.myhuaweicloud.com }
";

fn plan_json(plan: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Value {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("low.yaml"), "env: low\n").expect("it is written");
    std::fs::write(folder.path().join("high.yaml"), "env: high\n").expect("it is written");
    let mut command = hss_sync(folder.path());
    command.args(["plan", "--format", "json", "-"]).args(arguments).envs(variables.iter().copied());
    let finished = finish_with(&mut command, plan.as_bytes().to_vec());
    assert_eq!(finished.code(), 0, "{plan}\n{}", finished.excerpt());
    finished.json().expect("a plan in JSON")
}

fn digest(plan: &str) -> String {
    plan_json(plan, &[], &[])["digest"].as_str().expect("a digest").to_owned()
}

#[test]
fn the_digest_is_the_same_however_a_plan_is_written() {
    let expected = digest(PLAN);
    for (from, to) in [
        ("version: 1\nname: sample\n", "# a comment\nname: 'sample' # and one more\nversion: 1\n"),
        ("name: sample\n", "name: sample\ndescription: says nothing about requests\n"),
        ("cn-north-4: p-1, cn-east-3: p-2", "cn-east-3: p-2, cn-north-4: p-1"),
        ("regions: [cn-north-1, cn-south-1]", "regions: [cn-south-1, \"cn-north-1\"]"),
        (
            "registry_sets: [a, b], labels",
            "registry_sets: &sets [
      a, b,
    ], labels",
        ),
        ("registry_sets: [a, b], labels: [x]", "labels: [x], registry_sets: [b, a]"),
        ("vars: { env: prod }", "vars: { environment: prod }"),
        ("deadline: 6h", "deadline: 360m"),
        ("max_failures: 1", "max_failures: 0x1"),
        ("registry_id: b-1", "registry_id: \"{{ 'b' }}-1\""),
        ("- { name: one,", "- { <<: { name: one },"),
    ] {
        let mut edited = PLAN.replace(from, to);
        assert_ne!(edited, PLAN, "{from}");
        if to.contains("environment") {
            edited = edited.replace("vars.env }}", "vars.environment }}");
        }
        assert_eq!(digest(&edited), expected, "{to}");
    }
    assert_eq!(digest(&PLAN.replace('\n', "\r\n")), expected, "line ends");
}

#[test]
fn the_digest_changes_with_each_request_wave_and_limit() {
    let mut seen = vec![(String::from("the plan itself"), digest(PLAN))];
    for (from, to) in [
        ("name: sample", "name: other"),
        ("env: prod", "env: test"),
        ("registry_id: b-1", "registry_id: b-2"),
        ("registry_type: Jfrog", "registry_type: Other"),
        ("name: one", "name: uno"),
        ("cn-north-4: p-1", "cn-north-4: p-9"),
        (", cn-east-3: p-2", ""),
        ("cn-south-1]", "cn-south-2]"),
        ("registry_sets: [b] }", "registry_sets: [a] }"),
        ("registry_sets: [b] }", "registry_sets: [b], credential: emea }"),
        ("registry_sets: [b] }", "registry_sets: [b], enterprise_project_id: \"7\" }"),
        ("labels: [x] }", "labels: [x], requests: per-set }"),
        ("max_operations: 50", "max_operations: 51"),
        ("deadline: 6h", "deadline: 7h"),
        ("pause: 2m", "pause: 3m"),
        ("name: first", "name: canary"),
        ("labels: [x] }, max", "projects: [two] }, max"),
        ("max_failures: 1", "max_failures: 0"),
        ("max_failures: 1", "max_failures: 50%"),
        ("calls: 5", "calls: 6"),
        ("per: 1m", "per: 2m"),
        ("scope: address", "scope: global"),
        ("\n  concurrency: 8", "\n  concurrency: 9"),
        ("region_concurrency: 4", "region_concurrency: 5"),
        ("attempt_timeout: 75s", "attempt_timeout: 76s"),
        ("max_attempts: 5", "max_attempts: 6"),
        ("initial_delay: 1s", "initial_delay: 2s"),
        ("max_delay: 5m", "max_delay: 6m"),
        ("https://hss.cn-north-4.", "https://hss-other.cn-north-4."),
    ] {
        let edited = PLAN.replacen(from, to, 1);
        assert_ne!(edited, PLAN, "{from}");
        let digest = digest(&edited);
        if let Some((other, _)) = seen.iter().find(|(_, known)| *known == digest) {
            panic!("`{to}` has the digest of `{other}`");
        }
        seen.push((to.to_owned(), digest));
    }
}

#[test]
fn a_later_source_of_a_variable_wins() {
    let id = |arguments: &[&str], variables: &[(&str, &str)]| {
        let plan = plan_json(PLAN, arguments, variables);
        plan["operations"][0]["request"]["body"]["registry_info"][0]["registry_id"].as_str().expect("an id").to_owned()
    };
    let (low, high) = (["--vars-file", "low.yaml"], ["--vars-file", "low.yaml", "--vars-file", "high.yaml"]);
    let environment = [("HSS_SYNC_VAR_env", "environment")];
    assert_eq!(id(&[], &[]), "prod-a");
    assert_eq!(id(&low, &[]), "low-a");
    assert_eq!(id(&high, &[]), "high-a");
    assert_eq!(id(&high, &environment), "environment-a");
    assert_eq!(id(&["--vars-file", "high.yaml", "--var", "env=flag"], &environment), "flag-a");
}

/// A file as the JSON that an editor's YAML server would validate; nothing where YAML itself is wrong.
fn as_json(path: &Path) -> Option<Value> {
    let text = std::fs::read_to_string(path).ok()?;
    let mut value: serde_yaml::Value = serde_yaml::from_str(&text).ok()?;
    value.apply_merge().ok()?;
    serde_json::to_value(value).ok()
}

fn published_schema() -> jsonschema::Validator {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let finished = finish(hss_sync(folder.path()).args(["schema", "plan"]));
    let schema = finished.json().expect("the schema is JSON");
    let file = std::fs::read("schemas/plan.schema.json").expect("the schema is checked in");
    assert_eq!(finished.stdout().into_bytes(), file, "what is printed is what is checked in");
    jsonschema::draft7::new(&schema).expect("the schema is a schema")
}

fn plans_under(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(plans_under(path.to_str().expect("plain names")));
        } else if path.file_stem().is_some_and(|stem| stem.to_string_lossy().starts_with("plan")) || folder == "plans" {
            found.push(path);
        }
    }
    found.retain(|path| path.extension().is_some_and(|extension| extension == "yaml"));
    found.sort();
    found
}

/// Codes that the schema alone can see, whatever YAML library an editor uses.
const OF_STRUCTURE: [&str; 9] = [
    "unknown-key",
    "missing-key",
    "conflicting-keys",
    "wrong-type",
    "null-value",
    "empty-collection",
    "repeated-item",
    "template-not-allowed",
    "unsupported-version",
];

#[test]
fn an_editor_with_the_schema_sees_what_we_call_structure() {
    let schema = published_schema();
    let mut wrong = Vec::new();
    let (mut accepted, mut refused) = (0, 0);
    for path in plans_under("plans").into_iter().chain(plans_under("tests/cases")) {
        let Some(json) = as_json(&path) else { continue };
        let folder = path.parent().expect("a folder").to_owned();
        let finished =
            finish(hss_sync(&folder).args(["validate", "--format", "json"]).arg(path.file_name().expect("one")));
        let Ok(document) = finished.json() else { continue };
        let codes: Vec<&str> = document["diagnostics"]
            .as_array()
            .expect("a list")
            .iter()
            .filter(|each| each["severity"] == "error")
            .filter_map(|each| each["code"].as_str())
            .collect();
        let is_valid = schema.is_valid(&json);
        if codes.is_empty() {
            accepted += 1;
            if !is_valid {
                wrong.push(format!("{}: we accept it, the schema doesn't", path.display()));
            }
        } else if codes.iter().any(|code| OF_STRUCTURE.contains(code)) {
            refused += 1;
            if is_valid {
                wrong.push(format!("{}: the schema misses {codes:?}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(accepted > 20 && refused > 40, "{accepted} accepted, {refused} refused");
}

#[test]
fn a_file_that_is_no_text_does_not_hide_the_mistakes_of_another() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("a.yaml"), PLAN.replace("name: sample", "nme: sample")).expect("it is written");
    std::fs::write(folder.path().join("b.yaml"), b"name: caf\xE9\n").expect("it is written");
    std::fs::write(folder.path().join("c.yaml"), "version: 1\nname: \"open\n").expect("it is written");
    let finished = finish(hss_sync(folder.path()).args(["validate", "--format", "json", "."]));
    assert_eq!(finished.code(), 3);
    let document = finished.json().expect("diagnostics in JSON");
    let told: Vec<String> = document["diagnostics"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|each| format!("{} {}", each["path"].as_str().expect("a path"), each["code"].as_str().expect("a code")))
        .collect();
    assert_eq!(told, ["./a.yaml unknown-key", "./b.yaml invalid-utf8", "./c.yaml yaml-syntax"]);
    let human = finish(hss_sync(folder.path()).args(["validate", "."]));
    assert!(human.stdout().contains("3 plans: 3 errors."), "{}", human.excerpt());
}
