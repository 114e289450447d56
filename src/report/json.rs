//! JSON: the run report, the plan and the diagnostics, as `schemas/` and the contract publish them.
//!
//! Everything is serialised from borrowed values straight into the writer, so that a report costs no second copy of
//! the run.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use serde::ser::Serializer;

use super::format::RunReport;
use crate::diagnostic::{Diagnostic, Label, Place, Severity, write_document};
use crate::event::{AttemptRecord, Outcome};
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::forecast::Forecast;
use crate::merge::MergedRun;
use crate::model::{Operation, ProjectRef, Request, Shard, SyncBody};
use crate::policy::{Explanation, explanation};
use crate::sign::{encode_query, request_url};
use crate::source::Sources;
use crate::summary::{Counts, OperationSummary, RunSummary};

/// The version of every document that is written here.
pub(super) const SCHEMA_VERSION: u32 = 1;

/// What a run report says beyond plan and summary.
#[derive(Clone, Copy, Debug)]
pub struct RunFacts {
    /// How the process will end.
    pub exit: ExitStatus,
    /// Whether the answers came from a simulator.
    pub simulated: bool,
    /// Which shard the run was, if it was one of several.
    pub shard: Option<Shard>,
}

/// Writes the report of a run (`schemas/report.schema.json`).
///
/// # Errors
/// When the writer fails.
pub(super) fn write_run(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let RunReport { plan, sources, summary, facts, runs, .. } = *report;
    let started_at = summary.started_at.unwrap_or_default();
    let document = RunDocument {
        schema_version: SCHEMA_VERSION,
        tool: Tool::this(),
        run: Run {
            id: summary.run.as_ref().map_or("", |run| run.as_str()),
            started_at: timestamp(started_at, Duration::ZERO),
            finished_at: timestamp(started_at, summary.elapsed),
            exit_code: facts.exit.code(),
            simulated: facts.simulated,
            shard: facts.shard.map(|shard| shard.to_string()),
            resumed: summary.resumed,
            runs: runs.iter().map(merged_run).collect(),
        },
        plans: plan_entries(plan),
        summary: summary_entry(summary),
        operations: Each(|| {
            plan.operations.iter().zip(&summary.operations).map(|(operation, outcome)| RunOperation {
                operation: operation_entry(plan, sources, operation),
                outcome: outcome_word(outcome),
                reason: outcome.reason(),
                explanation: outcome.outcome.as_ref().and_then(explained),
                task_id: outcome.task.as_ref().map(|task| task.as_str()),
                attempts: outcome.attempts.iter().map(|attempt| attempt_entry(started_at, attempt)).collect(),
            })
        }),
    };
    finish(out, &document)
}

/// Writes what `plan --format json` prints: the operations that are selected.
///
/// # Errors
/// When the writer fails.
pub fn write_plan(out: &mut dyn Write, plan: &ExecutionPlan, sources: &Sources, forecast: &Forecast) -> io::Result<()> {
    let document = PlanDocument {
        schema_version: SCHEMA_VERSION,
        plans: plan_entries(plan),
        digest: plan.digest.as_str(),
        planned: plan.operations.len(),
        forecast,
        operations: Each(|| plan.selected().map(|operation| operation_entry(plan, sources, operation))),
    };
    finish(out, &document)
}

/// The operations as `plan --format json` lists them.
pub fn planned_operations<'a>(plan: &'a ExecutionPlan, sources: &'a Sources) -> impl Serialize + 'a {
    Each(move || plan.operations.iter().map(move |operation| operation_entry(plan, sources, operation)))
}

/// Writes what `validate --format json` prints.
///
/// # Errors
/// When the writer fails.
pub fn write_diagnostics(
    out: &mut dyn Write,
    diagnostics: &[Diagnostic],
    sources: &Sources,
    plans: usize,
    operations: Option<usize>,
) -> io::Result<()> {
    let count = |severity| diagnostics.iter().filter(|diagnostic| diagnostic.severity() == severity).count();
    let document = DiagnosticsDocument {
        schema_version: SCHEMA_VERSION,
        diagnostics: diagnostics.iter().map(|diagnostic| diagnostic_entry(diagnostic, sources)).collect(),
        summary: DiagnosticsSummary {
            plans,
            operations,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
        },
    };
    finish(out, &document)
}

pub(super) fn finish(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    write_document(out, document)
}

pub(super) fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

pub(super) fn timestamp(started_at: jiff::Timestamp, after: Duration) -> String {
    let at = started_at.checked_add(after).unwrap_or(started_at);
    format!("{at:.3}")
}

/// A sequence that is made while it is written.
struct Each<F>(F);

