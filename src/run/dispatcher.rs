//! The owner of run state: feeds the scheduler, performs its effects, emits events.

use std::collections::BTreeMap;
use std::time::Duration;

use super::port::{Clock, EventSink, Transport};
use crate::expand::ExecutionPlan;
use crate::model::{CredentialName, MaxFailures, RunId};
use crate::sign::Credential;
use crate::summary::RunSummary;

/// What the operator asked for, beyond the plan.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Id of the run.
    pub run: RunId,
    /// Forecast, for the report.
    pub forecast: Duration,
    /// Budget over everything.
    pub max_failures: Option<MaxFailures>,
    /// Stop launching at the first failure.
    pub fail_fast: bool,
    /// Stop launching then.
    pub max_duration: Option<Duration>,
    /// Seed of the jitter.
    pub seed: u64,
}

/// Runs a plan to its end and returns what became of every operation.
///
/// `stop` is cancelled when the user interrupts: nothing more is launched, what is in flight drains.
pub async fn run<T: Transport, C: Clock>(
    plan: &ExecutionPlan,
    credentials: &BTreeMap<CredentialName, Credential>,
    options: &RunOptions,
    transport: &T,
    clock: &C,
    sinks: &mut [&mut dyn EventSink],
    stop: &tokio_util::sync::CancellationToken,
) -> RunSummary {
    let _ = (plan, credentials, options, transport, clock, sinks, stop);
    todo!()
}
