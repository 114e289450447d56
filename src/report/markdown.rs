//! Markdown for the summary of a CI job: totals, failures by cause, regions.
//!
//! It is bounded, however large the run: rows are counted, cells are cut, and what is left out is said. What comes from a plan or
//! from the service stands in code spans, in which nothing has a meaning (no link, no mention, no HTML), and on no line of its own.

use std::fmt::Write as _;
use std::io::{self, Write};

use super::closing::{LOOK_AGAIN, advice, first_places, totals, what};
use super::format::{RunReport, merged_from};
use crate::diagnostic::visible;
use crate::event::OpIndex;
use crate::expand::ExecutionPlan;
use crate::summary::{Cause, Counts, RunSummary};

/// Rows of a table.
const MOST_ROWS: usize = 50;
/// Bytes of a table. There are four of them, and the whole is to stay below the 1 MiB that GitHub takes.
const LARGEST_TABLE: usize = 200 * 1024;
/// Characters of a cell.
const LONGEST_CELL: usize = 400;

/// Writes the report; at most 1 MiB.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_markdown(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    out.write_all(markdown(report).as_bytes())
}

fn markdown(report: &RunReport<'_>) -> String {
    let RunReport { plan, sources, summary, .. } = *report;
    // Writing into memory has no way to fail.
    let mut text = format!("## hss-sync: {}\n\n", title(&summary.counts));
    let _ = writeln!(text, "{}\n", totals(summary).replace('\u{a0}', " "));
    let _ = writeln!(text, "{}\n", facts(report));
    let plans = plan.plans.iter().map(|file| [code(&file.name), code(&file.path), code(file.digest.as_str())]);
    table(&mut text, ["plan", "file", "digest"], plans, "plans");
    let causes = summary.causes();
    if !causes.is_empty() {
        text.push_str("\n### Causes\n\n");
        let row = |cause: &Cause| {
            let (path, line) = cause.ops.first().map_or(("", 0), |op| {
                let (path, position) = sources.place(plan.operations[*op].location);
                (path, position.line())
            });
            [
                cause.ops.len().to_string(),
                cause.outcome.replace('_', " "),
                code(&what(cause)),
                places(plan, &cause.ops),
                code(&format!("{path}:{line}")),
                advice(cause).map(own).unwrap_or_default(),
            ]
        };
        table(
            &mut text,
            ["operations", "outcome", "cause", "first places", "governed by", "next step"],
            causes.iter().map(row),
            "causes",
        );
    }
    left_open(&mut text, plan, summary);
    regions(&mut text, plan, summary);
    text
}

/// The answer in a few words: `4 failed, 1 unknown of 13 operations`, `all 13 operations accepted`.
fn title(counts: &Counts) -> String {
    let named: Vec<(&str, usize)> = counts.named().into_iter().filter(|(_, count)| *count > 0).collect();
    let operations = if counts.planned == 1 { "operation" } else { "operations" };
    if let [(word, count)] = named[..]
        && count == counts.planned
    {
        let all = if count == 1 { "1" } else { &format!("all {count}") };
        return format!("{all} {operations} {}", word.replace('_', " "));
    }
    let bad = |word: &str| !matches!(word, "accepted" | "confirmed" | "skipped");
    let any_bad = named.iter().any(|(word, _)| bad(word));
    let parts: Vec<String> = named
        .iter()
        .filter(|(word, _)| bad(word) || !any_bad)
        .map(|(word, count)| format!("{count} {}", word.replace('_', " ")))
        .collect();
    format!("{} of {} {operations}", parts.join(", "), counts.planned)
}

/// Which run it is.
fn facts(report: &RunReport<'_>) -> String {
    let RunReport { summary, facts, runs, .. } = report;
    let mut text = format!("Run {}", code(summary.run.as_ref().map_or("", |run| run.as_str())));
    if !runs.is_empty() {
        let named: Vec<String> = merged_from(runs).iter().map(|run| code(run)).collect();
        let _ = write!(text, ", merged from {} runs: {}", runs.len(), named.join(", "));
    }
    if let Some(shard) = facts.shard {
        let _ = write!(text, ", shard {shard}");
    }
    if let Some(started_at) = summary.started_at {
        let _ = write!(text, ", started {started_at:.0}");
    }
    let _ = write!(text, ", exit code {}: {}", facts.exit.code(), own(facts.exit.meaning()));
    if facts.simulated {
        let in_part = runs.iter().any(|run| !run.simulated);
        text.push_str(if in_part {
            ". **Simulated in part**: of some runs nothing was sent to the service"
        } else {
            ". **Simulated**: nothing was sent to the service"
        });
    }
    text.push('.');
    text
}

