//! Runs that end before their time: signals in each phase, budgets, deadlines, a service that dies.

#![cfg(all(feature = "simulator", unix))]

use std::fs::File;
use std::num::NonZeroU32;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use hss_sync::io::clock::RunClock;
use hss_sync::sign::Credential;
use hss_sync::simulator::{Faults, RunningSimulator, Simulator, SimulatorConfig};
use serde_json::Value;

use super::common::{finish, hear_hang_ups, hss_sync};
use super::run::{checked_report, signal, wait_for};

/// Longer than any of these runs needs and shorter than anything that they would wait for.
const PROMPT: Duration = Duration::from_secs(20);

fn plan(name: &str, operations: usize, more: &str) -> String {
    let mut text = format!(
        "version: 1\nname: {name}\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: \
         [all] }}\n{more}\nprojects:\n"
    );
    for index in 0..operations {
        text.push_str(&format!(
            "  - {{ name: {name}{index}, labels: [l{index}], project_ids: {{ cn-north-4: \"{name}{index}\" }} }}\n"
        ));
    }
    text
}

fn counts(report: &Value) -> [u64; 4] {
    ["accepted", "failed", "unknown", "not_attempted"].map(|name| report["summary"][name].as_u64().expect("a count"))
}

fn with_key(command: &mut Command) -> &mut Command {
    let Credential::AccessKey { access_key, secret_key, .. } = Simulator::credentials(1) else { panic!("a key pair") };
    command.env("HUAWEICLOUD_SDK_AK", access_key).env("HUAWEICLOUD_SDK_SK", secret_key.expose())
}

