//! What was resolved, in a form that outlives the process: out of a run that begins, into a plan that is expanded again.
//!
//! The journal keeps it (`docs/journal.md`). A resumed run sends what its first session would have sent, whatever the account
//! has by now, and asks nothing.

use std::collections::HashMap;
use std::sync::Arc;

use crate::expand::{ExecutionPlan, extended_digest};
use crate::journal::RecordedResolution;
use crate::model::{Content, Operation, OperationId, PlanDigest, ProjectRef, RegistryPlace, RegistryRef, SyncBody};

/// Why what was recorded can't be put into a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// An operation is open.
    #[error("it does not hold what `lookup` or `select` of operation `{0}` were resolved to")]
    Missing(OperationId),
    /// The plan has no such operation, or has nothing open there, or something else, or it was recorded twice.
    #[error("what it holds as resolved for operation `{0}` does not fit the plan that is recorded there")]
    Other(OperationId),
}

/// What `resolved` has in place of what `written` leaves open; both are the same plan, operation for operation.
#[must_use]
pub fn record(written: &ExecutionPlan, resolved: &ExecutionPlan) -> Vec<RecordedResolution> {
    let pairs = written.operations.iter().zip(&resolved.operations);
    let open = pairs.filter(|(before, _)| before.needs_network());
    open.map(|(before, after)| RecordedResolution {
        operation: before.id.clone(),
        project_id: match (&before.target.project_id, &after.target.project_id) {
            (ProjectRef::Lookup, ProjectRef::Id(id)) => Some(id.clone()),
            _ => None,
        },
        registries: (!before.content.selectors.is_empty()).then(|| after.content.body.registry_info.clone()),
    })
    .collect()
}

/// The digest of a plan together with what its `lookup` and `select` were resolved to: one that says which registries are
/// asked for, too. Without anything resolved it is the plan's own.
#[must_use]
pub fn frozen_digest(plan: &PlanDigest, resolved: &[RecordedResolution]) -> PlanDigest {
    if resolved.is_empty() {
        return plan.clone();
    }
    let mut order: Vec<&RecordedResolution> = resolved.iter().collect();
    order.sort_unstable_by(|one, other| one.operation.cmp(&other.operation));
    let values: Vec<String> = order.into_iter().flat_map(values).collect();
    extended_digest(plan, values.iter().map(String::as_str))
}

/// One resolution, with nothing in it that depends on the order of an answer. A registry id holds no blank.
fn values(one: &RecordedResolution) -> [String; 3] {
    let mut registries: Vec<&RegistryRef> = one.registries.iter().flatten().collect();
    registries.sort_unstable();
    let registries: Vec<String> = registries.iter().map(|r| format!("{} {}", r.registry_id, r.registry_type)).collect();
    let project_id = one.project_id.as_ref().map_or("", |id| id.as_str());
    [one.operation.as_str().to_owned(), project_id.to_owned(), registries.join("\n")]
}

/// Puts it into the plan as written; then nothing is open.
///
/// # Errors
/// When it is not exactly what the plan leaves open.
pub fn put_back(plan: &mut ExecutionPlan, recorded: &[RecordedResolution]) -> Result<(), Unfit> {
    let mut by_id = HashMap::with_capacity(recorded.len());
    for one in recorded {
        if by_id.insert(&one.operation, one).is_some() {
            return Err(Unfit::Other(one.operation.clone()));
        }
    }
    for operation in plan.operations.iter_mut().filter(|operation| operation.needs_network()) {
        let one = by_id.remove(&operation.id).ok_or_else(|| Unfit::Missing(operation.id.clone()))?;
        if !fits(operation, one) {
            return Err(Unfit::Other(one.operation.clone()));
        }
        if let Some(id) = &one.project_id {
            operation.target.project_id = ProjectRef::Id(id.clone());
        }
        if let Some(registries) = &one.registries {
            operation.content = Arc::new(selected(&operation.content, registries));
        }
    }
    // The first in the journal, of those that nothing waits for.
    let left_over = recorded.iter().find(|one| by_id.contains_key(&one.operation));
    left_over.map_or(Ok(()), |one| Err(Unfit::Other(one.operation.clone())))
}

/// Whether just what is open was resolved: a selection adds to what the plan names, and takes nothing away.
fn fits(operation: &Operation, one: &RecordedResolution) -> bool {
    let looks_up = operation.target.project_id == ProjectRef::Lookup;
    let Content { body, selectors, .. } = &*operation.content;
    let selection = match &one.registries {
        Some(registries) => !selectors.is_empty() && registries.starts_with(&body.registry_info),
        None => selectors.is_empty(),
    };
    looks_up == one.project_id.is_some() && selection
}

/// The content with its selections made. Which set found a registry is not recorded: the first one stands for all.
fn selected(written: &Content, registries: &[RegistryRef]) -> Content {
    let found = written
        .selectors
        .first()
        .map(|selector| RegistryPlace { registry_id: selector.location, registry_type: selector.location });
    let places = written.places.iter().copied().chain(found.into_iter().cycle());
    Content {
        body: SyncBody { sync_all_registries: written.body.sync_all_registries, registry_info: registries.to_vec() },
        places: places.take(registries.len()).collect(),
        selectors: Vec::new(),
    }
}
