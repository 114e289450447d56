//! `tests/cases`: plans, and what a person says about them.
//!
//! A folder with `expected.yaml` is a plan with mistakes or warnings; where each one is was decided on the plan alone,
//! before there was a program to ask. A folder `ok-*` has `expected-plan.json`, the operations worked out by hand.
//! Output for people is compared in full where there is an `expected.txt`. Every case is run before a test fails,
//! so that one run shows all that differs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use hss_sync::diagnostic::Code;
use hss_sync::model::PlanDigest;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::common::{finish, hss_sync};

/// What `validate` must say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Expected {
    exit: i32,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default = "only_plan")]
    plans: Vec<String>,
    diagnostics: Vec<ExpectedDiagnostic>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedDiagnostic {
    code: String,
    severity: String,
    #[serde(default = "plan_yaml")]
    path: String,
    /// Left out when no part of the text can be pointed at.
    line: Option<u64>,
    /// Left out when the contract does not say which part of the line.
    column: Option<u64>,
    /// One past the last character.
    end_column: Option<u64>,
    /// What the plan has at that place; checked against the plan itself, without the binary.
    text: Option<String>,
    /// What message, help or notes must contain.
    #[serde(default)]
    contains: Vec<String>,
}

/// What `plan` must say.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedPlan {
    #[expect(dead_code, reason = "for the reader of the case")]
    why: String,
    #[serde(default)]
    args: Vec<String>,
    #[serde(default)]
    env: BTreeMap<String, String>,
    #[serde(default = "only_plan")]
    plans: Vec<String>,
    /// Codes of the warnings that `validate` gives.
    #[serde(default)]
    warnings: Vec<String>,
    operations: Vec<Value>,
}

fn only_plan() -> Vec<String> {
    vec![plan_yaml()]
}

fn plan_yaml() -> String {
    "plan.yaml".to_owned()
}

struct Case {
    name: String,
    dir: PathBuf,
}

impl Case {
    fn is_ok(&self) -> bool {
        self.name.starts_with("ok-")
    }

    fn file(&self, name: &str) -> String {
        let path = self.dir.join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("case {}: {name}: {error}", self.name))
    }

    fn expected(&self) -> Expected {
        serde_yaml::from_str(&self.file("expected.yaml"))
            .unwrap_or_else(|error| panic!("case {}: expected.yaml: {error}", self.name))
    }

    fn expected_plan(&self) -> ExpectedPlan {
        serde_json::from_str(&self.file("expected-plan.json"))
            .unwrap_or_else(|error| panic!("case {}: expected-plan.json: {error}", self.name))
    }
}

fn all_cases() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    let mut cases: Vec<Case> = std::fs::read_dir(root)
        .expect("tests/cases is there")
        .map(|entry| entry.expect("tests/cases can be listed"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| Case { name: entry.file_name().to_string_lossy().into_owned(), dir: entry.path() })
        .collect();
    cases.sort_by(|a, b| a.name.cmp(&b.name));
    cases
}

/// Fails with every case that differs.
fn report(problems: &[(String, Vec<String>)]) {
    if problems.is_empty() {
        return;
    }
    let mut text = format!("{} cases differ\n", problems.len());
    for (name, lines) in problems {
        writeln!(text, "\ncase {name}").expect("writing to a string");
        for line in lines {
            writeln!(text, "  {}", line.replace('\n', "\n    ")).expect("writing to a string");
        }
    }
    panic!("{text}");
}

fn for_each(cases: impl Iterator<Item = Case>, check: impl Fn(&Case) -> Vec<String>) {
    let problems: Vec<_> = cases.map(|case| (case.name.clone(), check(&case))).filter(|(_, p)| !p.is_empty()).collect();
    report(&problems);
}

