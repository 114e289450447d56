//! The end of a run as text: the counts, then each cause once with its count, places and next step.
//!
//! The unit tests hold whole texts: this is what people read when something went wrong.

use std::fmt::Write;
use std::time::Duration;

use unicode_width::UnicodeWidthStr;

use super::wrap::{unbroken, wrap};
use crate::diagnostic::visible;
use crate::event::{Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{format_duration, format_estimate};
use crate::policy::explanation;
use crate::source::Sources;
use crate::summary::{Cause, RunSummary};

/// Causes that are shown; the rest is counted. The report has them all.
const MOST_CAUSES: usize = 10;
/// Places that are named for a cause.
const MOST_PLACES: usize = 3;
/// Characters of a message that are shown; the report has it whole.
const LONGEST_MESSAGE: usize = 300;

/// What to do about tasks that were not told or not seen to end.
pub(super) const LOOK_AGAIN: &str =
    "A resume looks again; the synchronisation tasks of these projects are also in the HSS console.";

/// A shorter forecast is made of latencies that nobody knows.
const SHORTEST_FORECAST: Duration = Duration::from_secs(10);

/// The last lines of a run: what became of its operations, and why.
///
/// `width` is the terminal's, in columns; no line is wider.
#[must_use]
pub fn closing(plan: &ExecutionPlan, sources: &Sources, summary: &RunSummary, width: usize) -> String {
    let mut text = String::new();
    wrap(&mut text, "", "  ", &totals(summary), width);
    let causes = summary.causes();
    if !causes.is_empty() {
        text.push('\n');
    }
    for cause in causes.iter().take(MOST_CAUSES) {
        cause_text(&mut text, plan, sources, cause, width);
    }
    if causes.len() > MOST_CAUSES {
        let _ = writeln!(text, "and {} more causes, in the report", causes.len() - MOST_CAUSES);
    }
    left_open(&mut text, plan, summary, width);
    text
}

/// Operations whose task could not be told or was not seen to end, by why, and what now.
fn left_open(text: &mut String, plan: &ExecutionPlan, summary: &RunSummary, width: usize) {
    let reasons = summary.left_open();
    if reasons.is_empty() {
        return;
    }
    text.push('\n');
    for reason in reasons.iter().take(MOST_CAUSES) {
        let what = left_open_text(reason.outcome, &reason.message);
        let places = places(plan, &reason.ops);
        head_and_places(text, &format!("{} × {what}", reason.ops.len()), &places, width);
    }
    if reasons.len() > MOST_CAUSES {
        let _ = writeln!(text, "and {} more reasons, in the report", reasons.len() - MOST_CAUSES);
    }
    wrap(text, "    ", "    ", LOOK_AGAIN, width);
}

/// `11 accepted, 2 failed of 13 in 2.7 s (forecast 2 s), 15 calls, 0 throttled`; the spaces inside of each part are unbroken.
pub(super) fn totals(summary: &RunSummary) -> String {
    let counts = &summary.counts;
    // The first count always stands, so that "0 accepted" is said and not left to be noticed.
    let parts: Vec<String> = counts
        .named()
        .iter()
        .enumerate()
        .filter(|(index, (_, count))| *index == 0 && counts.confirmed == 0 || *count > 0)
        .map(|(_, (word, count))| format!("{count} {}", word.replace('_', " ")))
        .collect();
    let sessions = match (summary.runs, summary.resumed) {
        (0 | 1, 0) => String::new(),
        (0 | 1, resumed) => unbroken(&format!(" over {} sessions", resumed + 1)),
        (runs, _) => unbroken(&format!(" over {runs} runs")),
    };
    let calls = if summary.attempts == 1 { "call" } else { "calls" };
    let numbers = [format!("{} {calls}", summary.attempts), format!("{} throttled", summary.throttled)];
    format!(
        "{} of {} in {}{sessions} (forecast {}{}), {}",
        parts.iter().map(|part| unbroken(part)).collect::<Vec<_>>().join(", "),
        counts.planned,
        unbroken(&format_duration(summary.worked())),
        unbroken(&format_estimate(summary.forecast)),
        off(summary),
        numbers.map(|part| unbroken(&part)).join(", "),
    )
}

/// How far off the forecast was, where that says something: of a run that did all that was forecast, nothing else, and took a
/// while. Of another it is said what the forecast was for.
pub(super) fn off(summary: &RunSummary) -> String {
    let forecast = summary.forecast.as_millis();
    if summary.counts.not_attempted > 0 {
        return unbroken(" for all");
    }
    // Nobody can say how long the service works on a task.
    if summary.operations.iter().any(|operation| operation.task.is_some() || operation.left_open().is_some()) {
        return unbroken(" without the tasks");
    }
    if forecast < SHORTEST_FORECAST.as_millis() {
        return String::new();
    }
    let percent = u128::from(summary.forecast_off().unsigned_abs()) * 100 / forecast;
    match (percent, summary.forecast_off() > 0) {
        (0, _) => String::new(),
        (percent, true) => format!(", {percent}\u{a0}%\u{a0}longer"),
        (percent, false) => format!(", {percent}\u{a0}%\u{a0}shorter"),
    }
}

/// What happened and where, on one line if there is room, and what to do about it.
fn cause_text(text: &mut String, plan: &ExecutionPlan, sources: &Sources, cause: &Cause, width: usize) {
    // What was meant to be skipped needs no places.
    if cause.outcome == "skipped" {
        return wrap(text, "", "    ", &head(cause), width);
    }
    head_and_places(text, &head(cause), &places(plan, &cause.ops), width);
    if let Some(advice) = advice(cause) {
        let place = cause.ops.first().map(|op| place(plan, sources, *op)).unwrap_or_default();
        wrap(text, "    ", "    ", &format!("{place}: {advice}"), width);
    }
}

fn head_and_places(text: &mut String, head: &str, places: &str, width: usize) {
    if head.width() + 2 + places.width() <= width {
        wrap(text, "", "", &format!("{head}  {places}"), width);
    } else {
        wrap(text, "", "    ", head, width);
        wrap(text, "    ", "    ", places, width);
    }
}

pub(super) fn head(cause: &Cause) -> String {
    let outcome = match cause.outcome {
        "unknown" => "unknown, ",
        "not_attempted" => "not attempted: ",
        "skipped" => "skipped: ",
        _ => "",
    };
    format!("{} × {outcome}{}", cause.ops.len(), what(cause))
}

/// The cause in a few words: `HSS.0013 not enough permission`. No control characters are left in it.
pub(super) fn what(cause: &Cause) -> String {
    let message = shortened(&cause.message);
    let what = match cause.kind {
        Some(kind) => what_happened(kind, cause.code.as_deref(), &message),
        None => message,
    };
    let given_up = cause.given_up.as_ref().map(not_repeated).unwrap_or_default();
    format!("{}{given_up}", visible(&what))
}

/// The code with what the service said; without a code, first what we saw and then the details.
fn what_happened(kind: FailureKind, code: Option<&str>, message: &str) -> String {
    if let Some(code) = code {
        return format!("{code} {message}");
    }
    let saw = match kind {
        FailureKind::NotSent => "no connection",
        FailureKind::NoAnswer => "no answer after sending",
        _ => return message.to_owned(),
    };
    if message.starts_with(saw) { message.to_owned() } else { format!("{saw} ({message})") }
}

fn shortened(message: &str) -> String {
    match message.char_indices().nth(LONGEST_MESSAGE) {
        Some((end, _)) => format!("{}…", &message[..end]),
        None => message.to_owned(),
    }
}

pub(super) fn name(plan: &ExecutionPlan, op: OpIndex) -> String {
    let target = &plan.operations[op].target;
    format!("{} / {}", target.project, target.region)
}

/// Where it happened, for lines that are wrapped: `payments / cn-east-3, search / ap-southeast-1, and 2 more`.
fn places(plan: &ExecutionPlan, operations: &[OpIndex]) -> String {
    let (mut named, more) = first_places(plan, operations);
    if more > 0 {
        named.push(format!("and {more} more"));
    }
    named.iter().map(|name| unbroken(name)).collect::<Vec<_>>().join(", ")
}

/// Where it happened first, and how many operations that leaves out; a project and region with several requests is named
/// once.
pub(super) fn first_places(plan: &ExecutionPlan, operations: &[OpIndex]) -> (Vec<String>, usize) {
    let mut named: Vec<String> = Vec::new();
    for op in operations {
        let name = name(plan, *op);
        if !named.contains(&name) {
            if named.len() == MOST_PLACES {
                break;
            }
            named.push(name);
        }
    }
    let shown = operations.iter().filter(|op| named.contains(&name(plan, **op))).count();
    (named, operations.len() - shown)
}

/// The first places of operations, on one line: `payments / cn-east-3, search / ap-southeast-1 and 2 more`.
#[must_use]
pub fn some_places(plan: &ExecutionPlan, operations: &[OpIndex]) -> String {
    let (named, more) = first_places(plan, operations);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    visible(&format!("{}{more}", named.join(", "))).into_owned()
}

pub(super) fn place(plan: &ExecutionPlan, sources: &Sources, op: OpIndex) -> String {
    let (path, position) = sources.place(plan.operations[op].location);
    format!("{}:{}", visible(path), position.line())
}

/// What to do about a cause.
pub(super) fn advice(cause: &Cause) -> Option<&'static str> {
    Some(next_step(cause.kind?, cause.code.as_deref(), &cause.message))
}

