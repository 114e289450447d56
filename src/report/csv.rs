//! CSV: a row an operation, for spreadsheets and databases.
//!
//! A spreadsheet takes a cell that begins with `=`, `+`, `-`, `@` or a tab for a formula, and what a service says or a plan calls
//! something may begin so: such a cell gets an apostrophe in front, which spreadsheets hide. Control characters are written out,
//! so that a row is a line. `docs/reports.md` lists the columns.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use super::format::RunReport;
use super::json::{millis, timestamp};
use crate::diagnostic::visible;
use crate::event::OpIndex;

/// The columns, in order.
const COLUMNS: [&str; 25] = [
    "run",
    "plan",
    "digest",
    "id",
    "project",
    "region",
    "project_id",
    "enterprise_project_id",
    "credential",
    "registry_sets",
    "wave",
    "path",
    "line",
    "column",
    "outcome",
    "kind",
    "error_code",
    "reason",
    "task_id",
    "calls",
    "throttled",
    "started_at",
    "in_calls_ms",
    "status",
    "request_id",
];

/// Writes the report.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_csv(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let mut writer = csv::Writer::from_writer(out);
    writer.write_record(COLUMNS)?;
    for op in 0..report.plan.operations.len() {
        let row = row(report, op);
        writer.write_record(row.iter().map(|cell| harmless(cell).into_owned()))?;
    }
    writer.flush()
}

fn row(report: &RunReport<'_>, op: OpIndex) -> [String; COLUMNS.len()] {
    let RunReport { plan, sources, summary, .. } = *report;
    let operation = &plan.operations[op];
    let (file, target) = (&plan.plans[operation.plan], &operation.target);
    let (path, position) = sources.place(operation.location);
    let ended = summary.operations.get(op);
    let outcome = ended.and_then(|ended| ended.outcome.as_ref());
    let failure = outcome.and_then(|outcome| outcome.failure());
    let attempts = ended.map(|ended| ended.attempts.as_slice()).unwrap_or_default();
    let (first, last) = (attempts.first(), attempts.last());
    let sets: Vec<&str> = operation.sets.iter().map(|set| set.as_str()).collect();
    let part = summary.part([op]);
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    [
        text(summary.run.as_ref().map(|run| run.as_str())),
        file.name.clone(),
        file.digest.as_str().to_owned(),
        operation.id.as_str().to_owned(),
        target.project.to_string(),
        target.region.to_string(),
        target.project_id.as_str().to_owned(),
        target.enterprise_project_id.as_str().to_owned(),
        target.credential.as_str().to_owned(),
        sets.join(" "),
        file.waves[operation.wave].name.to_string(),
        path.to_owned(),
        position.line().to_string(),
        position.column().to_string(),
        outcome.map_or("not_attempted", |outcome| outcome.as_str()).to_owned(),
        text(failure.map(|failure| failure.kind.as_str())),
        text(failure.and_then(|failure| failure.code.as_deref())),
        ended.and_then(|ended| ended.reason()).unwrap_or_default(),
        text(ended.and_then(|ended| ended.task.as_ref()).map(|task| task.as_str())),
        part.attempts.to_string(),
        part.throttled.to_string(),
        first.map(|first| started(report, first.started)).unwrap_or_default(),
        millis(part.in_calls).to_string(),
        last.and_then(|last| last.status).map(|status| status.to_string()).unwrap_or_default(),
        text(last.and_then(|last| last.request_id.as_deref())),
    ]
}

fn started(report: &RunReport<'_>, after: Duration) -> String {
    timestamp(report.summary.started_at.unwrap_or_default(), after)
}

/// A cell that no spreadsheet calculates, on one line.
fn harmless(cell: &str) -> Cow<'_, str> {
    let shown = visible(cell);
    // The wide ones count in some languages.
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{shown}").into()
    } else {
        shown
    }
}

#[cfg(test)]
mod tests;
