//! What the output goes to goes away: a closed terminal, a closed pipe. The run ends in order, and its report is there.

#![cfg(all(target_os = "linux", feature = "simulator"))]

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};
use serde_json::Value;

use super::common::{hear_hang_ups, hss_sync};
use super::gate::{Gate, Running, write_plan};
use super::run::{checked_report, signal};

/// Both ends of a terminal. Neither becomes that of the tests, nor is it handed on, so that it is closed when we close it.
fn terminal() -> (OwnedFd, OwnedFd) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let ours = openpt(flags).expect("a terminal");
    unlockpt(&ours).expect("it can be opened");
    let theirs = ioctl_tiocgptpeer(&ours, flags).expect("its other end");
    (ours, theirs)
}

/// Starts `hss-sync run` on a terminal of its own; none without `setsid`.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn run_on(terminal: OwnedFd, gate: &Gate, folder: &Path, args: &[&str]) -> Option<Running> {
    let end = || Stdio::from(terminal.try_clone().expect("a copy"));
    let mut command = Command::new("setsid");
    command.arg("--ctty").arg(hss_sync(folder).get_program()).arg("run").current_dir(folder).env_clear();
    let run = gate.complete(&mut command).args(args).stdin(end()).stdout(end()).stderr(end()).spawn();
    if run.is_err() {
        eprintln!("skipped: there is no setsid");
    }
    Some(Running(run.ok()?))
}

/// The code of the only run in `folder` by its own report, and its accepted and not attempted operations.
fn told(folder: &Path) -> (i64, u64, u64) {
    let runs = std::fs::read_dir(folder.join(".hss-sync/runs")).expect("runs");
    let runs: Vec<_> = runs.map(|run| run.expect("an entry").path()).collect();
    let [run] = &runs[..] else { panic!("{runs:?}") };
    let report = checked_report(&run.join("report.json"));
    let count = |name: &str| report["summary"][name].as_u64().expect("a count");
    (report["run"]["exit_code"].as_i64().expect("a code"), count("accepted"), count("not_attempted"))
}

/// The terminal is closed while two calls are in flight: they are waited for, the rest is left. What can't be told on the
/// terminal any more is no failure, but a report that was to go there is lost.
#[test]
fn a_run_whose_terminal_is_closed_drains_and_reports() {
    hear_hang_ups();
    for (args, exit) in [(&[][..], 4), (&["--report", "json=-"], 6)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_plan(folder.path(), 7, "limits: { quota: { calls: 3, per: 1h } }");
        let gate = Gate::start(1);
        let (ours, theirs) = terminal();
        let Some(mut run) = run_on(theirs, &gate, folder.path(), args) else { return };
        gate.wait_for_requests(1 + 2);
        drop(ours);
        gate.open();
        assert_eq!(run.ends().code(), Some(exit), "{args:?}");
        assert_eq!(told(folder.path()), (i64::from(exit), 3, 4), "{args:?}");
    }
}

/// `nohup` means it: the run goes on to its end without its terminal.
#[test]
fn a_run_that_is_to_outlive_its_terminal_does() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    write_plan(folder.path(), 5, "limits: { quota: { calls: 100, per: 1s }, region_concurrency: 2 }");
    let gate = Gate::start(1);
    let (ours, theirs) = terminal();
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", "trap '' HUP; exec setsid --ctty \"$0\" run \"$@\""])
        .arg(hss_sync(folder.path()).get_program());
    let end = || Stdio::from(theirs.try_clone().expect("a copy"));
    command.current_dir(folder.path()).env_clear().stdin(end()).stdout(end()).stderr(end());
    let mut run = Running(gate.complete(&mut command).spawn().expect("sh is there"));
    drop((theirs, command));
    gate.wait_for_requests(1 + 2);
    drop(ours);
    signal(&run.0, "-HUP");
    gate.open();
    assert_eq!(run.ends().code(), Some(0));
    assert_eq!(told(folder.path()), (0, 5, 0));
}

/// Nobody reads: not what is said on the way, not the closing text.
#[test]
fn a_run_that_nobody_reads_ends_as_it_would() {
    for (args, exit) in [(&[][..], 0), (&["-v"], 0), (&["--report", "json=-"], 6)] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write_plan(folder.path(), 3, "limits: { quota: { calls: 100, per: 1s } }");
        let gate = Gate::start(1);
        let mut command = gate.run(folder.path());
        let run = command.args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let mut run = Running(run.expect("the binary starts"));
        drop((run.0.stdout.take(), run.0.stderr.take()));
        gate.wait_for_requests(1 + 2);
        gate.open();
        assert_eq!(run.ends().code(), Some(exit), "{args:?}");
        assert_eq!(told(folder.path()), (i64::from(exit), 3, 0), "{args:?}");
        let report: Value = checked_report(&folder.path().join("report.json"));
        assert_eq!(report["summary"]["accepted"], 3, "the other report is there as well");
    }
}
