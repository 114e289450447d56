//! HTML: one page for people that needs nothing beside it: no network, no other file, and no script for what matters most.
//!
//! `html/page.html` is the page, filled by tera, which escapes every value for HTML; `html/page.css` and `html/page.js` go
//! into it as they are, and its Content-Security-Policy allows these two by their hashes and nothing else. [`data`] is what
//! the script reads, [`timeline`] the drawing.
//!
//! What a service or a plan said is text in all of it: escaped where it is markup, [`visible`] where it would steer, and cut
//! where it is long (the JSON report has it whole).

mod data;
mod timeline;

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use sha2::{Digest as _, Sha256};
use tera::{Context, Tera};

use super::closing::{LOOK_AGAIN, advice, head, left_open_text, name, off, place, totals};
use super::format::{RunReport, merged_from};
use crate::diagnostic::visible;
use crate::event::{OpIndex, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{format_duration, format_estimate};
use crate::policy::explanation;
use crate::source::Sources;
use crate::summary::{Cause, Counts, OperationSummary, RunSummary};

const PAGE: &str = include_str!("html/page.html");
/// Where its data stand. They are most of it, and are written as they are made: what tera fills in it holds as a whole.
const DATA: &str = "{{ data | safe }}";
/// The names of what comes before and after; by their ends tera knows how to escape.
const BEFORE: &str = "before.html";
const AFTER: &str = "after.html";
const STYLE: &str = include_str!("html/page.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Causes that have a block of their own; the rest is counted, and the table has its operations.
const MOST_CAUSES: usize = 50;
/// Places that are named for a cause.
const MOST_PLACES: usize = 20;
/// Operations in the table that is there without the script.
const MOST_ROWS: usize = 100;
/// Characters of one text that are shown.
const LONGEST_TEXT: usize = 500;

/// The outcomes, in the order in which a reader wants them: what went wrong first.
const OUTCOMES: [OutcomeWord; 6] = [
    OutcomeWord { word: "failed", shown: "failed", sign: "✗" },
    OutcomeWord { word: "unknown", shown: "unknown", sign: "?" },
    OutcomeWord { word: "not_attempted", shown: "not attempted", sign: "…" },
    OutcomeWord { word: "skipped", shown: "skipped", sign: "–" },
    OutcomeWord { word: "accepted", shown: "accepted", sign: "✓" },
    OutcomeWord { word: "confirmed", shown: "confirmed", sign: "✓✓" },
];

/// An outcome as the page names it. The sign is there for the eye, beside the word.
#[derive(Clone, Copy, Debug, Serialize)]
struct OutcomeWord {
    word: &'static str,
    shown: &'static str,
    sign: &'static str,
}

/// Writes the report of a run as one HTML page: UTF-8, everything in it, at most some hundred bytes an operation and attempt
/// beside their texts.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_html(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let RunReport { plan, sources, summary, .. } = *report;
    let causes = summary.causes();
    let (before, after) =
        PAGE.split_once(DATA).ok_or_else(|| io::Error::other("the page has no place for its data"))?;
    let mut tera = Tera::new();
    tera.add_raw_templates([(BEFORE, before), (AFTER, after)]).map_err(io::Error::other)?;
    let context = Context::from_serialize(&Page::new(report, &causes)).map_err(io::Error::other)?;
    tera.render_to(BEFORE, &context, &mut *out).map_err(io::Error::other)?;
    data::write_data(out, plan, sources, summary, &causes)?;
    tera.render_to(AFTER, &context, out).map_err(io::Error::other)
}

/// What the page is filled with, beside its data. All of it is escaped by tera but `style` and `script`.
#[derive(Serialize)]
struct Page<'a> {
    policy: String,
    style: &'static str,
    script: &'static str,
    version: &'static str,
    run: &'a str,
    names: String,
    shard: Option<String>,
    simulated: bool,
    half_simulated: bool,
    exit: Exit,
    conserved: bool,
    sentence: String,
    planned: usize,
    tiles: [Tile; 6],
    started: String,
    finished: String,
    took: String,
    forecast: String,
    sessions: usize,
    merged: Option<String>,
    calls: usize,
    throttled: usize,
    digest: &'a str,
    plans: Vec<PlanRow<'a>>,
    groups: Vec<Group>,
    timeline: timeline::Timeline,
    rows: Vec<Row<'a>>,
    more_rows: usize,
}

#[derive(Serialize)]
struct Exit {
    code: u8,
    meaning: &'static str,
    next_step: &'static str,
}

#[derive(Serialize)]
struct Tile {
    #[serde(flatten)]
    outcome: OutcomeWord,
    count: usize,
}

#[derive(Serialize)]
struct PlanRow<'a> {
    name: String,
    path: String,
    digest: &'a str,
    operations: usize,
}

