//! Few file descriptors: a run that wants more connections than the system allows is slower, and nothing else.

use std::process::{Command, Stdio};

use hss_sync::simulator::{Faults, SimulatorConfig};

use super::super::common::finish;
use super::super::gate::{Gate, Running};
use super::super::service::{Service, with_credential};
use super::{checked_report, counts, plan, readable_journal};

const CROWD: &str =
    "quota: { calls: 10000, per: 1s }, concurrency: 1000, region_concurrency: 1000, attempt_timeout: 30s";

/// The same command after `ulimit` with these arguments.
fn limited(inner: &Command, limits: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", &format!("{limits} && exec \"$0\" \"$@\"")]).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().expect("a folder")).env_clear();
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command
}

#[test]
fn with_few_file_descriptors_every_operation_has_its_turn() {
    for (limit, operations) in [("1024", 1200), ("64", 120), ("32", 20)] {
        let faults = Faults::parse("latency:200ms").expect("legal");
        let service = Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() });
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("plan.yaml"), plan(operations, CROWD)).expect("written");
        let args = ["run", "plan.yaml", "--report", "json=report.json", "--endpoint", service.endpoint()];
        let finished = finish(&mut limited(&with_credential(folder.path(), &args), &format!("ulimit -n {limit}")));
        assert_eq!(finished.code(), 0, "{limit}: {}", finished.excerpt());
        let report = checked_report(&folder.path().join("report.json"));
        assert_eq!(counts(&report), [operations as u64, 0, 0, 0], "{limit}");
        assert_eq!(report["summary"]["attempts"], operations, "{limit}: no call failed for want of a connection");
        assert_eq!(service.tasks().len(), operations, "{limit}: each once");
        readable_journal(folder.path());
    }
}

/// Only the hard limit is one: below it a run takes what it needs.
#[test]
fn a_soft_limit_is_raised() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("plan.yaml"), plan(150, CROWD)).expect("written");
    let gate = Gate::start(1);
    let mut command = limited(&gate.run(folder.path()), "ulimit -Sn 64");
    let run = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
    let mut run = Running(run.expect("the binary starts"));
    // All of the rest is in flight at once.
    gate.wait_for_requests(150);
    gate.open();
    assert_eq!(run.ends().code(), Some(0));
    assert_eq!(counts(&checked_report(&folder.path().join("report.json"))), [150, 0, 0, 0]);
}