impl<F, I> Serialize for Each<F>
where
    F: Fn() -> I,
    I: Iterator,
    I::Item: Serialize,
{
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq((self.0)())
    }
}

/// The program that writes.
#[derive(Serialize)]
pub(super) struct Tool {
    name: &'static str,
    version: &'static str,
}

impl Tool {
    pub(super) fn this() -> Self {
        Self { name: env!("CARGO_PKG_NAME"), version: env!("CARGO_PKG_VERSION") }
    }
}

#[derive(Serialize)]
struct Run<'a> {
    id: &'a str,
    started_at: String,
    finished_at: String,
    exit_code: u8,
    simulated: bool,
    shard: Option<String>,
    resumed: usize,
    /// What a merged report was made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    runs: Vec<MergedRunEntry<'a>>,
}

#[derive(Serialize)]
struct MergedRunEntry<'a> {
    id: &'a str,
    started_at: String,
    finished_at: String,
    shard: Option<String>,
    simulated: bool,
    digest: &'a str,
}

fn merged_run(run: &MergedRun) -> MergedRunEntry<'_> {
    MergedRunEntry {
        id: run.id.as_str(),
        started_at: timestamp(run.started_at, Duration::ZERO),
        finished_at: timestamp(run.finished_at, Duration::ZERO),
        shard: run.shard.map(|shard| shard.to_string()),
        simulated: run.simulated,
        digest: run.digest.as_str(),
    }
}

/// A plan of the run.
#[derive(Serialize)]
pub(super) struct PlanEntry<'a> {
    path: &'a str,
    name: &'a str,
    digest: &'a str,
}

/// Counts and times.
#[derive(Serialize)]
pub(super) struct SummaryEntry {
    #[serde(flatten)]
    counts: Counts,
    attempts: usize,
    throttled: usize,
    duration_ms: u64,
    forecast_ms: u64,
    forecast_off_ms: i64,
}

#[derive(Serialize)]
struct RunDocument<'a, O: Serialize> {
    schema_version: u32,
    tool: Tool,
    run: Run<'a>,
    plans: Vec<PlanEntry<'a>>,
    summary: SummaryEntry,
    operations: O,
}

#[derive(Serialize)]
struct PlanDocument<'a, O: Serialize> {
    schema_version: u32,
    plans: Vec<PlanEntry<'a>>,
    digest: &'a str,
    /// Operations of the plans, also those that are not selected.
    planned: usize,
    forecast: &'a Forecast,
    operations: O,
}

#[derive(Serialize)]
struct SourceEntry<'a> {
    path: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct RequestEntry<'a> {
    method: &'static str,
    url: String,
    body: &'a SyncBody,
}

#[derive(Serialize)]
struct OperationEntry<'a> {
    id: &'a str,
    project: &'a str,
    region: &'a str,
    project_id: &'a str,
    enterprise_project_id: &'a str,
    credential: &'a str,
    registry_sets: Vec<&'a str>,
    wave: &'a str,
    source: SourceEntry<'a>,
    request: RequestEntry<'a>,
    /// What has to be asked of the network before the request is complete.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unresolved: Vec<String>,
}

#[derive(Serialize)]
struct RunOperation<'a> {
    #[serde(flatten)]
    operation: OperationEntry<'a>,
    outcome: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    explanation: Option<Explanation>,
    task_id: Option<&'a str>,
    attempts: Vec<AttemptEntry<'a>>,
}

/// A request that was sent.
#[derive(Serialize)]
pub(super) struct AttemptEntry<'a> {
    started_at: String,
    duration_ms: u64,
    status: Option<u16>,
    error_code: Option<&'a str>,
    error_message: Option<&'a str>,
    request_id: Option<&'a str>,
}

pub(super) fn summary_entry(summary: &RunSummary) -> SummaryEntry {
    SummaryEntry {
        counts: summary.counts,
        attempts: summary.attempts,
        throttled: summary.throttled,
        duration_ms: millis(summary.worked()),
        forecast_ms: millis(summary.forecast),
        forecast_off_ms: summary.forecast_off(),
    }
}

/// The contract's word for how an operation ended.
pub(super) fn outcome_word(operation: &OperationSummary) -> &'static str {
    operation.outcome.as_ref().map_or("not_attempted", |outcome| outcome.as_str())
}

pub(super) fn plan_entries(plan: &ExecutionPlan) -> Vec<PlanEntry<'_>> {
    plan.plans
        .iter()
        .map(|plan| PlanEntry { path: &plan.path, name: &plan.name, digest: plan.digest.as_str() })
        .collect()
}

