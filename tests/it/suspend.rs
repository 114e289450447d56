//! Ctrl-Z: a run that is stopped and goes on has lost nothing but the time.

#![cfg(all(target_os = "linux", feature = "simulator"))]

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::common::hss_sync;
use super::gate::{Gate, Running, write_plan};
use super::run::{checked_report, signal};

/// A quota that slows nobody down.
const WIDE: &str = "quota: { calls: 100, per: 1s }";

/// When the answers come to what is in flight.
#[derive(Clone, Copy, PartialEq)]
enum Answers {
    Meanwhile,
    Afterwards,
}

/// Time for a run to do what it must not do. Nothing waits for it to be enough.
const MOMENT: Duration = Duration::from_millis(200);

/// Stops a run of seven operations while four of them are in flight, for longer than `time`.
/// None if the run was awake for that long besides: on a machine as busy as that nothing is shown.
#[expect(clippy::disallowed_methods, reason = "what the scene is about: how long the run was awake")]
fn stopped_for(time: Duration, answers: Answers, limits: &str, args: &[&str]) -> Option<(Option<i32>, Value)> {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_plan(folder.path(), 7, &format!("limits: {{ {WIDE}, region_concurrency: 4{limits} }}"));
    let gate = Gate::start(1);
    let begun = Instant::now();
    let run =
        gate.run(folder.path()).args(args).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut run = Running(run.expect("the binary starts"));
    // The first call goes alone, until its credential is known to be good.
    gate.wait_for_requests(1 + 4);
    signal(&run.0, "-TSTP");
    run.stops();
    let before = begun.elapsed();
    if answers == Answers::Meanwhile {
        gate.open();
    }
    std::thread::sleep(time + MOMENT);
    let again = Instant::now();
    signal(&run.0, "-CONT");
    if answers == Answers::Afterwards {
        std::thread::sleep(MOMENT);
        gate.open();
    }
    let code = run.ends().code();
    let report = checked_report(&folder.path().join("report.json"));
    (before + again.elapsed() < time).then_some((code, report))
}

/// The scene with as much time as the machine needs to play it.
fn scene(
    answers: Answers,
    limits: impl Fn(Duration) -> String,
    args: impl Fn(Duration) -> Vec<String>,
) -> (Option<i32>, Value) {
    for time in [1, 4, 16, 64].map(Duration::from_secs) {
        let args = args(time);
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        if let Some(result) = stopped_for(time, answers, &limits(time), &args) {
            return result;
        }
    }
    panic!("this machine is too busy for a run of seven operations in a minute");
}

fn accepted(report: &Value) -> (u64, u64) {
    let count = |name: &str| report["summary"][name].as_u64().expect("a count");
    (count("accepted"), count("attempts"))
}

#[test]
fn an_attempt_has_its_time_however_long_the_run_is_stopped() {
    for answers in [Answers::Meanwhile, Answers::Afterwards] {
        let limits = |time: Duration| format!(", attempt_timeout: {}s", time.as_secs());
        let (code, report) = scene(answers, limits, |_| Vec::new());
        assert_eq!((code, accepted(&report)), (Some(0), (7, 7)), "{report:#}");
    }
}

#[test]
fn the_longest_duration_does_not_pass_while_the_run_is_stopped() {
    let flag = |time: Duration| vec!["--max-duration".to_owned(), format!("{}s", time.as_secs())];
    let (code, report) = scene(Answers::Meanwhile, |_| String::new(), flag);
    assert_eq!((code, accepted(&report)), (Some(0), (7, 7)), "{report:#}");
    // Nor does it count as work.
    let took = Duration::from_millis(report["summary"]["duration_ms"].as_u64().expect("a number"));
    assert!(took < Duration::from_secs(64), "{took:?}");
}

/// A signal that comes while the run is stopped is obeyed when it goes on, as by any program.
#[test]
fn a_run_that_is_stopped_can_be_told_to_end() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_plan(folder.path(), 7, "limits: { quota: { calls: 1, per: 1h } }");
    let gate = Gate::start(1);
    let run = gate.run(folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut run = Running(run.expect("the binary starts"));
    gate.wait_for_requests(1);
    for _ in 0..2 {
        signal(&run.0, "-TSTP");
        run.stops();
        signal(&run.0, "-CONT");
    }
    signal(&run.0, "-TERM");
    assert_eq!(run.ends().code(), Some(4));
    assert_eq!(accepted(&checked_report(&folder.path().join("report.json"))), (1, 1));
}

/// Where the session is the run's own (`ssh -t host hss-sync …`, a container) there is no shell that could let it go on: the
/// system doesn't stop such a process by Ctrl-Z, and it doesn't stop itself.
#[test]
fn a_run_that_nobody_could_let_go_on_is_not_stopped() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_plan(folder.path(), 1, "");
    let gate = Gate::start(0);
    let mut command = Command::new("setsid");
    let binary = hss_sync(folder.path());
    command.arg(binary.get_program()).arg("run").current_dir(folder.path()).env_clear();
    let run = gate.complete(&mut command).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let Ok(run) = run else {
        eprintln!("skipped: there is no setsid");
        return;
    };
    let mut run = Running(run);
    gate.wait_for_requests(1);
    signal(&run.0, "-TSTP");
    std::thread::sleep(MOMENT);
    gate.open();
    assert_eq!(run.ends().code(), Some(0));
}
