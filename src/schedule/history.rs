//! What earlier sessions of a run left behind: the state that a resumed schedule begins with, as a fold of their events.
//!
//! `restore` puts it into a schedule. What is open again is not decided here: `resume::take_up` says that in events of its
//! own, which this fold reads like all others. See "Resume" in `docs/run-loop.md`.

use std::time::Duration;

use jiff::SignedDuration;

use super::CallElsewhere;
use crate::event::{AttemptRecord, Failure, FailureKind, OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::signed;
use crate::policy::{CallEnd, stated_limit};

/// The past of a run that is resumed. All times are on the run's clock, which went on between the sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    /// One for each operation of the plan, in its order; empty for a run without a past.
    pub operations: Vec<PastOperation>,
    /// What quota buckets saw, in the order in which it happened.
    pub calls: Vec<PastCall>,
    /// What other runs sent. No event of this run tells it.
    pub elsewhere: Vec<CallElsewhere>,
    /// Waves that began: plan and wave, in the order in which they did. A display that is made for a resumed run takes the
    /// wave of each plan from here: a wave that goes on is not told as one that begins.
    pub waves: Vec<(usize, usize)>,
    /// When the latest operation of each wave that was sent ended, by plan and wave: pauses between waves count from there.
    pub wave_ends: Vec<Vec<Option<Duration>>>,
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

/// Something that the quota bucket of an operation saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PastCall {
    /// The operation.
    pub op: OpIndex,
    /// What.
    pub traffic: Traffic,
}

/// What a call does to a bucket: it is launched, and ends in one of the other ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// It was announced, and not sent before that.
    Launched {
        /// When.
        at: Duration,
    },
    /// It was answered or given up.
    Ended {
        /// When.
        at: Duration,
        /// How.
        end: CallEnd,
    },
    /// It certainly was not sent.
    NotSent,
    /// Its session ended before an answer came (or before the answer was in the journal).
    Lost {
        /// The latest time at which the service can have counted it. That is ahead of the resume for a call that was lost a short
        /// time ago.
        until: Duration,
    },
}

impl Traffic {
    /// When it happened, as far as that is known.
    pub(super) fn at(&self) -> Option<SignedDuration> {
        match self {
            Self::Launched { at } | Self::Ended { at, .. } => Some(signed(*at)),
            Self::NotSent | Self::Lost { .. } => None,
        }
    }
}

impl History {
    /// Reads the past of a run from its events, those of all sessions in order, up to a resume at `now`.
    ///
    /// An operation that was in flight at the end counts as unknown, as `resume::take_up` tells it in events, and its call
    /// counts until `attempt_timeout` after its announcement even if that is later than `now`: the service may still be
    /// working on it.
    #[must_use]
    pub fn from_events(plan: &ExecutionPlan, events: &[RunEvent], now: Duration) -> Self {
        let mut fold = Fold {
            plan,
            operations: vec![Trail::default(); plan.operations.len()],
            history: Self {
                wave_ends: plan.plans.iter().map(|file| vec![None; file.waves.len()]).collect(),
                ..Self::default()
            },
        };
        for event in events {
            fold.apply(event);
        }
        fold.lose_flights();
        fold.finish(now)
    }
}

impl History {
    /// For a display: the wave, of those that have begun, that each plan goes on with. That is the first in which something is
    /// open, else the latest.
    #[must_use]
    pub fn current_waves(&self, plan: &ExecutionPlan) -> Vec<(usize, usize)> {
        let open = |at: (usize, usize)| {
            let operations = self.operations.iter().zip(&plan.operations);
            let mut open = operations.filter(|(past, _)| !matches!(past.state, PastState::Ended { .. }));
            open.any(|(_, operation)| operation.is_selected() && (operation.plan, operation.wave) == at)
        };
        let begun = |index: usize| self.waves.iter().copied().filter(move |(plan, _)| *plan == index);
        let current = |index: usize| begun(index).filter(|at| open(*at)).min().or_else(|| begun(index).max());
        (0..plan.plans.len()).filter_map(current).collect()
    }
}

/// What the events say of one operation.
#[derive(Clone, Debug, Default)]
struct Trail {
    attempts: u32,
    forgiven: u32,
    /// The attempt that was announced and has not ended: its number and when.
    flight: Option<(u32, Duration)>,
    /// The attempt in flight is one of an earlier session. Stays until the next one is announced.
    lost: Option<Duration>,
    state: PastState,
    /// The state before the latest launch.
    launched_from: PastState,
    /// When it ended, if it was sent.
    ended: Option<Duration>,
}

struct Fold<'a> {
    plan: &'a ExecutionPlan,
    operations: Vec<Trail>,
    history: History,
}

