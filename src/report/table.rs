//! Plans and their validation as text for people: the answer first, one line for one fact.

use std::collections::BTreeSet;
use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use super::wrap::{fit, wrap};
use crate::diagnostic::visible;
use crate::expand::{ExecutionPlan, PlannedFile};
use crate::forecast::Forecast;
use crate::model::{Operation, ProjectRef, Quota, format_estimate};

/// The one line of `validate` when all is well.
#[must_use]
pub fn validation_line(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    let regions: BTreeSet<_> = plan.selected().map(|operation| operation.target.region.as_str()).collect();
    let subject = match plan.plans.len() {
        1 => "1 plan valid".to_owned(),
        count => format!("{count} plans valid"),
    };
    format!(
        "{subject}: {} in {}, {}, at least {}\n",
        operations_of(plan),
        counted(regions.len(), "region"),
        counted(forecast.calls, "call"),
        forecast_text(plan, forecast),
    )
}

/// How long it will take, and what decides that: `18 min (cn-north-4: 90 calls at 5 a minute)`.
#[must_use]
pub fn forecast_text(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    let decided = match &forecast.decided_by {
        Some(decider) => format!(" ({}: {}{})", decider.name, counted(decider.calls, "call"), at_quota(plan)),
        None => String::new(),
    };
    format!("{}{decided}", format_estimate(forecast.duration))
}

/// ` at 5 a minute`; with every quota that the plans state and no other one implies, since all of them hold.
fn at_quota(plan: &ExecutionPlan) -> String {
    let stated = || plan.plans.iter().map(|file| file.limits.quota);
    let implied = |quota: &Quota| {
        stated().any(|other| {
            other.calls <= quota.calls && other.per >= quota.per && (other.calls, other.per) != (quota.calls, quota.per)
        })
    };
    let mut quotas: Vec<String> = Vec::new();
    for quota in stated().filter(|quota| !implied(quota)) {
        let text = quota.to_string();
        if !quotas.contains(&text) {
            quotas.push(text);
        }
    }
    if quotas.is_empty() { String::new() } else { format!(" at {}", quotas.join(" and ")) }
}

/// `40 operations`, or of a selection `12 of 40 operations`.
fn operations_of(plan: &ExecutionPlan) -> String {
    let (selected, all) = (plan.selected().count(), counted(plan.operations.len(), "operation"));
    if selected == plan.operations.len() { all } else { format!("{selected} of {all}") }
}

/// The sentence on calls, forecast and what decides it.
fn forecast_line(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    let pauses = plan.plans.iter().any(|plan| plan.waves.len() > 1 && !plan.pause.is_zero());
    let why = match (&forecast.decided_by, pauses) {
        (Some(decider), pauses) => {
            let pauses = if pauses { ", with the pauses between waves" } else { "" };
            format!("{} takes {}{}{pauses}", decider.name, counted(decider.calls, "call"), at_quota(plan))
        }
        (None, true) => "pause between waves; quota doesn't bind".to_owned(),
        (None, false) => "quota doesn't bind".to_owned(),
    };
    format!(
        "{}, {}. Forecast {}: {why}.",
        operations_of(plan),
        counted(forecast.calls, "call"),
        format_estimate(forecast.duration)
    )
}

