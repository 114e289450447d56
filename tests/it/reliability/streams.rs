//! Standard streams that lead nowhere: the run is done and accounted for all the same, and only a report that was to go there is
//! a failure.

use std::fs::File;
use std::process::{Command, Stdio};

use hss_sync::simulator::{Faults, SimulatorConfig};

use super::super::service::{Service, with_credential};
use super::{checked_report, counts, plan, readable_journal};

const OPERATIONS: usize = 6;

/// Where a stream goes.
#[derive(Clone, Copy, Debug)]
enum Sink {
    /// To nobody: a reader that is gone, as after `| head`.
    Broken,
    /// To a disk that is full.
    Full,
    /// Where it is looked at afterwards.
    Kept,
}

impl Sink {
    fn open(self) -> Stdio {
        match self {
            Self::Broken => std::io::pipe().expect("a pipe").1.into(),
            Self::Full => File::options().write(true).open("/dev/full").expect("the device is there").into(),
            Self::Kept => Stdio::piped(),
        }
    }
}

/// The code that `command` ends with, and what it said to streams that are kept.
fn ends(command: &mut Command) -> (Option<i32>, String) {
    let output = command.stdin(Stdio::null()).output().expect("the binary starts");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn streams_that_lead_nowhere_cost_no_operation() {
    let text: &[&str] = &[];
    let (json, ndjson): (&[&str], &[&str]) = (&["--report", "json=-"], &["--report", "ndjson=-"]);
    for (stdout, stderr, more, code, said) in [
        (Sink::Broken, Sink::Kept, text, 0, "accepted"),
        (Sink::Kept, Sink::Broken, text, 0, "6 accepted of 6"),
        (Sink::Broken, Sink::Broken, text, 0, ""),
        (Sink::Full, Sink::Kept, text, 6, "the result could not be written to standard output"),
        (Sink::Kept, Sink::Full, text, 0, "6 accepted of 6"),
        (Sink::Full, Sink::Full, text, 6, ""),
        (Sink::Broken, Sink::Kept, json, 6, "the report could not be written to standard output"),
        (Sink::Broken, Sink::Kept, ndjson, 6, "the ndjson report is not whole: standard output ends after 0 lines"),
    ] {
        let what = format!("{stdout:?} {stderr:?} {more:?}");
        check(&what, code, said, more, |command| {
            command.stdout(stdout.open()).stderr(stderr.open());
        });
    }
}

/// A file that is opened meanwhile must not become one of them.
#[test]
fn closed_streams_cost_no_operation() {
    let text: &[&str] = &[];
    for closed in [">&-", "2>&-", "<&- >&- 2>&-"] {
        check(closed, 0, "", text, |command| {
            let mut inner = Command::new("/bin/sh");
            inner.args(["-c", &format!("exec \"$0\" \"$@\" {closed}")]).arg(command.get_program());
            inner.args(command.get_args()).current_dir(command.get_current_dir().expect("a folder")).env_clear();
            inner.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
            *command = inner;
        });
    }
}

/// Runs a plan with streams as `redirect` has them.
fn check(what: &str, code: i32, said: &str, more: &[&str], redirect: impl FnOnce(&mut Command)) {
    let faults = Faults::parse("latency:1ms").expect("legal");
    let service = Service::start(SimulatorConfig { quota: None, faults, ..SimulatorConfig::default() });
    let folder = tempfile::tempdir().expect("a folder");
    let limits = "quota: { calls: 1000, per: 1s }";
    std::fs::write(folder.path().join("plan.yaml"), plan(OPERATIONS, limits)).expect("written");
    let args = ["run", "plan.yaml", "--report", "json=report.json", "--endpoint", service.endpoint()];
    let mut command = with_credential(folder.path(), &args);
    redirect(command.args(more));
    let (ended, output) = ends(&mut command);
    assert_eq!(ended, Some(code), "{what}: {output}");
    assert!(output.contains(said), "{what}: {output}");
    assert_eq!(counts(&checked_report(&folder.path().join("report.json"))), [OPERATIONS as u64, 0, 0, 0], "{what}");
    assert_eq!(service.tasks().len(), OPERATIONS, "{what}: each once");
    readable_journal(folder.path());
}
