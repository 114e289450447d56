//! What changed between two expanded batches of plans, for people who are asked whether that is what they meant.
//!
//! `pairs` finds which plan was which, `operations` which request was which, `settings` compares all else that a digest is
//! taken over. Plans with the same digest have no difference, and plans with different ones always have one: what no line can
//! show is said to be there.

mod operations;
mod pairs;
mod settings;
#[cfg(test)]
mod tests;
mod text;

use crate::expand::{ExecutionPlan, PlannedFile};
use crate::model::{
    CredentialName, EnterpriseProjectId, Operation, ProjectName, ProjectRef, Region, RegistryRef, RegistryType,
    Selector, SetName, WaveName,
};
use crate::source::{Location, Sources};

/// What changed from one batch to another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Difference {
    /// Plans that differ, in the order of the new batch; a plan that is gone stands where it was.
    pub plans: Vec<PlanDifference>,
}

/// What changed about one plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanDifference {
    /// Its path; the old one if it is gone.
    pub path: String,
    /// Its name; the old one if it is gone.
    pub name: String,
    /// What happened to it.
    pub change: PlanChange,
}

/// What happened to a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PlanChange {
    /// The old batch does not have it.
    Added {
        /// Its operations.
        operations: usize,
    },
    /// The new batch does not have it.
    Removed {
        /// Its operations.
        operations: usize,
    },
    /// Both have it. At least one of the three says something.
    Changed {
        /// Name, waves, limits and the like, in the order in which a plan states them.
        settings: Vec<SettingChange>,
        /// Operations in the plan order of the new one; those that are gone stand where they were.
        operations: Vec<OperationDifference>,
        /// The digests differ, and nothing above does.
        is_hidden: bool,
    },
}

/// A setting of a plan with another value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// As the plan calls it: `quota`, `max_failures of wave canary`.
    pub setting: String,
    /// Before.
    pub old: String,
    /// Now.
    pub new: String,
}

/// An operation that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OperationDifference {
    /// Its project.
    pub project: ProjectName,
    /// Its region.
    pub region: Region,
    /// Its sets, where its place has several operations.
    pub sets: Option<Vec<SetName>>,
    /// What changed.
    pub change: OperationChange,
    /// Path of the plan and the line that governs it; those of the old plan if it is gone.
    pub place: (String, u32),
}

/// What changed about an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OperationChange {
    /// The old plan does not have it.
    Added {
        /// What it asks for, in words.
        what: String,
    },
    /// The new plan does not have it.
    Removed {
        /// What it asked for, in words.
        what: String,
    },
    /// Both have it; at least one of the two says something.
    Changed {
        /// What is different in its request.
        request: Vec<RequestChange>,
        /// Its wave before and now, if it moved.
        wave: Option<(WaveName, WaveName)>,
    },
}

/// One difference between two requests for the same project and region.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestChange {
    /// Another id of the project.
    ProjectId(ProjectRef, ProjectRef),
    /// Another enterprise project.
    EnterpriseProject(EnterpriseProjectId, EnterpriseProjectId),
    /// Another credential.
    Credential(CredentialName, CredentialName),
    /// One of the two asks for all registries; what each asks for, in words.
    Extent(String, String),
    /// A registry more.
    RegistryAdded(RegistryRef),
    /// A registry less.
    RegistryRemoved(RegistryRef),
    /// A registry with another type.
    RegistryType(RegistryRef, RegistryType),
    /// A selection more.
    SelectionAdded(Selector),
    /// A selection less.
    SelectionRemoved(Selector),
}

/// What changed from `old` to `new`.
///
/// Endpoints and limits are compared as they are in force, so both plans should be expanded with the same settings of the
/// operator. Operations are matched by project and region, and by contents or sets where a place has several; what is left of a
/// place is matched if it is one on each side.
#[must_use]
pub fn difference(
    old: &ExecutionPlan,
    old_sources: &Sources,
    new: &ExecutionPlan,
    new_sources: &Sources,
) -> Difference {
    let (old_parts, new_parts) = (parts(old, old_sources), parts(new, new_sources));
    let partners = pairs::partners(&old.plans, &new.plans);
    let found = interleave(&partners, old.plans.len()).into_iter().filter_map(|step| match step {
        Step::Removed(index) => {
            let operations = old_parts[index].operations.len();
            Some(old_parts[index].named(PlanChange::Removed { operations }))
        }
        Step::Kept(index) => {
            let part = &new_parts[index];
            match partners[index] {
                None => Some(part.named(PlanChange::Added { operations: part.operations.len() })),
                Some(partner) => changed(&old_parts[partner], part),
            }
        }
    });
    Difference { plans: found.collect() }
}

/// One plan of a batch.
struct Part<'p> {
    file: &'p PlannedFile,
    operations: Vec<&'p Operation>,
    sources: &'p Sources,
}

fn parts<'p>(plan: &'p ExecutionPlan, sources: &'p Sources) -> Vec<Part<'p>> {
    let part = |file: &'p PlannedFile| Part { file, operations: Vec::new(), sources };
    let mut parts: Vec<Part<'p>> = plan.plans.iter().map(part).collect();
    for operation in &plan.operations {
        if let Some(part) = parts.get_mut(operation.plan) {
            part.operations.push(operation);
        }
    }
    parts
}

impl<'p> Part<'p> {
    fn wave(&self, operation: &Operation) -> Option<&'p WaveName> {
        self.file.waves.get(operation.wave).map(|wave| &wave.name)
    }

    fn place(&self, location: Location) -> (String, u32) {
        let (path, position) = self.sources.place(location);
        (path.to_owned(), position.line())
    }

    fn named(&self, change: PlanChange) -> PlanDifference {
        PlanDifference { path: self.file.path.clone(), name: self.file.name.clone(), change }
    }
}

fn changed(old: &Part<'_>, new: &Part<'_>) -> Option<PlanDifference> {
    if old.file.digest == new.file.digest {
        return None;
    }
    let partners = operations::partners(&old.operations, &new.operations);
    let renamed = settings::renamed_waves(old, new, &partners);
    let settings = settings::compare(old, new, &renamed);
    let operations = operations::compare(old, new, &partners, &renamed);
    let is_hidden = settings.is_empty() && operations.is_empty();
    Some(new.named(PlanChange::Changed { settings, operations, is_hidden }))
}

/// A step through two lists at once.
enum Step {
    /// Index of what the new list has.
    Kept(usize),
    /// Index of what only the old list had.
    Removed(usize),
}

/// Walks the new list, whose items have partners in the old one; what lost its partner comes behind what it stood behind.
fn interleave(partners: &[Option<usize>], old_count: usize) -> Vec<Step> {
    let mut is_at = vec![None; old_count];
    for (index, partner) in partners.iter().enumerate() {
        if let Some(partner) = partner {
            is_at[*partner] = Some(index);
        }
    }
    let mut removed_behind: Vec<Vec<Step>> = partners.iter().map(|_| Vec::new()).chain([Vec::new()]).collect();
    let mut behind = 0;
    for (index, at) in is_at.iter().enumerate() {
        match at {
            Some(at) => behind = at + 1,
            None => removed_behind[behind].push(Step::Removed(index)),
        }
    }
    let mut removed_behind = removed_behind.into_iter();
    let mut steps = removed_behind.next().unwrap_or_default();
    for (index, removed) in removed_behind.enumerate() {
        steps.push(Step::Kept(index));
        steps.extend(removed);
    }
    steps
}
