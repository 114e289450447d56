//! JUnit XML, as the test reports of CI systems read it: a suite a plan, a case an operation.
//!
//! It keeps to the schema of Jenkins' xUnit plugin (`junit-10.xsd`), the narrowest that is in use; `tests/formats/run` holds it
//! to that. So what is known of a case beyond its name stands in its `system-out`, since a case has no properties there.
//!
//! The document is written as it is made, so that it costs the memory of one case.

use std::borrow::Cow;
use std::io::{self, Write};
use std::time::Duration;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::closing::next_step;
use super::format::{RunReport, merged_from};
use super::json::{millis, timestamp};
use crate::diagnostic::visible;
use crate::event::{Failure, OpIndex, Outcome};
use crate::summary::{Counts, OperationSummary};

/// Where the document goes, a case at a time.
type Xml<'a> = Writer<&'a mut dyn Write>;

/// Writes the report.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_junit(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let RunReport { plan, summary, .. } = *report;
    let mut xml = Writer::new_with_indent(out, b' ', 4);
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let part = summary.part(0..plan.operations.len());
    xml.create_element("testsuites")
        .with_attributes([
            ("name", env!("CARGO_PKG_NAME")),
            ("tests", &*plan.operations.len().to_string()),
            ("failures", &*part.counts.failed.to_string()),
            ("errors", &*part.counts.unknown.to_string()),
            ("time", &*seconds(summary.worked())),
        ])
        .write_inner_content(|xml| (0..plan.plans.len()).try_for_each(|plan| suite(xml, report, plan)))?;
    xml.write_indent()
}

fn suite(xml: &mut Xml<'_>, report: &RunReport<'_>, plan: usize) -> io::Result<()> {
    let RunReport { plan: planned, summary, .. } = *report;
    let file = &planned.plans[plan];
    let operations = planned.operations.iter().enumerate().filter(|(_, operation)| operation.plan == plan);
    let ops: Vec<OpIndex> = operations.map(|(op, _)| op).collect();
    let part = summary.part(ops.iter().copied());
    let Counts { accepted, confirmed, failed, unknown, .. } = part.counts;
    let mut element = xml.create_element("testsuite").with_attributes([
        ("name", &*shown(&file.name)),
        ("tests", &*ops.len().to_string()),
        ("skipped", &*ops.len().saturating_sub(accepted + confirmed + failed + unknown).to_string()),
        ("errors", &*unknown.to_string()),
        ("failures", &*failed.to_string()),
        ("time", &*seconds(part.in_calls)),
    ]);
    if let Some(started_at) = summary.started_at {
        element = element.with_attribute(("timestamp", &*timestamp(started_at, Duration::ZERO)));
    }
    element.write_inner_content(|xml| {
        properties(xml, report, plan)?;
        ops.iter().try_for_each(|op| case(xml, report, *op))
    })?;
    Ok(())
}

fn properties(xml: &mut Xml<'_>, report: &RunReport<'_>, plan: usize) -> io::Result<()> {
    let RunReport { plan: planned, summary, facts, runs, .. } = *report;
    let file = &planned.plans[plan];
    let mut properties = vec![
        ("run", summary.run.as_ref().map_or("", |run| run.as_str()).to_owned()),
        ("path", shown(&file.path).into_owned()),
        ("digest", file.digest.as_str().to_owned()),
        ("exit_code", facts.exit.code().to_string()),
        ("simulated", facts.simulated.to_string()),
        ("resumed", summary.resumed.to_string()),
        ("forecast_ms", millis(summary.forecast).to_string()),
        ("tool", concat!(env!("CARGO_PKG_NAME"), " ", env!("CARGO_PKG_VERSION")).to_owned()),
    ];
    properties.extend(facts.shard.map(|shard| ("shard", shard.to_string())));
    properties.extend((!runs.is_empty()).then(|| ("runs", merged_from(runs).join(", "))));
    xml.create_element("properties").write_inner_content(|xml| {
        properties.iter().try_for_each(|(name, value)| {
            let property = xml.create_element("property");
            property.with_attributes([("name", *name), ("value", &**value)]).write_empty().map(drop)
        })
    })?;
    Ok(())
}

fn case(xml: &mut Xml<'_>, report: &RunReport<'_>, op: OpIndex) -> io::Result<()> {
    let RunReport { plan, summary, .. } = *report;
    let operation = &plan.operations[op];
    let nothing = OperationSummary::default();
    let ended = summary.operations.get(op).unwrap_or(&nothing);
    let class = format!("{}.{}", shown(&plan.plans[operation.plan].name), operation.target.region);
    xml.create_element("testcase")
        .with_attributes([
            ("name", &*shown(operation.id.as_str())),
            ("classname", &*class),
            ("time", &*seconds(ended.in_calls())),
        ])
        .write_inner_content(|xml| {
            status(xml, ended)?;
            xml.create_element("system-out").write_text_content(BytesText::new(&about(report, op, ended))).map(drop)
        })?;
    Ok(())
}

/// Nothing for what was done.
fn status(xml: &mut Xml<'_>, ended: &OperationSummary) -> io::Result<()> {
    match &ended.outcome {
        Some(Outcome::Accepted | Outcome::Confirmed) => Ok(()),
        Some(Outcome::Failed(failure)) => non_success(xml, "failure", failure, ended),
        Some(Outcome::Unknown(failure)) => non_success(xml, "error", failure, ended),
        Some(Outcome::Skipped(_) | Outcome::NotAttempted(_)) | None => {
            let word = ended.outcome.as_ref().map_or("not_attempted", Outcome::as_str);
            let reason = ended.reason().unwrap_or_default();
            let skipped = xml.create_element("skipped");
            skipped.with_attributes([("message", &*shown(&reason)), ("type", word)]).write_empty().map(drop)
        }
    }
}

/// A failure or, where it is not known what came of it, an error: by its code where it has one, else by its kind.
fn non_success(xml: &mut Xml<'_>, kind: &str, failure: &Failure, ended: &OperationSummary) -> io::Result<()> {
    let reason = ended.reason().unwrap_or_default();
    let reason = shown(&reason);
    let code = shown(failure.code.as_deref().unwrap_or(failure.kind.as_str()));
    let next_step = next_step(failure.kind, failure.code.as_deref(), &failure.message);
    let element = xml.create_element(kind).with_attributes([("message", &*reason), ("type", &*code)]);
    element.write_text_content(BytesText::new(&format!("{reason}\n{next_step}"))).map(drop)
}

/// Untrusted text: nothing in it steers, and XML can hold it.
fn shown(text: &str) -> Cow<'_, str> {
    match visible(text) {
        safe if safe.contains(NO_XML) => safe.replace('\u{fffe}', "\\u{fffe}").replace('\u{ffff}', "\\u{ffff}").into(),
        safe => safe,
    }
}

/// The characters that no XML document can hold, beside controls.
const NO_XML: [char; 2] = ['\u{fffe}', '\u{ffff}'];

/// As the attribute `time` has it.
fn seconds(time: Duration) -> String {
    format!("{:.3}", time.as_secs_f64())
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
    lines.iter().map(|line| shown(line).into_owned() + "\n").collect()
}

#[cfg(test)]
mod tests;