fn operation_entry<'a>(plan: &'a ExecutionPlan, sources: &'a Sources, operation: &'a Operation) -> OperationEntry<'a> {
    let (path, position) = sources.place(operation.location);
    let target = &operation.target;
    let mut unresolved = Vec::new();
    if matches!(target.project_id, ProjectRef::Lookup) {
        unresolved.push("project_id: lookup".to_owned());
    }
    unresolved.extend(operation.content.selectors.iter().map(|selector| format!("select: {}", selector.set)));
    OperationEntry {
        id: operation.id.as_str(),
        project: target.project.as_str(),
        region: target.region.as_str(),
        project_id: target.project_id.as_str(),
        enterprise_project_id: target.enterprise_project_id.as_str(),
        credential: target.credential.as_str(),
        registry_sets: operation.sets.iter().map(|set| set.as_str()).collect(),
        wave: plan.plans[operation.plan].waves[operation.wave].name.as_str(),
        source: SourceEntry { path, line: position.line(), column: position.column() },
        request: RequestEntry { method: "POST", url: url(operation), body: &operation.content.body },
        unresolved,
    }
}

/// The URL that is sent; while the project id is to be looked up, its place holds `{project_id}`.
fn url(operation: &Operation) -> String {
    let Operation { endpoint, target, content, .. } = operation;
    let eps = &target.enterprise_project_id;
    match &target.project_id {
        ProjectRef::Id(id) => request_url(&Request::create_sync_task(endpoint, &target.region, id, eps, &content.body)),
        ProjectRef::Lookup => {
            let query = encode_query(&[("enterprise_project_id".to_owned(), eps.as_str().to_owned())]);
            format!("{endpoint}/v5/{{project_id}}/image/image-sync/tasks?{query}")
        }
    }
}

/// What is known of the code of a failure.
fn explained(outcome: &Outcome) -> Option<Explanation> {
    match outcome {
        Outcome::Failed(failure) | Outcome::Unknown(failure) => {
            explanation(failure.kind, failure.code.as_deref(), &failure.message)
        }
        _ => None,
    }
}

pub(super) fn attempt_entry(started_at: jiff::Timestamp, attempt: &AttemptRecord) -> AttemptEntry<'_> {
    AttemptEntry {
        started_at: timestamp(started_at, attempt.started),
        duration_ms: millis(attempt.duration),
        status: attempt.status,
        error_code: attempt.error_code.as_deref(),
        error_message: attempt.error_message.as_deref(),
        request_id: attempt.request_id.as_deref(),
    }
}

#[derive(Serialize)]
struct DiagnosticEntry<'a> {
    code: &'static str,
    severity: Severity,
    message: &'a str,
    path: &'a str,
    line: Option<u32>,
    column: Option<u32>,
    end_line: Option<u32>,
    end_column: Option<u32>,
    help: Option<&'a str>,
    label: Option<&'a str>,
    notes: &'a [String],
    related: Vec<RelatedEntry<'a>>,
}

#[derive(Serialize)]
struct RelatedEntry<'a> {
    message: &'a str,
    path: &'a str,
    line: u32,
    column: u32,
}

#[derive(Serialize)]
struct DiagnosticsSummary {
    plans: usize,
    operations: Option<usize>,
    errors: usize,
    warnings: usize,
}

#[derive(Serialize)]
struct DiagnosticsDocument<'a> {
    schema_version: u32,
    diagnostics: Vec<DiagnosticEntry<'a>>,
    summary: DiagnosticsSummary,
}

fn diagnostic_entry<'a>(diagnostic: &'a Diagnostic, sources: &'a Sources) -> DiagnosticEntry<'a> {
    let (path, range, label) = match &diagnostic.place {
        Place::Text(Label { location, text }) => {
            let source = sources.get(location.source);
            let start = source.position(location.span.start);
            let end = source.position(location.span.end);
            (source.path(), Some((start, end)), (!text.is_empty()).then_some(text.as_str()))
        }
        Place::File(path) => (path.as_str(), None, None),
    };
    let related = |label: &'a Label| {
        let (path, position) = sources.place(label.location);
        RelatedEntry { message: &label.text, path, line: position.line(), column: position.column() }
    };
    DiagnosticEntry {
        code: diagnostic.code.as_str(),
        severity: diagnostic.severity(),
        message: &diagnostic.message,
        path,
        line: range.map(|(start, _)| start.line()),
        column: range.map(|(start, _)| start.column()),
        end_line: range.map(|(_, end)| end.line()),
        end_column: range.map(|(_, end)| end.column()),
        help: diagnostic.help.as_deref(),
        label,
        notes: &diagnostic.notes,
        related: diagnostic.secondary.iter().map(related).collect(),
    }
}

#[cfg(test)]
mod tests;
