//! The summary: a fold of events. Every number in any output comes from here.

use std::time::Duration;

use crate::event::{AttemptRecord, Outcome, RunEvent};
use crate::model::RunId;

/// How many operations ended how; the six sum up to the planned ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Operations in the plan.
    pub planned: usize,
    /// Acknowledged.
    pub accepted: usize,
    /// Seen to finish.
    pub confirmed: usize,
    /// Refused.
    pub failed: usize,
    /// Not known.
    pub unknown: usize,
    /// Deliberately not sent.
    pub skipped: usize,
    /// Never sent.
    pub not_attempted: usize,
}

/// What is known of one operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationSummary {
    /// Its outcome, once it has one.
    pub outcome: Option<Outcome>,
    /// Its attempts, in order.
    pub attempts: Vec<AttemptRecord>,
}

/// The state of a run, by events up to now.
#[derive(Clone, Debug)]
pub struct RunSummary {
    /// Run id, once started.
    pub run: Option<RunId>,
    /// Wall clock at time zero.
    pub started_at: Option<jiff::Timestamp>,
    /// Forecast duration.
    pub forecast: Duration,
    /// Time of the latest event.
    pub elapsed: Duration,
    /// Counts of outcomes.
    pub counts: Counts,
    /// Calls that were answered or given up.
    pub attempts: usize,
    /// Answers that were 429.
    pub throttled: usize,
    /// Attempts in flight.
    pub in_flight: usize,
    /// Operations in plan order.
    pub operations: Vec<OperationSummary>,
}

impl RunSummary {
    /// Before anything happened, for `planned` operations.
    #[must_use]
    pub fn new(planned: usize) -> Self {
        Self {
            run: None,
            started_at: None,
            forecast: Duration::ZERO,
            elapsed: Duration::ZERO,
            counts: Counts { planned, ..Counts::default() },
            attempts: 0,
            throttled: 0,
            in_flight: 0,
            operations: vec![OperationSummary::default(); planned],
        }
    }

    /// Takes one event in.
    pub fn apply(&mut self, event: &RunEvent) {
        let _ = event;
        todo!()
    }
}