/// What to do about a failure: by its code where that is known, else by its kind.
pub(super) fn next_step(kind: FailureKind, code: Option<&str>, message: &str) -> &'static str {
    if let Some(known) = explanation(kind, code, message) {
        return known.next_step;
    }
    match kind {
        FailureKind::Refused => "The service's message says why; the report has the request and the id of the answer.",
        FailureKind::Credential => "Check the key, the clock of this machine and the key's access to this project.",
        FailureKind::Throttled => {
            "Someone else uses the same quota, or it is smaller than the plan says: lower `limits.quota`."
        }
        FailureKind::Unavailable => "The service was not available; run it again later.",
        FailureKind::NotSent => "Nothing was sent: check the endpoint, the proxy and the network of this machine.",
        FailureKind::Redirected => "Redirects are never followed: check the endpoint, and any proxy on the way.",
        FailureKind::TaskFailed => {
            "The service took the request and could not carry it out: see the registry in the HSS console (its address, its \
             account, its network)."
        }
        FailureKind::NoAnswer | FailureKind::UnclearAnswer => {
            "Whether it was accepted is not known: look at the synchronisation tasks of this project in the HSS console \
             before you send it again."
        }
    }
}

/// An operation that failed or is unknown, and why: `billing / cn-south-1: HSS.0013 not enough permission`.
#[must_use]
pub fn failure_line(plan: &ExecutionPlan, op: OpIndex, outcome: &Outcome) -> String {
    let what = match outcome {
        Outcome::Failed(failure) => why(failure),
        Outcome::Unknown(failure) => format!("unknown, {}", why(failure)),
        other => other.as_str().replace('_', " "),
    };
    format!("{}: {what}", name(plan, op))
}

/// An operation whose task a look could not tell, or did not see to end: `billing / cn-south-1: not confirmed, two tasks fit`.
#[must_use]
pub fn left_open_line(plan: &ExecutionPlan, op: OpIndex, outcome: &Outcome, why: &str) -> String {
    format!("{}: {}", name(plan, op), left_open_text(outcome.as_str(), why))
}

/// What a look left open of an operation with this outcome, in a few words: `not confirmed, two tasks fit`.
#[must_use]
pub fn left_open_text(outcome: &str, why: &str) -> String {
    let stands = if outcome == "unknown" { "still unknown" } else { "not confirmed" };
    format!("{stands}, {}", visible(&shortened(why)))
}

/// What went wrong in a few words: `HSS.0013 not enough permission`.
#[must_use]
pub fn why(failure: &Failure) -> String {
    let mut text = what_happened(failure.kind, failure.code.as_deref(), &shortened(&failure.message));
    text.push_str(&failure.given_up.as_ref().map(not_repeated).unwrap_or_default());
    visible(&text).into_owned()
}

fn not_repeated(reason: &NotAttemptedReason) -> String {
    format!(" (not repeated: {})", reason.text())
}

#[cfg(test)]
mod tests;
