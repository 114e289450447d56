//! The first records of a journal: what the run is, and all that it takes to go on with it without the plan files and
//! without asking the service again what `lookup` and `select` mean.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::{OperationId, PlanDigest, ProjectId, RegistryRef, RunId};
use crate::plan::VariableValue;

/// What a run is.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Its id.
    pub run: RunId,
    /// The version of hss-sync that began it.
    pub tool: String,
    /// Wall clock at time zero.
    pub started_at: jiff::Timestamp,
    /// How long it was forecast to take.
    pub forecast: Duration,
    /// Operations in its plans.
    pub planned: usize,
    /// Digest over all its plans.
    pub digest: PlanDigest,
    /// Its plans, in order.
    pub plans: Vec<RecordedPlan>,
    /// How it was called.
    pub invocation: Invocation,
    /// The texts that the plans were read from, in order.
    pub sources: Vec<RecordedSource>,
    /// What the network resolved before the run began: each operation that the plans leave open, in plan order.
    pub resolved: Vec<RecordedResolution>,
}

/// A plan as the header names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPlan {
    /// Display path.
    pub path: String,
    /// `name`.
    pub name: String,
    /// Digest.
    pub digest: PlanDigest,
}

/// The text of one plan file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordedSource {
    /// Display path.
    pub path: String,
    /// The text, as it was read.
    pub text: String,
}

/// What `lookup` and `select` of one operation turned out to mean. It never changes in a run, whatever the account has by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedResolution {
    /// The operation, by its id in the plan.
    pub operation: OperationId,
    /// The project that was looked up; `None` when the plan names it.
    pub project_id: Option<ProjectId>,
    /// All registries of the request, when `select` found some of them; never empty.
    pub registries: Option<Vec<RegistryRef>>,
}

/// What the operator said besides the plans, as far as a resumed run has to keep to it. Holds no secret.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Invocation {
    /// Plan files, directories or `-`, as given.
    pub plans: Vec<String>,
    /// Variables from outside the plans, already merged.
    pub variables: BTreeMap<String, VariableValue>,
    /// `--endpoint`.
    pub endpoint: Option<String>,
    /// Endpoints of single regions from the environment.
    pub endpoints: BTreeMap<String, String>,
    /// Endpoints of single regions from the operator's regions file, which count after those of the plans.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub file_endpoints: BTreeMap<String, String>,
    /// `--allow-endpoint`.
    pub allow_endpoint: Vec<String>,
    /// `--quota`.
    pub quota: Option<String>,
    /// `--concurrency`.
    pub concurrency: Option<u32>,
    /// `--max-failures`.
    pub max_failures: Option<String>,
    /// `--fail-fast`.
    pub fail_fast: bool,
    /// `--wait-timeout` with `--wait`; none without.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wait: Option<String>,
    /// `--select`, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub select: Vec<String>,
    /// `--shard` as `K/N`, whatever it was taken from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shard: Option<String>,
    /// `--simulate` and what belongs to it; `None` for a run against the service.
    pub simulated: Option<SimulatedWith>,
}

/// How the embedded simulator was set up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SimulatedWith {
    /// `--fault`.
    pub fault: Option<String>,
    /// `--simulator-quota`.
    pub quota: Option<String>,
    /// `--time-scale`.
    pub time_scale: u32,
    /// `--task-time`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_time: Option<String>,
    /// `--task-fault`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_fault: Option<String>,
}
