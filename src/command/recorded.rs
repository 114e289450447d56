//! A run as its journal tells it: its plans, expanded again from the texts that the journal holds, and what happened.
//!
//! `resume` goes on from here, `report` shows it. Nothing but the journal is read, so that neither depends on files that may
//! have changed since. The shards of a plan are of one plan: a [`Shelf`] reads it once for all of them.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use super::load::{LoadFailure, Loaded, Reading, Texts};
use crate::cli::PaceArgs;
use crate::event::{NotAttemptedReason, Outcome, RunEvent};
use crate::expand::{ExecutionPlan, PlannedFile};
use crate::io::state_dir::RunDir;
use crate::journal::{DamagedJournal, Header, Invocation, Journal, check_waves};
use crate::model::Shard;
use crate::resolve::put_back;
use crate::resume::{Reopen, take_up};
use crate::selection::NothingSelected;
use crate::source::Sources;
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

/// What a run planned, for those who only look at it.
pub(super) struct Planned {
    /// With what was resolved, and what the run left out.
    pub(super) plan: Arc<ExecutionPlan>,
    pub(super) sources: Sources,
    pub(super) shard: Option<Shard>,
}

/// The plans of several runs.
#[derive(Default)]
pub(super) struct Shelf(Vec<Volume>);

/// What was read for one run and is good for others.
struct Volume {
    invocation: Invocation,
    sources: Sources,
    /// The plans as their files say them, without what a run leaves out.
    files: Vec<PlannedFile>,
    /// That of the run: another one selects anew, and its operations share everything that is large.
    plan: Arc<ExecutionPlan>,
}

impl Shelf {
    /// What a run planned, as [`recorded`].
    pub(super) fn planned(&mut self, header: &Header) -> Result<Planned, NotRecorded> {
        let reading = Reading::recorded(&header.invocation, &PaceArgs::default()).map_err(NotRecorded::Unreadable)?;
        let selection = reading.selection.clone();
        let known = self.0.iter().find(|volume| volume.is_of(header));
        let (mut plan, sources) = match known {
            Some(Volume { files, plan, sources, .. }) => {
                let (operations, digest) = (plan.operations.clone(), plan.digest.clone());
                (ExecutionPlan { plans: files.clone(), operations, digest }, sources.clone())
            }
            None => {
                let read = Texts::recorded(&header.sources).expanded(reading).map_err(NotRecorded::Unreadable)?;
                (read.plan, read.sources)
            }
        };
        if plan.digest != header.digest || plan.operations.len() != header.planned {
            return Err(NotRecorded::ReadOtherwise);
        }
        // What is resolved is so for one run.
        let is_new = known.is_none() && header.resolved.is_empty();
        let files = is_new.then(|| plan.plans.clone());
        let nothing = |nothing: NothingSelected| NotRecorded::Unreadable(LoadFailure::Usage(nothing.into_messages()));
        selection.apply(&mut plan).map_err(nothing)?;
        put_back(&mut plan, &header.resolved).map_err(|unfit| NotRecorded::Damaged(unfit.to_string()))?;
        let plan = Arc::new(plan);
        if let Some(files) = files {
            let (invocation, plan) = (header.invocation.clone(), Arc::clone(&plan));
            self.0.push(Volume { invocation, sources: sources.clone(), files, plan });
        }
        Ok(Planned { plan, sources, shard: selection.shard() })
    }
}

impl Volume {
    /// Whether a run read the same texts in the same way.
    fn is_of(&self, header: &Header) -> bool {
        let texts = self.sources.ids().map(|id| self.sources.get(id));
        self.sources.ids().count() == header.sources.len()
            && texts.zip(&header.sources).all(|(own, other)| own.path() == other.path && own.text() == other.text)
            && read_as(&self.invocation) == read_as(&header.invocation)
    }
}

/// What of a call decides how texts are read.
fn read_as(invocation: &Invocation) -> impl PartialEq {
    let Invocation { variables, endpoint, endpoints, file_endpoints, allow_endpoint, quota, concurrency, .. } =
        invocation;
    (variables, endpoint, endpoints, file_endpoints, allow_endpoint, quota, concurrency)
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
    pub(super) fn of(journal: &Journal, plan: &ExecutionPlan) -> Result<Self, DamagedJournal> {
        let index: HashMap<&str, usize> =
            plan.operations.iter().enumerate().map(|(op, operation)| (operation.id.as_str(), op)).collect();
        let events = journal.events(|id| index.get(id).copied())?;
        let waves: Vec<usize> = plan.plans.iter().map(|file| file.waves.len()).collect();
        check_waves(&journal.header, &events, &waves)?;
        let mut summary = RunSummary::new(plan.operations.len());
        events.iter().for_each(|event| summary.apply(event));
        Ok(Self { events, summary })
    }

    /// The account of the run if it ended here: what was in flight is unknown, and what was never sent is not attempted.
    pub(super) fn as_if_over(&self, plan: &ExecutionPlan) -> RunSummary {
        as_if_over(plan, &self.events, self.summary.clone())
    }

    /// Whether its last session came to its end.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.events.last(), Some(RunEvent::RunEnded { .. }))
    }

    /// When its last session began, on the wall and on its own clock.
    pub(super) fn session_began(&self) -> (jiff::Timestamp, Duration) {
        let session = self.events.iter().rev().find_map(|event| match event {
            RunEvent::RunStarted { started_at, .. } => Some((*started_at, Duration::ZERO)),
            RunEvent::RunResumed { resumed_at, at, .. } => Some((*resumed_at, *at)),
            _ => None,
        });
        session.unwrap_or_default()
    }

    /// The time of its last event, on its own clock.
    pub(super) fn elapsed(&self) -> Duration {
        self.summary.elapsed
    }
}

/// How a run stands that ended after these events, of which `summary` is the account.
pub(super) fn as_if_over(plan: &ExecutionPlan, events: &[RunEvent], mut summary: RunSummary) -> RunSummary {
    let at = summary.elapsed;
    for event in take_up(plan, events, at, Reopen::default()) {
        if !matches!(event, RunEvent::OperationReopened { .. }) {
            summary.apply(&event);
        }
    }
    for op in 0..summary.operations.len() {
        if summary.operations[op].outcome.is_none() {
            let left_out = plan.operations[op].left_out;
            let outcome = left_out
                .map_or(Outcome::NotAttempted(NotAttemptedReason::Interrupted), |why| Outcome::Skipped(why.reason()));
            summary.apply(&RunEvent::OperationEnded { op, at, outcome });
        }
    }
    summary
}
