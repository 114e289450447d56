//! The real binary, killed with SIGKILL at every append to its journal, and resumed.
//!
//! The simulator runs in this process and survives; its own log is the witness. Each operation has a project of its own,
//! so that a line of the log belongs to one operation. Builds with debug assertions let the test choose where the process
//! kills itself: before, in the middle of and after the write of an event, and after its sync.

#![cfg(all(feature = "simulator", unix, debug_assertions))]

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use hss_sync::io::clock::RunClock;
use hss_sync::model::Quota;
use hss_sync::sign::Credential;
use hss_sync::simulator::{Faults, LogEntry, RunningSimulator, Simulator, SimulatorConfig};
use hss_sync::summary::RunSummary;
use serde_json::Value;

use super::common::hss_sync;
use super::run::checked_report;

const OPERATIONS: usize = 40;
const CONCURRENCY: usize = 4;
const SIGKILL: i32 = 9;
const STAGES: [&str; 4] = ["before-write", "mid-write", "after-write", "after-sync"];

/// A run that can be killed and resumed, and the service that sees what it sends.
struct Scene {
    folder: tempfile::TempDir,
    simulator: RunningSimulator,
    _runtime: tokio::runtime::Runtime,
}

impl Scene {
    fn new(faults: &str) -> Self {
        Self::with_quota(faults, None)
    }

    /// With a service that counts calls in a sliding window.
    fn with_quota(faults: &str, quota: Option<&str>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        std::fs::write(folder.path().join("plan.yaml"), plan()).expect("the plan is written");
        let faults = Faults::parse(faults).expect("faults");
        let quota = quota.map(|quota| Quota::parse(quota).expect("a quota"));
        let config = SimulatorConfig { quota, faults, ..SimulatorConfig::default() };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let started = runtime.block_on(async { Simulator::start(config, RunClock::start(NonZeroU32::MIN)).await });
        Self { folder, simulator: started.expect("the simulator starts"), _runtime: runtime }
    }

    fn command(&self) -> Command {
        let Credential::AccessKey { access_key, secret_key, .. } = Simulator::credentials(1) else {
            panic!("a key pair")
        };
        let mut command = hss_sync(self.folder.path());
        command.env("HUAWEICLOUD_SDK_AK", access_key).env("HUAWEICLOUD_SDK_SK", secret_key.expose());
        command.stdin(Stdio::null()).arg("--quiet");
        command
    }

    /// Runs the plan and kills it at this point; false if the run ended before it came.
    fn killed_run(&self, crash: &str) -> bool {
        let mut command = self.command();
        command.args(["run", "plan.yaml", "--endpoint", self.simulator.endpoint().as_str()]);
        self.killed(&mut command, crash)
    }

    fn killed_resume(&self, crash: &str) -> bool {
        self.killed(self.command().arg("resume"), crash)
    }

    fn killed(&self, command: &mut Command, crash: &str) -> bool {
        let output = command.env("HSS_SYNC_TEST_CRASH", crash).output().expect("the binary starts");
        match (output.status.signal(), output.status.code()) {
            (Some(SIGKILL), _) => true,
            (_, Some(0 | 4)) => false,
            _ => panic!("{crash}: {}", told(&output)),
        }
    }

    /// Resumes to the end; the report of the whole run.
    fn resume(&self, args: &[&str]) -> (i32, Value) {
        let output = self.command().args(["resume", "--report", "json=report.json"]).args(args).output();
        let output = output.expect("the binary starts");
        let report = self.folder.path().join("report.json");
        assert!(report.exists(), "{}", told(&output));
        (output.status.code().expect("an exit code"), checked_report(&report))
    }

    /// The journal of the run.
    fn journal(&self) -> Vec<u8> {
        let runs = self.folder.path().join(".hss-sync/runs");
        let run = std::fs::read_dir(&runs).expect("runs").next().expect("one run").expect("an entry").path();
        std::fs::read(run.join("journal.ndjson")).expect("readable")
    }