#[test]
fn every_case_is_whole() {
    let cases = all_cases();
    let mut covered = BTreeSet::from([
        // These two are no folder: see hostile.rs.
        Code::UnreadableFile.as_str().to_owned(),
        Code::FileTooLarge.as_str().to_owned(),
    ]);
    let mut broken = 0;
    let mut problems = Vec::new();
    for case in &cases {
        if case.is_ok() {
            assert!(!case.expected_plan().operations.is_empty(), "case {}: no operations", case.name);
            continue;
        }
        let expected = case.expected();
        assert!(!expected.diagnostics.is_empty(), "case {}: nothing is expected", case.name);
        broken += usize::from(expected.exit == 3);
        let mut lines = Vec::new();
        for diagnostic in &expected.diagnostics {
            match Code::parse(&diagnostic.code) {
                None => lines.push(format!("{} is no code of the catalogue", diagnostic.code)),
                Some(code) if code.severity().as_str() != diagnostic.severity => {
                    lines.push(format!("{} is no {}", diagnostic.code, diagnostic.severity));
                }
                Some(_) => {}
            }
            covered.insert(diagnostic.code.clone());
            lines.extend(misplaced(case, diagnostic));
        }
        if !lines.is_empty() {
            problems.push((case.name.clone(), lines));
        }
    }
    report(&problems);
    // tests/it/resolve.rs has those that need the service's answers.
    covered.extend(super::catalogue::ONLINE.iter().map(|code| code.as_str().to_owned()));
    covered.extend(super::catalogue::SETTINGS.iter().map(|code| code.as_str().to_owned()));
    let missing: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).filter(|code| !covered.contains(*code)).collect();
    assert!(missing.is_empty(), "codes without a case: {missing:?}");
    assert!(broken >= 40, "only {broken} broken cases");
    assert!(cases.iter().filter(|case| case.is_ok()).count() >= 10, "too few good cases");
}

/// Whether the plan really has the expected text at the expected place.
fn misplaced(case: &Case, expected: &ExpectedDiagnostic) -> Option<String> {
    let (text, line, column) = (expected.text.as_ref()?, expected.line?, expected.column?);
    let plan = case.file(&expected.path);
    let plan = plan.trim_start_matches('\u{feff}');
    let index = |one_based: u64| usize::try_from(one_based - 1).expect("small");
    let rest: String = plan.split('\n').nth(index(line))?.chars().skip(index(column)).collect();
    let length = u64::try_from(text.chars().count()).expect("small");
    if !rest.starts_with(text.as_str()) {
        return Some(format!("the case itself is wrong: {line}:{column} is {rest:?}, not {text:?}"));
    }
    expected
        .end_column
        .filter(|end| *end != column + length)
        .map(|end| format!("the case itself is wrong: {text:?} at column {column} does not end at {end}"))
}

#[test]
fn validate_says_what_a_person_says() {
    for_each(all_cases().into_iter().filter(|case| !case.is_ok()), check_diagnostics);
}

fn check_diagnostics(case: &Case) -> Vec<String> {
    let expected = case.expected();
    let finished =
        finish(hss_sync(&case.dir).args(["validate", "--format", "json"]).args(&expected.args).args(&expected.plans));
    let mut problems = Vec::new();
    match finished.try_code() {
        Err(how) => return vec![how],
        Ok(code) if code != expected.exit => problems.push(format!("exit code {code}, expected {}", expected.exit)),
        Ok(_) => {}
    }
    let got = match finished.json() {
        Err(error) => {
            problems.push(error);
            return problems;
        }
        Ok(document) => {
            problems.extend(misshapen(&document));
            document["diagnostics"].as_array().cloned().unwrap_or_default()
        }
    };
    for (index, want) in expected.diagnostics.iter().enumerate() {
        let Some(got) = got.get(index) else { continue };
        problems.extend(differences(want, got).into_iter().map(|line| format!("diagnostic {}: {line}", index + 1)));
    }
    if got.len() != expected.diagnostics.len() {
        problems.push(format!("{} diagnostics, expected {}", got.len(), expected.diagnostics.len()));
    }
    if !problems.is_empty() {
        problems.extend(expected.diagnostics.iter().map(|want| format!("want  {}", line_of_expected(want))));
        problems.extend(got.iter().map(|got| format!("got   {}", line_of(got))));
    }
    problems
}

/// What is not as section 3 of the contract has it.
fn misshapen(document: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    if document["schema_version"] != json!(1) {
        problems.push(format!("schema_version is {}", document["schema_version"]));
    }
    if !document["summary"].is_object() {
        problems.push(format!("summary is {}", document["summary"]));
    }
    let Some(diagnostics) = document["diagnostics"].as_array() else {
        problems.push("no list of diagnostics".to_owned());
        return problems;
    };
    for diagnostic in diagnostics {
        for key in ["code", "severity", "message", "path", "line", "column", "end_line", "end_column", "help"] {
            if diagnostic.get(key).is_none() {
                problems.push(format!("a diagnostic without `{key}`: {}", line_of(diagnostic)));
            }
        }
        if diagnostic["message"].as_str().is_none_or(str::is_empty) {
            problems.push(format!("a diagnostic without a message: {}", line_of(diagnostic)));
        }
    }
    problems
}

