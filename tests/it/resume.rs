//! `resume` with the real binary: what goes on, what is refused, and what the journal of a run keeps.
//!
//! Simulators run in this process. Where a cause has to be mended between two sessions, the first simulator ends and a
//! second one takes its port.

#![cfg(all(feature = "simulator", unix))]

use std::fs;
use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use hss_sync::io::clock::RunClock;
use hss_sync::sign::Credential;
use hss_sync::simulator::{Faults, RunningSimulator, Simulator, SimulatorConfig};
use serde_json::Value;

use super::common::{Finished, finish, finish_with, hss_sync, until};
use super::run::{checked_report, signal};

struct Service {
    simulator: RunningSimulator,
    _runtime: tokio::runtime::Runtime,
}

impl Service {
    fn start(faults: &str) -> Self {
        Self::start_at(faults, SocketAddr::from(([127, 0, 0, 1], 0)))
    }

    fn start_at(faults: &str, listen: SocketAddr) -> Self {
        let faults = Faults::parse(faults).expect("faults");
        let config = SimulatorConfig { quota: None, faults, listen, ..SimulatorConfig::default() };
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let start = || runtime.block_on(Simulator::start(config.clone(), RunClock::start(NonZeroU32::MIN)));
        let mut started = start();
        // The port of one that ended may be lent to another test for a moment.
        until("the simulator does not start", || {
            if started.is_err() {
                started = start();
            }
            started.is_ok()
        });
        Self { simulator: started.expect("the simulator starts"), _runtime: runtime }
    }

    /// Ends it; another one with these faults takes its place.
    fn mended(self, faults: &str) -> Self {
        let address = self.simulator.address();
        drop(self);
        Self::start_at(faults, address)
    }

    /// How many requests came that create something.
    fn requests(&self) -> u64 {
        self.sent().len() as u64
    }

    /// The projects that they were for.
    fn sent(&self) -> Vec<String> {
        let posts = self.simulator.log().into_iter().filter(|entry| entry.method == "POST");
        posts.filter_map(|entry| entry.project_id).collect()
    }
}

struct Scene {
    folder: tempfile::TempDir,
}

impl Scene {
    fn new(plan: &str) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
        Self { folder }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn command(&self, args: &[&str]) -> Command {
        let Credential::AccessKey { access_key, secret_key, .. } = Simulator::credentials(1) else {
            panic!("a key pair")
        };
        let mut command = hss_sync(self.path());
        command.env("HUAWEICLOUD_SDK_AK", access_key).env("HUAWEICLOUD_SDK_SK", secret_key.expose());
        command.stdin(Stdio::null()).args(args);
        command
    }

    fn run_command(&self, service: &Service, args: &[&str]) -> Command {
        let mut command = self.command(&["run", "plan.yaml", "--endpoint", service.simulator.endpoint().as_str()]);
        command.args(args);
        command
    }

    /// Starts a run and interrupts it when the service has seen this many requests.
    fn interrupted(&self, service: &Service, requests: u64, args: &[&str]) -> i32 {
        let mut command = self.run_command(service, args);
        let mut child = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
        until("the requests do not come", || service.requests() >= requests);
        until("the answer is not in the journal", || self.journal().contains("\"operation_ended\"") || requests == 0);
        signal(&child.0, "-INT");
        child.ends()
    }

    fn resume(&self, args: &[&str]) -> Finished {
        finish(self.command(&["resume"]).args(args))
    }

    fn directory(&self) -> PathBuf {
        let runs: Vec<PathBuf> = fs::read_dir(self.path().join(".hss-sync/runs"))
            .map(|entries| entries.map(|entry| entry.expect("an entry").path()).collect())
            .unwrap_or_default();
        assert!(runs.len() <= 1, "{runs:?}");
        runs.into_iter().next().unwrap_or_else(|| self.path().join("none"))
    }

    fn journal(&self) -> String {
        let bytes = fs::read(self.directory().join("journal.ndjson")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn report(&self) -> Value {
        checked_report(&self.directory().join("report.json"))
    }

    fn has_remaining(&self) -> bool {
        self.directory().join("remaining.yaml").exists()
    }
}

/// A run that is ended with the test, also when the test fails.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the binary starts"))
    }

