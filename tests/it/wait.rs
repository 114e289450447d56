//! The real binary with `--wait`, and what a run and a resume look up: against a simulator whose tasks take minutes, fail, and
//! can't be told apart.

#![cfg(feature = "simulator")]

use std::collections::BTreeMap;
use std::path::Path;

use hss_sync::simulator::{Faults, SimulatedTasks, SimulatorConfig, TaskFaults, TimeRange};
use serde_json::Value;

use super::common::{Finished, bounded};
use super::run::checked_report;
use super::service::Service;

/// A plan of so many projects, one operation each, with limits that let everything be sent at once.
fn plan(projects: usize, limits: &str) -> String {
    let mut text = format!("version: 1\nname: wait\nlimits: {limits}\n");
    text.push_str("registry_sets:\n  s: { registries: [{ registry_id: r-1, registry_type: Harbor }, { registry_id: r-2, registry_type: Jfrog }] }\n");
    text.push_str("defaults: { registry_sets: [s] }\nprojects:\n");
    for project in 0..projects {
        text.push_str(&format!("  - {{ name: p{project}, project_id: id{project}, regions: [cn-north-4] }}\n"));
    }
    text
}

const AT_ONCE: &str =
    "{ quota: { calls: 1000, per: 1s }, retry: { max_attempts: 20, initial_delay: 10ms, max_delay: 50ms } }";

fn folder(plan: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("written");
    folder
}

/// The operations of the report, each with its outcome and its reason.
fn outcomes(folder: &Path) -> Vec<(String, String, String)> {
    let report = checked_report(&folder.join("report.json"));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let operations = report["operations"].as_array().expect("a list").iter();
    operations.map(|one| (text(&one["project"]), text(&one["outcome"]), text(&one["reason"]))).collect()
}

fn count(outcomes: &[(String, String, String)], wanted: &str) -> usize {
    outcomes.iter().filter(|(_, outcome, _)| outcome == wanted).count()
}

/// How often the service took a request of each project.
fn taken(service: &Service) -> BTreeMap<String, usize> {
    let mut taken = BTreeMap::new();
    for task in service.tasks() {
        *taken.entry(task.project_id).or_default() += 1;
    }
    taken
}

fn posts(service: &Service) -> usize {
    service.log().iter().filter(|entry| entry.method == "POST").count()
}

/// A rehearsal at a hundred times the speed.
fn rehearse(folder: &Path, args: &[&str]) -> Finished {
    let fixed = ["run", "plan.yaml", "--simulate", "--simulator-quota", "1000/1s", "--time-scale", "100", "--verbose"];
    bounded(folder, fixed.iter().chain(["--report", "json=report.json"].iter()).chain(args))
}

/// Thirty operations in three projects of ten regions, sent and looked after at five calls a minute.
#[test]
fn thirty_operations_are_followed_to_their_end_by_few_reads() {
    let regions = "cn-north-1, cn-north-2, cn-north-4, cn-north-9, cn-east-2, cn-east-3, cn-south-1, ap-southeast-1, ap-southeast-2, \
                   ap-southeast-3";
    let mut text = plan(0, "{ quota: { calls: 5, per: 1m } }");
    for project in 0..3 {
        text.push_str(&format!(
            "  - {{ name: p{project}, project_id: \"id{project}-{{{{ region }}}}\", regions: [{regions}] }}\n"
        ));
    }
    let folder = folder(&text);
    let run = rehearse(folder.path(), &["--wait", "--task-time", "1m..20m", "--task-fault", "failed:3%"]);
    assert_eq!(run.code(), 1, "{}", run.excerpt());
    let outcomes = outcomes(folder.path());
    assert_eq!((count(&outcomes, "confirmed"), count(&outcomes, "failed")), (29, 1), "{}", run.excerpt());
    let (_, _, reason) = outcomes.iter().find(|(_, outcome, _)| outcome == "failed").expect("one");
    assert!(reason.starts_with("its task ") && reason.contains("failed for 1 of 2 registries: "), "{reason}");
    assert!(reason.contains("r-1: ") || reason.contains("r-2: "), "{reason}");
    assert!(run.stdout().contains("29 confirmed, 1 failed of 30"), "{}", run.excerpt());
    // A list and the registries of its task for each operation, and a few more looks at tasks that take long.
    let reads =
        run.stderr().lines().find_map(|line| line.strip_suffix(" reads of the service's lists")?.parse::<usize>().ok());
    let reads = reads.expect("told with --verbose");
    assert!((60..=150).contains(&reads), "{reads} reads");
}

