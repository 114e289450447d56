//! Plans and their validation as text for people: the answer first, one line for one fact.

use std::collections::BTreeSet;
use std::fmt::Write;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::diagnostic::visible;
use crate::expand::{ExecutionPlan, PlannedFile};
use crate::forecast::Forecast;
use crate::model::{EnterpriseProjectId, Operation, ProjectRef, format_estimate};

/// The one line of `validate` when all is well.
#[must_use]
pub fn validation_line(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    let regions: BTreeSet<_> = plan.operations.iter().map(|operation| operation.target.region.as_str()).collect();
    let subject = match plan.plans.len() {
        1 => "1 plan valid".to_owned(),
        count => format!("{count} plans valid"),
    };
    let decided = match &forecast.decided_by {
        Some(decider) => {
            let quota = plan.plans.first().map(|plan| plan.limits.quota.to_string()).unwrap_or_default();
            format!(" ({}: {} at {quota})", decider.name, counted(decider.calls, "call"))
        }
        None => String::new(),
    };
    format!(
        "{subject}: {} in {}, {}, at least {}{decided}\n",
        counted(plan.operations.len(), "operation"),
        counted(regions.len(), "region"),
        counted(forecast.calls, "call"),
        format_estimate(forecast.duration),
    )
}

/// The sentence on calls, forecast and what decides it.
#[must_use]
pub fn forecast_line(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    let pauses = plan.plans.iter().any(|plan| plan.waves.len() > 1 && !plan.pause.is_zero());
    let why = match (&forecast.decided_by, pauses) {
        (Some(decider), pauses) => {
            let quota = plan.plans.first().map(|plan| plan.limits.quota.to_string()).unwrap_or_default();
            let pauses = if pauses { ", with the pauses between waves" } else { "" };
            format!("{} sends {} at {quota}{pauses}", decider.name, counted(decider.calls, "call"))
        }
        (None, true) => "pause between waves; quota doesn't bind".to_owned(),
        (None, false) => "quota doesn't bind".to_owned(),
    };
    format!(
        "{}, {}. Forecast {}: {why}.\n",
        counted(plan.operations.len(), "operation"),
        counted(forecast.calls, "call"),
        format_estimate(forecast.duration)
    )
}

/// What `plan` prints: for each plan a heading, its operations and its budgets, then the forecast.
///
/// `width` is the terminal's, in columns; no line is wider.
#[must_use]
pub fn plan_tables(plan: &ExecutionPlan, forecast: &Forecast, width: usize) -> String {
    let mut text = String::new();
    let mut next = 0;
    for (index, file) in plan.plans.iter().enumerate() {
        let operations = &plan.operations[next..];
        let end = operations.iter().position(|operation| operation.plan != index).unwrap_or(operations.len());
        next += end;
        plan_table(&mut text, file, &operations[..end], width);
    }
    if plan.plans.len() > 1 {
        let _ = writeln!(text, "Together {}\n", plan.digest);
    }
    text.push_str(&forecast_line(plan, forecast));
    for file in &plan.plans {
        text.push_str(&budget_line(file, plan.plans.len() > 1));
    }
    text
}

const HEADINGS: [&str; 6] = ["wave", "project", "region", "project id", "enterprise", "what"];

fn plan_table(text: &mut String, file: &PlannedFile, operations: &[Operation], width: usize) {
    let _ = writeln!(text, "{}   {}   {}\n", visible(&file.name), visible(&file.path), file.digest);
    let rows: Vec<[String; 6]> = operations.iter().map(|operation| row(file, operation)).collect();
    let mut widths = HEADINGS.map(str::len);
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.width());
        }
    }
    let headings = HEADINGS.map(str::to_owned);
    for row in std::iter::once(&headings).chain(&rows) {
        let mut line = String::new();
        for (cell, cell_width) in row.iter().zip(widths) {
            let padding = cell_width.saturating_sub(cell.width());
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', padding + 2));
        }
        text.push_str(&fit(line.trim_end(), width));
        text.push('\n');
    }
    text.push('\n');
}

fn row(file: &PlannedFile, operation: &Operation) -> [String; 6] {
    let target = &operation.target;
    let project_id = match &target.project_id {
        ProjectRef::Id(id) => short_id(id.as_str()),
        ProjectRef::Lookup => "lookup".to_owned(),
    };
    [
        file.waves[operation.wave].name.to_string(),
        target.project.to_string(),
        target.region.to_string(),
        project_id,
        enterprise_word(&target.enterprise_project_id),
        what(operation),
    ]
}

fn enterprise_word(id: &EnterpriseProjectId) -> String {
    if id.as_str() == "all_granted_eps" { "all".to_owned() } else { short_id(id.as_str()) }
}

fn what(operation: &Operation) -> String {
    let sets: Vec<&str> = operation.sets.iter().map(|set| set.as_str()).collect();
    let sets = sets.join(", ");
    let body = &operation.content.body;
    if body.sync_all_registries {
        return format!("everything ({sets})");
    }
    let named = (!body.registry_info.is_empty()).then(|| match body.registry_info.len() {
        1 => "1 registry".to_owned(),
        count => format!("{count} registries"),
    });
    let selected = (!operation.content.selectors.is_empty()).then(|| "what select finds".to_owned());
    let parts: Vec<String> = named.into_iter().chain(selected).collect();
    format!("{} ({sets})", parts.join(" and "))
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
    format!("Failure budget{of}: {}.\n", parts.join("; "))
}

/// An id for a narrow column: its first and last four characters, when it is long.
#[must_use]
pub fn short_id(id: &str) -> String {
    let characters: Vec<char> = id.chars().collect();
    if characters.len() <= 12 {
        return id.to_owned();
    }
    let (start, end) = (&characters[..4], &characters[characters.len() - 4..]);
    format!("{}…{}", start.iter().collect::<String>(), end.iter().collect::<String>())
}

/// `1 call`, `2 calls`.
fn counted(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Cuts a line to `width` columns; an ellipsis shows that something is missing.
fn fit(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in line.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_ids_keep_both_ends() {
        assert_eq!(short_id("0a1b2c3d4e5f60718293a4b5c6d7e8f9"), "0a1b…e8f9");
        assert_eq!(short_id("0"), "0");
        assert_eq!(short_id("twelve-chars"), "twelve-chars");
    }

    #[test]
    fn no_line_is_wider_than_the_terminal() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        // Each of these characters is two columns wide.
        assert_eq!(fit("镜像仓镜像仓", 6), "镜像…");
    }
}
