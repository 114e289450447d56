//! What the page's script reads: every operation and attempt as JSON, each text once.
//!
//! The JSON stands in a `script` element that isn't run. Nothing in it ends that element, since `<` is written `\u003c`,
//! which only strings can hold.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{self, Write};

use serde::Serialize;
use serde::ser::{SerializeSeq, Serializer};
use serde_json::ser::Formatter;

use super::super::json::millis;
use super::{OUTCOMES, OutcomeWord, head, rank, text};
use crate::event::{AttemptRecord, FailureKind, OpIndex};
use crate::expand::ExecutionPlan;
use crate::source::Sources;
use crate::summary::{Cause, RunSummary};

/// The document. Rows are arrays, because there can be a hundred thousand of them; `page.js` names the columns.
#[derive(Serialize)]
struct Data<T, C, R> {
    /// Milliseconds since 1970.
    started: i64,
    elapsed: u64,
    outcomes: [OutcomeWord; 6],
    texts: T,
    causes: C,
    operations: R,
}

/// Outcome, project, region, wave, why, calls; then id, plan line, what, project id, enterprise project, credential, task; then
/// cause. All but outcome, calls and cause are numbers of texts; −1 stands for none.
#[derive(Serialize)]
struct OperationRow(usize, [i64; 4], [i64; 7], i64, Vec<AttemptRow>);

/// Start and duration in milliseconds, status, code, message, request id, and [`result`].
#[derive(Serialize)]
struct AttemptRow(u64, u64, u16, i64, i64, i64, u8);

/// What became of an attempt: accepted, throttled, failed, no clear answer. `page.js` has the words.
pub(super) fn result(attempt: &AttemptRecord) -> u8 {
    match (attempt.throttled, attempt.kind) {
        (true, _) => 1,
        (false, None) => 0,
        (false, Some(FailureKind::NoAnswer | FailureKind::UnclearAnswer)) => 3,
        (false, Some(_)) => 2,
    }
}

/// Texts of an operation that no other has, as a rule: its id, its project and the id of that, its line, the id of an answer.
const OWN_TEXTS: usize = 5;

/// Writes the JSON, fit for a `script` element.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_data(
    out: &mut dyn Write,
    plan: &ExecutionPlan,
    sources: &Sources,
    summary: &RunSummary,
    causes: &[Cause],
) -> io::Result<()> {
    let mut cause_of = vec![-1; plan.operations.len()];
    for (number, cause) in causes.iter().enumerate() {
        for op in &cause.ops {
            cause_of[*op] = i64::try_from(number).unwrap_or(-1);
        }
    }
    let numbers = HashMap::with_capacity(plan.operations.len().saturating_mul(OWN_TEXTS));
    let told = Told { plan, sources, summary, causes, cause_of, numbers: RefCell::new(numbers) };
    let data = Data {
        started: summary.started_at.unwrap_or_default().as_millisecond(),
        elapsed: millis(summary.elapsed),
        outcomes: OUTCOMES,
        texts: Texts(&told),
        causes: Causes(&told),
        operations: Rows(&told),
    };
    data.serialize(&mut serde_json::Serializer::with_formatter(out, InScript))?;
    Ok(())
}

/// What the document is made of. The texts stand before the rows that name them by number, so the operations are gone through
/// twice, and neither texts nor rows are ever there as a whole.
struct Told<'a> {
    plan: &'a ExecutionPlan,
    sources: &'a Sources,
    summary: &'a RunSummary,
    causes: &'a [Cause],
    /// The cause of each operation; −1 for those without.
    cause_of: Vec<i64>,
    /// Of the texts that were written.
    numbers: RefCell<Numbers<'a>>,
}

/// Texts that the plan or the summary holds are borrowed from there.
type Numbers<'a> = HashMap<Cow<'a, str>, u32>;

impl<'a> Told<'a> {
    fn ops(&self) -> std::ops::Range<OpIndex> {
        0..self.plan.operations.len().min(self.summary.operations.len())
    }

