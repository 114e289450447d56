//! The reports of a run, or of several as one, in every format: each can be read by what reads such files, says what the summary
//! says, and lets nothing through that would steer who looks at it.

use hss_sync::event::{Outcome, RunEvent};
use hss_sync::exit::ExitStatus;
use hss_sync::merge::{RunRecord, Whole};
use hss_sync::report::{
    EventFacts, Format, RunEvents, RunFacts, RunReport, closing, write_events_of_runs, write_report,
};
use serde_json::Value;

use crate::shown;
use crate::xml;

/// Widths of a terminal: nobody's, a narrow and the usual one.
const WIDTHS: [usize; 3] = [1, 20, 80];
/// What a report has without anything in it, and what each byte that is told can make of itself: a text that steers is written
/// out (`\u{202e}`), stands in several places, and governs several operations.
const FRAME: usize = 256 * 1024;
const EACH: usize = 400;
/// What GitHub takes as the summary of a step.
const MOST_MARKDOWN: usize = 1 << 20;
/// A command for ten causes, each of at most 4,000 characters of up to four bytes, written out, with its advice.
const MOST_GITHUB: usize = 10 * 64 * 1024;
/// Scripts of the page: its own, and what that reads.
const SCRIPTS: usize = 2;

/// The reports of one run.
///
/// # Panics
/// When an invariant breaks.
pub fn of_run(run: &RunRecord, events: &[RunEvent]) {
    let RunRecord { plan, sources, summary, shard, simulated, .. } = run;
    let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: *simulated, shard: *shard };
    check(&RunReport { plan, sources, summary, facts, runs: &[], events }, &[], weight(&[run], &[events]));
}

/// The reports of several runs as one.
///
/// # Panics
/// When an invariant breaks.
pub fn of_runs(whole: &Whole, runs: &[&RunRecord], events: &[&[RunEvent]]) {
    let story = |(run, events)| {
        let RunRecord { plan, started_at, shard, simulated, .. }: &RunRecord = run;
        RunEvents { plan, facts: EventFacts { simulated: *simulated, shard: *shard }, started_at: *started_at, events }
    };
    let stories: Vec<RunEvents<'_>> = runs.iter().copied().zip(events.iter().copied()).map(story).collect();
    let facts = RunFacts {
        exit: ExitStatus::of_run(&whole.summary),
        simulated: whole.runs.iter().any(|run| run.simulated),
        shard: None,
    };
    let Whole { plan, sources, summary, runs: facts_of_runs, .. } = whole;
    check(
        &RunReport { plan, sources, summary, facts, runs: facts_of_runs, events: &[] },
        &stories,
        weight(runs, events),
    );
}

/// Bytes of what there is to tell.
fn weight(runs: &[&RunRecord], events: &[&[RunEvent]]) -> usize {
    let of = |(run, events): (&&RunRecord, &&[RunEvent])| {
        let texts: usize = run.sources.ids().map(|id| run.sources.get(id).text().len()).sum();
        let requests = run.plan.operations.iter().filter_map(hss_sync::model::Operation::request);
        let requests: usize = requests.map(|request| request.body.len() + request.path.len()).sum();
        // As Rust writes them, so that each text and number of them counts.
        let events: usize = events.iter().map(|event| format!("{event:?}").len()).sum();
        texts + requests + events + 1024 * run.plan.operations.len()
    };
    runs.iter().zip(events).map(of).sum()
}

fn check(report: &RunReport<'_>, stories: &[RunEvents<'_>], weight: usize) {
    for format in Format::ALL {
        let mut out = Vec::new();
        match format {
            Format::Ndjson if !stories.is_empty() => write_events_of_runs(&mut out, stories),
            _ => write_report(*format, &mut out, report),
        }
        .expect("memory takes it");
        assert!(out.len() <= FRAME + EACH * weight, "{}: {} bytes of {weight}", format.name(), out.len());
        let text = std::str::from_utf8(&out).expect("UTF-8");
        match format {
            Format::Json => check_json(text, report),
            Format::Ndjson => check_lines(text),
            Format::Junit => check_junit(text, report),
            Format::Markdown => check_markdown(text),
            Format::Csv => check_csv(text, report.plan.operations.len()),
            Format::Html => check_html(text),
            Format::Sarif => drop(serde_json::from_str::<Value>(text).expect("SARIF")),
            Format::Github => {
                shown::check_commands(&out, 10);
                shown::no_controls(text);
                assert!(out.len() <= MOST_GITHUB, "{} bytes of annotations", out.len());
            }
        }
    }
    for width in WIDTHS {
        shown::no_controls(&closing(report.plan, report.sources, report.summary, width));
    }
}