fn differences(want: &ExpectedDiagnostic, got: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    let mut compare = |key: &str, want: Value| {
        if got[key] != want {
            problems.push(format!("{key} is {}, expected {want}", got[key]));
        }
    };
    compare("code", json!(want.code));
    compare("severity", json!(want.severity));
    compare("path", json!(want.path));
    if let Some(line) = want.line {
        compare("line", json!(line));
    }
    if let Some(column) = want.column {
        compare("column", json!(column));
    }
    if let Some(end) = want.end_column {
        compare("end_line", json!(want.line));
        compare("end_column", json!(end));
    }
    let said = words(got);
    problems.extend(
        want.contains
            .iter()
            .filter(|piece| !said.contains(*piece))
            .map(|piece| format!("says nowhere {piece:?}: {said}")),
    );
    problems
}

/// Everything that a diagnostic says in words.
fn words(diagnostic: &Value) -> String {
    fn collect(value: &Value, into: &mut Vec<String>) {
        match value {
            Value::String(text) => into.push(text.clone()),
            Value::Array(items) => items.iter().for_each(|item| collect(item, into)),
            Value::Object(fields) => fields.values().for_each(|field| collect(field, into)),
            _ => {}
        }
    }
    let mut said = Vec::new();
    for (key, value) in diagnostic.as_object().into_iter().flatten() {
        if !["code", "severity", "path"].contains(&key.as_str()) {
            collect(value, &mut said);
        }
    }
    said.join(" | ")
}

fn line_of(got: &Value) -> String {
    let text = |key: &str| got[key].as_str().unwrap_or("-").to_owned();
    format!(
        "{}[{}] {}:{}:{} to {}:{}  {}",
        text("severity"),
        text("code"),
        text("path"),
        got["line"],
        got["column"],
        got["end_line"],
        got["end_column"],
        words(got)
    )
}

fn line_of_expected(want: &ExpectedDiagnostic) -> String {
    let number = |value: Option<u64>| value.map_or("-".to_owned(), |value| value.to_string());
    format!(
        "{}[{}] {}:{}:{} to {}:{}  {:?}",
        want.severity,
        want.code,
        want.path,
        number(want.line),
        number(want.column),
        number(want.line),
        number(want.end_column),
        want.text.as_deref().unwrap_or("")
    )
}

#[test]
fn people_read_exactly_this() {
    let mut compared = 0;
    let mut problems = Vec::new();
    for case in all_cases().into_iter().filter(|case| case.dir.join("expected.txt").exists()) {
        compared += 1;
        let finished = finish(hss_sync(&case.dir).args(["validate", "plan.yaml"]));
        let (want, got) = (case.file("expected.txt"), finished.output());
        let mut lines = Vec::new();
        match finished.try_code() {
            Err(how) => lines.push(how),
            Ok(3) => {}
            Ok(code) => lines.push(format!("exit code {code}, expected 3")),
        }
        if want != got {
            lines.push(format!("want\n{want}\ngot\n{got}"));
        }
        if !lines.is_empty() {
            problems.push((case.name, lines));
        }
    }
    report(&problems);
    assert!(compared >= 3, "only {compared} cases have an expected.txt");
}

#[test]
fn plan_shows_the_operations_worked_out_by_hand() {
    for_each(all_cases().into_iter().filter(Case::is_ok), check_operations);
}

fn check_operations(case: &Case) -> Vec<String> {
    let expected = case.expected_plan();
    let run = |command: &str| {
        let args = [command, "--format", "json"];
        let mut hss_sync = hss_sync(&case.dir);
        let finished = finish(hss_sync.args(args).args(&expected.args).args(&expected.plans).envs(&expected.env));
        match finished.try_code()? {
            0 => finished.json(),
            code => Err(format!("`{command}` ends with {code}, expected 0\n{}", finished.excerpt())),
        }
    };
    let mut problems = Vec::new();
    match run("validate") {
        Err(error) => problems.push(error),
        Ok(document) => {
            let diagnostics = document["diagnostics"].as_array().cloned().unwrap_or_default();
            let codes: Vec<_> = diagnostics.iter().filter_map(|d| d["code"].as_str()).collect();
            if codes != expected.warnings {
                problems.push(format!("warnings {codes:?}, expected {:?}", expected.warnings));
            }
        }
    }
    let document = match run("plan") {
        Ok(document) => document,
        Err(error) => {
            problems.push(error);
            return problems;
        }
    };
    if document["digest"].as_str().is_none_or(|digest| PlanDigest::parse(digest).is_err()) {
        problems.push(format!("digest is {}", document["digest"]));
    }
    let got = document["operations"].as_array().cloned().unwrap_or_default();
    if got.len() != expected.operations.len() {
        problems.push(format!("{} operations, expected {}", got.len(), expected.operations.len()));
    }
    let ids: BTreeSet<_> = got.iter().filter_map(|operation| operation["id"].as_str()).collect();
    if ids.len() != got.len() {
        problems.push(format!("{} different ids for {} operations", ids.len(), got.len()));
    }
    for (index, (want, got)) in expected.operations.iter().zip(&got).enumerate() {
        problems.extend(
            operation_differences(want, got).into_iter().map(|line| format!("operation {}: {line}", index + 1)),
        );
    }
    problems
}

