//! What a run talks to: the service with the operator's credentials, or the embedded simulator.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use super::{Context, room};
use crate::cli::ConnectionArgs;
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::io::clock::RunClock;
use crate::io::credential::{
    CredentialError, CredentialStore, CredentialsFile, FoundCredential, find_credential, read_credentials_file,
};
use crate::io::endpoint::IamEndpoints;
use crate::io::fs;
use crate::io::http::{ExchangeClient, HttpOptions, HttpSetupError, HttpTransport, ReadClient};
use crate::journal::SimulatedWith;
use crate::model::CredentialName;
use crate::read::{Asker, ReadLimits};
use crate::resolve::{CheckedCredential, Standing};
#[cfg(feature = "simulator")]
use crate::run::port::Clock;
#[cfg(feature = "simulator")]
use crate::simulator::{
    Faults, RunningSimulator, SimulatedTasks, Simulator, SimulatorConfig, SimulatorError, TaskFaults, TimeRange,
};

/// How the embedded simulator answers when nothing else is said: like a service far away.
#[cfg(feature = "simulator")]
const DEFAULT_FAULTS: &str = "latency:100ms..600ms";

/// The other end of a run.
#[derive(Debug)]
pub(super) struct Service {
    transport: HttpTransport,
    credentials: CredentialStore<RunClock>,
    /// Serves as long as this lives.
    #[cfg(feature = "simulator")]
    _simulator: Option<RunningSimulator>,
}

/// Reads from the service of a run.
pub(super) type ServiceAsker<'a> = Asker<'a, CredentialStore<RunClock>, RunClock>;

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

impl Service {
    /// Finds the credentials that the plan names, and makes the client; for a rehearsal starts the simulator instead.
    pub(super) async fn connect(
        context: &Context,
        simulated: Option<&SimulatedWith>,
        connection: &ConnectionArgs,
        plan: &ExecutionPlan,
        clock: &RunClock,
    ) -> Result<Self, ServiceError> {
        let names: BTreeSet<&CredentialName> = plan.selected().map(|operation| &operation.target.credential).collect();
        if let Some(simulated) = simulated {
            return Self::simulated(simulated, plan, names, clock).await;
        }
        let mut file = read_credentials_file(&context.environment);
        let found = names.into_iter().map(|name| Ok((name.clone(), find(context, name, &mut file)?)));
        let found = found.collect::<Result<BTreeMap<_, _>, CredentialError>>()?;
        let extra_roots = connection.ca_cert.as_deref().map(read_certificate).transpose()?;
        let (concurrency, attempt_timeout) = extremes(plan);
        let options = HttpOptions::new(concurrency, attempt_timeout, &context.environment);
        let transport = HttpTransport::new(&HttpOptions { extra_roots, ..options }, clock.clone())?;
        let iam =
            IamEndpoints::new(connection.iam_endpoint.as_deref(), &context.environment).map_err(ServiceError::Usage)?;
        let credentials = CredentialStore::new(found, ExchangeClient::new(transport.clone()), iam, clock.clone());
        credentials.probe().await?;
        Ok(Self {
            transport,
            credentials,
            #[cfg(feature = "simulator")]
            _simulator: None,
        })
    }

    #[cfg(feature = "simulator")]
    async fn simulated(
        with: &SimulatedWith,
        plan: &ExecutionPlan,
        names: BTreeSet<&CredentialName>,
        clock: &RunClock,
    ) -> Result<Self, ServiceError> {
        let fault = with.fault.as_deref().unwrap_or(DEFAULT_FAULTS);
        let faults = Faults::parse(fault).map_err(|error| ServiceError::Usage(format!("--fault {fault}: {error}")))?;
        let tasks =
            simulated_tasks(with.task_time.as_deref(), with.task_fault.as_deref()).map_err(ServiceError::Usage)?;
        let mut config = SimulatorConfig { faults, tasks, keep_log: 0, ..SimulatorConfig::default() };
        if let Some(text) = &with.quota {
            let quota = crate::model::Quota::parse(text)
                .map_err(|error| ServiceError::Usage(format!("--simulator-quota {text}: {error}")))?;
            config.quota = Some(quota);
        }
        let credential = Simulator::credentials(config.seed);
        let simulator = Simulator::start(config, clock.clone()).await?;
        // Requests keep the hosts that they are for, as in the plan and the report; only the connections go elsewhere.
        let (concurrency, attempt_timeout) = extremes(plan);
        let options = HttpOptions::loopback(concurrency, clock.real(attempt_timeout));
        let options = HttpOptions { connect_to: Some(simulator.address()), ..options };
        let transport = HttpTransport::new(&options, clock.clone())?;
        let found = |name: &CredentialName| (name.clone(), FoundCredential::ready(credential.clone(), "the simulator"));
        let found = names.into_iter().map(found).collect();
        let client = ExchangeClient::new(transport.clone());
        let credentials = CredentialStore::new(found, client, IamEndpoints::default(), clock.clone());
        Ok(Self { transport, credentials, _simulator: Some(simulator) })
    }

