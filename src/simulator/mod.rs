//! A local HSS and IAM to rehearse against: for `simulate`, for `run --simulate` and for tests.
//!
//! A call goes `server` → `call` → `gateway` (`authenticate`, `window`, `fault`) → `api` over `world`; `iam` gives the
//! tokens and keys that `authenticate` then knows. What became of a call is in the request log. It listens on loopback only, and its time is the run's clock, so that windows, lock-outs,
//! latencies and tasks keep pace with `--time-scale`. What it knows of the real service and what not:
//! `docs/simulator.md`.

mod answer;
mod api;
mod authenticate;
mod call;
mod config;
mod dice;
mod echo;
mod fault;
mod gateway;
mod iam;
mod projects;
mod registries;
mod request_log;
mod server;
mod task_fault;
mod task_list;
mod tasks;
#[cfg(test)]
mod tests;
mod window;
mod wire;
mod world;

pub use config::{KeyPair, SimulatedIam, SimulatedTasks, SimulatedUser, SimulatorConfig, SimulatorError};
pub use dice::TimeRange;
pub use fault::{FaultKind, Faults};
pub use projects::SimulatedProject;
pub use registries::SimulatedRegistry;
pub use request_log::{LogEntry, SimulatorStats};
pub use task_fault::{TaskFaultKind, TaskFaults};
pub use tasks::{SimulatedTask, TaskOrigin};

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use crate::model::{Endpoint, Secret};
use crate::run::port::Clock;
use crate::sign::Credential;
use gateway::Gateway;
use request_log::RequestLog;
use server::{Server, lock};

/// Starts simulators.
#[derive(Debug)]
pub struct Simulator;

impl Simulator {
    /// Listens and answers, on the tokio runtime that this is called in, until [`RunningSimulator::shutdown`] or until
    /// the returned value is dropped.
    ///
    /// # Errors
    /// When the address is not loopback or can't be bound, or the request log can't be opened.
    pub async fn start<C>(config: SimulatorConfig, clock: C) -> Result<RunningSimulator, SimulatorError>
    where
        C: Clock + Send + Sync + 'static,
    {
        if !config.listen.ip().is_loopback() {
            return Err(SimulatorError::NotLoopback(config.listen));
        }
        let file = config.log.as_deref().map(open_log).transpose()?;
        let bind_error = |source| SimulatorError::Bind { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(bind_error)?;
        let address = listener.local_addr().map_err(bind_error)?;
        // Parsing what was just built from a loopback address fails only if `Endpoint` changes its rules.
        let endpoint = Endpoint::parse(&format!("http://{address}"))
            .map_err(|error| bind_error(std::io::Error::other(error.to_string())))?;

        let log = RequestLog::new(config.keep_log, file);
        let config = Arc::new(config);
        let gateway = Arc::new(Mutex::new(Gateway::new(Arc::clone(&config), log)));
        let server = Server::new(config, clock, Arc::clone(&gateway));
        let stop = CancellationToken::new();
        let tasks = TaskTracker::new();
        tasks.spawn(server.accept(listener, stop.clone(), tasks.clone()));
        Ok(RunningSimulator { address, endpoint, gateway, tasks, stop: stop.drop_guard() })
    }

    /// The credential of [`KeyPair::made_up`], for a client.
    #[must_use]
    pub fn credentials(seed: u64) -> Credential {
        let KeyPair { access_key, secret_key, security_token } = KeyPair::made_up(seed);
        Credential::AccessKey { access_key, secret_key, security_token }
    }

    /// The id of the project that the simulated IAM has for a region; `None` for a region that it doesn't know.
    #[must_use]
    pub fn project_id(region: &str) -> Option<String> {
        projects::project_of_region(region)
    }
}

fn open_log(path: &Path) -> Result<std::fs::File, SimulatorError> {
    let open = std::fs::OpenOptions::new().create(true).append(true).open(path);
    open.map_err(|source| SimulatorError::Log { path: path.to_owned(), source })
}

/// A simulator that listens.
#[derive(Debug)]
pub struct RunningSimulator {
    address: SocketAddr,
    endpoint: Endpoint,
    gateway: Arc<Mutex<Gateway>>,
    tasks: TaskTracker,
    stop: DropGuard,
}

impl RunningSimulator {
    /// Where it listens, with the port that it got.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The same as an endpoint, for HSS in every region and for IAM.
    #[must_use]
    pub fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// The request log so far, oldest first.
    #[must_use]
    pub fn log(&self) -> Vec<LogEntry> {
        lock(&self.gateway).log.entries().cloned().collect()
    }

    /// The tasks that were made, in order of creation, listed or not; of a project at most the newest thousand. A companion
    /// (a stranger's or a daily task) stands beside the task that it came with.
    #[must_use]
    pub fn tasks(&self) -> Vec<SimulatedTask> {
        lock(&self.gateway).tasks()
    }

    /// Every token and secret key that IAM and the metadata service have given out, for tests that look for them.
    #[must_use]
    pub fn given_secrets(&self) -> Vec<Secret> {
        lock(&self.gateway).given_secrets()
    }

    /// Counts so far.
    #[must_use]
    pub fn stats(&self) -> SimulatorStats {
        lock(&self.gateway).log.stats()
    }

    /// Why the log file could not be written to its end, if so.
    #[must_use]
    pub fn log_error(&self) -> Option<String> {
        lock(&self.gateway).log.error().map(ToString::to_string)
    }

    /// Stops listening, closes every connection and waits until all of it is gone.
    pub async fn shutdown(self) {
        drop(self.stop);
        self.tasks.close();
        self.tasks.wait().await;
    }
}
