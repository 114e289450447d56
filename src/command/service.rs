//! What a run talks to: the service with credentials from the environment, or the embedded simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::Context;
use crate::cli::RunArgs;
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::io::clock::RunClock;
use crate::io::credential::{CredentialError, find_credential};
use crate::io::fs;
use crate::io::http::{HttpOptions, HttpSetupError, HttpTransport, ReadClient};
use crate::model::CredentialName;
#[cfg(feature = "simulator")]
use crate::run::port::Clock;
use crate::sign::Credential;
#[cfg(feature = "simulator")]
use crate::simulator::{Faults, RunningSimulator, Simulator, SimulatorConfig, SimulatorError};

/// How the embedded simulator answers when nothing else is said: like a service far away.
#[cfg(feature = "simulator")]
const DEFAULT_FAULTS: &str = "latency:100ms..600ms";

/// The other end of a run.
#[derive(Debug)]
pub(super) struct Service {
    transport: HttpTransport,
    credentials: BTreeMap<CredentialName, Credential>,
    /// Serves as long as this lives.
    #[cfg(feature = "simulator")]
    simulator: Option<RunningSimulator>,
}

/// Why a run can't begin.
#[derive(Debug, thiserror::Error)]
pub(super) enum ServiceError {
    /// A flag is wrong.
    #[error("{0}")]
    Usage(String),
    /// A credential is missing or half set.
    #[error("{0}")]
    Credential(#[from] CredentialError),
    /// The HTTP client can't be made.
    #[error("{0}")]
    Transport(#[from] HttpSetupError),
    /// The simulator can't start.
    #[cfg(feature = "simulator")]
    #[error("{0}")]
    Simulator(#[from] SimulatorError),
}

impl ServiceError {
    /// How the process ends for it.
    pub(super) fn status(&self) -> ExitStatus {
        match self {
            Self::Credential(_) => ExitStatus::Credentials,
            Self::Usage(_) | Self::Transport(_) => ExitStatus::Usage,
            #[cfg(feature = "simulator")]
            Self::Simulator(_) => ExitStatus::Usage,
        }
    }
}

/// Whether the answers will come from the embedded simulator.
#[cfg(feature = "simulator")]
pub(super) fn is_simulated(args: &RunArgs) -> bool {
    args.simulate
}

/// Without the feature nothing is simulated.
#[cfg(not(feature = "simulator"))]
pub(super) fn is_simulated(_args: &RunArgs) -> bool {
    false
}

impl Service {
    /// Finds the credentials that the plan names, and makes the client; with `--simulate` starts the simulator instead.
    pub(super) async fn connect(
        context: &Context,
        args: &RunArgs,
        plan: &ExecutionPlan,
        clock: RunClock,
    ) -> Result<Self, ServiceError> {
        let names: BTreeSet<&CredentialName> =
            plan.operations.iter().map(|operation| &operation.target.credential).collect();
        #[cfg(feature = "simulator")]
        if args.simulate {
            return Self::simulated(args, plan, names, clock).await;
        }
        let _ = clock;
        let mut credentials = BTreeMap::new();
        for name in names {
            let found = find_credential(name, &context.environment)?;
            context.console.detail(&format!("credential {name}: {}", found.describe()));
            credentials.insert(name.clone(), found.credential);
        }
        let extra_roots = args.service.ca_cert.as_deref().map(read_certificate).transpose()?;
        let (concurrency, attempt_timeout) = extremes(plan);
        let options = HttpOptions::new(concurrency, attempt_timeout, &context.environment);
        let transport = HttpTransport::new(&HttpOptions { extra_roots, ..options })?;
        Ok(Self {
            transport,
            credentials,
            #[cfg(feature = "simulator")]
            simulator: None,
        })
    }

    #[cfg(feature = "simulator")]
    async fn simulated(
        args: &RunArgs,
        plan: &ExecutionPlan,
        names: BTreeSet<&CredentialName>,
        clock: RunClock,
    ) -> Result<Self, ServiceError> {
        let fault = args.fault.as_deref().unwrap_or(DEFAULT_FAULTS);
        let faults = Faults::parse(fault).map_err(|error| ServiceError::Usage(format!("--fault {fault}: {error}")))?;
        let mut config = SimulatorConfig { faults, keep_log: 0, ..SimulatorConfig::default() };
        if let Some(text) = &args.simulator_quota {
            let quota = crate::model::Quota::parse(text)
                .map_err(|error| ServiceError::Usage(format!("--simulator-quota {text}: {error}")))?;
            config.quota = Some(quota);
        }
        let credential = Simulator::credentials(config.seed);
        let simulator = Simulator::start(config, clock).await?;
        // Requests keep the hosts that they are for, as in the plan and the report; only the connections go elsewhere.
        let (concurrency, attempt_timeout) = extremes(plan);
        let options = HttpOptions::loopback(concurrency, clock.real(attempt_timeout));
        let transport = HttpTransport::new(&HttpOptions { connect_to: Some(simulator.address()), ..options })?;
        let credentials = names.into_iter().map(|name| (name.clone(), credential.clone())).collect();
        Ok(Self { transport, credentials, simulator: Some(simulator) })
    }

    /// Sends requests.
    pub(super) fn transport(&self) -> &HttpTransport {
        &self.transport
    }

    /// Reads over the same connections.
    pub(super) fn read_client(&self) -> ReadClient {
        ReadClient::sharing(&self.transport)
    }

    /// Who asks, by the plan's names.
    pub(super) fn credentials(&self) -> &BTreeMap<CredentialName, Credential> {
        &self.credentials
    }

    /// Whether the answers come from the embedded simulator.
    #[cfg(feature = "simulator")]
    pub(super) fn is_simulated(&self) -> bool {
        self.simulator.is_some()
    }

    /// Without the feature nothing is simulated.
    #[cfg(not(feature = "simulator"))]
    pub(super) fn is_simulated(&self) -> bool {
        false
    }
}

/// The largest concurrency and the shortest attempt timeout of the plans: what one client for all of them has to bear.
fn extremes(plan: &ExecutionPlan) -> (usize, Duration) {
    let limits = || plan.plans.iter().map(|file| file.limits);
    let concurrency = limits().map(|limits| limits.concurrency.get() as usize).max().unwrap_or(1);
    (concurrency, limits().map(|limits| limits.attempt_timeout).min().unwrap_or_default())
}

pub(super) fn read_certificate(path: &Path) -> Result<Vec<u8>, ServiceError> {
    fs::read_text(path)
        .map(String::into_bytes)
        .map_err(|error| ServiceError::Usage(format!("--ca-cert {}: {error}", path.display())))
}
