//! `run` with the real binary against the embedded simulator: outcomes, exit codes, reports, limits.

#![cfg(feature = "simulator")]

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
#[cfg(unix)]
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

#[cfg(unix)]
use super::common::hear_hang_ups;

/// A folder with a plan and a state directory.
struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// A plan of `projects` projects in each of `regions`, everything synchronised; `more` is added at top level.
    fn new(projects: usize, regions: &[&str], more: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut text = format!(
            "version: 1\nname: test\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\n{more}\nprojects:\n"
        );
        for project in 0..projects {
            text.push_str(&format!("  - name: p{project}\n    project_ids:\n"));
            for region in regions {
                text.push_str(&format!("      {region}: \"{project:04}{region}\"\n"));
            }
        }
        std::fs::write(folder.path().join("plan.yaml"), text).expect("the plan is written");
        Self { folder }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_hss-sync"));
        command.current_dir(self.folder.path()).env_clear().args(args).stdin(Stdio::null());
        // A build machine in a cloud may have an agency.
        command.env("HSS_SYNC_METADATA_ENDPOINT", "off");
        command
    }

    fn run(&self, args: &[&str]) -> Output {
        self.command(&[&["run", "plan.yaml", "--simulate"], args].concat()).output().expect("the binary starts")
    }

    /// The report in the run's own directory; exactly one run must be there.
    fn report(&self) -> Value {
        let directories = self.runs();
        assert_eq!(directories.len(), 1, "{directories:?}");
        checked_report(&directories[0].join("report.json"))
    }

    /// Directories of runs.
    fn runs(&self) -> Vec<PathBuf> {
        let runs = std::fs::read_dir(self.folder.path().join(".hss-sync/runs"));
        runs.into_iter().flatten().map(|entry| entry.expect("entry").path()).collect()
    }
}

/// Reads a report, holds it to its schema and to the conservation law.
pub(crate) fn checked_report(path: &Path) -> Value {
    let report: Value = serde_json::from_str(&std::fs::read_to_string(path).expect("a report")).expect("JSON");
    let schema: Value =
        serde_json::from_str(&std::fs::read_to_string("schemas/report.schema.json").expect("schema")).expect("JSON");
    let validator = jsonschema::draft7::new(&schema).expect("a schema");
    let errors: Vec<String> =
        validator.iter_errors(&report).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert_eq!(errors, Vec::<String>::new());
    let summary = &report["summary"];
    let count = |name: &str| summary[name].as_u64().expect("a count");
    let sum: u64 = ["accepted", "confirmed", "failed", "unknown", "skipped", "not_attempted"].map(count).iter().sum();
    assert_eq!(count("planned"), sum, "{summary}");
    for outcome in ["accepted", "failed", "unknown", "skipped", "not_attempted"] {
        let listed = report["operations"].as_array().expect("operations").iter();
        let listed = listed.filter(|operation| operation["outcome"] == outcome).count();
        assert_eq!(count(outcome), listed as u64, "{outcome}");
    }
    report
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or_else(|| panic!("{}: {}", output.status, text(&output.stderr)))
}

#[test]
fn a_good_run_accepts_everything_and_reports_it() {
    let place = Workplace::new(2, &["cn-north-4", "eu-west-101"], "");
    let output = place.run(&["--fault", "latency:5ms"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stdout).starts_with("4 accepted of 4 in "), "{}", text(&output.stdout));
    let report = place.report();
    assert_eq!(report["run"]["exit_code"], 0);
    assert_eq!(report["run"]["simulated"], true);
    assert_eq!(report["summary"]["attempts"], 4);
    let urls: Vec<&str> = report["operations"]
        .as_array()
        .expect("list")
        .iter()
        .map(|op| op["request"]["url"].as_str().expect("url"))
        .collect();
    // By hand: the EU site has its own domain (facts on endpoints); the order is plan order.
    assert_eq!(
        urls[0],
        "https://hss.cn-north-4.myhuaweicloud.com/v5/0000cn-north-4/image/image-sync/tasks?enterprise_project_id=0"
    );
    assert_eq!(
        urls[1],
        "https://hss.eu-west-101.myhuaweicloud.eu/v5/0000eu-west-101/image/image-sync/tasks?enterprise_project_id=0"
    );
}

