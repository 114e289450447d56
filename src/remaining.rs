//! What a run left over, as valid plans of just that: the plan files again, reduced to the places where something is left.
//!
//! `reduce` makes a smaller `PlanFile` of a `PlanFile`, `split` parts a project where its regions need other sets, `waves` keeps
//! each operation in its wave, and `write` writes any `PlanFile` as text, laid out by `layout`. Nothing is rendered: templates
//! stay, with the values of the variables that the run used, so requests and ids stay too. `command` owns the files.

mod layout;
mod reduce;
mod split;
#[cfg(test)]
mod tests;
mod waves;
mod write;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::event::{OpIndex, Outcome};
use crate::expand::{ExecutionPlan, Overrides};
use crate::model::{InvalidValue, MaxFailures, Operation, RunId};
use crate::plan::{PlanFile, ValidatedPlan};
use crate::summary::RunSummary;
use layout::printable;
use reduce::Reduced;
use write::Section;

/// Operations that the header names before it only counts them.
const MOST_NAMED: usize = 20;

/// Why an operation is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Left {
    /// The service refused it, or it was never taken.
    Failed,
    /// It was sent, and what became of it is not known.
    Unknown,
    /// It was never sent.
    NotAttempted,
}

/// What is left of one plan of a batch.
#[derive(Debug)]
pub struct Remaining {
    /// Index of the plan in [`ExecutionPlan::plans`].
    pub plan: usize,
    /// Operations that are left of it.
    pub operations: usize,
    /// The text of a plan of just these.
    pub text: Result<String, NotWritable>,
}

/// Why what is left can't be written as a plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotWritable {
    /// An override may hold what `vars` of a plan may not.
    #[error(
        "the value that variable `{name}` was given from outside holds {what}, which `vars` of a plan can't hold; \
         `hss-sync resume {run}` goes on without such a plan"
    )]
    Variable {
        /// The variable.
        name: String,
        /// What of it.
        what: &'static str,
        /// The run.
        run: RunId,
    },
    /// A selection of a wave would need more names than a plan may list.
    #[error(
        "wave `{wave}` would have to select more than {most} projects by name; `hss-sync resume {run}` goes on without such \
         a plan"
    )]
    Selection {
        /// The wave.
        wave: String,
        /// Names that a selection may list.
        most: usize,
        /// The run.
        run: RunId,
    },
    /// A new name broke the rule of names.
    #[error("{0}; this is a mistake in hss-sync")]
    Impossible(#[from] InvalidValue),
}

/// The operations of a run that are left: all but those that were accepted, confirmed or skipped.
///
/// One without an outcome, as in a run that did not end, counts as unknown: it may be on its way.
#[must_use]
pub fn left_of(summary: &RunSummary) -> Vec<(OpIndex, Left)> {
    let left = |outcome: &Option<Outcome>| match outcome {
        Some(Outcome::Accepted | Outcome::Confirmed | Outcome::Skipped(_)) => None,
        Some(Outcome::Failed(_)) => Some(Left::Failed),
        Some(Outcome::NotAttempted(_)) => Some(Left::NotAttempted),
        Some(Outcome::Unknown(_)) | None => Some(Left::Unknown),
    };
    let operations = summary.operations.iter().enumerate();
    operations.filter_map(|(op, operation)| Some((op, left(&operation.outcome)?))).collect()
}

/// A plan for each plan of the batch of which something is left, in their order.
///
/// `plan` is what `expand` made of `plans` with `overrides`. Each text is a plan without a warning that its original did not
/// have. It expands to the operations that are left, in their waves and with their ids; only where a place of a project
/// with `requests: per-set` lacks sets that another place needs, some of its places get a project entry, and so ids, of
/// their own. Operations that `plan` does not have are ignored.
#[must_use]
pub fn remaining(
    plans: &[ValidatedPlan],
    overrides: &Overrides,
    plan: &ExecutionPlan,
    left: &[(OpIndex, Left)],
    run: &RunId,
) -> Vec<Remaining> {
    let left: BTreeMap<OpIndex, Left> = left.iter().copied().collect();
    let mut found = Vec::new();
    for (index, valid) in plans.iter().enumerate() {
        let operations: Vec<Planned<'_>> = plan
            .operations
            .iter()
            .enumerate()
            .filter(|(_, operation)| operation.plan == index)
            .map(|(op, operation)| Planned { operation, left: left.get(&op).copied() })
            .collect();
        let count = operations.iter().filter(|planned| planned.left.is_some()).count();
        if count > 0 {
            let text = text(valid.file(), overrides, &operations, run);
            found.push(Remaining { plan: index, operations: count, text });
        }
    }
    found
}

