//! The end of a run as text: the counts, then each cause once with its count, places and next step.

use std::fmt::Write;

use unicode_width::UnicodeWidthStr;

use crate::diagnostic::visible;
use crate::event::{FailureKind, OpIndex, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{format_duration, format_estimate};
use crate::policy::service_code;
use crate::source::Sources;
use crate::summary::{Cause, RunSummary};

/// Causes that are shown; the rest is counted. The report has them all.
const MOST_CAUSES: usize = 10;
/// Operations that are named for a cause.
const MOST_PLACES: usize = 3;

/// The last lines of a run: what became of its operations, and why.
#[must_use]
pub fn closing(plan: &ExecutionPlan, sources: &Sources, summary: &RunSummary) -> String {
    let mut text = counts_line(summary);
    let causes = summary.causes();
    if !causes.is_empty() {
        text.push('\n');
    }
    let heads: Vec<String> = causes.iter().take(MOST_CAUSES).map(head).collect();
    let width = heads.iter().map(|head| head.width()).max().unwrap_or(0).min(54);
    for (cause, head) in causes.iter().zip(&heads) {
        let padding = width.saturating_sub(head.width());
        let _ = writeln!(text, "{head}{}  {}", " ".repeat(padding), places(plan, &cause.ops));
        if let Some(advice) = advice(cause) {
            let place = cause.ops.first().map(|op| place(plan, sources, *op)).unwrap_or_default();
            let _ = writeln!(text, "    {place}: {advice}");
        }
    }
    if causes.len() > MOST_CAUSES {
        let _ = writeln!(text, "and {} more causes, in the report", causes.len() - MOST_CAUSES);
    }
    text
}

fn counts_line(summary: &RunSummary) -> String {
    let counts = &summary.counts;
    let named = [
        (counts.accepted, "accepted"),
        (counts.confirmed, "confirmed"),
        (counts.failed, "failed"),
        (counts.unknown, "unknown"),
        (counts.skipped, "skipped"),
        (counts.not_attempted, "not attempted"),
    ];
    // The first count always stands, so that "0 accepted" is said and not left to be noticed.
    let parts: Vec<String> = named
        .iter()
        .enumerate()
        .filter(|(index, (count, _))| *index == 0 && counts.confirmed == 0 || *count > 0)
        .map(|(_, (count, word))| format!("{count} {word}"))
        .collect();
    format!(
        "{} of {} in {} (forecast {}), {} {}, {} throttled\n",
        parts.join(", "),
        counts.planned,
        format_duration(summary.elapsed),
        format_estimate(summary.forecast),
        summary.attempts,
        if summary.attempts == 1 { "call" } else { "calls" },
        summary.throttled,
    )
}

fn head(cause: &Cause) -> String {
    let count = cause.ops.len();
    let outcome = match cause.outcome {
        "unknown" => "unknown: ",
        "not_attempted" => "not attempted: ",
        "skipped" => "skipped: ",
        _ => "",
    };
    let code = cause.code.as_ref().map(|code| format!("{code} ")).unwrap_or_default();
    let message: String = cause.message.chars().take(120).collect();
    format!("{count} × {outcome}{}{}", visible(&code), visible(&message))
}

fn places(plan: &ExecutionPlan, operations: &[OpIndex]) -> String {
    let name = |op: &OpIndex| {
        let target = &plan.operations[*op].target;
        format!("{} / {}", target.project, target.region)
    };
    let mut named: Vec<String> = operations.iter().take(MOST_PLACES).map(name).collect();
    if operations.len() > MOST_PLACES {
        named.push(format!("and {} more", operations.len() - MOST_PLACES));
    }
    named.join(", ")
}

fn place(plan: &ExecutionPlan, sources: &Sources, op: OpIndex) -> String {
    let (path, position) = sources.place(plan.operations[op].location);
    format!("{}:{}", visible(path), position.line())
}

/// What to do about a cause: by its code where that is known, else by its kind.
fn advice(cause: &Cause) -> Option<&str> {
    if let Some(known) = cause.code.as_deref().and_then(service_code) {
        return Some(known.next_step);
    }
    let advice = match cause.kind? {
        FailureKind::Refused => {
            "the service refused it; its message says why, and the report has the request and its id"
        }
        FailureKind::Credential => "check the key, its clock and its access to this project",
        FailureKind::Throttled => {
            "someone else uses the same quota, or it is smaller than the plan says: lower `limits.quota`"
        }
        FailureKind::Unavailable => "the service was not available; run it again later",
        FailureKind::NotSent => "no connection: check the endpoint, the proxy and the network of this machine",
        FailureKind::Redirected => "redirects are never followed; check the endpoint, and any proxy on the way",
        FailureKind::NoAnswer | FailureKind::UnclearAnswer => {
            "whether it was accepted is not known: look at the synchronisation tasks of this project before sending it again"
        }
    };
    Some(advice)
}

/// One finished operation on one line: `payments / cn-north-4` and what became of it.
#[must_use]
pub fn outcome_line(plan: &ExecutionPlan, op: OpIndex, outcome: &Outcome) -> String {
    let target = &plan.operations[op].target;
    let reason = outcome.reason().map(|reason| format!(": {}", visible(&reason))).unwrap_or_default();
    format!("{} / {}  {}{reason}", target.project, target.region, outcome.as_str().replace('_', " "))
}