/// One row for each kind of answer: fault, exit code, outcome, a piece of the reason, calls for two operations.
#[test]
fn every_kind_of_answer_has_its_outcome_and_exit_code() {
    let cases: [(&str, i32, &str, &str, u64); 15] = [
        ("empty:100%", 0, "accepted", "", 2),
        ("error-code:100%", 1, "failed", "", 2),
        ("403:100%", 1, "failed", "", 2),
        ("redirect:100%", 1, "failed", "redirect", 2),
        ("echo:100%", 1, "failed", "", 2),
        ("html:100%", 4, "unknown", "web page", 2),
        ("huge:100%", 4, "unknown", "64 KiB", 2),
        ("garbage:100%", 4, "unknown", "", 2),
        ("drop:100%", 4, "unknown", "", 2),
        ("drop-after:100%", 4, "unknown", "", 2),
        ("502:100%", 4, "unknown", "", 2),
        ("504:100%", 4, "unknown", "", 2),
        ("hang:100%", 4, "unknown", "", 2),
        // Three attempts each, as the plan says.
        ("503:100%", 1, "failed", "", 6),
        ("429:100%", 1, "failed", "", 6),
    ];
    for (fault, exit, outcome, reason, calls) in cases {
        let limits = "limits: { attempt_timeout: 75s, retry: { max_attempts: 3 } }";
        let place = Workplace::new(1, &["cn-north-4", "cn-north-1"], limits);
        let output = place.run(&["--fault", fault, "--time-scale", "200"]);
        assert_eq!(code(&output), exit, "{fault}: {}{}", text(&output.stdout), text(&output.stderr));
        let report = place.report();
        for operation in report["operations"].as_array().expect("list") {
            assert_eq!(operation["outcome"], outcome, "{fault}: {operation:#}");
            let said = operation["reason"].as_str().unwrap_or_default();
            assert!(said.contains(reason), "{fault}: {said}");
        }
        assert_eq!(report["summary"]["attempts"], calls, "{fault}");
    }
}

#[test]
fn a_refused_credential_stops_everything_after_one_call() {
    let place = Workplace::new(6, &["cn-north-4"], "");
    let output = place.run(&["--fault", "401:100%", "--time-scale", "100"]);
    assert_eq!(code(&output), 5, "{}", text(&output.stderr));
    let report = place.report();
    // Five refusals in a row would lock the key for five minutes.
    assert_eq!(report["summary"]["attempts"], 1);
    assert_eq!(report["summary"]["failed"], 1);
    assert_eq!(report["summary"]["not_attempted"], 5);
}

