//! A run as its journal tells it: its plans, expanded again from the texts that the journal holds, and what happened.
//!
//! `resume` goes on from here, `report` shows it. Nothing but the journal is read, so that neither depends on files that may
//! have changed since.

use std::collections::HashMap;
use std::time::Duration;

use super::load::{LoadFailure, Loaded, Reading, Texts};
use crate::cli::PaceArgs;
use crate::event::{NotAttemptedReason, Outcome, RunEvent};
use crate::io::state_dir::RunDir;
use crate::journal::{DamagedJournal, Header, Journal, check_waves};
use crate::resolve::put_back;
use crate::resume::{Reopen, take_up};
use crate::summary::RunSummary;

/// Why the plans of a journal are not had.
#[derive(Debug)]
pub(super) enum NotRecorded {
    /// They can't be read.
    Unreadable(LoadFailure),
    /// They can be read, and are not what they were.
    ReadOtherwise,
    /// What was resolved does not fit them.
    Damaged(String),
}

/// The plans as the journal holds them, with `lookup` and `select` as they were resolved when the run began: the service is
/// not asked again, since its answer may be another by now.
pub(super) fn recorded(header: &Header, pace: &PaceArgs) -> Result<Loaded, NotRecorded> {
    let reading = Reading::recorded(&header.invocation, pace).map_err(NotRecorded::Unreadable)?;
    let mut loaded = Texts::recorded(&header.sources).understand(reading).map_err(NotRecorded::Unreadable)?;
    if loaded.plan.digest != header.digest || loaded.plan.operations.len() != header.planned {
        return Err(NotRecorded::ReadOtherwise);
    }
    loaded.unresolved = (!header.resolved.is_empty()).then(|| loaded.plan.clone());
    match put_back(&mut loaded.plan, &header.resolved) {
        Ok(()) => Ok(loaded),
        Err(unfit) => Err(NotRecorded::Damaged(unfit.to_string())),
    }
}

/// Why a journal can't be read. One without a whole header is of a run that sent nothing, unless there is what only the end of
/// a run leaves.
pub(super) fn unreadable(directory: &RunDir, error: &DamagedJournal) -> String {
    if *error == DamagedJournal::NothingAnnounced && directory.has_report() {
        return "the journal was cut short after the run: its beginning is missing, and the report beside it says what was \
                sent. Restore the journal, or begin a new run for what the report does not call accepted"
            .to_owned();
    }
    error.to_string()
}

/// What happened in a run up to now.
#[derive(Debug)]
pub(super) struct Story {
    pub(super) events: Vec<RunEvent>,
    pub(super) summary: RunSummary,
}

impl Story {
    /// The events of a journal, folded.
    ///
    /// # Errors
    /// One is about an operation or a wave that the plan does not have.
    pub(super) fn of(journal: &Journal, loaded: &Loaded) -> Result<Self, DamagedJournal> {
        let index: HashMap<&str, usize> =
            loaded.plan.operations.iter().enumerate().map(|(op, operation)| (operation.id.as_str(), op)).collect();
        let events = journal.events(|id| index.get(id).copied())?;
        let waves: Vec<usize> = loaded.plan.plans.iter().map(|file| file.waves.len()).collect();
        check_waves(&journal.header, &events, &waves)?;
        let mut summary = RunSummary::new(loaded.plan.operations.len());
        events.iter().for_each(|event| summary.apply(event));
        Ok(Self { events, summary })
    }

    /// The account of the run if it ended here: what was in flight is unknown, and what was never sent is not attempted.
    pub(super) fn as_if_over(&self, loaded: &Loaded) -> RunSummary {
        let (mut summary, at) = (self.summary.clone(), self.elapsed());
        for event in take_up(&loaded.plan, &self.events, at, Reopen::default()) {
            if !matches!(event, RunEvent::OperationReopened { .. }) {
                summary.apply(&event);
            }
        }
        for op in 0..summary.operations.len() {
            if summary.operations[op].outcome.is_none() {
                let left_out = loaded.plan.operations[op].left_out;
                let outcome = left_out.map_or(Outcome::NotAttempted(NotAttemptedReason::Interrupted), |why| {
                    Outcome::Skipped(why.reason())
                });
                summary.apply(&RunEvent::OperationEnded { op, at, outcome });
            }
        }
        summary
    }

    /// Whether its last session came to its end.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.events.last(), Some(RunEvent::RunEnded { .. }))
    }

    /// The time of its last event, on its own clock.
    pub(super) fn elapsed(&self) -> Duration {
        self.summary.elapsed
    }
}
