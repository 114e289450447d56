//! Plans times places to operations: rendering, merging, ids, waves, digest, cap.
//!
//! [`places`] walks one plan in its order and asks [`render`] for values, [`merge`] for what a request holds, [`wave`]
//! for the wave and [`endpoint`] for where it goes. [`identity`] then makes ids, finds duplicates over the whole
//! batch and takes the digests. `docs/expansion.md` explains the rules with an example.

mod duplicate;
mod endpoint;
mod identity;
mod merge;
mod places;
mod render;
mod wave;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub use endpoint::builtin_endpoint;

use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{
    Endpoint, FailureBudget, InvalidValue, Limits, MaxFailures, Operation, PlanDigest, Region, WaveName,
};
use crate::plan::{PlanFile, ValidatedPlan, VariableValue};
use crate::source::{Location, Sources};
use places::Expanded;
use render::Findings;

/// Values for variables from outside the plans, already merged by precedence.
pub type Overrides = BTreeMap<String, VariableValue>;

/// Where requests go when the plan does not decide it: the chain of contract section 7 around the plan's own entry.
#[derive(Clone, Debug, Default)]
pub struct EndpointChain {
    /// `--endpoint` (or the embedded simulator): every region.
    pub all: Option<Endpoint>,
    /// `HUAWEICLOUD_SDK_REGION_HSS_<REGION>`, before the plan's `endpoints`.
    pub by_region: BTreeMap<Region, Endpoint>,
    /// The operator's regions file, after the plan's `endpoints` and before the built-in table.
    pub from_file: BTreeMap<Region, Endpoint>,
}

impl EndpointChain {
    /// The endpoint of a region, `planned` being the plan's own entry.
    ///
    /// # Errors
    /// Never in practice, since a region is a host label.
    pub fn endpoint_of(&self, region: &Region, planned: Option<&Endpoint>) -> Result<Endpoint, InvalidValue> {
        let operator = self.all.as_ref().or_else(|| self.by_region.get(region));
        match operator.or(planned).or_else(|| self.from_file.get(region)) {
            Some(endpoint) => Ok(endpoint.clone()),
            None => builtin_endpoint(region),
        }
    }
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
    /// Most operations that the plan may expand to.
    pub max_operations: usize,
    /// Longest duration, and where it is written.
    pub deadline: Option<(Duration, Location)>,
    /// Limits, as the plan states them; the scheduler holds every quota of the batch at once.
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

impl ExecutionPlan {
    /// What this run sends, in plan order: all operations but those that are left out.
    pub fn selected(&self) -> impl Iterator<Item = &Operation> {
        self.operations.iter().filter(|operation| operation.is_selected())
    }
}

/// Budget over the whole run from `--max-failures`.
pub type RunBudget = Option<MaxFailures>;

/// The overrides that no plan declares, each with the declared name that was probably meant.
#[must_use]
pub fn undeclared_overrides(plans: &[ValidatedPlan], overrides: &Overrides) -> Vec<(String, Option<String>)> {
    let declared: BTreeSet<&str> =
        plans.iter().flat_map(|plan| &plan.file().vars).map(|variable| variable.name.value.as_str()).collect();
    let undeclared = overrides.keys().filter(|name| !declared.contains(name.as_str()));
    undeclared.map(|name| (name.clone(), nearest(name, declared.iter().copied()).map(str::to_owned))).collect()
}

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
    let mut findings = Findings::default();
    let mut expanded = Expanded::default();
    let mut ends = Vec::with_capacity(plans.len());
    for (index, plan) in plans.iter().enumerate() {
        places::expand_plan(index, plan.file(), sources, overrides, endpoints, &mut findings, &mut expanded);
        ends.push(expanded.operations.len());
    }
    duplicate::refuse_duplicates(&expanded, &mut findings);
    if findings.has_errors() {
        return Err(findings.into_diagnostics());
    }
    match finish(plans, sources, expanded, &ends, &mut findings) {
        Ok(plan) => Ok((plan, findings.into_diagnostics())),
        Err(invalid) => Err(vec![impossible(plans, &invalid)]),
    }
}