#[test]
fn the_quota_of_the_plan_keeps_the_service_from_throttling() {
    let place = Workplace::new(12, &["cn-north-4"], "");
    let output = place.run(&["--fault", "latency:50ms", "--time-scale", "100"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let summary = &place.report()["summary"];
    assert_eq!(
        (&summary["accepted"], &summary["throttled"], &summary["attempts"]),
        (&12.into(), &0.into(), &12.into())
    );
    // Twelve calls at five a minute: the last two can't be sent before two windows are over.
    assert!(summary["duration_ms"].as_u64().expect("ms") >= 120_000, "{summary}");
}

#[test]
fn a_report_can_go_to_standard_output_and_to_files() {
    let place = Workplace::new(1, &["cn-north-4"], "");
    let output = place.run(&["--report", "json=-", "--report", "json=out/report.json"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).expect("nothing but the report");
    assert_eq!(printed, checked_report(&place.folder.path().join("out/report.json")));
    assert!(text(&output.stderr).contains("1 accepted of 1"), "{}", text(&output.stderr));
}

#[test]
fn a_report_that_cannot_be_written_is_found_before_anything_is_sent() {
    for args in [&["--state-dir", "plan.yaml/state"][..], &["--report", "json=plan.yaml/report.json"]] {
        let place = Workplace::new(1, &["cn-north-4"], "");
        let output = place.run(args);
        assert_eq!(code(&output), 6, "{args:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("plan.yaml"), "{}", text(&output.stderr));
        assert!(!text(&output.stdout).contains("accepted"), "{}", text(&output.stdout));
    }
}

/// What was sent is told and kept in the run's own directory, with the code that the process ends with.
#[test]
#[cfg(unix)]
fn a_report_that_cannot_be_written_in_the_end_is_6_and_hides_nothing() {
    let place = Workplace::new(1, &["cn-north-4"], "");
    std::os::unix::fs::symlink("/dev/full", place.folder.path().join("full")).expect("a link");
    let output = place.run(&["--report", "json=full", "--report", "json=good.json", "--fault", "latency:1ms"]);
    assert_eq!(code(&output), 6, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains("cannot write `full`: the disk is full"), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.starts_with("1 accepted of 1") && said.contains("report    .hss-sync/runs/"), "{said}");
    assert_eq!(place.report()["run"]["exit_code"], 6);
    assert_eq!(checked_report(&place.folder.path().join("good.json"))["summary"]["accepted"], 1);
}

/// The run's directory is deleted, or replaced by a file, while calls are in flight. The journal is lost with it (6), and what
/// was sent is told all the same.
#[test]
#[cfg(unix)]
fn a_directory_that_vanishes_under_the_run_is_made_again_or_said() {
    for replaced in [false, true] {
        let place = Workplace::new(1, &["cn-north-4"], "");
        let state = place.folder.path().join(".hss-sync");
        let (stdout, stderr) = (place.folder.path().join("stdout"), place.folder.path().join("stderr"));
        let mut child = place
            .command(&["run", "plan.yaml", "--simulate", "--fault", "latency:1s"])
            .stdout(std::fs::File::create(&stdout).expect("a file"))
            .stderr(std::fs::File::create(&stderr).expect("a file"))
            .spawn()
            .expect("the binary starts");
        wait_for(&stderr, "1 operations");
        std::fs::remove_dir_all(&state).expect("it was there");
        if replaced {
            std::fs::write(&state, "").expect("a file in its place");
        }
        let status = child.wait().expect("it ends");
        let said = std::fs::read_to_string(&stderr).expect("text");
        assert_eq!(status.code(), Some(6), "{said}");
        assert!(said.contains("the journal is no longer at `.hss-sync/runs/"), "{said}");
        // Whether the one request was out before its announcement was lost is a matter of moments.
        let told = std::fs::read_to_string(&stdout).expect("text");
        let accepted = u64::from(told.starts_with("1 accepted of 1"));
        assert!(accepted == 1 || told.starts_with("0 accepted, 1 not attempted of 1"), "{told}");
        if replaced {
            assert!(said.contains("cannot write `.hss-sync/runs/"), "{said}");
        } else {
            use std::os::unix::fs::PermissionsExt;
            let mode = std::fs::metadata(&state).expect("is there").permissions().mode();
            assert_eq!((place.report()["summary"]["accepted"].as_u64(), mode & 0o077), (Some(accepted), 0));
        }
    }
}

#[test]
fn without_credentials_nothing_is_sent() {
    let place = Workplace::new(1, &["cn-north-4"], "");
    let run = |variables: &[(&str, &str)]| {
        let mut command = place.command(&["run", "plan.yaml"]);
        command.envs(variables.iter().copied()).output().expect("the binary starts")
    };
    let none = run(&[]);
    assert_eq!(code(&none), 5);
    assert!(text(&none.stderr).contains("HUAWEICLOUD_SDK_AK"), "{}", text(&none.stderr));
    let half = run(&[("HUAWEICLOUD_SDK_AK", "AKHALF")]);
    assert_eq!(code(&half), 5);
    assert!(text(&half.stderr).contains("HUAWEICLOUD_SDK_SK"), "{}", text(&half.stderr));
}

#[test]
fn the_deadline_leaves_the_rest_not_attempted() {
    let place = Workplace::new(12, &["cn-north-4"], "limits: { quota: { calls: 5, per: 1h } }");
    let output = place.run(&["--max-duration", "30m", "--simulator-quota", "5/1h", "--fault", "latency:1ms"]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    let summary = &place.report()["summary"];
    // Five calls, and the next one could start in an hour: the deadline is not waited for.
    assert_eq!((&summary["accepted"], &summary["not_attempted"]), (&5.into(), &7.into()), "{summary}");
}

#[test]
fn the_failure_budget_stops_the_run() {
    let place = Workplace::new(9, &["cn-north-4"], "limits: { quota: { calls: 100, per: 1s } }");
    let output = place.run(&["--max-failures", "2", "--fault", "403:100%", "--simulator-quota", "100/1s"]);
    assert_eq!(code(&output), 4, "{}", text(&output.stderr));
    let summary = &place.report()["summary"];
    // Two are tolerated, the third stops; one more may not be in flight by then.
    assert_eq!((&summary["failed"], &summary["not_attempted"]), (&3.into(), &6.into()), "{summary}");
    // One line for all that was left, after the three failures.
    let log = text(&output.stderr);
    let left: Vec<&str> = log.lines().filter(|line| line.contains("not attempted")).collect();
    assert_eq!(left.len(), 1, "{log}");
    assert!(left[0].ends_with("  left    6 operations not attempted: the failure budget is spent (2 of 9)"), "{log}");
}

#[test]
fn a_log_has_a_line_for_each_of_the_first_fifty() {
    let regions: Vec<String> = (0..14).map(|index| format!("region-{index}")).collect();
    let regions: Vec<&str> = regions.iter().map(String::as_str).collect();
    let place = Workplace::new(4, &regions, "");
    let output = place.run(&["--fault", "latency:1ms"]);
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let log = text(&output.stderr);
    let finished = log.lines().filter(|line| line.contains("accepted in")).count();
    assert_eq!(finished, 50, "{log}");
    assert!(!log.contains('\u{1b}'), "no escapes in a log: {log:?}");
    assert!(text(&output.stdout).starts_with("56 accepted of 56"), "{}", text(&output.stdout));
}

#[test]
fn quiet_says_nothing_when_all_is_well() {
    let place = Workplace::new(1, &["cn-north-4"], "");
    let output = place.run(&["--quiet"]);
    assert_eq!((code(&output), text(&output.stdout), text(&output.stderr)), (0, String::new(), String::new()));
}

#[test]
fn quiet_still_says_what_went_wrong() {
    let place = Workplace::new(1, &["cn-north-4"], "");
    let output = place.run(&["--quiet", "--fault", "403:100%"]);
    assert_eq!((code(&output), text(&output.stdout)), (1, String::new()));
    let said = text(&output.stderr);
    assert!(said.starts_with("0 accepted, 1 failed of 1 in "), "{said}");
    assert!(said.contains("1 × APIGW.0302 "), "{said}");
}

#[test]
fn a_dry_run_prints_what_plan_prints() {
    let place = Workplace::new(2, &["cn-north-4"], "");
    for format in ["human", "json"] {
        let plan = place.command(&["plan", "plan.yaml", "--format", format]).output().expect("starts");
        let dry = place.command(&["run", "--dry-run", "plan.yaml", "--format", format]).output().expect("starts");
        assert_eq!((code(&plan), code(&dry)), (0, 0), "{}", text(&dry.stderr));
        assert_eq!(text(&plan.stdout), text(&dry.stdout));
    }
    assert!(!place.folder.path().join(".hss-sync").exists());
}

/// What a reviewer saw in `plan` is what the report says was sent: same ids, same requests, same digest.
/// The same command where no more files and connections may be open.
#[cfg(unix)]
fn limited(inner: &Command, files: u32) -> Command {
    let mut command = Command::new("sh");
    command.args(["-c", &format!("ulimit -n {files} && exec \"$@\""), "sh"]);
    command.arg(inner.get_program()).args(inner.get_args()).stdin(Stdio::null()).env_clear();
    command.current_dir(inner.get_current_dir().expect("a folder"));
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// Of 64 files 24 are needed for other things, and a request takes two: 20 at a time. The first of 200 calls goes alone, to prove
/// the credential; with 100 ms for each the other 199 take ten turns, and not one.
#[cfg(unix)]
#[test]
fn few_file_descriptors_are_in_the_forecast_of_a_run_and_are_said_once() {
    let crowd = "limits: { quota: { calls: 10000, per: 1s }, concurrency: 1000, region_concurrency: 1000 }";
    let place = Workplace::new(200, &["cn-north-4"], crowd);
    let said = |args: &[&str], files: u32| {
        let output = limited(&place.command(args), files).output().expect("the binary starts");
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
        (text(&output.stdout), text(&output.stderr))
    };
    let forecast = |text: &str| serde_json::from_str::<Value>(text).expect("JSON")["forecast"]["duration_ms"].clone();
    let dry = ["run", "plan.yaml", "--dry-run", "--format", "json"];
    let (document, told) = said(&dry, 64);
    assert_eq!(forecast(&document), 1100);
    let warning = "warning: at most 20 requests of `limits.concurrency: 1000`";
    assert!(told.matches(warning).count() == 1 && told.contains("have 2024 of them"), "{told}");
    let (document, told) = said(&dry, 2024);
    assert_eq!((forecast(&document), told.as_str()), (200.into(), ""), "room for all of them");
    let (_, told) = said(&[&dry[..], &["--concurrency", "20"]].concat(), 64);
    assert_eq!(told, "", "no more is asked for");
    let (_, told) = said(&[&dry[..], &["--select", "project=p1?"]].concat(), 64);
    assert!(!told.contains("warning"), "ten calls have room: {told}");
    // What is said of the plan is the same on every machine.
    let (document, told) = said(&["plan", "plan.yaml", "--format", "json"], 64);
    assert_eq!((forecast(&document), told.as_str()), (200.into(), ""));

    let fast = ["run", "plan.yaml", "--simulate", "--simulator-quota", "10000/1s", "--fault", "latency:1ms"];
    let (_, told) = said(&fast, 64);
    assert_eq!(told.matches(warning).count(), 1, "{told}");
    assert_eq!(place.report()["summary"]["forecast_ms"], 1100);
    let (_, told) = said(&[&fast[..], &["--quiet"]].concat(), 64);
    assert_eq!(told, "");
}

#[test]
fn the_report_has_the_operations_of_the_plan() {
    let place = Workplace::new(2, &["cn-north-4", "cn-north-1"], "");
    let plan = place.command(&["plan", "plan.yaml", "--format", "json"]).output().expect("starts");
    let plan: Value = serde_json::from_slice(&plan.stdout).expect("JSON");
    assert_eq!(code(&place.run(&[])), 0);
    let report = place.report();
    assert_eq!(plan["plans"], report["plans"]);
    let planned = plan["operations"].as_array().expect("list");
    let reported = report["operations"].as_array().expect("list");
    assert_eq!(planned.len(), reported.len());
    for (planned, reported) in planned.iter().zip(reported) {
        for (name, value) in planned.as_object().expect("an operation") {
            assert_eq!(value, &reported[name], "{name}");
        }
    }
}

/// Waits until the child said something on its standard error file, for at most a minute.
#[cfg(unix)]
#[expect(clippy::disallowed_methods, reason = "a watchdog, in real time")]
pub(crate) fn wait_for(path: &Path, piece: &str) {
    let start = Instant::now();
    while !std::fs::read_to_string(path).unwrap_or_default().contains(piece) {
        assert!(start.elapsed() < Duration::from_secs(60), "no `{piece}` in {}", path.display());
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[cfg(unix)]
pub(crate) fn signal(child: &std::process::Child, name: &str) {
    let status = Command::new("kill").args([name, &child.id().to_string()]).status().expect("kill is there");
    assert!(status.success());
}

#[test]
#[cfg(unix)]
fn a_signal_drains_reports_and_exits_4() {
    hear_hang_ups();
    let cases = [
        ("-INT", None),
        // A terminal that closes may send its signal more than once. What another second signal does: `resume.rs`.
        ("-HUP", Some("-HUP")),
        ("-TERM", Some("-HUP")),
    ];
    std::thread::scope(|scope| {
        for (first, second) in cases {
            scope.spawn(move || signalled(first, second));
        }
    });
}

#[cfg(unix)]
fn signalled(first: &str, second: Option<&str>) {
    let place = Workplace::new(7, &["cn-north-4"], "");
    let log = place.folder.path().join("stderr");
    let mut child = place
        .command(&["run", "plan.yaml", "--simulate", "--fault", "latency:2s"])
        .stderr(std::fs::File::create(&log).expect("a file"))
        .stdout(Stdio::null())
        .spawn()
        .expect("the binary starts");
    // The first operation is alone until its credential is accepted; the next ones are then in flight.
    wait_for(&log, "accepted in");
    signal(&child, first);
    wait_for(&log, "stop ");
    if let Some(second) = second {
        signal(&child, second);
    }
    let status = child.wait().expect("it ends");
    let said = std::fs::read_to_string(&log).unwrap_or_default();
    assert_eq!(status.code(), Some(4), "{first} {second:?}: {said}");
    let summary = &place.report()["summary"];
    assert_eq!(summary["failed"], 0);
    assert_eq!(summary["unknown"], 0, "what was in flight was waited for");
    assert!(summary["not_attempted"].as_u64() >= Some(2), "{summary}");
}