/// It counts as the summary does, and as its operations do.
fn check_json(text: &str, report: &RunReport<'_>) {
    let json: Value = serde_json::from_str(text).expect("JSON");
    let operations = json["operations"].as_array().expect("operations");
    let mut sum = 0;
    for (name, count) in report.summary.counts.named() {
        let found = operations.iter().filter(|operation| operation["outcome"] == name).count();
        assert_eq!(json["summary"][name], count, "{name}");
        assert_eq!(found, count, "{name}");
        sum += found;
    }
    assert_eq!(json["summary"]["planned"], sum, "the six add up");
    let attempts: usize = operations.iter().map(|operation| operation["attempts"].as_array().map_or(0, Vec::len)).sum();
    assert_eq!(json["summary"]["attempts"], attempts);
    assert_eq!(json["run"]["exit_code"], report.facts.exit.code());
}

/// A line an event, which steers nothing even on a terminal.
fn check_lines(text: &str) {
    shown::no_controls(text);
    assert!(text.ends_with('\n'));
    for line in text.lines() {
        let event: Value = serde_json::from_str(line).expect("a JSON object a line");
        assert!(event["event"].is_string(), "{line}");
    }
}

/// A case an operation, each with its outcome.
fn check_junit(text: &str, report: &RunReport<'_>) {
    let elements = xml::elements(text).unwrap_or_else(|problem| panic!("{problem}\n{text}"));
    let count = |name: &str| elements.get(name).copied().unwrap_or(0);
    let of = |wanted: fn(&Outcome) -> bool| {
        let outcomes = report.summary.operations.iter().filter_map(|operation| operation.outcome.as_ref());
        outcomes.filter(|outcome| wanted(outcome)).count()
    };
    assert_eq!(count("testsuite"), report.plan.plans.len());
    assert_eq!(count("testcase"), report.plan.operations.len());
    assert_eq!(count("failure"), of(|outcome| matches!(outcome, Outcome::Failed(_))));
    assert_eq!(count("error"), of(|outcome| matches!(outcome, Outcome::Unknown(_))));
    assert_eq!(count("skipped"), of(|outcome| matches!(outcome, Outcome::Skipped(_) | Outcome::NotAttempted(_))));
    shown::no_controls(text);
}

fn check_markdown(text: &str) {
    shown::no_controls(text);
    assert!(text.len() <= MOST_MARKDOWN, "{} bytes of Markdown", text.len());
    // Every row of a table has as many cells as its head.
    let mut cells = None;
    for line in text.lines() {
        let found = line.starts_with('|').then(|| cells_of(line));
        assert!(cells.is_none() || found.is_none() || cells == found, "{line:?} has not {cells:?} cells\n{text}");
        cells = found;
    }
}

/// Pipes that end a cell: those with an even number of backslashes before them.
fn cells_of(row: &str) -> usize {
    let (mut cells, mut backslashes) = (0, 0);
    for c in row.chars() {
        cells += usize::from(c == '|' && backslashes % 2 == 0);
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    cells
}

/// A row an operation with as many cells as the head, none of which a spreadsheet would calculate.
fn check_csv(text: &str, operations: usize) {
    shown::no_controls(text);
    let rows: Vec<Vec<String>> = text.lines().map(row).collect();
    assert_eq!(rows.len(), operations + 1, "{text}");
    for row in &rows {
        assert_eq!(row.len(), rows[0].len(), "{row:?}");
        for cell in row {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']), "{cell:?}");
        }
    }
}

/// The cells of a line (RFC 4180).
fn row(line: &str) -> Vec<String> {
    let (mut cells, mut cell, mut quoted) = (Vec::new(), String::new(), false);
    let mut characters = line.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '"' if quoted && characters.peek() == Some(&'"') => {
                cell.push('"');
                characters.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    assert!(!quoted, "a cell goes on in the next line: {line:?}");
    cells.push(cell);
    cells
}

/// Nothing that was told begins or ends an element of the page.
fn check_html(text: &str) {
    shown::no_controls(text);
    let lower = text.to_ascii_lowercase();
    for (tag, expected) in [("<script", SCRIPTS), ("</script", SCRIPTS), ("<style", 1), ("</style", 1)] {
        assert_eq!(lower.matches(tag).count(), expected, "{tag}");
    }
    for tag in ["<img", "<iframe", "<object", "<base", "<link", "javascript:", "<svg onload"] {
        assert!(!lower.contains(tag), "{tag} in the page");
    }
    let data = text.split_once("type=\"application/json\"").expect("what the script reads").1;
    let data = data.split_once('>').expect("an element").1.split_once("</script").expect("its end").0;
    serde_json::from_str::<Value>(data).expect("JSON");
}