fn operation_differences(want: &Value, got: &Value) -> Vec<String> {
    let mut problems = Vec::new();
    for (key, want) in want.as_object().expect("an expected operation is an object") {
        let got = match key.as_str() {
            "source_path" => got["source"]["path"].clone(),
            "request" => comparable_request(want, &got["request"]),
            _ => got[key.as_str()].clone(),
        };
        if got != *want {
            problems.push(format!("{key} is {got}, expected {want}"));
        }
    }
    let place = &got["source"];
    if place["line"].as_u64().unwrap_or(0) == 0 || place["column"].as_u64().unwrap_or(0) == 0 {
        problems.push(format!("source is {place}"));
    }
    problems
}

/// The parts of a request that the case names. An empty `registry_info` and none are the same body; the query of
/// the URL is not looked at.
fn comparable_request(want: &Value, got: &Value) -> Value {
    let (Some(want), Some(got)) = (want.as_object(), got.as_object()) else {
        return got.clone();
    };
    let part = |key: &String| {
        let mut value = got.get(key).cloned().unwrap_or(Value::Null);
        if let Some(body) = value.as_object_mut().filter(|_| key == "body") {
            if body.get("registry_info") == Some(&json!([])) {
                body.remove("registry_info");
            }
        } else if key == "url" {
            value = json!(value.as_str().and_then(|url| url.split('?').next()));
        }
        (key.clone(), value)
    };
    Value::Object(want.keys().map(part).collect())
}

/// A small plan with everything that the digest covers, and the same again in other clothes.
const PLAIN: &str = "\
version: 1
name: digest
registry_sets:
  harbor:
    registries:
      - { registry_id: r-1, registry_type: Harbor }
projects:
  - name: payments
    project_ids: { cn-north-4: p-1 }
    registry_sets: [harbor]
  - name: search
    project_ids: { cn-north-4: p-2 }
    registry_sets: [harbor]
rollout:
  waves:
    - { name: all, max_failures: 1 }
";

#[test]
fn the_digest_changes_with_what_is_done_and_with_nothing_else() {
    let dressed = "\
# a comment
name: digest
version: 1
rollout: { waves: [ { max_failures: 1, name: \"all\" } ] }
registry_sets:
  harbor: { registries: [ { registry_type: Harbor, registry_id: 'r-1' } ] }
projects:
  - &first
    registry_sets: [harbor]
    name: payments
    project_ids:
      cn-north-4: p-1
  - { <<: *first, name: search, project_ids: { cn-north-4: p-2 } }
";
    let (digest, ids) = digest_and_ids(PLAIN);
    for (what, same) in [("other layout", dressed.to_owned()), ("CRLF", PLAIN.replace('\n', "\r\n"))] {
        assert_eq!(digest_and_ids(&same), (digest.clone(), ids.clone()), "{what}");
    }
    for (from, to) in [
        ("r-1", "r-2"),
        ("Harbor", "Jfrog"),
        ("p-2", "p-3"),
        ("max_failures: 1", "max_failures: 2"),
        ("name: all", "name: everything"),
        ("version: 1", "version: 1\nlimits: { concurrency: 3 }"),
    ] {
        let changed = PLAIN.replace(from, to);
        assert_ne!(changed, PLAIN);
        assert_ne!(digest_and_ids(&changed).0, digest, "{from} became {to}");
    }
}

#[test]
fn an_operation_keeps_its_id_when_others_come_and_go() {
    let entry = "  - name: payments\n    project_ids: { cn-north-4: p-1 }\n    registry_sets: [harbor]\n";
    let without_first = PLAIN.replace(entry, "");
    assert_ne!(without_first, PLAIN);
    let (_, both) = digest_and_ids(PLAIN);
    let (_, second) = digest_and_ids(&without_first);
    assert_eq!(both[1..], second[..]);
}

fn digest_and_ids(plan: &str) -> (String, Vec<String>) {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("plan.yaml"), plan).expect("a plan can be written");
    let finished = finish(hss_sync(dir.path()).args(["plan", "--format", "json", "plan.yaml"]));
    assert_eq!(finished.code(), 0, "{}\n{plan}", finished.excerpt());
    let document = finished.json().unwrap_or_else(|error| panic!("{error}"));
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let operations = document["operations"].as_array().expect("a list of operations");
    (text(&document["digest"]), operations.iter().map(|operation| text(&operation["id"])).collect())
}
