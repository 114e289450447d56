//! Plans and runs for the tests of reports: a plan's text as people write it, and outcomes one by one.

use std::time::Duration;

use proptest::prelude::*;

use super::format::{Format, RunReport, write_report};
use super::json::RunFacts;
use crate::event::{AttemptRecord, Failure, FailureKind, NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::exit::ExitStatus;
use crate::expand::{EndpointChain, ExecutionPlan, Overrides, expand};
use crate::model::{RunId, TaskId};
use crate::plan::{decode, validate};
use crate::source::{Source, Sources};
use crate::summary::RunSummary;
use crate::yaml;

/// Three operations; the projects begin on lines 6, 7 and 8.
pub(super) const SMALL: &str = "\
version: 1
name: fleet
registry_sets: { all: { sync_all_registries: true } }
defaults: { registry_sets: [all] }
projects:
  - { name: payments, project_ids: { cn-north-4: 0a1b2c3d4e5f60718293a4b5c6d7e8f9 } }
  - { name: search, project_ids: { eu-west-101: search-eu } }
  - { name: billing, project_ids: { cn-north-4: billing-north } }
";

/// Expands plans, given as path and text.
pub(super) fn planned(files: &[(&str, &str)]) -> (ExecutionPlan, Sources) {
    let mut sources = Sources::default();
    let mut valid = Vec::new();
    for (path, text) in files {
        let id = sources.add(Source::new(*path, (*text).to_owned()));
        let tree = yaml::parse(id, sources.get(id)).expect("YAML");
        valid.push(validate(decode(id, &tree).expect("a plan"), &[]).expect("a valid plan").0);
    }
    let expanded = expand(&valid, &sources, &Overrides::new(), &EndpointChain::default());
    (expanded.expect("it expands").0, sources)
}

pub(super) fn failure(kind: FailureKind, code: Option<&str>, message: &str) -> Failure {
    Failure { kind, status: Some(400), code: code.map(str::to_owned), message: message.to_owned(), given_up: None }
}

pub(super) fn failed(kind: FailureKind, code: Option<&str>, message: &str) -> Outcome {
    Outcome::Failed(failure(kind, code, message))
}

pub(super) fn left(reason: NotAttemptedReason) -> Outcome {
    Outcome::NotAttempted(reason)
}

/// The task of an operation was found, at the end of [`ran`].
pub(super) fn found(op: OpIndex, task: &str) -> RunEvent {
    RunEvent::TaskFound {
        op,
        at: Duration::from_millis(4200),
        task: TaskId::parse(task).expect("a legal id"),
        early: false,
    }
}

pub(super) fn task_ended(op: OpIndex, outcome: Outcome) -> RunEvent {
    RunEvent::TaskEnded { op, at: Duration::from_millis(4200), outcome }
}

pub(super) fn unclear(op: OpIndex, why: &str) -> RunEvent {
    RunEvent::TaskUnclear { op, at: Duration::from_millis(4200), why: why.to_owned() }
}

/// A run of 4.2 seconds, forecast at 3, in which each operation ended as given; all but those that were not attempted
/// after one call of 12 ms.
pub(super) fn ran(outcomes: Vec<Outcome>) -> RunSummary {
    let mut summary = RunSummary::new(outcomes.len());
    summary.apply(&RunEvent::RunStarted {
        run: RunId::parse("20261124-080000-7f3a").expect("a legal id"),
        started_at: "2026-11-24T08:00:00Z".parse().expect("a time"),
        planned: outcomes.len(),
        forecast: Duration::from_secs(3),
    });
    for (op, outcome) in outcomes.into_iter().enumerate() {
        if !matches!(outcome, Outcome::NotAttempted(_) | Outcome::Skipped(_)) {
            call(&mut summary, op, &outcome);
        }
        summary.apply(&RunEvent::OperationEnded { op, at: Duration::from_secs(1), outcome });
    }
    summary.apply(&RunEvent::RunEnded { at: Duration::from_millis(4200) });
    summary
}

fn call(summary: &mut RunSummary, op: OpIndex, outcome: &Outcome) {
    let failure = match outcome {
        Outcome::Failed(failure) | Outcome::Unknown(failure) => Some(failure),
        _ => None,
    };
    summary.apply(&RunEvent::AttemptStarted { op, attempt: 1, at: Duration::ZERO });
    summary.apply(&RunEvent::AttemptEnded {
        op,
        attempt: 1,
        at: Duration::from_millis(12),
        record: AttemptRecord {
            started: Duration::from_millis(1),
            duration: Duration::from_millis(12),
            status: failure.map_or(Some(200), |failure| failure.status),
            error_code: failure.and_then(|failure| failure.code.clone()),
            error_message: failure.map(|failure| failure.message.clone()),
            request_id: Some("d8e9".to_owned()),
            throttled: false,
            kind: failure.map(|failure| failure.kind),
        },
        retry_at: None,
        closed_until: None,
    });
}

/// What a service or a stranger's plan may say to get out of its place in a report.
const HOSTILE: &[&str] = &[
    "::error file=a,line=1::b",
    "\n::stop-commands::x\n",
    "##[group]x",
    "|",
    "\\",
    "\\|",
    "`",
    "```",
    "<script>alert(1)</script>",
    "<b>",
    "&amp;",
    "]]>",
    "<!--",
    "{{ x }}",
    "{%",
    "\u{1b}[31m",
    "\u{1b}]8;;http://x\u{7}",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "\0",
    "\u{9b}",
    "\u{202e}",
    "\u{2028}",
    "\u{fffe}",
    "=1+1",
    "@sum",
    "+1",
    "-1",
    "\"",
    "'",
    ",",
    "%0A",
    "%",
    ":",
    " ",
    "a",
    "[x](http://x)",
    "![x](http://x)",
    "https://x.example",
    "@team",
    "#1",
    "--",
    "*",
    "_",
    "~",
    "支付",
];

/// Texts made of such pieces, now and then a very long one.
pub(super) fn hostile() -> impl Strategy<Value = String> {
    let pieces = proptest::collection::vec(proptest::sample::select(HOSTILE), 1..8);
    (pieces, prop_oneof![60 => Just(1), 1 => Just(2000)]).prop_map(|(pieces, times)| pieces.concat().repeat(times))
}

/// A plan and a run in which each text that is not ours is one of these: name and path of the plan, codes, messages and ids of
/// answers, and why a task was not told. Each outcome is there.
pub(super) fn said(texts: &[String; 4]) -> (ExecutionPlan, Sources, RunSummary) {
    let [name, path, code, message] = texts;
    let projects: String =
        (0..6).map(|n| format!("  - {{ name: p{n}, project_ids: {{ cn-north-4: id-{n} }} }}\n")).collect();
    let head = SMALL.split_once("projects:").expect("it has projects").0;
    let (mut plan, sources) = planned(&[(path, &format!("{head}projects:\n{projects}"))]);
    plan.plans[0].name.clone_from(name);
    let mut given_up = failure(FailureKind::Unavailable, Some(code), message);
    given_up.given_up = Some(NotAttemptedReason::Interrupted);
    let mut summary = ran(vec![
        Outcome::Accepted,
        failed(FailureKind::Refused, Some(code), message),
        Outcome::Unknown(failure(FailureKind::NoAnswer, None, message)),
        Outcome::Skipped(message.clone()),
        left(NotAttemptedReason::DeadlinePassed),
        Outcome::Failed(given_up),
    ]);
    summary.apply(&unclear(0, message));
    (plan, sources, summary)
}

/// A report on it.
pub(super) fn report<'a>(plan: &'a ExecutionPlan, sources: &'a Sources, summary: &'a RunSummary) -> RunReport<'a> {
    let facts = RunFacts { exit: ExitStatus::of_run(summary), simulated: true, shard: None };
    RunReport { plan, sources, summary, facts, runs: &[], events: &[] }
}

/// What [`write_report`] makes of it.
pub(super) fn written(format: Format, report: &RunReport<'_>) -> String {
    let mut out = Vec::new();
    write_report(format, &mut out, report).expect("memory");
    String::from_utf8(out).expect("text")
}