/// Causes of one sort, with a heading.
#[derive(Serialize)]
struct Group {
    id: &'static str,
    title: &'static str,
    causes: Vec<CauseBlock>,
    note: Option<String>,
}

/// One cause: what, where and what now.
#[derive(Serialize)]
struct CauseBlock {
    /// Its number among all causes, as the table's filter has it.
    number: Option<usize>,
    head: String,
    meaning: Option<&'static str>,
    usual: Option<&'static str>,
    advice: Option<String>,
    operations: usize,
    places: Vec<PlaceRow>,
    more: usize,
}

#[derive(Serialize)]
struct PlaceRow {
    name: String,
    line: String,
}

/// A row of the table that is there without the script.
#[derive(Serialize)]
struct Row<'a> {
    number: usize,
    outcome: OutcomeWord,
    project: &'a str,
    region: &'a str,
    wave: &'a str,
    calls: usize,
    started: String,
    took: String,
    why: String,
}

impl<'a> Page<'a> {
    fn new(report: &RunReport<'a>, causes: &[Cause]) -> Self {
        let RunReport { plan, sources, summary, facts, runs, .. } = *report;
        let started_at = summary.started_at.unwrap_or_default();
        let finished_at = started_at.checked_add(summary.elapsed).unwrap_or(started_at);
        let mut order: Vec<OpIndex> = (0..plan.operations.len().min(summary.operations.len())).collect();
        order.sort_by_key(|op| rank(&summary.operations[*op]));
        Self {
            policy: policy(),
            style: STYLE,
            script: SCRIPT,
            version: env!("CARGO_PKG_VERSION"),
            run: summary.run.as_ref().map_or("", |run| run.as_str()),
            names: names(plan),
            shard: facts.shard.map(|shard| shard.to_string()),
            simulated: facts.simulated,
            half_simulated: facts.simulated && runs.iter().any(|run| !run.simulated),
            exit: Exit { code: facts.exit.code(), meaning: facts.exit.meaning(), next_step: facts.exit.next_step() },
            conserved: summary.is_conserved(),
            sentence: totals(summary),
            planned: summary.counts.planned,
            tiles: tiles(&summary.counts),
            started: format!("{started_at:.0}"),
            finished: format!("{finished_at:.0}"),
            took: format_duration(summary.worked()),
            forecast: format!("{}{}", format_estimate(summary.forecast), off(summary)),
            sessions: if runs.is_empty() { summary.resumed + 1 } else { 1 },
            merged: (!runs.is_empty()).then(|| merged_from(runs).join(", ")),
            calls: summary.attempts,
            throttled: summary.throttled,
            digest: plan.digest.as_str(),
            plans: plan_rows(plan),
            groups: groups(plan, sources, summary, causes),
            timeline: timeline::timeline(plan, summary),
            rows: order.iter().take(MOST_ROWS).map(|op| Row::new(plan, summary, *op)).collect(),
            more_rows: order.len().saturating_sub(MOST_ROWS),
        }
    }
}

/// What went wrong, what was not sent, what a look at the tasks left open; a group that has something.
fn groups(plan: &ExecutionPlan, sources: &Sources, summary: &RunSummary, causes: &[Cause]) -> Vec<Group> {
    let group = |id, title, wrong: bool| {
        let of = || causes.iter().enumerate().filter(|(_, cause)| cause.kind.is_some() == wrong);
        let block = |(number, cause)| CauseBlock::of_failure(plan, sources, number, cause);
        let more = of().count().saturating_sub(MOST_CAUSES);
        let note = (more > 0).then(|| format!("And {more} more causes; the table has them all."));
        Group { id, title, causes: of().take(MOST_CAUSES).map(block).collect(), note }
    };
    let looks = summary.left_open();
    let block = |reason| CauseBlock::of_look(plan, sources, reason);
    let open = Group {
        id: "open",
        title: "Not seen to end",
        causes: looks.iter().take(MOST_CAUSES).map(block).collect(),
        note: Some(LOOK_AGAIN.to_owned()),
    };
    let mut groups = vec![group("wrong", "What went wrong", true), group("unsent", "Not sent", false), open];
    groups.retain(|group| !group.causes.is_empty());
    groups
}

impl CauseBlock {
    fn of_failure(plan: &ExecutionPlan, sources: &Sources, number: usize, cause: &Cause) -> Self {
        let known = cause.kind.and_then(|kind| explanation(kind, cause.code.as_deref(), &cause.message));
        Self {
            number: Some(number),
            meaning: known.map(|known| known.meaning),
            usual: known.map(|known| known.cause),
            advice: advice(cause).map(str::to_owned),
            ..Self::of(plan, sources, cause, head(cause))
        }
    }