/// An operation of the plan at work.
#[derive(Clone, Copy)]
struct Planned<'p> {
    operation: &'p Operation,
    /// `None`: done, or not meant to be done.
    left: Option<Left>,
}

fn text(
    file: &PlanFile,
    overrides: &Overrides,
    operations: &[Planned<'_>],
    run: &RunId,
) -> Result<String, NotWritable> {
    let reduced = reduce::reduce(file, overrides, operations, run)?;
    let mut text = header(operations, run);
    for (section, body) in write::sections(&reduced.file) {
        text.push('\n');
        let note = match section {
            Section::Variables => variables_note(&reduced),
            Section::Projects => projects_note(&reduced),
            Section::Rollout => rollout_note(&reduced.file),
            Section::Head | Section::Sets | Section::Defaults | Section::Limits | Section::Endpoints => String::new(),
        };
        text.push_str(&note);
        text.push_str(&body);
    }
    Ok(text)
}

fn header(operations: &[Planned<'_>], run: &RunId) -> String {
    let count = |which: Left| operations.iter().filter(|planned| planned.left == Some(which)).count();
    let counts = [(Left::Failed, "failed"), (Left::Unknown, "unknown"), (Left::NotAttempted, "not attempted")];
    let parts: Vec<String> = counts
        .iter()
        .filter(|(which, _)| count(*which) > 0)
        .map(|(which, word)| format!("{} {word}", count(*which)))
        .collect();
    let run = printable(run.as_str());
    let total: usize = counts.iter().map(|(which, _)| count(*which)).sum();
    let mut text = format!("# What run {run} left over: {}, {}.\n", operations_in_words(total), parts.join(", "));
    let unknown: Vec<&Operation> = operations
        .iter()
        .filter(|planned| planned.left == Some(Left::Unknown))
        .map(|planned| planned.operation)
        .collect();
    if unknown.is_empty() {
        return text;
    }
    let _ = write!(
        text,
        "#\n# CAUTION: what is unknown was sent, and may have been accepted. Running this plan sends it again.\n\
         # Look it up in the task list of HSS before, or use `hss-sync resume {run}`, which leaves it alone. Unknown:\n"
    );
    for operation in unknown.iter().take(MOST_NAMED) {
        let target = &operation.target;
        let same_place = |other: &&Planned<'_>| {
            other.operation.target.project == target.project && other.operation.target.region == target.region
        };
        let sets = if operations.iter().filter(same_place).count() > 1 { sets(operation) } else { String::new() };
        let _ = writeln!(text, "#   {} / {}{sets}", printable(target.project.as_str()), target.region);
    }
    if unknown.len() > MOST_NAMED {
        let _ = writeln!(text, "#   and {} more", unknown.len() - MOST_NAMED);
    }
    text
}

fn operations_in_words(count: usize) -> String {
    format!("{count} operation{}", if count == 1 { "" } else { "s" })
}

/// ` (harbor, swr)`
fn sets(operation: &Operation) -> String {
    let names: Vec<String> = operation.sets.iter().map(|set| printable(set.as_str())).collect();
    format!(" ({})", names.join(", "))
}

fn variables_note(reduced: &Reduced) -> String {
    match reduced.overridden.as_slice() {
        [] => String::new(),
        [name] => format!("# {name} has the value that the run was given for it.\n"),
        names => format!("# {} have the values that the run was given for them.\n", names.join(", ")),
    }
}

fn projects_note(reduced: &Reduced) -> String {
    if reduced.renamed.is_empty() {
        return String::new();
    }
    let mut note =
        "# Where different sets are left in the regions of one project, it has several entries. The operations of\n\
                    # those with a new name have new ids; their requests are the same:\n"
            .to_owned();
    for renamed in &reduced.renamed {
        let _ = writeln!(note, "#   {} was {}", printable(renamed.to.as_str()), printable(renamed.from.as_str()));
    }
    note
}

fn rollout_note(file: &PlanFile) -> String {
    let is_percent = |stated: &MaxFailures| matches!(stated, MaxFailures::Percent(_));
    match file.rollout.waves.iter().filter_map(|wave| wave.max_failures.as_ref()).any(is_percent) {
        true => "# A percentage is taken of what is left, and rounded down.\n".to_owned(),
        false => String::new(),
    }
}