/// What `plan` prints: for each plan a heading, its operations and its budgets, then the forecast.
///
/// `width` is the terminal's, in columns; no line is wider. Ids are whole where there is room for them. Of each plan at
/// most `most_rows` operations are shown.
#[must_use]
pub fn plan_tables(plan: &ExecutionPlan, forecast: &Forecast, width: usize, most_rows: usize) -> String {
    let mut text = String::new();
    let mut selected = plan.selected().peekable();
    for (index, file) in plan.plans.iter().enumerate() {
        let operations: Vec<&Operation> =
            std::iter::from_fn(|| selected.next_if(|operation| operation.plan == index)).collect();
        let end = operations.len();
        let heading = format!("{}   {}   {}", visible(&file.name), visible(&file.path), file.digest);
        wrap(&mut text, "", "    ", &heading, width);
        text.push('\n');
        let shown = &operations[..end.min(most_rows)];
        if shown.is_empty() {
            text.push_str("nothing of it is selected\n");
        } else {
            table(&mut text, file, shown, width);
        }
        if shown.len() < end {
            let _ = writeln!(text, "and {} more; `hss-sync plan` shows them all", end - shown.len());
        }
        text.push('\n');
    }
    if plan.plans.len() > 1 {
        wrap(&mut text, "", "    ", &format!("Together {}", plan.digest), width);
        text.push('\n');
    }
    wrap(&mut text, "", "", &forecast_line(plan, forecast), width);
    let unresolved = plan.selected().filter(|operation| operation.needs_network()).count();
    if unresolved > 0 {
        let of = plan.selected().count();
        let note =
            format!("{unresolved} of {of} use `lookup` or `select`, which `--online` and `run` resolve by reads.");
        wrap(&mut text, "", "    ", &note, width);
    }
    for file in &plan.plans {
        let budgets = budget_line(file, plan.plans.len() > 1);
        if !budgets.is_empty() {
            wrap(&mut text, "", "    ", &budgets, width);
        }
    }
    text
}

const HEADINGS: [&str; 6] = ["wave", "project", "region", "project id", "enterprise", "what"];
/// Columns that a name may take on a terminal that is too narrow for everything.
const NARROW_NAME: usize = 24;

/// The operations in columns: ids whole if that fits, else short ones, else short names too, and then cut at the edge.
fn table(text: &mut String, file: &PlannedFile, operations: &[&Operation], width: usize) {
    let whole = |id: &str| id.to_owned();
    let mut rows = rows(file, operations, whole);
    if total(&widths(&rows)) > width {
        rows = self::rows(file, operations, short_id);
    }
    if total(&widths(&rows)) > width {
        for row in &mut rows {
            for cell in &mut row[..2] {
                *cell = fit(cell, NARROW_NAME);
            }
        }
    }
    let widths = widths(&rows);
    for row in &rows {
        let mut line = String::new();
        for (cell, cell_width) in row.iter().zip(widths) {
            let padding = cell_width.saturating_sub(cell.width());
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding + 2));
        }
        text.push_str(&fit(line.trim_end(), width));
        text.push('\n');
    }
}

fn rows(file: &PlannedFile, operations: &[&Operation], id: fn(&str) -> String) -> Vec<[String; 6]> {
    std::iter::once(HEADINGS.map(str::to_owned)).chain(operations.iter().map(|one| row(file, one, id))).collect()
}

fn widths(rows: &[[String; 6]]) -> [usize; 6] {
    let mut widths = [0; 6];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    widths
}

fn total(widths: &[usize; 6]) -> usize {
    widths.iter().sum::<usize>() + 2 * (widths.len() - 1)
}

fn row(file: &PlannedFile, operation: &Operation, id: fn(&str) -> String) -> [String; 6] {
    let target = &operation.target;
    let enterprise = target.enterprise_project_id.as_str();
    [
        file.waves[operation.wave].name.to_string(),
        target.project.to_string(),
        target.region.to_string(),
        match &target.project_id {
            ProjectRef::Id(project) => visible(&id(project.as_str())).into_owned(),
            ProjectRef::Lookup => "lookup".to_owned(),
        },
        if enterprise == "all_granted_eps" { "all".to_owned() } else { visible(&id(enterprise)).into_owned() },
        operation.what(),
    ]
}

fn budget_line(file: &PlannedFile, several: bool) -> String {
    let parts: Vec<String> = file
        .waves
        .iter()
        .filter_map(|wave| wave.budget.map(|budget| (wave, budget)))
        .map(|(wave, budget)| {
            let serial = if budget.allowed == 0 && wave.operations > 1 { ", so one at a time" } else { "" };
            format!("{} {budget}{serial}", wave.name)
        })
        .collect();
    if parts.is_empty() {
        return String::new();
    }
    let of = if several { format!(" of {}", visible(&file.name)) } else { String::new() };
    format!("Failure budget{of}: {}.", parts.join("; "))
}

/// An id for a narrow column: its first eight and last four characters, when it is long.
fn short_id(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    if characters.len() <= 16 {
        return id.to_owned();
    }
    let (start, end) = (&characters[..8], &characters[characters.len() - 4..]);
    format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

/// `1 call`, `2 calls`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests;