    fn of_look(plan: &ExecutionPlan, sources: &Sources, reason: &Cause) -> Self {
        let head = format!("{} × {}", reason.ops.len(), left_open_text(reason.outcome, &reason.message));
        Self::of(plan, sources, reason, head)
    }

    fn of(plan: &ExecutionPlan, sources: &Sources, cause: &Cause, head: String) -> Self {
        let shown = |op: &OpIndex| PlaceRow { name: name(plan, *op), line: place(plan, sources, *op) };
        Self {
            number: None,
            head,
            meaning: None,
            usual: None,
            advice: None,
            operations: cause.ops.len(),
            places: cause.ops.iter().take(MOST_PLACES).map(shown).collect(),
            more: cause.ops.len().saturating_sub(MOST_PLACES),
        }
    }
}

impl<'a> Row<'a> {
    fn new(plan: &'a ExecutionPlan, summary: &RunSummary, op: OpIndex) -> Self {
        let (operation, outcome) = (&plan.operations[op], &summary.operations[op]);
        let span = worked_on(outcome);
        let started_at = summary.started_at.unwrap_or_default();
        let format = if summary.elapsed < DAY { "%H:%M:%S" } else { "%m-%d %H:%M:%S" };
        Self {
            number: op + 1,
            outcome: OUTCOMES[rank(outcome)],
            project: operation.target.project.as_str(),
            region: operation.target.region.as_str(),
            wave: plan.plans[operation.plan].waves[operation.wave].name.as_str(),
            calls: outcome.attempts.len(),
            started: span
                .and_then(|(start, _)| started_at.checked_add(start).ok())
                .map(|at| at.strftime(format).to_string())
                .unwrap_or_default(),
            took: span.map(|(start, end)| format_duration(end.saturating_sub(start))).unwrap_or_default(),
            why: outcome.reason().map(|reason| text(&reason).into_owned()).unwrap_or_default(),
        }
    }
}

/// From here on the time of day isn't enough to say when.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// From the start of the first attempt to the end of the last one.
fn worked_on(operation: &OperationSummary) -> Option<(Duration, Duration)> {
    let start = operation.attempts.first()?.started;
    let end = operation.attempts.iter().map(|attempt| attempt.started + attempt.duration).max()?;
    Some((start, end))
}

/// The outcome's index in [`OUTCOMES`]. One that has none was not attempted, as in the JSON report.
fn rank(operation: &OperationSummary) -> usize {
    let word = operation.outcome.as_ref().map_or("not_attempted", Outcome::as_str);
    OUTCOMES.iter().position(|outcome| outcome.word == word).unwrap_or(OUTCOMES.len() - 1)
}

/// The six counts, in the order of [`OUTCOMES`].
fn tiles(counts: &Counts) -> [Tile; 6] {
    let named = counts.named();
    OUTCOMES.map(|outcome| {
        let count = named.iter().find(|(word, _)| *word == outcome.word).map_or(0, |(_, count)| *count);
        Tile { outcome, count }
    })
}

fn plan_rows(plan: &ExecutionPlan) -> Vec<PlanRow<'_>> {
    plan.plans
        .iter()
        .enumerate()
        .map(|(index, file)| {
            let operations = plan.operations.iter().filter(|operation| operation.plan == index).count();
            let (name, path) = (text(&file.name).into_owned(), text(&file.path).into_owned());
            PlanRow { name, path, digest: file.digest.as_str(), operations }
        })
        .collect()
}

/// The plans in a few words: `fleet`, `fleet, other and 3 more`.
fn names(plan: &ExecutionPlan) -> String {
    const MOST: usize = 3;
    let mut names: Vec<String> = plan.plans.iter().take(MOST).map(|file| text(&file.name).into_owned()).collect();
    match (plan.plans.len().saturating_sub(MOST), names.pop()) {
        (0, Some(last)) if names.is_empty() => last,
        (0, Some(last)) => format!("{} and {last}", names.join(", ")),
        (more, last) => {
            names.extend(last);
            format!("{} and {more} more", names.join(", "))
        }
    }
}

/// Untrusted text as the page shows it: nothing in it steers, and it is not longer than [`LONGEST_TEXT`].
fn text(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", visible(&text[..end])).into(),
        None => visible(text),
    }
}

/// The Content-Security-Policy: this style and this script, by hash, and nothing from anywhere.
fn policy() -> String {
    let hash = |source: &str| base64(&Sha256::digest(source));
    format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        hash(STYLE),
        hash(SCRIPT)
    )
}

/// Base64 as of RFC 4648, section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let three = (0..3).fold(0_usize, |bits, index| bits << 8 | usize::from(chunk.get(index).copied().unwrap_or(0)));
        for digit in 0..4 {
            let there = digit <= chunk.len();
            text.push(if there { char::from(DIGITS[three >> (18 - 6 * digit) & 63]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests;
