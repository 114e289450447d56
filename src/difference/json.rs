//! A difference as one JSON document: `plan --diff OLD --format json`. `docs/review.md` describes it.

use std::io::{self, Write};

use serde::Serialize;

use super::gate::Tally;
use super::{Comparison, Counted, Exceeded, OperationChange, OperationDifference, PlanChange, SideFacts};
use crate::diagnostic::write_document;

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    old: &'a SideFacts,
    new: &'a SideFacts,
    summary: Tally,
    plans: Vec<Plan<'a>>,
    operations: Vec<Operation<'a>>,
    exceeded: Vec<Gate<'a>>,
}

#[derive(Serialize)]
struct Plan<'a> {
    path: &'a str,
    name: &'a str,
    change: &'static str,
    settings: Vec<Setting<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

#[derive(Serialize)]
struct Setting<'a> {
    setting: &'a str,
    old: &'a str,
    new: &'a str,
}

#[derive(Serialize)]
struct Operation<'a> {
    change: &'static str,
    id: &'a str,
    old_id: Option<&'a str>,
    project: &'a str,
    region: &'a str,
    wave: Option<&'a str>,
    source: Source<'a>,
    /// What is or was asked for, in words; absent when it changed.
    #[serde(skip_serializing_if = "Option::is_none")]
    what: Option<&'a str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    changes: Vec<String>,
}

#[derive(Serialize)]
struct Source<'a> {
    path: &'a str,
    line: u32,
}

#[derive(Serialize)]
struct Gate<'a> {
    gate: &'a str,
    allowed: usize,
    count: usize,
    cause: Option<Blamed<'a>>,
}

#[derive(Serialize)]
struct Blamed<'a> {
    path: &'a str,
    line: u32,
    end_line: u32,
    operations: usize,
}

/// Writes the document.
///
/// # Errors
/// When the writer fails.
pub fn write_difference(out: &mut dyn Write, comparison: &Comparison<'_>) -> io::Result<()> {
    let Comparison { old, new, difference, exceeded } = comparison;
    let document = Document {
        schema_version: 1,
        old,
        new,
        summary: difference.tally(),
        plans: difference.plans.iter().map(plan).collect(),
        operations: difference.operations().map(|(_, one)| operation(one)).collect(),
        exceeded: exceeded.iter().map(gate).collect(),
    };
    write_document(out, &document)
}

fn plan(plan: &super::PlanDifference) -> Plan<'_> {
    let (change, settings, note) = match &plan.change {
        PlanChange::Added { .. } => ("added", Vec::new(), None),
        PlanChange::Removed { .. } => ("removed", Vec::new(), None),
        PlanChange::Changed { settings, .. } => {
            let settings = settings.iter();
            let settings = settings.map(|one| Setting { setting: &one.setting, old: &one.old, new: &one.new });
            ("changed", settings.collect(), plan.hidden())
        }
    };
    Plan { path: &plan.path, name: &plan.name, change, settings, note }
}

fn operation(one: &OperationDifference) -> Operation<'_> {
    let (path, line) = &one.place;
    let (change, what, changes) = match &one.change {
        OperationChange::Added { what } => ("added", Some(what.as_str()), Vec::new()),
        OperationChange::Removed { what } => ("removed", Some(what.as_str()), Vec::new()),
        OperationChange::Changed { .. } => ("changed", None, one.words(usize::MAX)),
    };
    Operation {
        change,
        id: one.id.as_str(),
        old_id: one.old_id.as_ref().map(|id| id.as_str()),
        project: one.project.as_str(),
        region: one.region.as_str(),
        wave: one.wave.as_ref().map(|wave| wave.as_str()),
        source: Source { path, line: *line },
        what,
        changes,
    }
}

fn gate(one: &Exceeded) -> Gate<'_> {
    let cause = one.cause.as_ref().map(|cause| Blamed {
        path: &cause.path,
        line: *cause.lines.start(),
        end_line: *cause.lines.end(),
        operations: cause.operations,
    });
    let gate = match one.counted {
        Counted::New => "max-new",
        Counted::All => "max-change",
    };
    Gate { gate, allowed: one.allowed, count: one.count, cause }
}
