//! A simulator inside the test, for the real binary to talk to. Its requests can be looked at afterwards.

use std::path::Path;
use std::process::Command;

use hss_sync::run::port::Clock;
use hss_sync::sign::{Credential, payload_hash};
use hss_sync::simulator::{LogEntry, RunningSimulator, SimulatedTask, Simulator, SimulatorConfig};
use tokio::runtime::Runtime;

use super::common::{Finished, finish, hss_sync};

/// Serves as long as it lives.
pub(crate) struct Service {
    // Before the runtime, so that it is dropped while that still runs.
    simulator: RunningSimulator,
    _runtime: Runtime,
}

impl Service {
    pub(crate) fn start(config: SimulatorConfig) -> Self {
        Self::start_with(config, hss_sync::io::clock::RunClock::start(std::num::NonZeroU32::MIN))
    }

    pub(crate) fn start_with(config: SimulatorConfig, clock: impl Clock + Send + Sync + 'static) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let simulator = runtime.block_on(Simulator::start(config, clock)).expect("a free port");
        Self { simulator, _runtime: runtime }
    }

    /// Where it listens, for another one to take its place.
    #[cfg(unix)]
    pub(crate) fn address(&self) -> std::net::SocketAddr {
        self.simulator.address()
    }

    /// `hss-sync` in `dir` with the simulator as HSS and IAM, and its credential.
    pub(crate) fn command(&self, dir: &Path, args: &[&str]) -> Command {
        let mut command = with_credential(dir, args);
        command
            .args(["--endpoint", self.simulator.endpoint().as_str()])
            .args(["--iam-endpoint", self.simulator.endpoint().as_str()]);
        command
    }

    pub(crate) fn run(&self, dir: &Path, args: &[&str]) -> Finished {
        finish(&mut self.command(dir, args))
    }

    /// A resume, which takes the endpoint of HSS from the journal.
    pub(crate) fn run_resume(&self, dir: &Path, args: &[&str]) -> Finished {
        finish(with_credential(dir, args).args(["--iam-endpoint", self.simulator.endpoint().as_str()]))
    }

    /// Its URL.
    pub(crate) fn endpoint(&self) -> &str {
        self.simulator.endpoint().as_str()
    }

    /// All requests so far.
    pub(crate) fn log(&self) -> Vec<LogEntry> {
        self.simulator.log()
    }

    /// All tasks that were made so far.
    pub(crate) fn tasks(&self) -> Vec<SimulatedTask> {
        self.simulator.tasks()
    }

    /// How many requests there were, none of which may have been anything but a GET.
    pub(crate) fn reads(&self) -> usize {
        let log = self.log();
        assert!(log.iter().all(|entry| entry.method == "GET"), "{log:?}");
        log.len()
    }
}

/// `hss-sync` in `dir` with the simulators' credential.
pub(crate) fn with_credential(dir: &Path, args: &[&str]) -> Command {
    let Credential::AccessKey { access_key, secret_key, .. } = Simulator::credentials(1) else {
        panic!("a key pair");
    };
    let mut command = hss_sync(dir);
    command.args(args).env("HUAWEICLOUD_SDK_AK", access_key).env("HUAWEICLOUD_SDK_SK", secret_key.expose());
    command
}

/// The project that the simulated account has in a region.
pub(crate) fn project_of(region: &str) -> String {
    Simulator::project_id(region).expect("a region of the table")
}

/// The id of a registry that the simulator makes up for a project.
pub(crate) fn registry_of(project: &str, registry_type: &str) -> String {
    payload_hash(format!("registry/{project}/{registry_type}").as_bytes())[..32].to_owned()
}