#[test]
fn what_can_not_be_proved_stays_accepted_and_says_why() {
    for (fault, why) in
        [("stranger:100%", "several tasks fit it: "), ("lost:100%", "no task that fits is listed (yet)")]
    {
        let folder = folder(&plan(2, AT_ONCE));
        let run = rehearse(folder.path(), &["--wait", "--task-fault", fault]);
        assert_eq!(run.code(), 4, "{fault}: {}", run.excerpt());
        for (project, outcome, reason) in outcomes(folder.path()) {
            assert_eq!(outcome, "accepted", "{fault}: {project}: {reason}");
            assert!(reason.starts_with("not confirmed: ") && reason.contains(why), "{fault}: {reason}");
        }
        assert!(run.stdout().contains("hss-sync resume "), "{fault}: {}", run.excerpt());
    }
}

#[test]
fn a_wait_that_is_over_is_gone_on_with_by_resume() {
    let tasks = SimulatedTasks { time: TimeRange::parse("10m").expect("legal"), faults: TaskFaults::default() };
    let service = Service::start(SimulatorConfig { quota: None, tasks, ..SimulatorConfig::default() });
    let folder = folder(&plan(2, AT_ONCE));
    let args = ["run", "plan.yaml", "--report", "json=report.json", "--wait", "--wait-timeout", "0s"];
    let run = service.run(folder.path(), &args);
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    for (project, outcome, reason) in outcomes(folder.path()) {
        let why = "not confirmed: the time was over before its task was seen to end";
        assert_eq!((outcome.as_str(), reason.as_str()), ("accepted", why), "{project}");
    }
    // The journal knows that it waits. Nothing is sent again.
    let args = ["resume", "--report", "json=report.json", "--wait-timeout", "0s"];
    let mut resume = super::service::with_credential(folder.path(), &args);
    let resumed = super::common::finish(&mut resume);
    assert_eq!((resumed.code(), posts(&service)), (4, 2), "{}", resumed.excerpt());
    assert!(resumed.output().contains("nothing to send"), "{}", resumed.excerpt());
}

#[test]
fn a_time_to_wait_needs_something_that_is_waited_for() {
    let folder = folder(&plan(2, AT_ONCE));
    assert_eq!(rehearse(folder.path(), &[]).code(), 0);
    let resume = |args: &[&str]| bounded(folder.path(), ["resume"].iter().chain(args));
    let refused = resume(&["--wait-timeout", "1h"]);
    assert_eq!(refused.code(), 2, "{}", refused.excerpt());
    let told = "--wait-timeout 1h: this run was not begun with --wait, so that it waits for nothing; add --wait";
    assert!(refused.stderr().contains(told), "{}", refused.stderr());
    // The simulator of this session has no tasks, so that there is something to wait for and no time.
    let waited = resume(&["--wait", "--wait-timeout", "0s"]);
    assert_eq!(waited.code(), 4, "{}", waited.excerpt());
    assert!(waited.stdout().contains("2 × not confirmed"), "{}", waited.excerpt());
}