/// Operations whose task could not be told or was not seen to end.
fn left_open(text: &mut String, plan: &ExecutionPlan, summary: &RunSummary) {
    let reasons = summary.left_open();
    if reasons.is_empty() {
        return;
    }
    let _ = write!(text, "\n### Tasks not seen to end\n\n{LOOK_AGAIN}\n\n");
    let row = |reason: &Cause| {
        let places = places(plan, &reason.ops);
        [reason.ops.len().to_string(), reason.outcome.to_owned(), code(&visible(&reason.message)), places]
    };
    table(text, ["operations", "outcome", "why", "first places"], reasons.iter().map(row), "reasons");
}

/// How each region did.
fn regions(text: &mut String, plan: &ExecutionPlan, summary: &RunSummary) {
    let mut regions: Vec<(&str, Vec<OpIndex>)> = Vec::new();
    for (op, operation) in plan.operations.iter().enumerate() {
        let region = operation.target.region.as_str();
        match regions.iter_mut().find(|(name, _)| *name == region) {
            Some((_, ops)) => ops.push(op),
            None => regions.push((region, vec![op])),
        }
    }
    text.push_str("\n### Regions\n\n");
    let row = |(region, ops): &(&str, Vec<OpIndex>)| {
        let part = summary.part(ops.iter().copied());
        let [accepted, confirmed, failed, unknown, skipped, left] =
            part.counts.named().map(|(_, count)| count.to_string());
        let (planned, calls, throttled) =
            (part.counts.planned.to_string(), part.attempts.to_string(), part.throttled.to_string());
        [code(region), planned, accepted, confirmed, failed, unknown, skipped, left, calls, throttled]
    };
    let head = [
        "region",
        "planned",
        "accepted",
        "confirmed",
        "failed",
        "unknown",
        "skipped",
        "not attempted",
        "calls",
        "throttled",
    ];
    table(text, head, regions.iter().map(row), "regions");
}

/// A table of at most [`MOST_ROWS`] rows and [`LARGEST_TABLE`] bytes, and how many `what` are not in it.
fn table<const N: usize>(
    text: &mut String,
    head: [&str; N],
    rows: impl ExactSizeIterator<Item = [String; N]>,
    what: &str,
) {
    let _ = writeln!(text, "| {} |\n|{}", head.join(" | "), "---|".repeat(N));
    let (mut left_out, start) = (rows.len(), text.len());
    for row in rows.take(MOST_ROWS) {
        let row = format!("| {} |\n", row.join(" | "));
        if text.len() - start + row.len() > LARGEST_TABLE {
            break;
        }
        text.push_str(&row);
        left_out -= 1;
    }
    if left_out > 0 {
        let _ = writeln!(text, "\nand {left_out} more {what}, which only the JSON report has.");
    }
}

fn places(plan: &ExecutionPlan, ops: &[OpIndex]) -> String {
    let (named, more) = first_places(plan, ops);
    let mut parts: Vec<String> = named.iter().map(|name| code(name)).collect();
    if more > 0 {
        parts.push(format!("and {more} more"));
    }
    parts.join(", ")
}

/// Text that is not ours, as a code span in a cell: cut, on one line, and shown as it is.
fn code(text: &str) -> String {
    let text = visible(text);
    let mut cut: String = text.chars().take(LONGEST_CELL).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    if cut.trim().is_empty() {
        return "–".to_owned();
    }
    // A code span ends at as many backticks as it began with.
    let longest = cut.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // One space at each end is taken off again, where there is one at both.
    let padded = cut.starts_with(['`', ' ']) || cut.ends_with(['`', ' ']);
    let pad = if padded { " " } else { "" };
    format!("{fence}{pad}{}{pad}{fence}", pipes(&cut))
}

/// A cell ends at a pipe, also inside a code span, unless an odd number of backslashes stands before it.
fn pipes(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut backslashes = 0;
    for c in text.chars() {
        if c == '|' {
            escaped.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        escaped.push(c);
    }
    escaped
}

/// Our own words, in which backticks mean code.
fn own(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

#[cfg(test)]
mod tests;
