//! What can follow what in a run: the rules that a journal's records are held to when they are read.
//!
//! The checksums guard against a changed file, these rules against a mistake in the program that wrote it: what breaks one
//! is not gone on from. An attempt that is still in flight at the end is no mistake, the run was killed.

use std::time::Duration;

use crate::event::{OpIndex, Outcome, RunEvent};

/// Why an event can't follow those before it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Impossible {
    /// Time runs one way.
    #[error("it happens at {at:?} and the line before it at {before:?}")]
    Backwards {
        /// Its time.
        at: Duration,
        /// The time of the event before.
        before: Duration,
    },
    /// Only a new session follows the end of one.
    #[error("it follows the end of the run, where only `run_resumed` can come")]
    AfterTheEnd,
    /// The header has fewer plans.
    #[error("it names plan {plan} and the header has {plans}, counted from 0")]
    NoSuchPlan {
        /// Index of the plan.
        plan: usize,
        /// Plans in the header.
        plans: usize,
    },
    /// An operation has one attempt at a time, and none after its outcome.
    #[error("an attempt starts on an operation that {0}")]
    StartsWhile(Phase),
    /// Attempts are counted from 1.
    #[error("it is attempt {found}, and attempt {expected} is next")]
    WrongAttempt {
        /// The attempt whose turn it is.
        expected: u32,
        /// The attempt that it names.
        found: u32,
    },
    /// Only what is in flight can land.
    #[error("an attempt ends on an operation that {0}")]
    EndsWhile(Phase),
    /// An operation has one outcome, when nothing of it is in flight.
    #[error("an outcome for an operation that {0}")]
    OutcomeWhile(Phase),
    /// What has an outcome can be opened again, unless the service took it.
    #[error("an operation is opened again that {0}")]
    ReopenedWhile(Phase),
    /// Only what was sent and did not fail has a task to look for.
    #[error("a task of an operation that {0}")]
    TaskWhile(Phase),
    /// Only a task that was found can be seen to go on or end.
    #[error("the end of a task that was not found")]
    TaskNotFound,
}

/// Where an operation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// No attempt of it is in flight, and it has no outcome.
    #[default]
    Open,
    /// An attempt was announced and has not ended.
    InFlight,
    /// The service took it.
    Accepted,
    /// The service was seen to have done it.
    Confirmed,
    /// It was sent, and nobody knows what became of it.
    Unknown,
    /// Another outcome, or its task has ended.
    Ended,
}

impl std::fmt::Display for Phase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Open => "is open",
            Self::InFlight => "has an attempt in flight",
            Self::Accepted => "was accepted",
            Self::Confirmed => "was confirmed",
            Self::Unknown => "is unknown",
            Self::Ended => "has its outcome",
        })
    }
}

/// What one operation did up to now.
#[derive(Clone, Copy, Debug, Default)]
struct Progress {
    attempts: u32,
    phase: Phase,
    /// Its task was found, since it was sent last.
    found: bool,
}

impl Progress {
    /// A task is looked for, or found.
    fn may_have_a_task(self) -> Result<(), Impossible> {
        match self.phase {
            Phase::Accepted | Phase::Unknown => Ok(()),
            phase => Err(Impossible::TaskWhile(phase)),
        }
    }

    /// A task that was found goes on or ends.
    fn has_a_task(self) -> Result<(), Impossible> {
        match self.phase {
            Phase::Accepted if self.found => Ok(()),
            Phase::Accepted => Err(Impossible::TaskNotFound),
            phase => Err(Impossible::TaskWhile(phase)),
        }
    }
}

/// A run as far as the rules need it.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    plans: usize,
    operations: Vec<Progress>,
    latest: Duration,
    ended: bool,
}

impl Replay {
    /// A run of so many plans, before its first event.
    pub(super) fn new(plans: usize) -> Self {
        Self { plans, ..Self::default() }
    }