    #[cfg(not(feature = "simulator"))]
    async fn simulated(
        _: &SimulatedWith,
        _: &ExecutionPlan,
        _: BTreeSet<&CredentialName>,
        _: &RunClock,
    ) -> Result<Self, ServiceError> {
        Err(ServiceError::Usage(
            "this run was a rehearsal, and this hss-sync was built without the simulator".to_owned(),
        ))
    }

    /// Sends requests.
    pub(super) fn transport(&self) -> &HttpTransport {
        &self.transport
    }

    /// Reads over the same connections, within these limits.
    pub(super) fn asker<'a>(
        &'a self,
        limits: ReadLimits,
        clock: &'a RunClock,
        notice: &'a dyn Fn(&str),
    ) -> ServiceAsker<'a> {
        Asker::new(ReadClient::sharing(&self.transport), &self.credentials, limits, clock, notice)
    }

    /// The credentials before anything is asked with them.
    pub(super) fn checked(&self) -> Vec<CheckedCredential> {
        let described = self.credentials.described();
        let checked = |(name, source): (&CredentialName, String)| CheckedCredential {
            name: name.clone(),
            source,
            standing: Standing::Unproven,
        };
        described.map(checked).collect()
    }

    /// Where IAM is.
    pub(super) fn iam(&self) -> &IamEndpoints {
        self.credentials.iam()
    }

    /// Who asks, by the plan's names.
    pub(super) fn credentials(&self) -> &CredentialStore<RunClock> {
        &self.credentials
    }
}

/// Finds a credential, says with `-v` where, and warns once about a file that others can read.
pub(super) fn find(
    context: &Context,
    name: &CredentialName,
    file: &mut CredentialsFile,
) -> Result<FoundCredential, CredentialError> {
    let found = find_credential(name, &context.environment, file)?;
    context.console.detail(&format!("credential {name}: {}", found.describe()));
    if let Some(warning) = file.warning.take_if(|_| found.source.starts_with(&file.shown)) {
        context.console.info(&format!("warning: {warning}"));
    }
    Ok(found)
}

/// Reads `--task-time` and `--task-fault`.
///
/// # Errors
/// Which flag is wrong, and how.
#[cfg(feature = "simulator")]
pub(super) fn simulated_tasks(time: Option<&str>, fault: Option<&str>) -> Result<SimulatedTasks, String> {
    let mut tasks = SimulatedTasks::default();
    if let Some(text) = time {
        tasks.time = TimeRange::parse(text).map_err(|error| format!("--task-time {text}: {error}"))?;
    }
    if let Some(text) = fault {
        tasks.faults = TaskFaults::parse(text).map_err(|error| format!("--task-fault {text}: {error}"))?;
    }
    Ok(tasks)
}

/// The largest concurrency and the shortest attempt timeout of the plans: what one client for all of them has to bear.
fn extremes(plan: &ExecutionPlan) -> (usize, Duration) {
    let timeouts = plan.plans.iter().map(|file| file.limits.attempt_timeout);
    (room::concurrency(plan), timeouts.min().unwrap_or_default())
}

pub(super) fn read_certificate(path: &Path) -> Result<Vec<u8>, ServiceError> {
    fs::read_text(path)
        .map(String::into_bytes)
        .map_err(|error| ServiceError::Usage(format!("--ca-cert {}: {error}", path.display())))
}