    /// The summary as the journal has it: a fold of its events, with the numbers that a report has.
    fn journaled(&self, report: &Value) -> Value {
        let bytes = self.journal();
        let operations = report["operations"].as_array().expect("a list");
        let index = |id: &str| operations.iter().position(|operation| operation["id"] == id);
        let events = hss_sync::journal::read(&bytes).expect("whole").events(index).expect("operations of the plan");
        let mut summary = RunSummary::new(OPERATIONS);
        events.iter().for_each(|event| summary.apply(event));
        let mut told = serde_json::to_value(summary.counts).expect("counts");
        for (name, value) in [
            ("attempts", summary.attempts.into()),
            ("throttled", summary.throttled.into()),
            ("duration_ms", report["summary"]["duration_ms"].clone()),
            ("forecast_ms", report["summary"]["forecast_ms"].clone()),
            ("forecast_off_ms", report["summary"]["forecast_off_ms"].clone()),
        ] {
            told[name] = value;
        }
        told
    }

    /// How often each operation's request came, and how often it was taken.
    fn seen(&self) -> BTreeMap<String, (usize, usize)> {
        let mut seen: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        let sent = self.simulator.log().into_iter().filter(|entry| entry.method == "POST");
        for LogEntry { project_id, committed, .. } in sent {
            let counts = seen.entry(project_id.clone().unwrap_or_default()).or_default();
            counts.0 += 1;
            counts.1 += usize::from(committed);
        }
        seen
    }
}