/// Ids, waves with their budgets, and digests of operations that are right.
fn finish(
    plans: &[ValidatedPlan],
    sources: &Sources,
    expanded: Expanded,
    ends: &[usize],
    findings: &mut Findings,
) -> Result<ExecutionPlan, InvalidValue> {
    let Expanded { mut operations, identities } = expanded;
    identity::assign_ids(&mut operations, &identities)?;
    let mut planned = Vec::with_capacity(plans.len());
    let mut start = 0;
    for (plan, end) in plans.iter().zip(ends) {
        let file = plan.file();
        let part = start..*end;
        let waves = resolve_waves(file, &operations[part.clone()], findings)?;
        let names: Vec<&str> = waves.iter().map(|wave| wave.name.as_str()).collect();
        let digest = identity::plan_digest(file, &names, &operations[part.clone()], &identities[part])?;
        let deadline = file.rollout.deadline.as_ref();
        planned.push(PlannedFile {
            path: sources.get(file.source).path().to_owned(),
            name: file.name.value.clone(),
            digest,
            waves,
            pause: file.rollout.pause,
            max_operations: file.rollout.max_operations,
            deadline: deadline.map(|deadline| (deadline.value, Location::new(file.source, deadline.span))),
            limits: file.limits,
        });
        start = *end;
    }
    let digest = identity::batch_digest(planned.iter().map(|plan| &plan.digest))?;
    Ok(ExecutionPlan { plans: planned, operations, digest })
}

fn resolve_waves(
    file: &PlanFile,
    operations: &[Operation],
    findings: &mut Findings,
) -> Result<Vec<Wave>, InvalidValue> {
    let mut counts = vec![0; file.rollout.waves.len().max(1)];
    for operation in operations {
        counts[operation.wave] += 1;
    }
    if file.rollout.waves.is_empty() {
        return Ok(vec![Wave { name: WaveName::parse("all")?, operations: counts[0], budget: None }]);
    }
    // What follows a wave that takes the rest was judged by `plan::validate`.
    let last = file.rollout.waves.iter().position(|wave| wave.select.is_none()).unwrap_or(file.rollout.waves.len());
    let judged = file.rollout.waves.iter().zip(&counts).take(last.saturating_add(1));
    for (wave, _) in judged.filter(|(_, count)| **count == 0) {
        let (source, span) = (file.source, wave.name.span);
        findings.cause(Location::new(source, span), Code::EmptyWave, "", || {
            Diagnostic::at(Code::EmptyWave, source, span, format!("wave `{}` takes no operation", wave.name.value))
                .label("nothing is left for it, or nothing matches")
                .help("waves take operations in order; move it before the wave that takes them, or remove it")
        });
    }
    Ok(file
        .rollout
        .waves
        .iter()
        .zip(counts)
        .map(|(wave, operations)| Wave {
            name: wave.name.value.clone(),
            operations,
            budget: wave.max_failures.map(|stated| stated.of(operations)),
        })
        .collect())
}

/// A digest over that of a plan and what was found out about it since; the order of `values` counts.
#[must_use]
pub fn extended_digest<'a>(plan: &PlanDigest, values: impl Iterator<Item = &'a str>) -> PlanDigest {
    // A digest is hexadecimal digits; the default keeps this total.
    identity::digest_over(plan, values).unwrap_or_else(|_| plan.clone())
}

/// Ids and digests are built from checked parts, so this says that hss-sync itself is wrong.
fn impossible(plans: &[ValidatedPlan], invalid: &InvalidValue) -> Diagnostic {
    let message = format!("expanding made {invalid}; this is a mistake in hss-sync");
    match plans.first().map(ValidatedPlan::file) {
        Some(file) => Diagnostic::at(Code::InvalidRenderedValue, file.source, file.name.span, message),
        None => Diagnostic::file(Code::InvalidRenderedValue, "", message),
    }
}

#[cfg(test)]
mod tests;
