//! `--report` and `validate --format` in each format with the real binary, and what a run writes without a flag in CI.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const PLAN: &str = "\
version: 1
name: fleet
registry_sets: { all: { sync_all_registries: true } }
defaults: { registry_sets: [all] }
projects:
  - { name: payments, project_ids: { cn-north-4: id-1, eu-west-101: id-2 } }
  - { name: search, project_ids: { cn-north-4: id-3 } }
";

/// A mistake on line 4, and a warning for the set that nobody uses then.
const WRONG: &str = "\
version: 1
name: fleet
registry_sets: { all: { sync_all_registries: true } }
defaults: { registry_sets: [al] }
projects:
  - { name: payments, project_ids: { cn-north-4: id-1 } }
";

fn folder(plan: &str) -> TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("it is written");
    folder
}

fn hss_sync(folder: &Path, args: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hss-sync"));
    command.current_dir(folder).env_clear().args(args).stdin(Stdio::null());
    command.env("HSS_SYNC_METADATA_ENDPOINT", "off").envs(environment.iter().copied());
    command.output().expect("the binary starts")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn validate_writes_sarif_and_annotations() {
    let wrong = folder(WRONG);
    let sarif = hss_sync(wrong.path(), &["validate", "plan.yaml", "--format", "sarif"], &[]);
    assert_eq!(sarif.status.code(), Some(3), "{}", text(&sarif.stderr));
    let document: Value = serde_json::from_slice(&sarif.stdout).expect("JSON");
    let results = document["runs"][0]["results"].as_array().expect("a list");
    let result = results.iter().find(|result| result["ruleId"] == "unknown-set").expect("the mistake");
    assert_eq!(result["level"], "error");
    // By hand: line 4, `al` after `defaults: { registry_sets: [`.
    let region = &result["locations"][0]["physicalLocation"]["region"];
    assert_eq!(
        (&region["startLine"], &region["startColumn"], &region["endColumn"]),
        (&4.into(), &29.into(), &31.into())
    );

    let github = hss_sync(wrong.path(), &["validate", "plan.yaml", "--format", "github"], &[]);
    assert_eq!(github.status.code(), Some(3), "{}", text(&github.stderr));
    let stdout = text(&github.stdout);
    let place = "::error file=plan.yaml,line=4,endLine=4,col=29,endColumn=31,title=unknown-set::";
    assert!(stdout.lines().any(|line| line.starts_with(place)), "{stdout}");
    assert!(stdout.lines().all(|line| line.starts_with("::")), "{stdout}");

    let right = folder(PLAN);
    let github = hss_sync(right.path(), &["validate", "plan.yaml", "--format", "github"], &[]);
    assert_eq!((github.status.code(), text(&github.stdout).starts_with("1 plan valid: ")), (Some(0), true));
    let sarif = hss_sync(right.path(), &["validate", "plan.yaml", "--format", "sarif"], &[]);
    let document: Value = serde_json::from_slice(&sarif.stdout).expect("JSON");
    assert_eq!((sarif.status.code(), &document["runs"][0]["results"]), (Some(0), &serde_json::json!([])));
}

#[cfg(feature = "simulator")]
mod runs {
    use super::*;

    fn read(folder: &Path, name: &str) -> String {
        std::fs::read_to_string(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }

    const DENIED: [&str; 7] = ["run", "plan.yaml", "--simulate", "--fault", "error-code:100%", "--state-dir", "state"];

    fn denied<'a>(more: &[&'a str]) -> Vec<&'a str> {
        DENIED.iter().chain(more).copied().collect()
    }

    #[test]
    fn one_run_is_written_in_every_format() {
        let place = folder(PLAN);
        let mut args = denied(&["--report", "github=-"]);
        for report in ["junit=out/j.xml", "markdown=out/m.md", "csv=out/c.csv", "sarif=out/s.sarif", "json=out/r.json"]
        {
            args.extend(["--report", report]);
        }
        let output = hss_sync(place.path(), &args, &[]);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let report: Value = serde_json::from_str(&read(place.path(), "out/r.json")).expect("JSON");
        assert_eq!(report["summary"]["failed"], 3);
        assert!(read(place.path(), "out/j.xml").contains(r#"tests="3" failures="3" errors="0""#));
        assert!(read(place.path(), "out/m.md").starts_with("## hss-sync: all 3 operations failed\n"));
        assert_eq!(read(place.path(), "out/c.csv").lines().count(), 4);
        let sarif: Value = serde_json::from_str(&read(place.path(), "out/s.sarif")).expect("JSON");
        assert_eq!(sarif["runs"][0]["results"].as_array().map(Vec::len), Some(3));
        let stdout = text(&output.stdout);
        assert!(stdout.starts_with("::error file=plan.yaml,line=6,"), "{stdout}");
        assert_eq!(stdout.lines().count(), 1, "a report on standard output stands there alone: {stdout}");
    }

    #[test]
    fn in_github_actions_a_run_adds_to_the_summary_and_annotates() {
        let place = folder(PLAN);
        std::fs::write(place.path().join("summary.md"), "before\n").expect("it is written");
        let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", "summary.md")];
        let output = hss_sync(place.path(), &denied(&[]), &github);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        let summary = read(place.path(), "summary.md");
        assert!(summary.starts_with("before\n\n## hss-sync: all 3 operations failed\n"), "{summary}");
        let stdout = text(&output.stdout);
        assert!(stdout.contains("::error file=plan.yaml,line=6,"), "{stdout}");
        assert!(stdout.contains("3 failed of 3"), "{stdout}");

        // What a flag asks for isn't done twice.
        std::fs::write(place.path().join("summary.md"), "").expect("it is written");
        let args = denied(&["--report", "markdown=m.md", "--report", "github=g.txt"]);
        let output = hss_sync(place.path(), &args, &github);
        assert_eq!(read(place.path(), "summary.md"), "");
        assert!(!text(&output.stdout).contains("::error"), "{}", text(&output.stdout));
        assert!(read(place.path(), "g.txt").starts_with("::error "));

        // Where standard output is a document, annotations go to the other stream, which the runner reads as well.
        let output = hss_sync(place.path(), &denied(&["--report", "csv=-"]), &github);
        assert!(!text(&output.stdout).contains("::error"), "{}", text(&output.stdout));
        assert!(text(&output.stderr).lines().any(|line| line.starts_with("::error file=plan.yaml,")));
    }

    #[test]
    fn a_summary_that_is_full_or_gone_changes_no_exit_code() {
        let place = folder(PLAN);
        let full = "x".repeat(1024 * 1024 - 100);
        std::fs::write(place.path().join("summary.md"), &full).expect("it is written");
        for (path, said) in [("summary.md", "is full"), ("nowhere/summary.md", "nothing was added")] {
            let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_STEP_SUMMARY", path)];
            let output = hss_sync(place.path(), &["run", "plan.yaml", "--simulate"], &github);
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
        }
        assert_eq!(read(place.path(), "summary.md"), full);
    }

    #[test]
    fn elsewhere_nothing_is_added() {
        let place = folder(PLAN);
        std::fs::write(place.path().join("summary.md"), "").expect("it is written");
        let other = [("CI", "true"), ("GITLAB_CI", "true"), ("GITHUB_STEP_SUMMARY", "summary.md")];
        let output = hss_sync(place.path(), &denied(&[]), &other);
        assert_eq!(read(place.path(), "summary.md"), "");
        assert!(!text(&output.stdout).contains("::error"), "{}", text(&output.stdout));
    }

    #[test]
    fn a_report_that_cannot_be_written_stops_the_run_before_anything_is_sent() {
        let place = folder(PLAN);
        let output = hss_sync(place.path(), &denied(&["--report", "junit=plan.yaml/j.xml"]), &[]);
        assert_eq!(output.status.code(), Some(6));
        assert!(text(&output.stderr).contains("nothing was sent"), "{}", text(&output.stderr));
        let output = hss_sync(place.path(), &denied(&["--report", "xml=j.xml"]), &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = "`xml` is no report format; there are json, ndjson, junit, markdown, csv, html, sarif and github";
        assert!(text(&output.stderr).contains(said), "{}", text(&output.stderr));
    }
}