fn told(output: &Output) -> String {
    format!("{}: {}{}", output.status, String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn plan() -> String {
    let mut text = format!(
        "version: 1\nname: crash\nlimits: {{ quota: {{ calls: 1000, per: 1s }}, concurrency: {CONCURRENCY}, \
         region_concurrency: {CONCURRENCY} }}\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ \
         registry_sets: [all] }}\nrollout: {{ waves: [{{ name: first, select: {{ labels: [first] }} }}, {{ name: rest }}] \
         }}\nprojects:\n"
    );
    for project in 0..OPERATIONS {
        let label = if project < 3 { "first" } else { "later" };
        text.push_str(&format!(
            "  - {{ name: p{project:02}, labels: [{label}], project_ids: {{ cn-north-4: \"id{project:02}\" }} }}\n"
        ));
    }
    text
}

/// Outcome by project id.
fn outcomes(report: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().expect("text").to_owned();
    let operations = report["operations"].as_array().expect("a list").iter();
    operations.map(|operation| (text(&operation["project_id"]), text(&operation["outcome"]))).collect()
}

/// Holds a resumed run's report against what the service saw: nothing is sent twice, nothing is lost.
fn check(scene: &Scene, case: &str, report: &Value) -> usize {
    let (seen, outcomes) = (scene.seen(), outcomes(report));
    assert_eq!(outcomes.len(), OPERATIONS, "{case}");
    assert_eq!(scene.journaled(report), report["summary"], "{case}: journal, report");
    let last = scene.journal().trim_ascii_end().rsplit(|byte| *byte == b'\n').next().map(<[u8]>::to_vec);
    let last: Value = serde_json::from_slice(&last.expect("a line")).expect("JSON");
    assert_eq!(last["record"], "run_ended", "{case}: the run came to its end");
    let mut unknown = 0;
    for (project, outcome) in &outcomes {
        let (requests, committed) = seen.get(project).copied().unwrap_or_default();
        assert!(requests <= 1, "{case}: {project} was sent {requests} times");
        match outcome.as_str() {
            "accepted" => assert_eq!((requests, committed), (1, 1), "{case}: {project} is said to be accepted"),
            "unknown" => unknown += 1,
            other => panic!("{case}: {project} is {other}"),
        }
    }
    unknown
}

/// Kills, resumes, and then repeats what is unknown on the operator's word.
fn crash_and_resume(crash: &str) -> bool {
    let scene = Scene::new("latency:1ms");
    if !scene.killed_run(crash) {
        return false;
    }
    let (code, report) = scene.resume(&[]);
    let unknown = check(&scene, crash, &report);
    assert!(unknown <= CONCURRENCY, "{crash}: {unknown} unknown, and only {CONCURRENCY} were in flight");
    assert_eq!(code, if unknown == 0 { 0 } else { 4 }, "{crash}");

    let before = outcomes(&report);
    let (code, report) = scene.resume(&["--retry-unknown"]);
    assert_eq!(code, 0, "{crash}: {report:#}");
    for (project, (requests, _)) in scene.seen() {
        let most = if before[&project] == "unknown" { 2 } else { 1 };
        assert!(requests <= most, "{crash}: {project} was sent {requests} times");
    }
    assert!(outcomes(&report).values().all(|outcome| outcome == "accepted"), "{crash}");
    true
}

/// Spreads cases over a few threads; each waits for its disk and its processes most of the time.
fn in_parallel(cases: &[String], test: impl Fn(&str) + Sync) {
    const THREADS: usize = 4;
    std::thread::scope(|scope| {
        for part in 0..THREADS {
            let test = &test;
            scope.spawn(move || cases.iter().skip(part).step_by(THREADS).for_each(|case| test(case)));
        }
    });
}

/// Three events for each operation, one for each wave, the start and the end.
const EVENTS: usize = OPERATIONS * 3 + 2 + 2;

#[test]
fn killed_at_every_append_nothing_is_sent_twice_and_nothing_is_lost() {
    let cases: Vec<String> = (2..=EVENTS).map(|event| format!("{}:{event}", STAGES[event % STAGES.len()])).collect();
    in_parallel(&cases, |crash| assert!(crash_and_resume(crash), "{crash}: the run ended before"));
    assert!(!crash_and_resume(&format!("before-write:{}", EVENTS + 1)), "there are more appends than are tested");
}

/// The connection is dropped after the service took the request: what it acknowledged is never sent again, what it took
/// without an answer stays unknown until the operator says otherwise.
#[test]
fn killed_while_answers_are_lost_after_the_service_took_the_request() {
    let cases: Vec<String> =
        (3..EVENTS).step_by(5).map(|event| format!("{}:{event}", STAGES[event / 5 % STAGES.len()])).collect();
    in_parallel(&cases, |crash| {
        let scene = Scene::new("latency:1ms,drop-after:20%");
        assert!(scene.killed_run(crash), "{crash}: the run ended before");
        let (code, report) = scene.resume(&[]);
        let unknown = check(&scene, crash, &report);
        let lost = scene.seen().values().filter(|(_, committed)| *committed == 1).count();
        assert!(lost + unknown >= OPERATIONS, "{crash}: every operation was taken or is said to be unknown");
        assert_eq!(code, if unknown == 0 { 0 } else { 4 }, "{crash}");
    });
}

/// A resumed run is killed as well, again and again.
#[test]
fn killed_over_and_over() {
    let cases: Vec<String> = [7, 11, 13].iter().map(ToString::to_string).collect();
    in_parallel(&cases, |step| {
        let scene = Scene::new("latency:1ms");
        let crash = |round: usize| format!("{}:{step}", STAGES[round % STAGES.len()]);
        assert!(scene.killed_run(&crash(0)));
        // Each session takes what was in flight for unknown and goes on a little; what a session announces at most is
        // bounded, so that this ends.
        let ended = (1..=OPERATIONS * 4).find(|round| !scene.killed_resume(&crash(*round)));
        assert!(ended.is_some(), "every {step} appends: the run does not end");
        let (_, report) = scene.resume(&[]);
        check(&scene, step, &report);
    });
}

/// Killed and resumed at once, again and again: the service, which counts strictly, never sees more calls than its quota,
/// whatever the killed sessions knew of their last ones.
#[test]
fn killed_over_and_over_no_window_of_the_quota_is_exceeded() {
    const QUOTA: &str = "4/500ms";
    let cases: Vec<String> = [11, 14].iter().map(ToString::to_string).collect();
    in_parallel(&cases, |step| {
        let scene = Scene::with_quota("latency:1ms..40ms", Some(QUOTA));
        let text = plan().replace("calls: 1000, per: 1s }", "calls: 4, per: 500ms }, attempt_timeout: 1s");
        std::fs::write(scene.folder.path().join("plan.yaml"), text).expect("the plan is written");
        let crash = |round: usize| format!("{}:{step}", STAGES[round % STAGES.len()]);
        assert!(scene.killed_run(&crash(0)));
        let ended = (1..=OPERATIONS * 4).find(|round| !scene.killed_resume(&crash(*round)));
        assert!(ended.is_some(), "every {step} appends: the run does not end");
        let (_, report) = scene.resume(&[]);
        // Each session looks up what is unknown. It keeps inside the quota of the lists, without knowing of the one before.
        let log = scene.simulator.log();
        let throttled = log.iter().filter(|entry| entry.method == "POST" && entry.status == Some(429)).count();
        assert_eq!(throttled, 0, "every {step} appends, killed {ended:?} times");
        check(&scene, step, &report);
    });
}

/// A plan of what was left names what a later session sends. Killed then, the run must not leave it behind: who ran it would
/// send all of that twice. When the plans changed there is a new one, made of the journal.
#[test]
fn a_plan_of_what_is_left_does_not_outlive_the_session_that_sends_it() {
    let scene = Scene::new("latency:1ms");
    let mut command = scene.command();
    command.args(["run", "plan.yaml", "--max-duration", "1s", "--quota", "1/1h"]);
    let stopped = command.args(["--endpoint", scene.simulator.endpoint().as_str()]).output().expect("it starts");
    assert_eq!(stopped.status.code(), Some(4), "{}", told(&stopped));
    let runs = scene.folder.path().join(".hss-sync/runs");
    let run = std::fs::read_dir(&runs).expect("runs").next().expect("one run").expect("an entry").path();
    let remaining = run.join("remaining.yaml");
    assert!(remaining.exists(), "{}", told(&stopped));

    let mut command = scene.command();
    assert!(scene.killed(command.args(["resume", "--quota", "1000/1s"]), "after-sync:90"), "the run ended before");
    assert!(!remaining.exists(), "it names what the killed session has sent");

    std::fs::write(scene.folder.path().join("plan.yaml"), plan().replace("id39", "other")).expect("written");
    let refused = scene.command().arg("resume").output().expect("it starts");
    assert_eq!(refused.status.code(), Some(3), "{}", told(&refused));
    assert!(told(&refused).contains("remaining.yaml"), "{}", told(&refused));
    let rest = std::fs::read_to_string(&remaining).expect("it is written anew");
    for (project, (_, committed)) in scene.seen() {
        let named = rest.contains(&format!("name: {}", project.replace("id", "p")));
        let unknown = rest.contains(&format!("#   {} /", project.replace("id", "p")));
        assert!(committed == 1 && named == unknown, "{project} was taken, and is in the plan of what is left:\n{rest}");
    }
    assert!(rest.contains("name: p39"), "{rest}");
}

/// The one failure that the budget allows is in the journal, and what that means for the others is not.
#[test]
fn killed_when_the_budget_is_spent_every_operation_still_gets_its_outcome() {
    let scene = Scene::new("403:100%");
    let mut command = scene.command();
    command.args(["run", "plan.yaml", "--max-failures", "0", "--endpoint", scene.simulator.endpoint().as_str()]);
    assert!(scene.killed(&mut command, "after-sync:5"), "the run ended before");
    let (code, report) = scene.resume(&[]);
    assert_eq!((code, scene.seen().len()), (4, 1), "{report:#}");
    assert_eq!(report["summary"]["not_attempted"], OPERATIONS - 1, "{}", report["summary"]);
}

/// The journal that a crash left holds nothing that the next reader has to guess at.
#[test]
fn a_journal_of_a_killed_run_is_private_and_its_lines_are_whole() {
    use std::os::unix::fs::PermissionsExt;
    let scene = Scene::new("latency:1ms");
    assert!(scene.killed_run("mid-write:60"));
    let runs = scene.folder.path().join(".hss-sync/runs");
    let run = std::fs::read_dir(&runs).expect("runs").next().expect("one run").expect("an entry").path();
    let mode = |path: &Path| std::fs::metadata(path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!((mode(&run), mode(&run.join("journal.ndjson"))), (0o700, 0o600));
    let journal = std::fs::read(run.join("journal.ndjson")).expect("readable");
    assert_ne!(journal.last(), Some(&b'\n'), "the last line is torn");
    let read = hss_sync::journal::read(&journal).expect("a torn line is normal");
    assert!(read.torn > 0);
}