/// The service takes the request and the connection breaks: a read proves it.
#[test]
fn what_was_taken_without_an_answer_is_accepted_after_a_look() {
    let faults = Faults::parse("drop-after:50%").expect("legal");
    let service = Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() });
    let folder = folder(&plan(12, AT_ONCE));
    let run = service.run(folder.path(), &["run", "plan.yaml", "--report", "json=report.json"]);
    assert_eq!(run.code(), 0, "{}", run.excerpt());
    assert_eq!(count(&outcomes(folder.path()), "accepted"), 12);
    let report = checked_report(&folder.path().join("report.json"));
    let operations = report["operations"].as_array().expect("a list");
    let lost = operations.iter().filter(|one| one["attempts"][0]["status"].is_null()).count();
    let found = operations.iter().filter(|one| !one["task_id"].is_null()).count();
    assert!(lost > 0 && found == lost, "{lost} answers were lost, {found} tasks found");
    assert_eq!((posts(&service), taken(&service).len()), (12, 12), "each once");
    assert!(taken(&service).values().all(|times| *times == 1));
}

/// The connection breaks before the service has taken the request: nothing proves that, so that only the operator's word has
/// it sent again.
#[test]
fn what_was_not_taken_stays_unknown_until_the_operator_says_otherwise() {
    let faults = Faults::parse("drop:50%").expect("legal");
    let service = Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() });
    let folder = folder(&plan(12, AT_ONCE));
    let run = service.run(folder.path(), &["run", "plan.yaml", "--report", "json=report.json"]);
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    let before = outcomes(folder.path());
    let known = taken(&service);
    for (project, outcome, reason) in &before {
        let was_taken = known.contains_key(&project.replace('p', "id"));
        assert_eq!(outcome == "accepted", was_taken, "{project} is {outcome}");
        let said = reason.ends_with("no task that fits is listed (yet); that doesn't show that it was not taken");
        assert!(was_taken || (outcome == "unknown" && said), "{project} is {outcome}: {reason}");
    }
    assert!((1..12).contains(&known.len()) && posts(&service) == 12, "{known:?}");

    // Looked up again, and nothing is sent.
    let resume = |args: &[&str]| {
        let fixed = ["resume", "--report", "json=report.json"];
        let args: Vec<&str> = fixed.iter().chain(args).copied().collect();
        super::common::finish(&mut super::service::with_credential(folder.path(), &args))
    };
    let resumed = resume(&[]);
    assert_eq!((resumed.code(), posts(&service)), (4, 12), "{}", resumed.excerpt());
    assert_eq!(outcomes(folder.path()), before);
    // On the operator's word it is sent again, as often as it gets lost.
    let ended = (0..20).find(|_| resume(&["--retry-unknown"]).code() == 0);
    assert!(ended.is_some(), "it never ends");
    assert_eq!(count(&outcomes(folder.path()), "accepted"), 12);
    assert!(taken(&service).values().all(|times| *times == 1), "{:?}", taken(&service));
}

/// A budget that an unknown outcome has spent is free again when its task is found. Then a plain resume sends the rest, has said
/// so before, and looks up what is unknown of that.
#[test]
fn a_resume_counts_what_it_sends_after_the_look() {
    let faults = Faults::parse("drop-after:40%").expect("legal");
    // The first request and the first look get no answer, the look of the resume does.
    let service = Service::start(SimulatorConfig { quota: None, faults, seed: 11, ..SimulatorConfig::default() });
    let limits = "{ quota: { calls: 1000, per: 1s }, concurrency: 1, retry: { max_attempts: 1 } }\n\
                  rollout: { waves: [{ name: all, max_failures: 0 }] }";
    let folder = folder(&plan(3, limits));
    let run = service.run(folder.path(), &["run", "plan.yaml", "--report", "json=report.json"]);
    let before = outcomes(folder.path());
    assert_eq!((count(&before, "unknown"), count(&before, "not_attempted")), (1, 2), "{}", run.excerpt());
    let resumed = super::common::finish(&mut super::service::with_credential(
        folder.path(),
        &["resume", "--report", "json=report.json"],
    ));
    assert!(resumed.stderr().contains("1 of 1 found"), "{}", resumed.excerpt());
    assert!(resumed.stderr().contains(" 2 to send, forecast "), "{}", resumed.excerpt());
    assert!(posts(&service) > 1, "{}", resumed.excerpt());
    for (project, outcome, reason) in outcomes(folder.path()) {
        assert!(outcome != "unknown" || reason.contains("; "), "{project} was not looked up: {reason}");
    }
}

