//! The scheduler: a pure function of (state, input) to effects, without clock, randomness or I/O of its own.
//!
//! It decides which operation is sent when: waves, quota, concurrency, retries, failure budgets, refused credentials,
//! deadlines, drain. `run` performs its effects in order, `forecast` drives it with a virtual clock. The rules and their
//! reasons are in `docs/run-loop.md`. Parts: `layout` builds the state from a plan, `history` and `restore` bring in what earlier
//! sessions did and `elsewhere` what other runs did, `launch` picks what is sent next, `progress` moves operations, waves and
//! plans to their end, `timer` holds what happens at a time, `view` tells where it all stands.

mod elsewhere;
#[cfg(test)]
pub(crate) mod fixture;
mod gate;
mod history;
mod launch;
mod layout;
mod progress;
mod restore;
#[cfg(test)]
mod tests;
mod timer;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::time::Duration;

pub use self::elsewhere::{CallElsewhere, share_quota};
use self::gate::{BucketState, CredentialState, Gates, Queue, Rank};
pub use self::history::{History, PastCall, PastOperation, PastState, Traffic};
use self::layout::Layout;
use self::timer::Timers;
pub use self::view::{BucketView, HeldBy, Snapshot};
use crate::event::{Failure, NotAttemptedReason, OpIndex, Outcome};
use crate::expand::ExecutionPlan;
use crate::model::{FailureBudget, MaxFailures};

/// What the operator asks for, beyond the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct ScheduleOptions {
    /// Failure budget over the whole run, of all its operations.
    pub max_failures: Option<MaxFailures>,
    /// Stop everything at the first operation that fails or is unknown from the start of the session on. Unlike a budget of 0
    /// this bounds nothing before.
    pub fail_fast: bool,
    /// Launch nothing from so long after the start of the session on.
    pub max_duration: Option<Duration>,
    /// Disregard the plans' deadlines (a forecast wants to know how long everything would take).
    pub ignore_deadlines: bool,
    /// Most requests in flight that this machine can bear, whatever the plans allow.
    pub most_in_flight: Option<NonZeroUsize>,
}

impl ScheduleOptions {
    /// For a forecast of a plan wherever it runs: nothing is asked for beyond it, and no deadline cuts it short.
    #[must_use]
    pub fn unbounded() -> Self {
        Self { ignore_deadlines: true, ..Self::default() }
    }
}

/// How an attempt ended: what the classification of its answer says, and when a repeat may start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AttemptEnd {
    /// Acknowledged.
    Accepted,
    /// Refused.
    Failed(Failure),
    /// Not known; never repeated.
    Unknown(Failure),
    /// Not taken by the service, so that it is safe to repeat.
    Retry {
        /// The outcome if it isn't repeated.
        failure: Failure,
        /// Not before then, and not before its bucket is open again.
        at: Duration,
        /// What the answer asked for. A 429 closes the whole bucket for so long (without it, for its window), and at least
        /// until `at`.
        wait: Option<Duration>,
        /// The limit that the text of a 429 states: calls, and in how long.
        limit: Option<(u32, Duration)>,
    },
    /// It was never sent: the launch is taken back, with all that it held. The operation ends: a first attempt was not
    /// attempted for this reason, a repeat failed as before and is given up for it.
    Withdrawn(NotAttemptedReason),
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Input {
    /// The session begins. Once, first. Deadlines count from its time.
    Start,
    /// Time went on; what was waited for may be there.
    Tick,
    /// An attempt that was launched ended, or was never sent.
    AttemptEnded {
        /// Its operation.
        op: OpIndex,
        /// How.
        end: AttemptEnd,
    },
    /// Nothing more is to be launched.
    Stop(NotAttemptedReason),
}

