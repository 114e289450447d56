//! What the page's script reads: every operation and attempt as JSON, each text once.
//!
//! The JSON stands in a `script` element that isn't run. Nothing in it ends that element, since `<` is written `\u003c`,
//! which only strings can hold.

use std::collections::HashMap;
use std::io;

use serde::Serialize;

use super::super::json::millis;
use super::{OUTCOMES, OutcomeWord, rank, text};
use crate::event::{AttemptRecord, FailureKind};
use crate::expand::ExecutionPlan;
use crate::source::Sources;
use crate::summary::{Cause, OperationSummary, RunSummary};

/// The document. Rows are arrays, because there can be ten thousand of them; `page.js` names the columns.
#[derive(Serialize)]
struct Data {
    /// Milliseconds since 1970.
    started: i64,
    elapsed: u64,
    outcomes: [OutcomeWord; 6],
    texts: Vec<String>,
    causes: Vec<usize>,
    operations: Vec<OperationRow>,
}

/// Outcome, project, region, wave, why, calls; then id, plan line, what, project id, enterprise project, credential, task; then
/// cause. All but outcome, calls and cause are numbers of texts; −1 stands for none.
#[derive(Serialize)]
struct OperationRow(usize, [i64; 4], [i64; 7], i64, Vec<AttemptRow>);

/// Start and duration in milliseconds, status, code, message, request id, and [`result`].
#[derive(Serialize)]
struct AttemptRow(u64, u64, u16, i64, i64, i64, u8);

/// Texts by number.
#[derive(Default)]
struct Texts {
    numbers: HashMap<String, usize>,
    texts: Vec<String>,
}

impl Texts {
    fn number(&mut self, untrusted: &str) -> i64 {
        let shown = text(untrusted);
        let number = *self.numbers.entry(shown).or_insert_with_key(|shown| {
            self.texts.push(shown.clone());
            self.texts.len() - 1
        });
        i64::try_from(number).unwrap_or(-1)
    }

    fn optional(&mut self, text: Option<&str>) -> i64 {
        text.map_or(-1, |text| self.number(text))
    }
}

/// What became of an attempt: accepted, throttled, failed, no clear answer. `page.js` has the words.
pub(super) fn result(attempt: &AttemptRecord) -> u8 {
    match (attempt.throttled, attempt.kind) {
        (true, _) => 1,
        (false, None) => 0,
        (false, Some(FailureKind::NoAnswer | FailureKind::UnclearAnswer)) => 3,
        (false, Some(_)) => 2,
    }
}

/// The JSON, fit for a `script` element.
pub(super) fn data(
    plan: &ExecutionPlan,
    sources: &Sources,
    summary: &RunSummary,
    causes: &[Cause],
) -> io::Result<String> {
    let mut cause_of = vec![-1; plan.operations.len()];
    for (number, cause) in causes.iter().enumerate() {
        for op in &cause.ops {
            cause_of[*op] = i64::try_from(number).unwrap_or(-1);
        }
    }
    let mut texts = Texts::default();
    let mut operations = Vec::with_capacity(plan.operations.len());
    for ((operation, outcome), cause) in plan.operations.iter().zip(&summary.operations).zip(cause_of) {
        let target = &operation.target;
        let (path, position) = sources.place(operation.location);
        let wave = plan.plans[operation.plan].waves[operation.wave].name.as_str();
        let shown = [
            texts.number(target.project.as_str()),
            texts.number(target.region.as_str()),
            texts.number(wave),
            texts.optional(outcome.reason().as_deref()),
        ];
        let more = [
            texts.number(operation.id.as_str()),
            texts.number(&format!("{path}:{}", position.line())),
            texts.number(&operation.what()),
            texts.number(target.project_id.as_str()),
            texts.number(target.enterprise_project_id.as_str()),
            texts.number(target.credential.as_str()),
            texts.optional(outcome.task.as_ref().map(|task| task.as_str())),
        ];
        operations.push(OperationRow(rank(outcome), shown, more, cause, attempts(&mut texts, outcome)));
    }
    let causes = causes.iter().map(|cause| usize::try_from(texts.number(&super::head(cause))).unwrap_or(0)).collect();
    let data = Data {
        started: summary.started_at.unwrap_or_default().as_millisecond(),
        elapsed: millis(summary.elapsed),
        outcomes: OUTCOMES,
        texts: texts.texts,
        causes,
        operations,
    };
    Ok(serde_json::to_string(&data)?.replace('<', "\\u003c"))
}

fn attempts(texts: &mut Texts, operation: &OperationSummary) -> Vec<AttemptRow> {
    let row = |attempt: &AttemptRecord| {
        AttemptRow(
            millis(attempt.started),
            millis(attempt.duration),
            attempt.status.unwrap_or(0),
            texts.optional(attempt.error_code.as_deref()),
            texts.optional(attempt.error_message.as_deref()),
            texts.optional(attempt.request_id.as_deref()),
            result(attempt),
        )
    };
    operation.attempts.iter().map(row).collect()
}