/// A service that closes every connection, and from the word on keeps it open and says nothing.
#[cfg(unix)]
struct Silent {
    url: String,
    silent: std::sync::Arc<std::sync::atomic::AtomicBool>,
    asked: std::sync::mpsc::Receiver<()>,
}

#[cfg(unix)]
impl Silent {
    fn start() -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let silent = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
        let (ask, asked) = std::sync::mpsc::channel();
        let is_silent = std::sync::Arc::clone(&silent);
        std::thread::spawn(move || {
            let mut kept = Vec::new();
            for stream in listener.incoming() {
                if is_silent.load(std::sync::atomic::Ordering::SeqCst) {
                    kept.push(stream);
                    let _ = ask.send(());
                    continue;
                }
                // Only a request that was read is one that may have been taken.
                let Ok(mut stream) = stream else { continue };
                let _ = std::io::Read::read(&mut stream, &mut [0; 4096]);
            }
        });
        Self { url, silent, asked }
    }

    /// One unknown outcome and two operations that were not sent, and then silence.
    fn leave_unknown(&self) -> tempfile::TempDir {
        let limits = "{ quota: { calls: 1000, per: 1s }, concurrency: 1, retry: { max_attempts: 1 } }\n\
                      rollout: { waves: [{ name: all, max_failures: 0 }] }";
        let folder = folder(&plan(3, limits));
        let args = ["run", "plan.yaml", "--report", "json=report.json", "--endpoint", &self.url];
        let run = super::common::finish(&mut super::service::with_credential(folder.path(), &args));
        let before = outcomes(folder.path());
        assert_eq!((count(&before, "unknown"), count(&before, "not_attempted")), (1, 2), "{}", run.excerpt());
        self.silent.store(true, std::sync::atomic::Ordering::SeqCst);
        folder
    }
}

/// The only run in a folder.
#[cfg(unix)]
fn run_of(folder: &Path) -> std::path::PathBuf {
    let mut runs = std::fs::read_dir(folder.join(".hss-sync/runs")).expect("runs");
    runs.next().expect("one").expect("an entry").path()
}

#[test]
#[cfg(unix)]
fn an_interrupt_during_the_look_before_a_resume_leaves_everything_as_it_was() {
    super::common::hear_hang_ups();
    let service = Silent::start();
    let folder = service.leave_unknown();
    let run = run_of(folder.path());
    let files = || ["journal.ndjson", "remaining.yaml"].map(|name| std::fs::read(run.join(name)).ok());
    let before = files();
    assert!(before.iter().all(Option::is_some));
    let mut resume = super::service::with_credential(folder.path(), &["resume"]);
    let mut child =
        resume.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().expect("it starts");
    service.asked.recv().expect("it asks");
    super::run::signal(&child, "-INT");
    let status = child.wait().expect("our own child");
    assert!(!status.success(), "{status}");
    assert!(before == files(), "the journal or the plan of what is left is another, or gone");
}

/// `--max-duration` counts from the beginning of the resume, also while it only asks.
#[test]
#[cfg(unix)]
fn a_look_before_a_resume_ends_with_the_time_of_the_resume() {
    let service = Silent::start();
    let folder = service.leave_unknown();
    let args = ["resume", "--max-duration", "300ms", "--report", "json=report.json"];
    let resumed = super::common::finish(&mut super::service::with_credential(folder.path(), &args));
    assert_eq!(resumed.code(), 4, "{}", resumed.excerpt());
    let outcomes = outcomes(folder.path());
    let (_, _, reason) = outcomes.iter().find(|(_, outcome, _)| outcome == "unknown").expect("still one");
    assert!(reason.ends_with("; the time was over before its task was looked for"), "{reason}");
}
