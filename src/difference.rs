//! What changed between two expanded batches of plans, for people who are asked whether that is what they meant.
//!
//! `pairs` finds which plan was which, `operations` which request was which, `settings` compares all else that a digest is
//! taken over. Plans with the same digest have no difference, and plans with different ones always have one: what no line can
//! show is said to be there.

mod gate;
mod json;
mod lines;
mod markdown;
mod operations;
mod pairs;
mod settings;
#[cfg(test)]
mod tests;
mod text;

pub use gate::{Cause, Counted, Evidence, Exceeded, Gates, Tally, largest};
pub use json::write_difference;
pub use lines::{Edit, edits};
pub use markdown::difference_markdown;

use crate::expand::{ExecutionPlan, PlannedFile};
use crate::model::{
    CredentialName, EnterpriseProjectId, Operation, OperationId, ProjectName, ProjectRef, Region, RegistryRef,
    RegistryType, Selector, SetName, WaveName,
};
use crate::source::Sources;

/// The published schema of what [`write_difference`] writes (JSON Schema draft-07).
pub const DIFF_SCHEMA: &str = include_str!("../schemas/diff.schema.json");

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
        /// Its operations, each of them added.
        operations: Vec<OperationDifference>,
    },
    /// The new batch does not have it.
    Removed {
        /// Its operations, each of them removed.
        operations: Vec<OperationDifference>,
    },
    /// Both have it. At least one of the three says something.
    Changed {
        /// Name, waves, limits and the like, in the order in which a plan states them.
        settings: Vec<SettingChange>,
        /// Operations in the plan order of the new one; those that are gone stand where they were.
        operations: Vec<OperationDifference>,
        /// The digests differ, and nothing above does.
        is_hidden: bool,
        /// Whether the old batch holds its settings; where it does not, they were not compared.
        has_settings: bool,
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
    /// Its id; the old one if it is gone.
    pub id: OperationId,
    /// The id of what it was before, if it is another one: an id holds a hash of the request.
    pub old_id: Option<OperationId>,
    /// Its wave; the old one if it is gone.
    pub wave: Option<WaveName>,
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

/// A difference with what it is between, ready to be shown.
#[derive(Clone, Copy, Debug)]
pub struct Comparison<'a> {
    /// What was there before.
    pub old: &'a SideFacts,
    /// What is there now.
    pub new: &'a SideFacts,
    /// What changed.
    pub difference: &'a Difference,
    /// The gates that too much went through.
    pub exceeded: &'a [Exceeded],
}

/// What is said of a side of a comparison.
#[derive(Clone, Debug, serde::Serialize)]
pub struct SideFacts {
    /// What it is.
    pub kind: Kind,
    /// Where it was read from.
    pub path: String,
    /// Its digest; a report has none of several plans together.
    pub digest: Option<String>,
    /// Its operations.
    pub operations: usize,
}

/// What can be compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Plan files.
    Plan,
    /// A lock.
    Lock,
    /// The report of a run.
    Report,
    /// What `plan --format json` printed.
    Listing,
}

impl Kind {
    /// In a word or two.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Plan => "plan",
            Self::Lock => "lock",
            Self::Report => "report",
            Self::Listing => "list of operations",
        }
    }
}

/// One of the two batches that are compared.
#[derive(Clone, Copy, Debug)]
pub struct Side<'p> {
    /// The plans and operations.
    plan: &'p ExecutionPlan,
    places: Places<'p>,
}

