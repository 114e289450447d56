//! A service that answers when it is told to, and the runs that wait for it.
//!
//! It accepts everything and checks nothing: what matters is that a request is in flight exactly as long as a test wants.

#![cfg(all(target_os = "linux", feature = "simulator"))]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use super::common::hss_sync;

/// Longer than anything that is waited for takes on the busiest machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service.
pub(crate) struct Gate {
    endpoint: String,
    state: Arc<Watched>,
}

#[derive(Default)]
struct Watched {
    counts: Mutex<Counts>,
    changed: Condvar,
}

#[derive(Default)]
struct Counts {
    came: usize,
    /// Requests that may be answered, the first ones.
    may_go: usize,
    answered: usize,
}

impl Gate {
    /// Listens, and answers the first `open` requests at once.
    pub(crate) fn start(open: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let endpoint = format!("http://{}", listener.local_addr().expect("an address"));
        let state = Arc::new(Watched::default());
        state.counts().may_go = open;
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { endpoint, state }
    }

    /// Waits until so many requests have come, counted from the start.
    pub(crate) fn wait_for_requests(&self, count: usize) {
        self.state.wait(&format!("{count} requests"), |counts| counts.came >= count);
    }

    /// Answers all that has come and will come, and waits until what has come is answered.
    pub(crate) fn open(&self) {
        self.state.counts().may_go = usize::MAX;
        self.state.changed.notify_all();
        self.state.wait("answers", |counts| counts.answered >= counts.came);
    }

    /// `hss-sync run plan.yaml` against this service, in `folder`, reporting to `report.json` there.
    pub(crate) fn run(&self, folder: &Path) -> Command {
        let mut command = hss_sync(folder);
        self.complete(command.arg("run"));
        command
    }

    /// Gives `command` what [`Gate::run`] has, for a `run` that is started by another program.
    pub(crate) fn complete<'c>(&self, command: &'c mut Command) -> &'c mut Command {
        command.env("HUAWEICLOUD_SDK_AK", "AKTEST0000000001").env("HUAWEICLOUD_SDK_SK", "sk-for-a-test-only").args([
            "plan.yaml",
            "--yes",
            "--report",
            "json=report.json",
            "--endpoint",
            &self.endpoint,
        ])
    }
}

impl Watched {
    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.counts.lock().expect("no thread panics with it")
    }

    fn wait(&self, what: &str, is_enough: impl Fn(&Counts) -> bool) {
        let waited = self.changed.wait_timeout_while(self.counts(), PATIENCE, |counts| !is_enough(counts));
        let (counts, waited) = waited.expect("no thread panics with it");
        drop(counts);
        assert!(!waited.timed_out(), "no {what}");
    }
}

/// Request by request, until the client goes away.
fn serve(mut stream: TcpStream, state: &Watched) {
    while read_request(&mut stream).is_some() {
        let place = {
            let mut counts = state.counts();
            counts.came += 1;
            counts.came
        };
        state.changed.notify_all();
        drop(state.changed.wait_while(state.counts(), |counts| counts.may_go < place));
        let written =
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}");
        // Counted as well if the client is gone: nobody waits for what nobody can get.
        state.counts().answered += 1;
        state.changed.notify_all();
        if written.is_err() {
            return;
        }
    }
}

/// The body of a request is one JSON object.
fn read_request(stream: &mut TcpStream) -> Option<()> {
    let (mut text, mut buffer) = (Vec::new(), [0; 4096]);
    while !text.ends_with(b"}") {
        let read = stream.read(&mut buffer).ok().filter(|read| *read > 0)?;
        text.extend_from_slice(&buffer[..read]);
    }
    Some(())
}

/// A plan of so many operations in one region, each one call; `more` is added at top level.
pub(crate) fn write_plan(folder: &Path, operations: usize, more: &str) {
    let mut text = format!(
        "version: 1\nname: gate\nregistry_sets:\n  all: {{ sync_all_registries: true }}\ndefaults: {{ registry_sets: \
         [all] }}\n{more}\nprojects:\n"
    );
    for index in 0..operations {
        text.push_str(&format!("  - {{ name: p{index}, project_ids: {{ cn-north-4: \"project{index}\" }} }}\n"));
    }
    std::fs::write(folder.join("plan.yaml"), text).expect("the plan is written");
}

/// A process that doesn't outlive the test.
pub(crate) struct Running(pub(crate) Child);

impl Running {
    /// Waits for its end, for at most a minute.
    pub(crate) fn ends(&mut self) -> ExitStatus {
        for _ in 0..PATIENCE.as_millis() / 5 {
            if let Some(status) = self.0.try_wait().expect("our own child") {
                return status;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not end");
    }

    /// Waits until Ctrl-Z or the like has stopped it, for at most a minute.
    pub(crate) fn stops(&self) {
        for _ in 0..PATIENCE.as_millis() / 5 {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0.id())).expect("it runs");
            // The state comes after the name, which stands in parentheses.
            if stat.rsplit(") ").next().is_some_and(|rest| rest.starts_with('T')) {
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        panic!("it does not stop");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
