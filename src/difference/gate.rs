//! Bounds on what may change, and which line is to blame when more did.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use super::{Difference, OperationChange, OperationDifference, PlanChange};
use crate::diagnostic::visible;
use crate::model::MaxFailures;

/// Operations that differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Tally {
    /// Only the new batch has them.
    pub added: usize,
    /// Only the old batch has them.
    pub removed: usize,
    /// Both have them, with another request or wave.
    pub changed: usize,
}

impl Tally {
    /// All of them.
    #[must_use]
    pub fn all(self) -> usize {
        self.added + self.removed + self.changed
    }
}

/// How much may change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Gates {
    /// `--max-new`: operations that are added.
    pub max_new: Option<usize>,
    /// `--max-change`: operations that are added, removed or changed; a percentage is of those of the old batch, rounded down.
    pub max_change: Option<MaxFailures>,
}

/// What a gate counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    /// Added operations.
    New,
    /// All that differ.
    All,
}

impl Counted {
    /// How many of them there are.
    #[must_use]
    pub fn of(self, tally: Tally) -> usize {
        match self {
            Self::New => tally.added,
            Self::All => tally.all(),
        }
    }

    fn counts(self, operation: &OperationDifference) -> bool {
        self == Self::All || matches!(operation.change, OperationChange::Added { .. })
    }

    fn adjective(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::All => "changed",
        }
    }
}

/// A gate that more went through than may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// What it counts.
    pub counted: Counted,
    /// The flag as given, `--max-new 5`.
    pub flag: String,
    /// How many may.
    pub allowed: usize,
    /// How many there are.
    pub count: usize,
    /// What brought most of them.
    pub cause: Option<Cause>,
}

/// What brings operations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Path of the plan.
    pub path: String,
    /// Its lines, from 1.
    pub lines: RangeInclusive<u32>,
    /// How many operations it brings, or governs.
    pub operations: usize,
    /// How that is known.
    pub evidence: Evidence,
}

/// How a cause is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// Without this edit there would be so many fewer. What the first of the lines says now.
    Undone(String),
    /// They are in a plan that is new.
    NewPlan,
    /// It is the line that governs them.
    Governs,
    /// They are of this project, whose first such line it is.
    Project(String),
}

impl Gates {
    /// The gates that too many went through, without a cause yet. `before` is the number of operations of the old batch.
    #[must_use]
    pub fn exceeded(&self, tally: Tally, before: usize) -> Vec<Exceeded> {
        let new = self.max_new.map(|most| (Counted::New, format!("--max-new {most}"), most));
        let all = self.max_change.map(|most| {
            let stated = match most {
                MaxFailures::Count(count) => count.to_string(),
                MaxFailures::Percent(percent) => format!("{percent}%"),
            };
            (Counted::All, format!("--max-change {stated}"), most.of(before).allowed)
        });
        let gates = new.into_iter().chain(all);
        let judged = gates.map(|(counted, flag, allowed)| {
            let count = counted.of(tally);
            Exceeded { counted, flag, allowed, count, cause: None }
        });
        judged.filter(|one| one.count > one.allowed).collect()
    }
}

impl Exceeded {
    /// In a line or two, safe for a terminal.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { counted, flag, allowed, count, cause } = self;
        let percent = if flag.ends_with('%') { format!(" ({allowed})") } else { String::new() };
        let are = if *count == 1 { "operation is" } else { "operations are" };
        let mut text = format!("{flag}{percent}: {count} {are} {}", counted.adjective());
        if let Some(cause) = cause {
            text.push_str(&format!("\n{}", cause.text(*count)));
        }
        text
    }
}

impl Cause {
    fn text(&self, count: usize) -> String {
        let Self { path, lines, operations, evidence } = self;
        let (path, line) = (visible(path), lines.start());
        let of = if *operations == count { format!("all {count}") } else { format!("{operations} of them") };
        match evidence {
            Evidence::Undone(says) => {
                let says = shortened(says.trim());
                match lines.end() - line {
                    0 => format!("{path}:{line}: this line brings {of}: {says}"),
                    more => format!("{path}:{line}: this and the {more} lines after it bring {of}: {says}"),
                }
            }
            Evidence::NewPlan => format!("{path}:{line}: this plan is new and brings {of}"),
            Evidence::Governs => {
                format!("{path}:{line}: this line governs {of}")
            }
            Evidence::Project(project) => format!("{path}:{line}: project {} has {of}", visible(project)),
        }
    }
}

/// Characters of a plan's line that a message shows.
const MOST_SHOWN: usize = 100;

fn shortened(line: &str) -> String {
    let mut shown: String = line.chars().take(MOST_SHOWN).collect();
    if shown.len() < line.len() {
        shown.push('…');
    }
    visible(&shown).into_owned()
}

impl Difference {
    /// How many operations differ.
    #[must_use]
    pub fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, operation) in self.operations() {
            match operation.change {
                OperationChange::Added { .. } => tally.added += 1,
                OperationChange::Removed { .. } => tally.removed += 1,
                OperationChange::Changed { .. } => tally.changed += 1,
            }
        }
        tally
    }

    /// The likeliest cause of most of what is counted, where no text of the old plans is there to compare with: a plan that is
    /// new, the line that governs most of it, or the project that has most of it.
    #[must_use]
    pub fn governing(&self, counted: Counted) -> Option<Cause> {
        let new_plans = self.plans.iter().filter_map(|plan| match &plan.change {
            PlanChange::Added { operations } => Some(Cause {
                path: plan.path.clone(),
                lines: 1..=1,
                operations: operations.len(),
                evidence: Evidence::NewPlan,
            }),
            _ => None,
        });
        let (mut by_line, mut by_project) = (BTreeMap::new(), BTreeMap::new());
        for (is_new, operation) in self.operations().filter(|(_, operation)| counted.counts(operation)) {
            if !is_new {
                let (path, line) = &operation.place;
                *by_line.entry((path, *line)).or_insert(0) += 1;
                let first = by_project.entry((path, &operation.project)).or_insert((*line, 0));
                *first = (first.0.min(*line), first.1 + 1);
            }
        }
        let lines = by_line.into_iter().map(|((path, line), operations)| Cause {
            path: path.clone(),
            lines: line..=line,
            operations,
            evidence: Evidence::Governs,
        });
        let projects = by_project.into_iter().map(|((path, project), (line, operations))| Cause {
            path: path.clone(),
            lines: line..=line,
            operations,
            evidence: Evidence::Project(project.to_string()),
        });
        // Of causes with as many, the first: a plan says more than a line, and a line more than a project.
        largest(new_plans.chain(lines).chain(projects))
    }

    /// All operations that differ, each with whether its plan is new.
    pub(super) fn operations(&self) -> impl Iterator<Item = (bool, &OperationDifference)> {
        self.plans.iter().flat_map(|plan| {
            let (is_new, operations) = match &plan.change {
                PlanChange::Added { operations } => (true, operations),
                PlanChange::Removed { operations } | PlanChange::Changed { operations, .. } => (false, operations),
            };
            operations.iter().map(move |operation| (is_new, operation))
        })
    }
}

/// The cause of most; the first of those with as many.
#[must_use]
pub fn largest(causes: impl Iterator<Item = Cause>) -> Option<Cause> {
    causes.filter(|cause| cause.operations > 0).reduce(
        |best, cause| {
            if cause.operations > best.operations { cause } else { best }
        },
    )
}