#[expect(clippy::disallowed_methods, reason = "a watchdog, in real time")]
fn until(what: &str, mut done: impl FnMut() -> bool) {
    let start = Instant::now();
    while !done() {
        assert!(start.elapsed() < PROMPT, "{what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn ends_promptly(child: &mut Child) -> i32 {
    let mut status = None;
    until("the run does not end", || {
        status = child.try_wait().expect("our own child");
        status.is_some()
    });
    status.and_then(|status| status.code()).expect("an exit code")
}

/// Each signal in each phase: the run ends at once, in its own way, with a report of everything.
#[test]
fn a_signal_in_any_phase_ends_the_run_with_an_honest_account() {
    let quota = "limits: { quota: { calls: 1, per: 1h } }";
    let pause = "limits: { quota: { calls: 100, per: 1s } }\nrollout: { pause: 1h, waves: [{ name: one, select: { labels: [l0] } }, { name: rest }] }";
    let retry = "limits: { quota: { calls: 100, per: 1s }, retry: { initial_delay: 1h, max_delay: 2h } }";
    let flight = "limits: { quota: { calls: 100, per: 1s } }";
    // Phase, plan, faults, calls after which it has begun, accepted, failed, unknown, not attempted.
    let cases = [
        ("waiting for quota", quota, "latency:1ms", 1, [1, 0, 0, 2]),
        ("pause", pause, "latency:1ms", 1, [1, 0, 0, 2]),
        ("waiting for a repeat", retry, "503:100%", 3, [0, 3, 0, 0]),
        ("closed by a 429", quota, "429:100%,retry-after", 1, [0, 1, 0, 2]),
        ("in flight", flight, "latency:700ms", 3, [3, 0, 0, 0]),
        ("alone in flight", flight, "latency:1500ms", 1, [1, 0, 0, 2]),
    ];
    std::thread::scope(|scope| {
        for name in ["-INT", "-TERM", "-HUP"] {
            scope.spawn(move || {
                for (phase, more, faults, calls, expected) in cases {
                    interrupt(&format!("{name}, {phase}"), name, &plan("p", 3, more), faults, (calls, expected));
                }
            });
        }
    });
}

fn interrupt(case: &str, name: &str, plan: &str, faults: &str, (calls, expected): (u64, [u64; 4])) {
    hear_hang_ups();
    let (_runtime, simulator) = simulator(faults);
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::write(folder.path().join("plan.yaml"), plan).expect("the plan is written");
    let log = folder.path().join("stderr");
    let mut child = with_key(&mut hss_sync(folder.path()))
        .args(["run", "plan.yaml", "--report", "json=report.json", "--endpoint", simulator.endpoint().as_str()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log).expect("a file"))
        .spawn()
        .expect("the binary starts");
    until(&format!("{case}: the phase does not come"), || simulator.stats().requests >= calls);
    std::thread::sleep(Duration::from_millis(250));
    signal(&child, name);
    let code = ends_promptly(&mut child);
    let report = checked_report(&folder.path().join("report.json"));
    assert_eq!(counts(&report), expected, "{case}: {report:#}");
    let complete = expected[1..] == [0, 0, 0];
    assert_eq!(code, if complete { 0 } else { 4 }, "{case}");
    assert_eq!(simulator.stats().requests, calls, "{case}: something was sent after the signal");
    for operation in report["operations"].as_array().expect("a list") {
        if operation["outcome"] != "accepted" {
            let reason = operation["reason"].as_str().expect("text");
            assert!(reason.contains("the run was interrupted"), "{case}: {reason}");
        }
    }
}

fn simulator(faults: &str) -> (tokio::runtime::Runtime, RunningSimulator) {
    let config =
        SimulatorConfig { quota: None, faults: Faults::parse(faults).expect("faults"), ..SimulatorConfig::default() };
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
    let started = runtime.block_on(async { Simulator::start(config, RunClock::start(NonZeroU32::MIN)).await });
    (runtime, started.expect("the simulator starts"))
}

/// Runs plans with the embedded simulator, in which nothing but the plans' own limits slows them down.
fn simulate(folder: &Path, plans: &[&str], args: &[&str]) -> (i32, Value) {
    let mut command = hss_sync(folder);
    command.args(["run", "--quiet", "--simulate", "--simulator-quota", "1000/1s", "--report", "json=report.json"]);
    for (index, text) in plans.iter().enumerate() {
        let name = format!("plan{index}.yaml");
        std::fs::write(folder.join(&name), text).expect("the plan is written");
        command.arg(name);
    }
    let finished = finish(command.args(args));
    let report = folder.join("report.json");
    assert!(report.exists(), "{}", finished.excerpt());
    (finished.code(), checked_report(&report))
}

/// Everything fails: one more than the budget allows is called, however much could be in flight.
#[test]
fn a_budget_is_never_overrun() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = "limits: { quota: { calls: 1000, per: 1s }, concurrency: 64, region_concurrency: 64 }";
    for (operations, budget, allowed) in [
        (19, "0", 0),
        (19, "1", 1),
        (19, "5%", 0),
        (20, "5%", 1),
        (21, "5%", 1),
        (20, "100%", 20),
        (3, "9", 9),
        (20, "19", 19),
    ] {
        let failed = operations.min(allowed + 1);
        let exit = if failed == operations { 1 } else { 4 };
        let expected = [0, failed as u64, 0, (operations - failed) as u64];
        let case = format!("{budget} of {operations}");
        let args = ["--fault", "403:100%,latency:1ms..20ms"];
        let wave = format!("{limits}\nrollout: {{ waves: [{{ name: all, max_failures: {budget} }}] }}");
        let (code, report) = simulate(folder.path(), &[&plan("p", operations, &wave)], &args);
        assert_eq!((code, counts(&report)), (exit, expected), "{case} in the plan");
        let args = [&args[..], &["--max-failures", budget]].concat();
        let (code, report) = simulate(folder.path(), &[&plan("p", operations, limits)], &args);
        assert_eq!((code, counts(&report)), (exit, expected), "{case} as a flag");
    }
}

#[test]
fn several_plans_have_their_own_budgets_and_share_those_of_the_run() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let limits = "limits: { quota: { calls: 1000, per: 1s } }";
    let budget = format!("{limits}\nrollout: {{ waves: [{{ name: all, max_failures: 1 }}] }}");
    let (first, second) = (plan("a", 10, &budget), plan("b", 10, limits));
    let fault = ["--fault", "403:100%,latency:1ms"];
    let (code, report) = simulate(folder.path(), &[&first, &second], &fault);
    assert_eq!((code, counts(&report)), (4, [0, 2 + 10, 0, 8]));
    let (code, report) = simulate(folder.path(), &[&first, &second], &[&fault[..], &["--max-failures", "2"]].concat());
    assert_eq!((code, counts(&report)), (4, [0, 3, 0, 17]));
    let (code, report) = simulate(folder.path(), &[&first, &second], &[&fault[..], &["--fail-fast"]].concat());
    // The first call goes alone, until the credential is known to be good.
    assert_eq!((code, counts(&report)), (4, [0, 1, 0, 19]));
}