/// What is to be done or told, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A wave begins. Once for each over all sessions of a run: a wave that had begun in an earlier one just goes on.
    WaveStarted {
        /// Index of the plan.
        plan: usize,
        /// Index of the wave in it.
        wave: usize,
    },
    /// Send this operation now.
    Launch {
        /// The operation.
        op: OpIndex,
        /// 1 for the first; goes on over all sessions.
        attempt: u32,
    },
    /// The attempt of the input is taken note of. Always the first effect of its step. There is none for a withdrawn one.
    AttemptEnded {
        /// The operation.
        op: OpIndex,
        /// Which attempt it was.
        attempt: u32,
        /// When it will be repeated at the earliest, if it will.
        retry_at: Option<Duration>,
        /// After a 429: nothing is sent into its bucket before then.
        closed_until: Option<Duration>,
    },
    /// An operation has its outcome; once for each operation that was open at the start, so never for one that is left out.
    End {
        /// The operation.
        op: OpIndex,
        /// Its outcome.
        outcome: Outcome,
    },
    /// Nothing more is launched; what is in flight drains. At most once.
    Stopping {
        /// Why.
        reason: NotAttemptedReason,
    },
    /// Tick at this time, unless something happens before. Replaces an earlier one.
    WaitUntil {
        /// When.
        at: Duration,
        /// What comes then.
        what: WaitFor,
    },
    /// Every operation has its outcome. Once, last.
    Done,
}

/// What comes at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitFor {
    /// A place in a quota bucket.
    Quota {
        /// Index in [`Schedule::buckets`].
        bucket: usize,
    },
    /// The end of the pause that a 429 imposes on a bucket.
    Throttled {
        /// Index in [`Schedule::buckets`].
        bucket: usize,
    },
    /// The end of the pause between two waves.
    Pause {
        /// Index of the plan.
        plan: usize,
    },
    /// The delay before an operation is repeated.
    Retry,
    /// A deadline: nothing will be launched then.
    Deadline,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Never launched.
    Fresh,
    /// On its way.
    InFlight,
    /// Waits until it may be repeated; its failure is in `Schedule::refused`.
    Waiting,
    /// May be repeated; its failure still is in `Schedule::refused`.
    Due,
    /// Has its outcome.
    Ended,
}

#[derive(Clone, Copy, Debug)]
struct OpState {
    queue: u32,
    /// Over all sessions.
    attempts: u32,
    /// How many of them don't count against `max_attempts`.
    forgiven: u32,
    phase: Phase,
}

/// A failure budget, or none, and what was spent of it.
#[derive(Clone, Copy, Debug)]
struct Budget {
    stated: Option<FailureBudget>,
    /// Failed and unknown.
    spent: usize,
}

impl Budget {
    fn exceeded(&self) -> Option<FailureBudget> {
        self.stated.filter(|budget| self.spent > budget.allowed)
    }
}

#[derive(Clone, Debug)]
struct WaveState {
    /// Operations without an outcome.
    open: usize,
    /// It began in an earlier session, or in this one.
    begun: bool,
    /// Its operations may be launched.
    started: bool,
    /// Something of it that was sent ended in this session: perhaps a repeat, before the wave has its turn again.
    landed: bool,
    /// When its latest operation ended in an earlier session.
    past_end: Option<Duration>,
    budget: Budget,
    queues: Vec<u32>,
}

#[derive(Clone, Debug)]
struct PlanState {
    waves: Vec<WaveState>,
    current: usize,
    pause: Duration,
    /// The end of the pause that goes on.
    resume_at: Option<Duration>,
    /// From the start of the session; once that has come, on the run's clock.
    deadline: Option<Duration>,
    max_attempts: u32,
    stopped: Option<NotAttemptedReason>,
}

/// An attempt that was refused in a way that is safe to repeat.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Refused {
    at: Duration,
    failure: Failure,
}