    /// Takes one event in. Operations are counted in the order in which they first appear.
    pub(super) fn take(&mut self, event: &RunEvent) -> Result<(), Impossible> {
        if self.ended && !matches!(event, RunEvent::RunResumed { .. }) {
            return Err(Impossible::AfterTheEnd);
        }
        match event {
            RunEvent::RunStarted { .. } => {}
            RunEvent::RunResumed { at, .. } => {
                self.ended = false;
                self.reach(*at)?;
            }
            RunEvent::OperationReopened { op, at } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                if !matches!(operation.phase, Phase::Ended | Phase::Unknown) {
                    return Err(Impossible::ReopenedWhile(operation.phase));
                }
                (operation.phase, operation.found) = (Phase::Open, false);
            }
            RunEvent::WaveStarted { plan, at, .. } => {
                self.reach(*at)?;
                if *plan >= self.plans {
                    return Err(Impossible::NoSuchPlan { plan: *plan, plans: self.plans });
                }
            }
            RunEvent::AttemptStarted { op, attempt, at } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                if operation.phase != Phase::Open {
                    return Err(Impossible::StartsWhile(operation.phase));
                }
                expect_attempt(operation.attempts.saturating_add(1), *attempt)?;
                *operation = Progress { attempts: *attempt, phase: Phase::InFlight, found: false };
            }
            RunEvent::AttemptWithdrawn { op, attempt, at } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                if operation.phase != Phase::InFlight {
                    return Err(Impossible::EndsWhile(operation.phase));
                }
                expect_attempt(operation.attempts, *attempt)?;
                *operation = Progress { attempts: attempt.saturating_sub(1), phase: Phase::Open, found: false };
            }
            RunEvent::AttemptEnded { op, attempt, at, .. } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                if operation.phase != Phase::InFlight {
                    return Err(Impossible::EndsWhile(operation.phase));
                }
                expect_attempt(operation.attempts, *attempt)?;
                operation.phase = Phase::Open;
            }
            RunEvent::OperationEnded { op, at, outcome } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                if operation.phase != Phase::Open {
                    return Err(Impossible::OutcomeWhile(operation.phase));
                }
                operation.phase = match outcome {
                    Outcome::Accepted => Phase::Accepted,
                    Outcome::Confirmed => Phase::Confirmed,
                    Outcome::Unknown(_) => Phase::Unknown,
                    Outcome::Failed(_) | Outcome::Skipped(_) | Outcome::NotAttempted(_) => Phase::Ended,
                };
            }
            RunEvent::TaskFound { op, at, .. } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                operation.may_have_a_task()?;
                // A later session may find it again, or another one.
                (operation.phase, operation.found) = (Phase::Accepted, true);
            }
            RunEvent::TaskUnclear { op, at, .. } => {
                self.reach(*at)?;
                self.operation(*op).may_have_a_task()?;
            }
            RunEvent::TaskProgressed { op, at, .. } => {
                self.reach(*at)?;
                self.operation(*op).has_a_task()?;
            }
            RunEvent::TaskEnded { op, at, outcome } => {
                self.reach(*at)?;
                let operation = self.operation(*op);
                operation.has_a_task()?;
                // What failed may be asked for anew, what was confirmed never is.
                let confirmed = *outcome == Outcome::Confirmed;
                operation.phase = if confirmed { Phase::Confirmed } else { Phase::Ended };
            }
            RunEvent::Stopping { at, .. } => self.reach(*at)?,
            RunEvent::RunEnded { at } => {
                self.reach(*at)?;
                self.ended = true;
            }
        }
        Ok(())
    }

    fn reach(&mut self, at: Duration) -> Result<(), Impossible> {
        if at < self.latest {
            return Err(Impossible::Backwards { at, before: self.latest });
        }
        self.latest = at;
        Ok(())
    }

    fn operation(&mut self, op: OpIndex) -> &mut Progress {
        if self.operations.len() <= op {
            self.operations.resize(op + 1, Progress::default());
        }
        &mut self.operations[op]
    }
}

fn expect_attempt(expected: u32, found: u32) -> Result<(), Impossible> {
    if expected == found { Ok(()) } else { Err(Impossible::WrongAttempt { expected, found }) }
}