/// Waves with a pause and a budget: the second wave is never begun, its operations are accounted for.
#[test]
fn a_wave_that_spends_its_budget_keeps_the_next_from_beginning() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let more = "limits: { quota: { calls: 1000, per: 1s } }\nrollout:\n  pause: 1h\n  waves:\n    \
                - { name: canary, select: { labels: [l0, l1] }, max_failures: 0 }\n    - { name: rest }";
    let (code, report) = simulate(folder.path(), &[&plan("p", 6, more)], &["--fault", "error-code:100%"]);
    assert_eq!((code, counts(&report)), (4, [0, 1, 0, 5]));
    let reason = report["operations"][5]["reason"].as_str().expect("text");
    assert_eq!(reason, "the failure budget is spent (0 of 2)");
}

#[test]
fn a_deadline_of_the_plan_and_one_of_the_run_leave_the_rest() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let slow = "limits: { quota: { calls: 2, per: 1m } }";
    let late = plan("p", 7, &format!("{slow}\nrollout: {{ deadline: 150s }}"));
    let scale = ["--time-scale", "200", "--fault", "latency:10ms"];
    // Two a minute: at 0, 1 and 2 min.
    assert_eq!(counts(&simulate(folder.path(), &[&late], &scale).1), [6, 0, 0, 1]);
    let flag = [&scale[..], &["--max-duration", "90s"]].concat();
    let (code, report) = simulate(folder.path(), &[&late], &flag);
    assert_eq!((code, counts(&report)), (4, [4, 0, 0, 3]));
    // Repeats that would come too late are given up, and the run is incomplete although nothing is left unsent.
    let retry = "limits: { quota: { calls: 100, per: 1s }, retry: { initial_delay: 5m } }\nrollout: { deadline: 2m }";
    let (code, report) =
        simulate(folder.path(), &[&plan("p", 1, retry)], &["--time-scale", "200", "--fault", "503:100%"]);
    assert_eq!((code, counts(&report)), (4, [0, 1, 0, 0]), "{report:#}");
}

/// The simulator is a process of its own and is killed under the run: what was in flight is unknown and never repeated,
/// what comes after can't be sent.
#[test]
fn a_service_that_dies_under_the_run_leaves_an_honest_account() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let log = folder.path().join("log.ndjson");
    let output = folder.path().join("simulator");
    let mut service = hss_sync(folder.path())
        .args(["simulate", "--fault", "latency:300ms", "--quota", "1000/1s", "--log"])
        .arg(&log)
        .stdout(File::create(&output).expect("a file"))
        .stderr(Stdio::null())
        .stdin(Stdio::null())
        .spawn()
        .expect("the binary starts");
    wait_for(&output, "--endpoint http://");
    let said = std::fs::read_to_string(&output).expect("text");
    let endpoint = said.split("--endpoint ").nth(1).and_then(|rest| rest.split_whitespace().next()).expect("a URL");
    let limits = "limits: { quota: { calls: 1000, per: 1s }, retry: { max_attempts: 2, initial_delay: 10ms } }";
    std::fs::write(folder.path().join("plan.yaml"), plan("p", 12, limits)).expect("the plan is written");
    let mut child = with_key(&mut hss_sync(folder.path()))
        .args(["run", "plan.yaml", "--quiet", "--report", "json=report.json", "--endpoint", endpoint])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the binary starts");
    // One, and then four of the region together; the service dies while these wait for their answers.
    let lines = || std::fs::read_to_string(&log).unwrap_or_default().lines().count();
    until("five calls are logged", || lines() >= 5);
    service.kill().expect("our own child");
    service.wait().expect("it ends");
    assert_eq!(ends_promptly(&mut child), 4);
    let report = checked_report(&folder.path().join("report.json"));
    // The system may still have accepted a connection for the dying process, and then reset it.
    let [accepted, failed, unknown, left] = counts(&report);
    assert_eq!((accepted, failed + unknown, left), (1, 11, 0), "{report:#}");
    assert!((4..=8).contains(&unknown), "{report:#}");
    let calls = std::fs::read_to_string(&log).expect("a log");
    assert_eq!(calls.lines().count(), 5, "{calls}");
    for operation in report["operations"].as_array().expect("a list") {
        let attempts = operation["attempts"].as_array().expect("a list");
        let sent = calls
            .lines()
            .any(|line| line.contains(&format!("\"{}\"", operation["project_id"].as_str().expect("an id"))));
        match operation["outcome"].as_str() {
            Some("failed") => assert!(!sent && attempts.len() == 2, "{operation:#}"),
            _ => assert!(!sent || attempts.len() == 1, "what was sent is not repeated: {operation:#}"),
        }
    }
}