    pub(crate) fn ends(&mut self) -> i32 {
        let mut status = None;
        until("the run does not end", || {
            status = self.0.try_wait().expect("our own child");
            status.is_some()
        });
        status.and_then(|status| status.code()).expect("an exit code")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn plan(operations: usize, more: &str) -> String {
    let mut text = format!(
        "version: 1\nname: test\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: [all] }}\n\
         {more}\nprojects:\n"
    );
    for index in 0..operations {
        text.push_str(&format!("  - {{ name: p{index}, project_ids: {{ cn-north-4: \"id{index}\" }} }}\n"));
    }
    text
}

/// One call, and then an hour of waiting: an interrupt finds the run with one operation accepted.
const ONE_AN_HOUR: &str = "limits: { quota: { calls: 1, per: 1h } }";

fn counts(report: &Value) -> [u64; 4] {
    ["accepted", "failed", "unknown", "not_attempted"].map(|name| report["summary"][name].as_u64().expect("a count"))
}

#[test]
fn an_interrupted_run_goes_on_and_is_one_run_in_its_report() {
    let (scene, service) = (Scene::new(&plan(4, ONE_AN_HOUR)), Service::start("latency:1ms"));
    assert_eq!(scene.interrupted(&service, 1, &[]), 4);
    let first = scene.report();
    assert_eq!(counts(&first), [1, 0, 0, 3]);
    let remaining = fs::read_to_string(scene.directory().join("remaining.yaml")).expect("something is left");
    assert!(!remaining.contains("name: p0") && remaining.contains("name: p3"), "{remaining}");
    let validated = finish(
        hss_sync(scene.path()).args(["validate", "--deny-warnings"]).arg(scene.directory().join("remaining.yaml")),
    );
    assert_eq!(validated.code(), 0, "{}", validated.excerpt());

    // The operator knows of a wider quota.
    let resumed = scene.resume(&["latest", "--quota", "1000/1s"]);
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
    assert!(resumed.stdout().starts_with("4 accepted of 4 in "), "{}", resumed.excerpt());
    let report = scene.report();
    assert_eq!(counts(&report), [4, 0, 0, 0]);
    assert_eq!(report["run"]["id"], first["run"]["id"]);
    assert_eq!(report["run"]["started_at"], first["run"]["started_at"]);
    assert_eq!(report["run"]["resumed"], 1);
    assert_eq!(service.requests(), 4, "the accepted one was sent again");
    assert!(!scene.has_remaining(), "nothing is left");

    // Once more: nothing is left to do, and nothing is sent.
    let again = scene.resume(&[]);
    assert_eq!(again.code(), 0, "{}", again.excerpt());
    assert!(again.stderr().contains("nothing is left to do"), "{}", again.excerpt());
    assert_eq!(service.requests(), 4);
}

/// The first session used up the quota for an hour. A session that may last a second can't send anything.
#[test]
fn calls_of_the_session_before_count_against_the_quota() {
    let (scene, service) = (Scene::new(&plan(3, ONE_AN_HOUR)), Service::start("latency:1ms"));
    assert_eq!(scene.interrupted(&service, 1, &[]), 4);
    let resumed = scene.resume(&["--max-duration", "1s"]);
    assert_eq!(resumed.code(), 4, "{}", resumed.excerpt());
    assert_eq!(counts(&scene.report()), [1, 0, 0, 2]);
    assert_eq!(service.requests(), 1);
}

#[test]
fn a_plan_that_changed_is_refused_with_the_difference() {
    let (scene, service) = (Scene::new(&plan(3, ONE_AN_HOUR)), Service::start("latency:1ms"));
    assert_eq!(scene.interrupted(&service, 1, &[]), 4);
    let journal = scene.journal();

    let changed = plan(3, ONE_AN_HOUR).replace("\"id2\"", "\"other\"").replace("calls: 1,", "calls: 2,");
    fs::write(scene.path().join("plan.yaml"), &changed).expect("written");
    let refused = scene.resume(&[]);
    assert_eq!(refused.code(), 3, "{}", refused.excerpt());
    let told = refused.stderr();
    assert!(told.contains("p2 / cn-north-4") && told.contains("plan.yaml:"), "{told}");
    assert!(told.contains("quota"), "{told}");
    assert!(told.contains("remaining.yaml"), "what to do now: {told}");

    // Another comment or layout is no change; a plan that is gone or broken is one.
    fs::remove_file(scene.path().join("plan.yaml")).expect("removed");
    let refused = scene.resume(&[]);
    assert_eq!(refused.code(), 2, "{}", refused.excerpt());
    fs::write(scene.path().join("plan.yaml"), "version: 1\nname: [").expect("written");
    assert_eq!(scene.resume(&[]).code(), 3);
    assert_eq!((service.requests(), scene.journal()), (1, journal), "a refusal sends and writes nothing");

    fs::write(scene.path().join("plan.yaml"), format!("# a comment\n{}", plan(3, ONE_AN_HOUR))).expect("written");
    let resumed = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
}

/// Variables, also from the environment, are those of the run; standard input is in the journal.
#[test]
fn what_a_run_was_called_with_is_in_its_journal() {
    let text = plan(2, ONE_AN_HOUR)
        .replace("name: test", "name: test\nvars: { a: x, b: x }")
        .replace("\"id1\"", "\"{{ vars.a }}-{{ vars.b }}\"");
    let (scene, service) = (Scene::new(""), Service::start("latency:1ms"));
    let mut command = scene.command(&["run", "-", "--var", "a=1", "--max-duration", "1s", "--quiet"]);
    command
        .args(["--endpoint", service.simulator.endpoint().as_str()])
        .env("HSS_SYNC_VAR_b", "2")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut child = Running::start(&mut command);
    std::io::Write::write_all(&mut child.0.stdin.take().expect("a pipe"), text.as_bytes()).expect("written");
    assert_eq!(child.ends(), 4);
    let resumed = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
    let sent = service.sent();
    assert_eq!(sent, ["id0", "1-2"]);
}

/// What came from standard input is in the journal and is not read again; a file that was given beside it is.
#[test]
fn a_file_beside_standard_input_may_not_change() {
    let (scene, service) = (Scene::new(&plan(2, ONE_AN_HOUR)), Service::start("latency:1ms"));
    let args = ["run", "-", "plan.yaml", "--max-duration", "1s", "--endpoint", service.simulator.endpoint().as_str()];
    let piped = plan(2, ONE_AN_HOUR).replace("\"id", "\"piped");
    let run = finish_with(&mut scene.command(&args), piped.into_bytes());
    assert_eq!((run.code(), service.requests()), (4, 1), "{}", run.excerpt());
    fs::write(scene.path().join("plan.yaml"), plan(2, ONE_AN_HOUR).replace("\"id1\"", "\"other\"")).expect("written");
    let refused = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!((refused.code(), service.requests()), (3, 1), "{}", refused.excerpt());
    fs::write(scene.path().join("plan.yaml"), plan(2, ONE_AN_HOUR)).expect("written");
    let resumed = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!((resumed.code(), service.requests()), (0, 4), "{}", resumed.excerpt());
}

/// The command at the end can be pasted, whatever the state directory is called.
#[test]
fn the_command_that_goes_on_works_as_it_is_printed() {
    let service = Service::start("latency:1ms");
    for state in [".hss-sync", "./.hss-sync", "-x", "it's a $dir"] {
        let scene = Scene::new(&plan(2, ONE_AN_HOUR));
        let state_dir = format!("--state-dir={state}");
        let run = finish(&mut scene.run_command(&service, &["--max-duration", "1s", &state_dir]));
        let told = run.stdout();
        let line = told.lines().find_map(|line| line.strip_prefix("go on     hss-sync ")).expect("it can go on");
        // The whole line, with its comment.
        let command = line.replacen("resume", "resume --quota 1000/1s", 1);
        let inner = scene.command(&[]);
        let mut shell = Command::new("sh");
        shell.arg("-c").arg(format!("exec \"$0\" {command}")).arg(inner.get_program());
        shell
            .current_dir(scene.path())
            .env_clear()
            .envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
        let resumed = finish(&mut shell);
        assert_eq!(resumed.code(), 0, "{command}: {}", resumed.excerpt());
    }
    assert_eq!(service.requests(), 8);
}

/// An endpoint with a password is refused without it.
#[test]
fn a_password_in_an_endpoint_is_not_repeated() {
    let scene = Scene::new(&plan(1, ""));
    let refused = finish(&mut scene.command(&["run", "plan.yaml", "--endpoint", "http://me:p@ssw0rd@127.0.0.1:9"]));
    assert_eq!(refused.code(), 2);
    let told = refused.output();
    assert!(told.contains("…@127.0.0.1:9") && !told.contains("ssw0rd"), "{told}");
}

#[test]
fn a_run_that_goes_on_elsewhere_is_not_taken_up() {
    let (scene, service) = (Scene::new(&plan(3, ONE_AN_HOUR)), Service::start("latency:1ms"));
    let mut child = Running::start(scene.run_command(&service, &["--quiet"]).stderr(Stdio::null()));
    until("nothing is sent", || service.requests() >= 1);
    let refused = scene.resume(&[]);
    assert_eq!(refused.code(), 2, "{}", refused.excerpt());
    assert!(refused.stderr().contains("another process"), "{}", refused.excerpt());
    signal(&child.0, "-INT");
    assert_eq!(child.ends(), 4);
    assert_eq!(service.requests(), 1);
}

/// One changed byte in the middle: the line is named, and nothing is sent.
#[test]
fn a_damaged_journal_is_refused_loudly() {
    let (scene, service) = (Scene::new(&plan(3, ONE_AN_HOUR)), Service::start("latency:1ms"));
    assert_eq!(scene.interrupted(&service, 1, &[]), 4);
    let path = scene.directory().join("journal.ndjson");
    let text = scene.journal();
    let line = text.lines().position(|line| line.contains("\"accepted\"")).expect("an outcome") + 1;
    fs::write(&path, text.replacen("\"accepted\"", "\"confirmed\"", 1)).expect("written");
    let refused = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!(refused.code(), 6, "{}", refused.excerpt());
    assert!(refused.stderr().contains(&format!("line {line}")), "{}", refused.excerpt());
    // A removed line as well, even if what is left reads well.
    let lines: Vec<&str> =
        text.lines().enumerate().filter(|(index, _)| index + 1 != line).map(|(_, text)| text).collect();
    fs::write(&path, lines.join("\n") + "\n").expect("written");
    assert_eq!(scene.resume(&[]).code(), 6);
    assert_eq!(service.requests(), 1);
}

/// What failed stays failed and counts against the budget, until the operator says that its cause is mended.
#[test]
fn failures_are_sent_again_on_the_operators_word_only() {
    let wide = "limits: { quota: { calls: 1000, per: 1s } }\nrollout: { waves: [{ name: all, max_failures: 0 }] }";
    let (scene, service) = (Scene::new(&plan(4, wide)), Service::start("403:100%"));
    let run = finish(&mut scene.run_command(&service, &[]));
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    assert_eq!(counts(&scene.report()), [0, 1, 0, 3]);
    // The budget is spent as long as the failure stands: a plain resume would send nothing, so it is not proposed.
    let text = run.stdout();
    let (_, ways) = text.split_once("\ngo on     hss-sync resume ").expect("a way on");
    let (_, flags) = ways.split_once(' ').expect("flags after the run id");
    let note = "          # 1 failed, once its cause is mended; then 3 that the failure budget keeps back\n";
    assert_eq!(flags, format!("--retry-failed\n{note}"));
    let service = service.mended("latency:1ms");

    // It writes nothing, either.
    let journal = scene.journal();
    let resumed = finish(scene.command(&["resume"]).env_remove("HUAWEICLOUD_SDK_AK").env_remove("HUAWEICLOUD_SDK_SK"));
    assert_eq!((resumed.code(), service.requests()), (4, 0), "{}", resumed.excerpt());
    assert!(resumed.stderr().contains("nothing of run"), "{}", resumed.excerpt());
    assert_eq!((counts(&scene.report()), scene.journal()), ([0, 1, 0, 3], journal));
    let resumed = scene.resume(&["--retry-failed"]);
    assert_eq!((resumed.code(), service.requests()), (0, 4), "{}", resumed.excerpt());
    let report = scene.report();
    assert_eq!(counts(&report), [4, 0, 0, 0]);
    assert_eq!(report["operations"][0]["attempts"].as_array().map(Vec::len), Some(2), "both attempts are told");
}

#[test]
fn a_refused_credential_is_mended_between_two_sessions() {
    let wide = "limits: { quota: { calls: 1000, per: 1s } }";
    let (scene, service) = (Scene::new(&plan(3, wide)), Service::start("latency:1ms"));
    let run = finish(scene.run_command(&service, &[]).env("HUAWEICLOUD_SDK_SK", "a-wrong-secret-key"));
    assert_eq!((run.code(), service.requests()), (5, 1), "{}", run.excerpt());
    let resumed = scene.resume(&[]);
    assert_eq!((resumed.code(), service.requests()), (0, 4), "{}", resumed.excerpt());
}

#[test]
fn what_is_unknown_is_sent_again_on_the_operators_word_only() {
    let wide = "limits: { quota: { calls: 1000, per: 1s } }";
    let (scene, service) = (Scene::new(&plan(3, wide)), Service::start("drop-after:100%"));
    let run = finish(&mut scene.run_command(&service, &[]));
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    let service = service.mended("latency:1ms");
    let resumed = scene.resume(&[]);
    assert_eq!((resumed.code(), service.requests()), (4, 0), "{}", resumed.excerpt());
    assert!(resumed.stdout().contains("--retry-unknown"), "{}", resumed.excerpt());
    let resumed = scene.resume(&["--retry-unknown"]);
    assert_eq!((resumed.code(), service.requests()), (0, 3), "{}", resumed.excerpt());
}

/// An answer that does not come within the grace period is given up as unknown.
#[test]
fn an_interrupted_run_waits_for_its_grace_and_no_longer() {
    let wide = "limits: { quota: { calls: 1000, per: 1s } }";
    let (scene, service) = (Scene::new(&plan(3, wide)), Service::start("hang:100%"));
    let mut command = scene.run_command(&service, &["--grace", "200ms", "--quiet"]);
    let mut child = Running::start(command.stdout(Stdio::null()).stderr(Stdio::null()));
    until("nothing is sent", || service.requests() >= 1);
    signal(&child.0, "-TERM");
    assert_eq!(child.ends(), 4);
    let report = scene.report();
    assert_eq!(counts(&report), [0, 0, 1, 2]);
    let reason = report["operations"][0]["reason"].as_str().expect("text");
    assert!(reason.contains("interrupted"), "{reason}");
}

#[test]
fn a_second_signal_ends_at_once_and_the_journal_is_good() {
    for (first, second) in
        [("-INT", "-INT"), ("-INT", "-TERM"), ("-TERM", "-TERM"), ("-HUP", "-TERM"), ("-HUP", "-INT")]
    {
        let wide = "limits: { quota: { calls: 1000, per: 1s } }";
        let (scene, service) = (Scene::new(&plan(3, wide)), Service::start("hang:100%"));
        let mut command = scene.run_command(&service, &[]);
        let log = scene.path().join("stderr");
        let stderr = fs::File::create(&log).expect("a file");
        let mut child = Running::start(command.stdout(Stdio::null()).stderr(stderr));
        until("nothing is sent", || service.requests() >= 1);
        signal(&child.0, first);
        until("it does not stop", || fs::read_to_string(&log).is_ok_and(|text| text.contains("stop ")));
        signal(&child.0, second);
        assert_eq!(child.ends(), 130, "{first} {second}");
        let told = fs::read_to_string(&log).expect("readable");
        assert!(told.contains("hss-sync resume "), "{told}");

        let service = service.mended("latency:1ms");
        let resumed = scene.resume(&[]);
        assert_eq!(resumed.code(), 4, "{}", resumed.excerpt());
        assert_eq!(counts(&scene.report()), [2, 0, 1, 0], "one was in flight");
        assert_eq!(service.requests(), 2);
    }
}

/// The command where no file may grow beyond so many blocks of 512 bytes, as on a disk that fills up: with the signal ignored,
/// a write beyond that fails.
fn limited(inner: &Command, blocks: u32) -> Command {
    let mut command = Command::new("sh");
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
    command.args(["-c", &script, "sh"]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("a folder")).env_clear().stdin(Stdio::null());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

/// The journal may grow to a few KiB and no further, as on a disk that fills up.
#[test]
fn a_journal_that_cannot_grow_stops_the_run() {
    let wide = "limits: { quota: { calls: 1000, per: 1s }, concurrency: 2, region_concurrency: 2 }";
    let (scene, service) = (Scene::new(&plan(40, wide)), Service::start("latency:1ms"));
    let run = finish(&mut limited(&scene.run_command(&service, &[]), 24));
    assert_eq!(run.code(), 6, "{}", run.excerpt());
    let told = run.stderr();
    assert!(told.contains("journal"), "{told}");
    let sent = service.requests();
    assert!((1..40).contains(&sent), "{sent} requests");
    let announced = scene.journal().lines().filter(|line| line.contains("\"attempt_started\"")).count() as u64;
    assert!(announced >= sent, "{sent} requests were sent, and {announced} are announced");

    // With space again the run goes on, and nothing that was accepted is sent again.
    let resumed = scene.resume(&[]);
    assert!(matches!(resumed.code(), 0 | 4), "{}", resumed.excerpt());
    let [accepted, failed, unknown, left] = counts(&scene.report());
    assert_eq!((accepted + unknown, failed, left), (40, 0, 0));
    let mut sent = service.sent();
    let count = sent.len();
    sent.sort_unstable();
    sent.dedup();
    assert_eq!(sent.len(), count, "each once");
}

/// A run that can't write its journal from the beginning leaves nothing behind: `resume` finds the run before it.
#[test]
fn a_run_that_could_not_begin_does_not_hide_the_one_before_it() {
    let (scene, service) = (Scene::new(&plan(2, ONE_AN_HOUR)), Service::start("latency:1ms"));
    let run = finish(&mut scene.run_command(&service, &["--max-duration", "1s"]));
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    let refused = finish(&mut limited(&scene.run_command(&service, &[]), 0));
    assert_eq!((refused.code(), service.requests()), (6, 1), "{}", refused.excerpt());
    let resumed = scene.resume(&["--quota", "1000/1s"]);
    assert_eq!((resumed.code(), service.requests()), (0, 2), "{}", resumed.excerpt());

    // An emptied journal with a report beside it is of a run that did send.
    fs::write(scene.directory().join("journal.ndjson"), "").expect("written");
    let id = scene.directory().file_name().expect("a name").to_string_lossy().into_owned();
    let refused = scene.resume(&[&id]);
    assert_eq!(refused.code(), 6, "{}", refused.excerpt());
    assert!(!refused.stderr().contains("nothing was sent"), "{}", refused.excerpt());
}

/// No room for the report either: what the journal lacks is told in full, with its outcome.
#[test]
fn outcomes_that_are_nowhere_else_are_all_named() {
    let wide = "limits: { quota: { calls: 1000, per: 1s }, concurrency: 2, region_concurrency: 2 }";
    let (scene, service) = (Scene::new(&plan(40, wide)), Service::start("latency:1ms"));
    let run = finish(&mut limited(&scene.run_command(&service, &[]), 24));
    assert_eq!(run.code(), 6, "{}", run.excerpt());
    let told = run.stderr();
    assert!(!scene.directory().join("report.json").exists(), "the test needs a report that is too big");
    assert!(told.contains("cannot write the journal") && told.contains("no report could be written"), "{told}");
    assert!(told.contains(" / cn-north-4 (accepted)") && !told.contains("the report has"), "{told}");
}

/// The run's directory is moved away while the run waits: what is sent after that could not be told from the journal.
#[test]
fn a_journal_that_vanished_stops_the_run() {
    let slow = "limits: { quota: { calls: 1000, per: 1s }, concurrency: 1 }";
    let (scene, service) = (Scene::new(&plan(6, slow)), Service::start("latency:300ms"));
    let mut command = scene.run_command(&service, &["--report", "json=report.json"]);
    let log = scene.path().join("stderr");
    let stderr = fs::File::create(&log).expect("a file");
    let mut child = Running::start(command.stdout(Stdio::null()).stderr(stderr));
    until("nothing is sent", || service.requests() >= 1);
    fs::rename(scene.directory(), scene.path().join("moved")).expect("moved");
    assert_eq!(child.ends(), 6);
    let told = fs::read_to_string(&log).expect("readable");
    assert!(told.contains("no longer at"), "{told}");
    assert!(told.contains("p0 / cn-north-4"), "what is not recorded: {told}");
    let report = checked_report(&scene.path().join("report.json"));
    assert_eq!(report["run"]["exit_code"], 6);
    assert!(counts(&report)[3] >= 3, "{:?}", counts(&report));
}

#[test]
fn a_state_directory_that_cannot_be_made_sends_nothing() {
    let wide = "limits: { quota: { calls: 1000, per: 1s } }";
    let (scene, service) = (Scene::new(&plan(2, wide)), Service::start("latency:1ms"));
    fs::write(scene.path().join("file"), "").expect("written");
    let run = finish(&mut scene.run_command(&service, &["--state-dir", "file/state"]));
    assert_eq!((run.code(), service.requests()), (6, 0), "{}", run.excerpt());
    assert!(run.stderr().contains("nothing was sent"), "{}", run.excerpt());
}

#[test]
fn without_a_run_to_resume_it_says_what_it_looked_for() {
    let scene = Scene::new(&plan(1, ""));
    let refused = scene.resume(&[]);
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr().contains("there is no run in `.hss-sync/runs`"), "{}", refused.excerpt());
    let refused = scene.resume(&["20261124-080000-7f3a"]);
    assert_eq!(refused.code(), 2);
    assert!(refused.stderr().contains("`20261124-080000-7f3a` is no run"), "{}", refused.excerpt());
}

/// A rehearsal goes on as one, and never against the service.
#[test]
fn a_rehearsal_is_resumed_as_a_rehearsal() {
    let scene = Scene::new(&plan(3, ONE_AN_HOUR));
    let simulate = ["run", "plan.yaml", "--simulate", "--fault", "latency:1ms", "--max-duration", "10s"];
    let tasks = ["--task-time", "1m..20m", "--task-fault", "failed:10%"];
    let run = finish(hss_sync(scene.path()).args(simulate).args(tasks));
    assert_eq!(run.code(), 4, "{}", run.excerpt());
    let journal = fs::read(scene.directory().join("journal.ndjson")).expect("a journal");
    let with = hss_sync::journal::read(&journal).expect("legal").header.invocation.simulated.expect("a rehearsal");
    assert_eq!(with.fault.as_deref(), Some("latency:1ms"));
    assert_eq!((with.task_time.as_deref(), with.task_fault.as_deref()), (Some("1m..20m"), Some("failed:10%")));
    let resumed = finish(hss_sync(scene.path()).args(["resume", "--quota", "1000/1s"]));
    assert_eq!(resumed.code(), 0, "{}", resumed.excerpt());
    let report = scene.report();
    assert_eq!((counts(&report), &report["run"]["simulated"]), ([3, 0, 0, 0], &Value::Bool(true)));
}

/// Every file of a run belongs to its owner alone.
#[test]
fn a_run_is_private() {
    use std::os::unix::fs::PermissionsExt;
    let (scene, service) = (Scene::new(&plan(2, ONE_AN_HOUR)), Service::start("latency:1ms"));
    assert_eq!(scene.interrupted(&service, 1, &[]), 4);
    let mode = |path: PathBuf| fs::metadata(&path).expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode(scene.directory()), 0o700);
    for file in ["journal.ndjson", "report.json", "remaining.yaml"] {
        assert_eq!(mode(scene.directory().join(file)), 0o600, "{file}");
    }
}

/// `finish_with` is for plans on standard input.
#[test]
fn a_plan_on_standard_input_can_be_run() {
    let (scene, service) = (Scene::new(""), Service::start("latency:1ms"));
    let mut command = scene.command(&["run", "-", "--endpoint", service.simulator.endpoint().as_str()]);
    let run = finish_with(&mut command, plan(2, "").into_bytes());
    assert_eq!(run.code(), 0, "{}", run.excerpt());
}