    /// The row of an operation, with a `number` for each of its texts.
    fn row(&self, op: OpIndex, mut number: impl FnMut(Cow<'a, str>) -> i64) -> OperationRow {
        let (plan, operation, ended) = (self.plan, &self.plan.operations[op], &self.summary.operations[op]);
        let target = &operation.target;
        let (path, position) = self.sources.place(operation.location);
        let wave = plan.plans[operation.plan].waves[operation.wave].name.as_str();
        let mut number = |untrusted: Option<Cow<'a, str>>| untrusted.map_or(-1, |untrusted| number(shown(untrusted)));
        let shown = [
            number(Some(target.project.as_str().into())),
            number(Some(target.region.as_str().into())),
            number(Some(wave.into())),
            number(ended.reason().map(Cow::Owned)),
        ];
        let more = [
            number(Some(operation.id.as_str().into())),
            number(Some(format!("{path}:{}", position.line()).into())),
            number(Some(operation.what().into())),
            number(Some(target.project_id.as_str().into())),
            number(Some(target.enterprise_project_id.as_str().into())),
            number(Some(target.credential.as_str().into())),
            number(ended.task.as_ref().map(|task| task.as_str().into())),
        ];
        let attempt = |attempt: &'a AttemptRecord| {
            AttemptRow(
                millis(attempt.started),
                millis(attempt.duration),
                attempt.status.unwrap_or(0),
                number(attempt.error_code.as_deref().map(Cow::Borrowed)),
                number(attempt.error_message.as_deref().map(Cow::Borrowed)),
                number(attempt.request_id.as_deref().map(Cow::Borrowed)),
                result(attempt),
            )
        };
        let attempts = ended.attempts.iter().map(attempt).collect();
        OperationRow(rank(ended), shown, more, self.cause_of[op], attempts)
    }

    /// The text of each cause.
    fn heads(&self) -> impl Iterator<Item = Cow<'a, str>> {
        self.causes.iter().map(|cause| shown(head(cause).into()))
    }

    /// Gives a text its number; one that had none is added to `fresh`.
    fn take(&self, text: Cow<'a, str>, fresh: &mut Vec<Cow<'a, str>>) -> i64 {
        let mut numbers = self.numbers.borrow_mut();
        let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let number = *numbers.entry(text).or_insert_with_key(|text| {
            fresh.push(text.clone());
            next
        });
        i64::from(number)
    }

    /// The number of a text that was taken.
    fn number(&self, text: &str) -> i64 {
        self.numbers.borrow().get(text).map_or(-1, |number| i64::from(*number))
    }
}

/// As the page shows it.
fn shown(untrusted: Cow<'_, str>) -> Cow<'_, str> {
    match untrusted {
        Cow::Borrowed(untrusted) => text(untrusted),
        Cow::Owned(untrusted) => text(&untrusted).into_owned().into(),
    }
}

/// Each text once, in the order in which they come up; gives them their numbers.
struct Texts<'t, 'a>(&'t Told<'a>);

impl Serialize for Texts<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(told) = self;
        let mut list = serializer.serialize_seq(None)?;
        let mut fresh = Vec::new();
        let mut write =
            |fresh: &mut Vec<Cow<'_, str>>| fresh.drain(..).try_for_each(|text| list.serialize_element(&text));
        for op in told.ops() {
            told.row(op, |text| told.take(text, &mut fresh));
            write(&mut fresh)?;
        }
        for head in told.heads() {
            told.take(head, &mut fresh);
            write(&mut fresh)?;
        }
        list.end()
    }
}

/// The number of each cause's text.
struct Causes<'t, 'a>(&'t Told<'a>);

impl Serialize for Causes<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.heads().map(|head| self.0.number(&head)))
    }
}

/// A row for each operation.
struct Rows<'t, 'a>(&'t Told<'a>);

impl Serialize for Rows<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(told) = self;
        serializer.collect_seq(told.ops().map(|op| told.row(op, |text| told.number(&text))))
    }
}

/// JSON in which nothing ends a `script` element.
struct InScript;

impl Formatter for InScript {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut pieces = fragment.split('<');
        writer.write_all(pieces.next().unwrap_or_default().as_bytes())?;
        pieces.try_for_each(|piece| {
            writer.write_all(b"\\u003c")?;
            writer.write_all(piece.as_bytes())
        })
    }
}