/// Where the operations of a batch are written.
#[derive(Clone, Copy, Debug)]
enum Places<'p> {
    Sources(&'p Sources),
    /// Path and line of each operation, in order.
    Lines(&'p [(String, u32)]),
}

impl<'p> Side<'p> {
    /// Plans that were expanded from these sources.
    #[must_use]
    pub fn expanded(plan: &'p ExecutionPlan, sources: &'p Sources) -> Self {
        Self { plan, places: Places::Sources(sources) }
    }

    /// What a document lists: operations with path and line each, in order. Limits, budgets and the like of such plans are not
    /// known and not compared, nor are conditions of selections.
    #[must_use]
    pub fn listed(plan: &'p ExecutionPlan, lines: &'p [(String, u32)]) -> Self {
        Self { plan, places: Places::Lines(lines) }
    }

    fn place(&self, index: usize) -> (String, u32) {
        match self.places {
            Places::Sources(sources) => {
                let (path, position) = sources.place(self.plan.operations[index].location);
                (path.to_owned(), position.line())
            }
            Places::Lines(lines) => lines.get(index).cloned().unwrap_or_default(),
        }
    }

    fn has_settings(&self) -> bool {
        matches!(self.places, Places::Sources(_))
    }
}

/// What changed from `old` to `new`.
///
/// Endpoints and limits are compared as they are in force, so both plans should be expanded with the same settings of the
/// operator. Operations are matched by id; else by project and region, and by contents or sets where a place has several; what
/// is left of a place is matched if it is one on each side. Where only one side knows what `lookup` and `select` of an operation
/// mean, the same id is the same operation.
#[must_use]
pub fn difference(old: Side<'_>, new: Side<'_>) -> Difference {
    let (old_parts, new_parts) = (parts(old), parts(new));
    let partners = pairs::partners(&old.plan.plans, &new.plan.plans);
    let found = interleave(&partners, old.plan.plans.len()).into_iter().filter_map(|step| match step {
        Step::Removed(index) => {
            let operations = operations::removed(&old_parts[index]);
            Some(old_parts[index].named(PlanChange::Removed { operations }))
        }
        Step::Kept(index) => {
            let part = &new_parts[index];
            match partners[index] {
                None => Some(part.named(PlanChange::Added { operations: operations::added(part) })),
                Some(partner) => changed(&old_parts[partner], part),
            }
        }
    });
    Difference { plans: found.collect() }
}

/// For each new plan the index of the old one that it was, if there is one.
#[must_use]
pub fn partners(old: &ExecutionPlan, new: &ExecutionPlan) -> Vec<Option<usize>> {
    pairs::partners(&old.plans, &new.plans)
}

/// One plan of a batch.
struct Part<'p> {
    file: &'p PlannedFile,
    operations: Vec<&'p Operation>,
    /// Their indexes in the batch.
    indexes: Vec<usize>,
    side: Side<'p>,
}

fn parts(side: Side<'_>) -> Vec<Part<'_>> {
    let part = |file| Part { file, operations: Vec::new(), indexes: Vec::new(), side };
    let mut parts: Vec<Part<'_>> = side.plan.plans.iter().map(part).collect();
    for (index, operation) in side.plan.operations.iter().enumerate() {
        if let Some(part) = parts.get_mut(operation.plan) {
            part.operations.push(operation);
            part.indexes.push(index);
        }
    }
    parts
}

impl<'p> Part<'p> {
    fn wave(&self, operation: &Operation) -> Option<&'p WaveName> {
        self.file.waves.get(operation.wave).map(|wave| &wave.name)
    }

    /// Path and line of its operation with this index.
    fn place(&self, index: usize) -> (String, u32) {
        self.side.place(self.indexes[index])
    }

    fn named(&self, change: PlanChange) -> PlanDifference {
        PlanDifference { path: self.file.path.clone(), name: self.file.name.clone(), change }
    }
}

fn changed(old: &Part<'_>, new: &Part<'_>) -> Option<PlanDifference> {
    let partners = operations::partners(&old.operations, &new.operations);
    let renamed = settings::renamed_waves(old, new, &partners);
    let is_same = old.file.digest == new.file.digest;
    let has_settings = old.side.has_settings() && new.side.has_settings();
    let settings = if is_same || !has_settings { Vec::new() } else { settings::compare(old, new, &renamed) };
    // Plans with one digest can still have found different registries.
    let operations = operations::compare(old, new, &partners, &renamed);
    let is_hidden = settings.is_empty() && operations.is_empty();
    (!is_same || !is_hidden).then(|| new.named(PlanChange::Changed { settings, operations, is_hidden, has_settings }))
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
