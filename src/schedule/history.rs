//! What earlier sessions of a run left behind: the state that a resumed schedule begins with.

use std::time::Duration;

use crate::event::{Failure, OpIndex};

/// The past of a run that is resumed. All times are on the run's clock, which went on between the sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// One for each operation of the plan, in its order; empty for a run without a past.
    pub operations: Vec<PastOperation>,
    /// Calls in the order in which they were answered (or given up): what may still count against a quota.
    pub calls: Vec<PastCall>,
    /// Waves that began: plan and wave.
    pub waves: Vec<(usize, usize)>,
    /// When the latest operation of each plan ended, one for each plan: pauses between waves count from there.
    pub plan_ends: Vec<Duration>,
}

/// Where an operation stands.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PastOperation {
    /// Attempts that were made in all: the next one has the number after it.
    pub attempts: u32,
    /// How many of them don't count against `max_attempts` any more, because the operation was reopened since.
    pub forgiven: u32,
    /// What it is now.
    pub state: PastState,
}

/// The state of an operation at the end of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum PastState {
    /// To be sent.
    #[default]
    Open,
    /// Was refused in a way that is safe to repeat, and waits for that.
    Waiting {
        /// Not before then.
        at: Duration,
        /// How it was refused.
        failure: Failure,
    },
    /// Has its outcome.
    Ended {
        /// Whether it failed or is unknown, so that it counts against failure budgets.
        spent: bool,
    },
}

/// One call that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// Its operation.
    pub op: OpIndex,
    /// When its answer came, or the latest time at which the service can have counted it.
    pub answered: Duration,
    /// For a 429: until when it closes the bucket, `None` for the bucket's longest window after `answered`.
    pub throttled: Option<Option<Duration>>,
    /// The limit that the text of a 429 stated: calls, and in how long.
    pub limit: Option<(u32, Duration)>,
}
