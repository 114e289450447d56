//! Where a schedule stands, for those who show it: what is waited for, which budget holds launches back, what the buckets did.

use std::fmt;
use std::time::Duration;

use super::gate::BucketState;
use super::timer::Timer;
use super::{Schedule, WaitFor};
use crate::model::FailureBudget;

/// Where the schedule stands, for progress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Attempts in flight.
    pub in_flight: usize,
    /// Operations without an outcome and not in flight.
    pub pending: usize,
    /// What the next launch waits for, and until when; `None` while only an answer can allow one.
    pub next: Option<(Duration, WaitFor)>,
    /// Operations that wait for the same kind of thing.
    pub waiting: usize,
    /// The failure budget that holds new launches back, if one does: with what is in flight it may be used up, so only an answer
    /// lets the next one go. In a wave that allows none, one operation goes at a time.
    pub held: Option<HeldBy>,
}

/// A failure budget that holds launches back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeldBy {
    /// Which.
    pub budget: FailureBudget,
    /// What failed or is unknown of it.
    pub spent: usize,
}

impl fmt::Display for HeldBy {
    /// `slowed by the failure budget (2 of 3 spent)`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.budget.allowed {
            0 => f.write_str("one at a time, as the failure budget is 0"),
            allowed => write!(f, "slowed by the failure budget ({} of {allowed} spent)", self.spent),
        }
    }
}

/// A quota bucket as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketView<'a> {
    /// Name for people: a region, an endpoint, a region and credential, or `all endpoints`.
    pub name: &'a str,
    /// Calls that went through it.
    pub calls: usize,
    /// Whether an operation that was free to go otherwise had to wait for it.
    pub waited: bool,
    /// When the latest call was sent.
    pub last_launch: Duration,
}

impl Schedule {
    /// What the next launch waits for, and until when; `None` while only an answer can allow one.
    #[must_use]
    pub fn next_wait(&self) -> Option<(Duration, WaitFor)> {
        let (at, timer) = self.timers.iter().find(|(_, timer)| !timer.is_deadline())?;
        Some((at, self.wait_for(timer)))
    }

    /// Where the schedule stands. Costs a walk over the queues that wait for quota.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        let next = self.next_wait();
        let waiting = match next.map(|(_, what)| what) {
            None | Some(WaitFor::Deadline) => 0,
            Some(WaitFor::Quota { .. } | WaitFor::Throttled { .. }) => {
                let new = |queue: u32| self.queues[queue as usize].fresh.len();
                let parked = self.buckets.iter().flat_map(|bucket| self.gates.parked(bucket.gate));
                parked.map(new).sum::<usize>() + self.refused.len()
            }
            Some(WaitFor::Pause { plan }) => self.next_wave_len(plan),
            Some(WaitFor::Retry) => self.refused.len(),
        };
        let held = self.held_by();
        Snapshot { in_flight: self.in_flight, pending: self.open - self.in_flight, next, waiting, held }
    }

    /// The first budget before which launches stand: that of the run, then those of the waves that go on.
    fn held_by(&self) -> Option<HeldBy> {
        for wave in self.plans.iter().filter_map(|plan| plan.waves.get(plan.current)) {
            let Some(queue) = wave.queues.first() else { continue };
            let [of_run, of_wave] = self.queues[*queue as usize].budget_gates;
            for (gate, budget) in [(of_run, self.run_budget), (of_wave, wave.budget)] {
                let holds = self.gates.first_parked(gate).is_some() && !self.gates.has_room(gate);
                if let Some(stated) = budget.stated.filter(|_| holds) {
                    return Some(HeldBy { budget: stated, spent: budget.spent });
                }
            }
        }
        None
    }

    /// Operations without an outcome.
    #[must_use]
    pub fn open(&self) -> usize {
        self.open
    }

    /// The quota buckets, in the order in which the plan first uses them.
    pub fn buckets(&self) -> impl ExactSizeIterator<Item = BucketView<'_>> {
        self.buckets.iter().map(BucketState::view)
    }

    /// For people: `quota (cn-north-4)`, `pause between waves`, `retry`.
    #[must_use]
    pub fn describe(&self, what: WaitFor) -> String {
        let name = |bucket: usize| self.buckets.get(bucket).map_or("", |bucket| bucket.view().name);
        match what {
            WaitFor::Quota { bucket } => format!("quota ({})", name(bucket)),
            WaitFor::Throttled { bucket } => format!("the service's limit ({})", name(bucket)),
            WaitFor::Pause { .. } => "the pause between waves".to_owned(),
            WaitFor::Retry => "a repeat".to_owned(),
            WaitFor::Deadline => "the deadline".to_owned(),
        }
    }

    fn next_wave_len(&self, plan: usize) -> usize {
        self.plans.get(plan).and_then(|plan| plan.waves.get(plan.current)).map_or(0, |wave| wave.open)
    }

    pub(super) fn wait_for(&self, timer: Timer) -> WaitFor {
        match timer {
            Timer::Retry(op) => {
                let bucket = self.queues[self.ops[op as usize].queue as usize].bucket as usize;
                let closed_until = self.buckets[bucket].bucket.closed_until();
                let throttled = self.refused.get(&op).is_some_and(|refused| refused.at <= closed_until);
                if throttled { WaitFor::Throttled { bucket } } else { WaitFor::Retry }
            }
            Timer::Bucket(bucket) => self.buckets[bucket as usize].wait_for(bucket as usize),
            Timer::Pause(plan) => WaitFor::Pause { plan: plan as usize },
            Timer::Deadline(_) | Timer::RunDeadline => WaitFor::Deadline,
        }
    }
}
