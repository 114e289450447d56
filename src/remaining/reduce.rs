//! A plan reduced to the places where something is left, and to the parts that these use.

use std::collections::{BTreeSet, HashSet};

use super::split::{Entry, Splitter};
use super::{NotWritable, Planned, waves};
use crate::expand::Overrides;
use crate::model::{ProjectName, Region, RunId};
use crate::plan::{Places, PlanFile, Project, RegistrySet, RequestMode, VariableValue, unused_variables};

/// A smaller plan, and what its reader has to be told.
pub(super) struct Reduced {
    pub(super) file: PlanFile,
    /// Entries that were made from others.
    pub(super) renamed: Vec<Renamed>,
    /// Variables that are left and have another value than the plan's default.
    pub(super) overridden: Vec<String>,
}

/// An entry of its own for some places of a project.
pub(super) struct Renamed {
    pub(super) from: ProjectName,
    pub(super) to: ProjectName,
}

/// The operations of one place of a project.
pub(super) struct PlaceLeft<'p> {
    /// Index of the place in its project.
    pub(super) index: usize,
    /// What is left: index of the set in the project's list (0 for all sets in one request), and the operation.
    pub(super) operations: Vec<(usize, Planned<'p>)>,
}

/// `operations` are all that `file` expanded to, in their order.
pub(super) fn reduce(
    file: &PlanFile,
    overrides: &Overrides,
    operations: &[Planned<'_>],
    run: &RunId,
) -> Result<Reduced, NotWritable> {
    let mut splitter = Splitter::new(file);
    let mut entries = Vec::new();
    let mut rest = operations;
    for project in &file.projects {
        let size = operations_of_place(file, project);
        let (own, others) = rest.split_at((places(project) * size).min(rest.len()));
        rest = others;
        let left = places_left(own, size);
        if !left.is_empty() {
            entries.extend(splitter.entries(project, left)?);
        }
    }
    let mut reduced = file.clone();
    reduced.registry_sets = splitter.registry_sets();
    let left = operations.iter().filter(|planned| planned.left.is_some()).map(|planned| planned.operation);
    let regions: HashSet<&Region> = left.map(|operation| &operation.target.region).collect();
    reduced.endpoints.retain(|(region, _)| regions.contains(&region.value));
    reduced.rollout.waves = waves::reduce(file, operations, &entries, &splitter, run)?;
    let renamed = entries.iter().filter_map(Entry::renamed).collect();
    reduced.projects = entries.into_iter().map(|entry| entry.project).collect();
    drop_unused(&mut reduced);
    let overridden = set_variables(&mut reduced, overrides, run)?;
    Ok(Reduced { file: reduced, renamed, overridden })
}

fn places(project: &Project) -> usize {
    match &project.places {
        Places::PerRegion(places) => places.len(),
        Places::Same { regions, .. } => regions.len(),
    }
}

fn operations_of_place(file: &PlanFile, project: &Project) -> usize {
    match project.requests.or(file.defaults.requests).unwrap_or_default() {
        RequestMode::Merged => 1,
        RequestMode::PerSet => {
            let list = project.registry_sets.as_ref().or(file.defaults.registry_sets.as_ref());
            list.map_or(1, |list| list.len().max(1))
        }
    }
}

/// Expanding makes the same number of operations of each place, so their order says which place they belong to.
fn places_left<'p>(operations: &[Planned<'p>], size: usize) -> Vec<PlaceLeft<'p>> {
    let places = operations.chunks(size).enumerate().map(|(index, place)| {
        let left = place.iter().copied().enumerate().filter(|(_, planned)| planned.left.is_some());
        PlaceLeft { index, operations: left.collect() }
    });
    places.filter(|place| !place.operations.is_empty()).collect()
}

/// Drops defaults that no project inherits, and sets that no project names.
fn drop_unused(file: &mut PlanFile) {
    let PlanFile { projects, defaults, registry_sets, .. } = file;
    if projects.iter().all(|project| project.enterprise_project_id.is_some()) {
        defaults.enterprise_project_id = None;
    }
    if projects.iter().all(|project| project.credential.is_some()) {
        defaults.credential = None;
    }
    if projects.iter().all(|project| project.requests.is_some()) {
        defaults.requests = None;
    }
    if projects.iter().all(|project| project.registry_sets.is_some()) {
        defaults.registry_sets = None;
    }
    let lists = projects.iter().filter_map(|project| project.registry_sets.as_ref());
    let named: HashSet<&str> = lists.chain(&defaults.registry_sets).flatten().map(|name| name.value.as_str()).collect();
    registry_sets.retain(|set: &RegistrySet| named.contains(set.name.value.as_str()));
}

/// Gives the variables that are used the values in force, and drops the others. Returns those that have another value now.
fn set_variables(file: &mut PlanFile, overrides: &Overrides, run: &RunId) -> Result<Vec<String>, NotWritable> {
    let unused: BTreeSet<String> =
        unused_variables(file).into_iter().map(|variable| variable.name.value.clone()).collect();
    file.vars.retain(|variable| !unused.contains(&variable.name.value));
    let mut overridden = Vec::new();
    for variable in &mut file.vars {
        let name = &variable.name.value;
        if let Some(value) = overrides.get(name).filter(|value| **value != variable.value) {
            variable.value = value.clone();
            overridden.push(name.clone());
        }
        if let Some(what) = unwritable(&variable.value) {
            return Err(NotWritable::Variable { name: name.clone(), what, run: run.clone() });
        }
    }
    Ok(overridden)
}

/// What a value holds that the plan's schema refuses in `vars`.
fn unwritable(value: &VariableValue) -> Option<&'static str> {
    match value {
        VariableValue::Text(text) if ["{{", "{%", "{#"].iter().any(|opener| text.contains(opener)) => {
            Some("a template")
        }
        VariableValue::Float(number) if !number.is_finite() => Some("no finite number"),
        _ => None,
    }
}
