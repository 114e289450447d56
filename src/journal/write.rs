//! Makes the lines of a journal: numbered, and each sealed by a sum over the one before.

use std::borrow::Cow;

use serde::Serialize;

use super::JOURNAL_VERSION;
use super::chain::Chain;
use super::header::Header;
use super::record::{PlanBody, Record, RunLine, from_resolution, micros, to_record};
use crate::event::{OpIndex, RunEvent};

/// Writes lines; owns their numbers and the chain of their sums.
///
/// A line is made once and must then reach the file: those after it don't hold without it. In a buffer that has room, an
/// event costs less than a microsecond and no allocation, unless it names a failure budget.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineWriter {
    chain: Chain,
}

impl LineWriter {
    /// For a journal without a line.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// To go on with a journal that was read.
    pub(super) fn after(chain: Chain) -> Self {
        Self { chain }
    }

    /// Appends the lines that a new journal begins with: the header, the text of each source, what was resolved.
    pub fn header(&mut self, header: &Header, out: &mut Vec<u8>) {
        let plans = header.plans.iter().map(|plan| PlanBody {
            path: Cow::Borrowed(&plan.path),
            name: Cow::Borrowed(&plan.name),
            digest: Cow::Borrowed(plan.digest.as_str()),
        });
        let line = RunLine {
            seq: self.chain.lines(),
            version: JOURNAL_VERSION,
            run: Cow::Borrowed(header.run.as_str()),
            tool: Cow::Borrowed(&header.tool),
            started_at: header.started_at,
            forecast_us: micros(header.forecast),
            planned: header.planned,
            digest: Cow::Borrowed(header.digest.as_str()),
            plans: plans.collect(),
            invocation: Cow::Borrowed(&header.invocation),
            sources: header.sources.len(),
            resolved: header.resolved.len(),
        };
        self.line(&Record::Run(Box::new(line)), out);
        for source in &header.sources {
            let (path, text) = (Cow::Borrowed(&*source.path), Cow::Borrowed(&*source.text));
            self.line(&Record::Source { seq: self.chain.lines(), path, text }, out);
        }
        for resolution in &header.resolved {
            self.line(&from_resolution(self.chain.lines(), resolution), out);
        }
    }

    /// Appends the line of one event; `id` gives an operation's id by its index. [`RunEvent::RunStarted`] adds nothing: the
    /// header is its record.
    pub fn event<'a>(&mut self, event: &RunEvent, id: impl Fn(OpIndex) -> &'a str, out: &mut Vec<u8>) {
        if let Some(record) = to_record(self.chain.lines(), event, |op| id(op)) {
            self.line(&record, out);
        }
    }

    fn line(&mut self, record: &impl Serialize, out: &mut Vec<u8>) {
        let start = out.len();
        // Plain structs into memory have no way to fail.
        let written = serde_json::to_writer(&mut *out, record);
        debug_assert!(written.is_ok(), "{written:?}");
        // The object goes on with its sum.
        out.pop();
        self.chain.seal(out, start);
    }
}
