//! Plans times places to operations: rendering, merging, ids, waves, digest, cap.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::diagnostic::Diagnostic;
use crate::model::{Endpoint, FailureBudget, Limits, MaxFailures, Operation, PlanDigest, Region, WaveName};
use crate::plan::{ValidatedPlan, VariableValue};
use crate::source::{Location, Sources};

/// Values for variables from outside the plans, already merged by precedence.
pub type Overrides = BTreeMap<String, VariableValue>;

/// Where requests go when the plan does not decide it: the chain of contract section 7 around the plan's own entry.
#[derive(Clone, Debug, Default)]
pub struct EndpointChain {
    /// `--endpoint` (or the embedded simulator): every region.
    pub all: Option<Endpoint>,
    /// `HUAWEICLOUD_SDK_REGION_HSS_<REGION>`, before the plan's `endpoints`.
    pub by_region: BTreeMap<Region, Endpoint>,
}

/// One wave of a plan, resolved.
#[derive(Clone, Debug)]
pub struct Wave {
    /// Name; `all` for the wave of a plan without waves.
    pub name: WaveName,
    /// Operations in it.
    pub operations: usize,
    /// Failure budget, computed; `None`: no bound.
    pub budget: Option<FailureBudget>,
}

/// One plan of the batch, resolved.
#[derive(Clone, Debug)]
pub struct PlannedFile {
    /// Display path.
    pub path: String,
    /// `name`.
    pub name: String,
    /// Digest of the expanded, canonical, secret-free plan.
    pub digest: PlanDigest,
    /// Waves in order, at least one.
    pub waves: Vec<Wave>,
    /// Pause between waves.
    pub pause: Duration,
    /// Longest duration, and where it is written.
    pub deadline: Option<(Duration, Location)>,
    /// Limits; the quota is the smallest stated for what is shared.
    pub limits: Limits,
}

/// The whole batch: nothing templated, nothing unchecked. Operations stand in plan order.
#[derive(Clone, Debug)]
pub struct ExecutionPlan {
    /// Plans in the order given.
    pub plans: Vec<PlannedFile>,
    /// All operations.
    pub operations: Vec<Operation>,
    /// Digest over the plans' digests; for one plan, that plan's own.
    pub digest: PlanDigest,
}

/// Budget over the whole run from `--max-failures`.
pub type RunBudget = Option<MaxFailures>;

/// Expands validated plans together.
///
/// # Errors
/// Everything that only rendering or the whole batch shows, once per cause; warnings among them.
pub fn expand(
    plans: &[ValidatedPlan],
    sources: &Sources,
    overrides: &Overrides,
    endpoints: &EndpointChain,
) -> Result<(ExecutionPlan, Vec<Diagnostic>), Vec<Diagnostic>> {
    let _ = (plans, sources, overrides, endpoints);
    todo!()
}
