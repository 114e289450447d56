//! JUnit XML, as the test reports of CI systems read it: a suite a plan, a case an operation.
//!
//! It keeps to the schema of Jenkins' xUnit plugin (`junit-10.xsd`), the narrowest that is in use; `tests/formats/run` holds it
//! to that. So what is known of a case beyond its name stands in its `system-out`, since a case has no properties there.

use std::io::{self, Write};

use quick_junit::{NonSuccessKind, Property, Report, TestCase, TestCaseStatus, TestSuite};

use super::closing::next_step;
use super::format::{RunReport, merged_from};
use super::json::{millis, timestamp};
use crate::diagnostic::visible;
use crate::event::{Failure, OpIndex, Outcome};
use crate::summary::OperationSummary;

/// Writes the report.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_junit(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let mut document = Report::new(env!("CARGO_PKG_NAME"));
    document.set_time(report.summary.worked());
    for plan in 0..report.plan.plans.len() {
        document.add_test_suite(suite(report, plan));
    }
    let mut bytes = Vec::new();
    document.serialize(&mut bytes).map_err(io::Error::other)?;
    out.write_all(&without_skipped(bytes, document.skipped))
}

/// The root has an attribute there that no schema knows. Nothing but our own name stands before it.
fn without_skipped(bytes: Vec<u8>, skipped: usize) -> Vec<u8> {
    let attribute = format!(" skipped=\"{skipped}\"");
    let at = bytes.windows(attribute.len()).position(|window| window == attribute.as_bytes());
    match at {
        Some(at) => [&bytes[..at], &bytes[at + attribute.len()..]].concat(),
        None => bytes,
    }
}

fn suite(report: &RunReport<'_>, plan: usize) -> TestSuite {
    let RunReport { plan: planned, summary, facts, runs, .. } = *report;
    let file = &planned.plans[plan];
    let operations = planned.operations.iter().enumerate().filter(|(_, operation)| operation.plan == plan);
    let ops: Vec<OpIndex> = operations.map(|(op, _)| op).collect();
    let mut suite = TestSuite::new(visible(&file.name).as_ref());
    suite.set_time(summary.part(ops.iter().copied()).in_calls);
    if let Some(started_at) = summary.started_at {
        suite.extra.insert("timestamp".into(), timestamp(started_at, std::time::Duration::ZERO).into());
    }
    let properties = [
        ("run", summary.run.as_ref().map_or("", |run| run.as_str()).to_owned()),
        ("path", visible(&file.path).into_owned()),
        ("digest", file.digest.as_str().to_owned()),
        ("exit_code", facts.exit.code().to_string()),
        ("simulated", facts.simulated.to_string()),
        ("resumed", summary.resumed.to_string()),
        ("forecast_ms", millis(summary.forecast).to_string()),
        ("tool", concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    suite.add_properties(properties.map(|(name, value)| Property::new(name, value)));
    suite.add_properties(facts.shard.map(|shard| Property::new("shard", shard.to_string())));
    suite.add_properties((!runs.is_empty()).then(|| Property::new("runs", merged_from(runs).join(", "))));
    suite.add_test_cases(ops.into_iter().map(|op| case(report, op)));
    suite
}

fn case(report: &RunReport<'_>, op: OpIndex) -> TestCase {
    let RunReport { plan, summary, .. } = *report;
    let operation = &plan.operations[op];
    let nothing = OperationSummary::default();
    let ended = summary.operations.get(op).unwrap_or(&nothing);
    let status = match &ended.outcome {
        Some(Outcome::Accepted | Outcome::Confirmed) => TestCaseStatus::success(),
        Some(Outcome::Failed(failure)) => non_success(NonSuccessKind::Failure, failure, ended),
        Some(Outcome::Unknown(failure)) => non_success(NonSuccessKind::Error, failure, ended),
        Some(Outcome::Skipped(_) | Outcome::NotAttempted(_)) | None => {
            let mut status = TestCaseStatus::skipped();
            status.set_type(ended.outcome.as_ref().map_or("not_attempted", Outcome::as_str));
            status.set_message(visible(&ended.reason().unwrap_or_default()).as_ref());
            status
        }
    };
    let mut case = TestCase::new(visible(operation.id.as_str()).as_ref(), status);
    let plan_name = &plan.plans[operation.plan].name;
    case.set_classname(format!("{}.{}", visible(plan_name), operation.target.region));
    case.set_time(ended.in_calls());
    case.set_system_out(about(report, op, ended));
    case
}

/// A failure or, where it is not known what came of it, an error: by its code where it has one, else by its kind.
fn non_success(kind: NonSuccessKind, failure: &Failure, ended: &OperationSummary) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(kind);
    let reason = ended.reason().unwrap_or_default();
    let next_step = next_step(failure.kind, failure.code.as_deref(), &failure.message);
    status.set_type(visible(failure.code.as_deref().unwrap_or(failure.kind.as_str())).as_ref());
    status.set_message(visible(&reason).as_ref());
    status.set_description(format!("{}\n{next_step}", visible(&reason)));
    status
}

/// What else is known of an operation, a line each.
fn about(report: &RunReport<'_>, op: OpIndex, ended: &OperationSummary) -> String {
    let RunReport { plan, sources, summary, .. } = *report;
    let operation = &plan.operations[op];
    let (target, started_at) = (&operation.target, summary.started_at.unwrap_or_default());
    let (path, position) = sources.place(operation.location);
    let wave = &plan.plans[operation.plan].waves[operation.wave].name;
    let sets: Vec<&str> = operation.sets.iter().map(|set| set.as_str()).collect();
    let mut lines = vec![
        format!("outcome: {}", ended.outcome.as_ref().map_or("not_attempted", Outcome::as_str)),
        format!("place: {path}:{}:{}", position.line(), position.column()),
        format!("project: {}", target.project),
        format!("region: {}", target.region),
        format!("project_id: {}", target.project_id.as_str()),
        format!("enterprise_project_id: {}", target.enterprise_project_id.as_str()),
        format!("credential: {}", target.credential.as_str()),
        format!("registry_sets: {}", sets.join(" ")),
        format!("wave: {wave}"),
    ];
    lines.extend(ended.task.as_ref().map(|task| format!("task_id: {}", task.as_str())));
    lines.extend(ended.left_open().map(|why| format!("left open: {why}")));
    for (number, attempt) in (1..).zip(&ended.attempts) {
        let status = attempt.status.map_or("no answer".to_owned(), |status| format!("HTTP {status}"));
        let said = attempt.failure().map(|failure| format!(", {}", failure.reason())).unwrap_or_default();
        let request_id = attempt.request_id.as_deref().map(|id| format!(", request id {id}")).unwrap_or_default();
        let started = timestamp(started_at, attempt.started);
        lines.push(format!("call {number}: {started}, {} ms, {status}{said}{request_id}", millis(attempt.duration)));
    }
    lines.iter().map(|line| visible(line).into_owned() + "\n").collect()
}

#[cfg(test)]
mod tests;