impl Fold<'_> {
    fn apply(&mut self, event: &RunEvent) {
        match event {
            RunEvent::RunStarted { .. }
            | RunEvent::TaskProgressed { .. }
            | RunEvent::TaskUnclear { .. }
            | RunEvent::Stopping { .. }
            | RunEvent::RunEnded { .. } => {}
            RunEvent::RunResumed { .. } => self.lose_flights(),
            RunEvent::WaveStarted { plan, wave, .. } => {
                if !self.history.waves.contains(&(*plan, *wave)) {
                    self.history.waves.push((*plan, *wave));
                }
            }
            RunEvent::OperationReopened { op, .. } => {
                if let Some(trail) = self.operations.get_mut(*op) {
                    (trail.state, trail.ended, trail.lost) = (PastState::Open, None, None);
                    trail.forgiven = trail.attempts;
                }
            }
            RunEvent::AttemptStarted { op, attempt, at } => {
                if let Some(trail) = self.operations.get_mut(*op) {
                    (trail.flight, trail.lost) = (Some((*attempt, *at)), None);
                    trail.launched_from = std::mem::take(&mut trail.state);
                    self.saw(*op, Traffic::Launched { at: *at });
                }
            }
            RunEvent::AttemptWithdrawn { op, .. } => {
                // A repeat that was taken back still waits for its repeat, with the failure that it has.
                if let Some(trail) = self.operations.get_mut(*op) {
                    (trail.flight, trail.state) = (None, std::mem::take(&mut trail.launched_from));
                    self.saw(*op, Traffic::NotSent);
                }
            }
            RunEvent::AttemptEnded { op, attempt, at, record, retry_at, closed_until } => {
                self.attempt_ended(*op, *attempt, *at, record, *retry_at);
                self.call_ended(*op, *at, record, *closed_until);
            }
            RunEvent::OperationEnded { op, at, outcome } => self.operation_ended(*op, *at, outcome),
            // Tasks are looked at long after the request ended: its time stays.
            RunEvent::TaskFound { op, .. } => self.set_ended(*op, &Outcome::Accepted),
            RunEvent::TaskEnded { op, outcome, .. } => self.set_ended(*op, outcome),
        }
    }

    fn attempt_ended(
        &mut self,
        op: OpIndex,
        attempt: u32,
        at: Duration,
        record: &AttemptRecord,
        retry_at: Option<Duration>,
    ) {
        let Some(trail) = self.operations.get_mut(op) else { return };
        trail.flight = None;
        trail.attempts = trail.attempts.max(attempt);
        trail.state = match (retry_at, record.failure()) {
            (Some(at), Some(failure)) => PastState::Waiting { at, failure },
            // Its outcome follows, unless the end of the session came between the two.
            (_, failure) => PastState::Ended { spent: failure.is_some() },
        };
        trail.ended = Some(trail.lost.map_or(at, |until| until.min(at)));
    }

    fn call_ended(&mut self, op: OpIndex, at: Duration, record: &AttemptRecord, closed_until: Option<Duration>) {
        // A lost call has ended for its bucket already.
        if self.operations.get(op).is_none_or(|trail| trail.lost.is_some()) {
            return;
        }
        let ended = |end| Traffic::Ended { at, end };
        self.saw(
            op,
            match record.kind {
                None => ended(CallEnd::Taken),
                Some(FailureKind::NotSent) => Traffic::NotSent,
                Some(FailureKind::Throttled) => ended(CallEnd::Throttled {
                    opens: closed_until.unwrap_or(at),
                    limit: record.error_message.as_deref().and_then(stated_limit),
                }),
                Some(_) if record.status.is_some() => ended(CallEnd::Answered),
                Some(_) => ended(CallEnd::Unanswered),
            },
        );
    }

    fn saw(&mut self, op: OpIndex, traffic: Traffic) {
        self.history.calls.push(PastCall { op, traffic });
    }

    fn set_ended(&mut self, op: OpIndex, outcome: &Outcome) {
        let Some(trail) = self.operations.get_mut(op) else { return };
        trail.state = PastState::Ended { spent: matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_)) };
        trail.flight = None;
    }

    fn operation_ended(&mut self, op: OpIndex, at: Duration, outcome: &Outcome) {
        self.set_ended(op, outcome);
        let Some(trail) = self.operations.get_mut(op) else { return };
        let sent = !matches!(outcome, Outcome::NotAttempted(_) | Outcome::Skipped(_));
        trail.ended = sent.then_some(trail.lost.map_or(at, |until| until.min(at)));
    }

    /// A session is over: what is in flight will never be answered.
    fn lose_flights(&mut self) {
        for (op, trail) in self.operations.iter_mut().enumerate() {
            let Some((attempt, sent)) = trail.flight else { continue };
            if trail.lost.is_some() {
                continue;
            }
            let timeout = self.plan.plans[self.plan.operations[op].plan].limits.attempt_timeout;
            let until = sent.saturating_add(timeout);
            trail.lost = Some(until);
            trail.attempts = trail.attempts.max(attempt);
            self.history.calls.push(PastCall { op, traffic: Traffic::Lost { until } });
        }
    }

    fn finish(mut self, now: Duration) -> History {
        for (trail, operation) in self.operations.into_iter().zip(&self.plan.operations) {
            let (state, ended) = match (trail.flight, trail.lost) {
                (Some(_), Some(until)) => (PastState::Ended { spent: true }, Some(until.min(now))),
                _ => (trail.state, trail.ended),
            };
            if let PastState::Ended { .. } = state {
                let end = &mut self.history.wave_ends[operation.plan][operation.wave];
                *end = ended.max(*end);
            }
            let Trail { attempts, forgiven, .. } = trail;
            self.history.operations.push(PastOperation { attempts, forgiven, state });
        }
        self.history
    }
}