/// The state of a run. Times are on the run's clock and never go back from step to step.
#[derive(Clone, Debug)]
pub struct Schedule {
    plans: Vec<PlanState>,
    ops: Vec<OpState>,
    /// Operations by queue, in plan order within each; a queue owns a range of it.
    order: Vec<u32>,
    queues: Vec<Queue>,
    gates: Gates,
    buckets: Vec<BucketState>,
    credentials: Vec<CredentialState>,
    /// Queues that may have something to launch.
    ready: BTreeSet<(Rank, u32)>,
    /// Gates that may have room again.
    dirty: Vec<u32>,
    timers: Timers,
    refused: BTreeMap<u32, Refused>,
    /// Repeats in flight: how the operation failed before, which is its outcome if the repeat is never sent.
    repeating: BTreeMap<u32, Failure>,
    /// Plans whose budget or wave may have come to an end.
    unsettled: BTreeSet<usize>,
    run_budget: Budget,
    /// Operations that are to be sent, over all sessions.
    selected: usize,
    /// The run stops at the first failure of this session.
    fail_fast: bool,
    failed: bool,
    /// As that of a plan.
    max_duration: Option<Duration>,
    in_flight: usize,
    open: usize,
    started: bool,
    stopped: Option<NotAttemptedReason>,
    done: bool,
    /// How often a queue was looked at: the measure of the scheduler's work in tests, where a clock would be noise.
    #[cfg(test)]
    pub(crate) looks: usize,
}

impl Schedule {
    /// The state before anything happened.
    #[must_use]
    pub fn new(plan: &ExecutionPlan, options: ScheduleOptions) -> Self {
        Self::resume(plan, options, &History::default())
    }

    /// The parts in their first state.
    fn laid_out(layout: Layout, plan: &ExecutionPlan, options: ScheduleOptions) -> Self {
        let Layout { plans, ops, order, queues, gates, buckets, credentials, elsewhere: _ } = layout;
        let selected = plan.selected().count();
        Self {
            plans,
            order,
            queues,
            gates,
            buckets,
            credentials,
            ready: BTreeSet::new(),
            dirty: Vec::new(),
            timers: Timers::default(),
            refused: BTreeMap::new(),
            repeating: BTreeMap::new(),
            unsettled: BTreeSet::new(),
            run_budget: Budget { stated: options.max_failures.map(|stated| stated.of(selected)), spent: 0 },
            selected,
            fail_fast: options.fail_fast,
            failed: false,
            max_duration: options.max_duration,
            in_flight: 0,
            open: ops.iter().filter(|state| state.phase != Phase::Ended).count(),
            ops,
            started: false,
            stopped: None,
            done: false,
            #[cfg(test)]
            looks: 0,
        }
    }

    /// Takes one input in and appends what is to be done to `effects`.
    pub fn step(&mut self, now: Duration, input: Input, effects: &mut Vec<Effect>) {
        if self.done {
            return;
        }
        // The answer comes first, so that its effect is the first; a deadline that fell due meanwhile still binds it.
        match input {
            Input::Start => self.start(now),
            Input::Tick => {}
            Input::AttemptEnded { op, end } => self.attempt_ended(now, op, end, effects),
            Input::Stop(reason) => self.stop_run(reason, effects),
        }
        self.fire_timers(now, effects);
        self.settle(now, effects);
        self.launch_all(now, effects);
        // With nothing in flight, nothing can happen before the next timer. If that is a deadline, it need not be waited for.
        while self.in_flight == 0
            && self.open > 0
            && let Some((at, timer)) = self.timers.first()
            && timer.is_deadline()
        {
            self.timers.remove(at, timer);
            self.pass_deadline(timer, effects);
            self.settle(now, effects);
            self.launch_all(now, effects);
        }
        if !self.started {
            return;
        }
        if self.open == 0 {
            self.done = true;
            effects.push(Effect::Done);
        } else if let Some((at, timer)) = self.timers.first() {
            effects.push(Effect::WaitUntil { at, what: self.wait_for(timer) });
        }
    }
}
