//! What goes into a run and what comes out of it: options, the past of a resumed run, the end, and what can go wrong.

use std::time::Duration;

use super::port::LogFailure;
use crate::event::{OpIndex, RunEvent};
use crate::model::{CredentialName, MaxFailures, OperationId, RunId};
use crate::schedule::{CallElsewhere, History};
use crate::summary::RunSummary;

/// How long what is in flight may take to land after an interrupt, when nothing else is said.
pub const DEFAULT_GRACE: Duration = Duration::from_secs(30);

/// What the operator asked for, beyond the plan.
#[derive(Clone, Debug)]
pub struct RunOptions {
    /// Id of the run.
    pub run: RunId,
    /// The wall clock at time zero of the run's clock, for a run that begins.
    pub started_at: jiff::Timestamp,
    /// Forecast of what this session has to do, for the report.
    pub forecast: Duration,
    /// Budget over everything.
    pub max_failures: Option<MaxFailures>,
    /// Stop launching at the first failure.
    pub fail_fast: bool,
    /// Stop launching this long after the start of this session.
    pub max_duration: Option<Duration>,
    /// After an interrupt, what is in flight for longer than this is given up as unknown.
    pub grace: Duration,
    /// Seed of the jitter.
    pub seed: u64,
    /// What becomes of the service's tasks after the last request.
    pub follow: FollowAfter,
    /// What other runs sent, as far as it still counts against the quota.
    pub elsewhere: Vec<CallElsewhere>,
}

/// What a run does about the service's tasks after its last request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FollowAfter {
    /// Nothing: no list is read.
    #[default]
    Nothing,
    /// One look for the tasks of what is unknown, unless the run was interrupted or its time is over.
    LookUp,
    /// Waits for the end of the task of each operation that was taken, or may have been.
    ToTheEnd {
        /// For so long at most.
        timeout: Option<Duration>,
    },
}

/// What earlier sessions of a run left behind, for a run that is resumed.
#[derive(Clone, Debug)]
pub struct Past {
    /// The fold of all earlier events.
    pub summary: RunSummary,
    /// What this session appends before it launches anything: that the run is resumed, what became of requests that were in
    /// flight, and which operations are open again.
    pub taken_up: Vec<RunEvent>,
    /// The state of the schedule after all of these.
    pub history: History,
}

/// The end of a run.
#[derive(Debug)]
pub struct RunEnd {
    /// What became of every operation.
    pub summary: RunSummary,
    /// What the log doesn't hold, if it could not be written to the end.
    pub not_recorded: Option<NotRecorded>,
}

/// A log that could not be written to the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRecorded {
    /// Why.
    pub failure: LogFailure,
    /// Operations that were sent and whose outcome is not in the log, in the order in which they ended.
    pub operations: Vec<OpIndex>,
}

/// Why a run has no summary that can be relied on.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// Nothing was sent: an operation's credential is not among those given.
    #[error("credential `{credential}` of operation {operation} is missing; nothing was sent")]
    MissingCredential {
        /// Its name.
        credential: CredentialName,
        /// The first operation that needs it.
        operation: OperationId,
    },
    /// Nothing was sent: an operation still needs the network to know what it asks for.
    #[error("operation {operation} holds a `lookup` or `select` that was not resolved; nothing was sent")]
    NotResolved {
        /// The operation.
        operation: OperationId,
    },
    /// The run ended and its account doesn't add up.
    #[error(transparent)]
    BrokenLaw(#[from] BrokenLaw),
}

/// The conservation law is broken: a mistake in this program, never the user's.
#[derive(Debug, thiserror::Error)]
#[error(
    "of {planned} planned operations {ended} have an outcome and {in_flight} are in flight after the end of the run; \
     this is a mistake in hss-sync, please report this bug and don't rely on the numbers of this run",
    planned = .end.summary.counts.planned,
    ended = .end.summary.counts.ended(),
    in_flight = .end.summary.in_flight
)]
pub struct BrokenLaw {
    /// What is known all the same.
    pub end: Box<RunEnd>,
}
