//! The checked-in plans are right, and stay so.

use std::process::Command;

#[test]
fn the_checked_in_plans_are_valid_without_a_warning() {
    let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
        .env_clear()
        .args(["validate", "--deny-warnings", "plans/"])
        .output()
        .expect("the binary starts");
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{stdout}{stderr}");
    assert_eq!(stderr, "");
    assert_eq!(stdout.lines().count(), 1, "nothing but one summary line: {stdout}");
    let plans = std::fs::read_dir("plans").expect("plans").count();
    assert!(plans >= 4);
    assert!(stdout.starts_with(&format!("{plans} plans valid: ")), "{stdout}");
}

/// A plan's deadline is its own: what runs beside it in another region may take longer.
#[test]
fn a_deadline_is_compared_with_the_end_of_its_own_plan() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let plan = |name: &str, region: &str, projects: usize, deadline: &str| {
        let mut text = format!(
            "version: 1\nname: {name}\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\nrollout: {{ deadline: {deadline} }}\nprojects:\n"
        );
        for project in 0..projects {
            text.push_str(&format!("  - {{ name: p{project}, project_ids: {{ {region}: {name}-{project} }} }}\n"));
        }
        std::fs::write(folder.path().join(format!("{name}.yaml")), text).expect("the plan is written");
    };
    // By hand: five calls a minute, so twelve calls end after two minutes, and five at once.
    plan("short", "cn-north-4", 5, "1m");
    plan("long", "cn-north-1", 12, "3m");
    let validate = || {
        Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .args(["validate", "--format", "json"])
            .arg(folder.path())
            .output()
            .expect("the binary starts")
    };
    let codes = |output: &std::process::Output| -> Vec<(String, String)> {
        let document: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        let diagnostics = document["diagnostics"].as_array().expect("a list").iter();
        let file = |path: &str| path.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        diagnostics
            .map(|each| {
                (each["code"].as_str().expect("a code").to_owned(), file(each["path"].as_str().expect("a path")))
            })
            .collect()
    };
    assert_eq!(codes(&validate()), []);
    plan("long", "cn-north-1", 12, "90s");
    assert_eq!(codes(&validate()), [("deadline-exceeded".to_owned(), "long.yaml".to_owned())]);
}

/// A run that may fail nowhere sends one call at a time, and that is what its deadline is compared with.
#[test]
fn a_run_is_compared_with_its_deadline_by_its_own_bounds() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("plan.yaml");
    let mut text = "version: 1\nname: bound\nregistry_sets:\n  all: { sync_all_registries: true }\ndefaults: { registry_sets: [all] }\nlimits: { quota: { calls: 1000, per: 1s }, concurrency: 10, region_concurrency: 10 }\nrollout: { deadline: 4s }\nprojects:\n".to_owned();
    for project in 0..100 {
        text.push_str(&format!("  - {{ name: p{project}, project_ids: {{ cn-north-4: p{project} }} }}\n"));
    }
    std::fs::write(&path, text).expect("the plan is written");
    let warned = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .args(arguments)
            .arg(&path)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stderr).contains("deadline-exceeded")
    };
    // By hand, at 0.1 s an answer: 100 calls take 1 s ten at a time, and 10 s one by one.
    assert!(!warned(&["validate"]));
    assert!(!warned(&["run", "--dry-run"]));
    assert!(warned(&["run", "--dry-run", "--max-failures", "0"]));
}

#[test]
fn each_plan_is_valid_alone() {
    for entry in std::fs::read_dir("plans").expect("plans") {
        let path = entry.expect("an entry").path();
        let output = Command::new(env!("CARGO_BIN_EXE_hss-sync"))
            .env_clear()
            .args(["validate", "--deny-warnings"])
            .arg(&path)
            .output()
            .expect("the binary starts");
        assert_eq!(output.status.code(), Some(0), "{}: {}", path.display(), String::from_utf8_lossy(&output.stdout));
    }
}
