//! A run as `report` reads it from its journal, and what is told of it beside its report.

use std::sync::Arc;

use super::ending::{commands_on, sends};
use super::load::LoadFailure;
use super::output::Outputs;
use super::recorded::{NotRecorded, Planned, Shelf, Story, as_if_over, unreadable};
use super::session::Bounds;
use crate::cli::BoundArgs;
use crate::diagnostic::visible;
use crate::event::{OpIndex, Outcome, RunEvent};
use crate::exit::ExitStatus;
use crate::io::journal_file::{Glance, JournalFileError, glance};
use crate::io::state_dir::RunDir;
use crate::journal::{self, Header, Invocation};
use crate::merge::{Course, RunRecord};
use crate::schedule::ScheduleOptions;

/// The largest journal that is read: of far more than 100,000 operations.
const MOST_BYTES: u64 = 1 << 30;

/// A run that was read. Nothing large is there twice, so that a report of many operations fits into memory.
pub(super) struct Told {
    pub(super) directory: RunDir,
    /// What its journal comes to, with an outcome for each operation.
    pub(super) record: RunRecord,
    /// All that its journal says, where that is to be told; else nothing.
    pub(super) events: Vec<RunEvent>,
    pub(super) is_over: bool,
    invocation: Invocation,
    /// Operations that its journal has no outcome of.
    open: usize,
    /// Whether another process goes on with it.
    is_running: bool,
}

impl Told {
    /// Reads the journal of a run; only `with_events` are those kept, which are most of it. The error comes with how the process
    /// ends.
    pub(super) fn read(directory: RunDir, shelf: &mut Shelf, with_events: bool) -> Result<Self, (String, ExitStatus)> {
        let place = || visible(&directory.journal().display().to_string()).into_owned();
        let damaged = |message: &str| (format!("{}: {message}", place()), ExitStatus::Unwritable);
        let Glance { bytes, locked } = glance(directory.path(), MOST_BYTES).map_err(|error| {
            let status = match error {
                JournalFileError::Missing(_) | JournalFileError::Read { .. } => ExitStatus::Usage,
                _ => ExitStatus::Unwritable,
            };
            (error.to_string(), status)
        })?;
        let journal = journal::read(&bytes).map_err(|error| damaged(&unreadable(&directory, &error)))?;
        drop(bytes);
        let Header { run, started_at, invocation, .. } = &journal.header;
        let (run, started_at, invocation) = (run.clone(), *started_at, invocation.clone());
        let planned = shelf.planned(&journal.header);
        let Planned { plan, sources, shard } =
            planned.map_err(|error| damaged(&not_recorded(&journal.header, &error)))?;
        let story = Story::of(&journal, &plan).map_err(|error| damaged(&error.to_string()))?;
        drop(journal);
        let (is_over, counts) = (story.is_over(), story.summary.counts);
        let Story { events, summary } = story;
        let course = Arc::new(Course::of(plan.operations.len(), &events));
        let summary = Arc::new(as_if_over(&plan, &events, summary));
        let events = if with_events { events } else { Vec::new() };
        let simulated = invocation.simulated.is_some();
        let record = RunRecord { id: run, started_at, shard, simulated, plan, sources, course, summary };
        let open = counts.planned.saturating_sub(counts.ended());
        Ok(Self { directory, record, events, is_over, invocation, open, is_running: locked })
    }

    /// What is worth telling of a run that did not come to its end.
    pub(super) fn as_it_stands(&self) -> Option<String> {
        let what = match (self.is_running, self.is_over) {
            (true, _) => "is still going on",
            (false, false) => "did not come to its end",
            (false, true) => return None,
        };
        let open = match self.open {
            0 => String::new(),
            open => format!(
                ": {} without an outcome, which is unknown for what was in flight and not attempted for the rest",
                counted(open)
            ),
        };
        Some(format!("run {} {what}, and is told as it stands{open}", self.record.id))
    }

    /// The commands that go on with it.
    pub(super) fn ways(&self) -> Vec<(String, String)> {
        let bounds = Bounds::parse(&BoundArgs::default()).and_then(|bounds| bounds.resumed(&self.invocation));
        let bounds = bounds.map_or_else(|_| ScheduleOptions::default(), |(_, later)| later.schedule());
        let RunRecord { plan, summary, .. } = &self.record;
        match Outputs::parse(&[], self.directory.clone()) {
            Ok(outputs) if !self.is_running => {
                commands_on(&outputs.resume_command(), summary, |reopen| sends(plan, bounds, summary, reopen))
            }
            _ => Vec::new(),
        }
    }

    /// Whether an operation is neither done nor left out.
    pub(super) fn is_unsettled(&self, op: OpIndex) -> bool {
        let outcome = self.record.summary.operations.get(op).and_then(|operation| operation.outcome.as_ref());
        !matches!(outcome, Some(Outcome::Accepted | Outcome::Confirmed | Outcome::Skipped(_)))
    }
}

/// Why a journal's plans are not had.
fn not_recorded(header: &Header, error: &NotRecorded) -> String {
    match error {
        NotRecorded::Damaged(message) => message.clone(),
        NotRecorded::Unreadable(LoadFailure::Usage(messages)) => messages.join("; "),
        NotRecorded::Unreadable(_) | NotRecorded::ReadOtherwise => format!(
            "this hss-sync {} reads the plans of run {} otherwise than {}, which began it, so that it can't say what was \
             planned; report on it with version {}",
            env!("CARGO_PKG_VERSION"),
            header.run,
            header.tool,
            header.tool,
        ),
    }
}

/// So many operations, for people.
pub(super) fn counted(operations: usize) -> String {
    if operations == 1 { "1 operation".to_owned() } else { format!("{operations} operations") }
}
