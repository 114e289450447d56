//! The examples of `explain` are true: each `bad` gets its code from the real program, each `good` passes.

use std::io::Write;
use std::process::{Command, Stdio};

use hss_sync::diagnostic::{Code, Severity};

/// What an example is completed with where it doesn't have the key itself.
const BASE: &[(&str, &str)] = &[
    ("version", "version: 1\n"),
    ("name", "name: example\n"),
    (
        "registry_sets",
        "registry_sets:\n  harbor:\n    registries:\n      - { registry_id: 5f9f0c8e-1111-2222-3333-444455556666, registry_type: Harbor }\n",
    ),
    ("defaults", "defaults:\n  registry_sets: [harbor]\n"),
    ("projects", "projects:\n  - name: payments\n    project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 }\n"),
];

/// Codes whose example shows a command line, or a character that a text can only describe.
const NOT_A_PLAN: &[Code] = &[
    Code::UnreadableFile,
    Code::FileTooLarge,
    Code::InvalidUtf8,
    Code::ControlCharacter,
    Code::SettingsSyntax,
    Code::UnknownSetting,
    Code::InvalidSetting,
];

/// Codes of the settings file: tests/it/settings.rs holds their examples to what the program says.
pub(crate) const SETTINGS: &[Code] = &[Code::SettingsSyntax, Code::UnknownSetting, Code::InvalidSetting];

/// Codes that only the service's answers lead to: offline both of their examples are right.
pub(crate) const ONLINE: &[Code] =
    &[Code::ProjectNotFound, Code::AmbiguousProject, Code::EmptySelect, Code::RegistryLeftOut];

/// The example as a whole plan: the keys that it lacks are put behind it. One without any key stands for itself.
fn completed(example: &str) -> String {
    let has = |key: &str| example.lines().any(|line| line.strip_prefix(key).is_some_and(|rest| rest.starts_with(':')));
    let mut plan = format!("{example}\n");
    if example.lines().all(|line| line.starts_with('#')) {
        return plan;
    }
    for (key, text) in BASE {
        // A plan with sets of its own for each project needs no default.
        let unwanted = *key == "defaults" && example.contains("everything: { sync_all") && has("version");
        if !has(key) && !unwanted {
            plan.push_str(text);
        }
    }
    plan
}

/// The code and severity of each diagnostic, and the exit code.
fn validate(plan: &str) -> (Vec<(String, String)>, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
        .env_clear()
        .args(["validate", "--format", "json", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    child.stdin.take().expect("it is piped").write_all(plan.as_bytes()).expect("it reads its input");
    let output = child.wait_with_output().expect("it ends");
    let document: serde_json::Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)));
    let diagnostics = document["diagnostics"].as_array().expect("a list of diagnostics");
    let text = |diagnostic: &serde_json::Value, key: &str| diagnostic[key].as_str().expect("a text").to_owned();
    let found = diagnostics.iter().map(|each| (text(each, "code"), text(each, "severity"))).collect();
    (found, output.status.code())
}

#[test]
fn every_example_gets_its_code_and_its_mend_passes() {
    let mut wrong = Vec::new();
    for code in Code::ALL.iter().filter(|code| !NOT_A_PLAN.contains(code)) {
        let explanation = code.explanation();
        if ONLINE.contains(code) {
            for example in [explanation.bad, explanation.good] {
                let (found, exit) = validate(&completed(example));
                if !found.is_empty() || exit != Some(0) {
                    wrong.push(format!("{}: an example gets {found:?} offline, exit code {exit:?}", code.as_str()));
                }
            }
            continue;
        }
        let (found, exit) = validate(&completed(explanation.bad));
        let is_this = |found: &(String, String)| found.0 == code.as_str();
        // One cause, one error: nothing but this code, besides warnings that an error may bring along.
        let alone =
            found.iter().all(|found| is_this(found) || code.severity() == Severity::Error && found.1 == "warning");
        let expected_exit = if code.severity() == Severity::Error { 3 } else { 0 };
        if !found.iter().any(is_this) || !alone || exit != Some(expected_exit) {
            wrong.push(format!("{}: the bad example gets {found:?}, exit code {exit:?}", code.as_str()));
        }
        let (found, exit) = validate(&completed(explanation.good));
        if !found.is_empty() || exit != Some(0) {
            wrong.push(format!("{}: the good example gets {found:?}, exit code {exit:?}", code.as_str()));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
