//! What a launch has to pass: concurrency, budgets, quota; and the queues that stand before it.
//!
//! Operations that meet the same gates stand in one [`Queue`] in plan order, so that only its head is ever looked at. A
//! queue that can't go on is parked at the first gate that stops it and looked at again when that gate has room: no step
//! walks over all queues or operations.

use std::collections::BTreeSet;
use std::ops::Range;
use std::time::Duration;

use super::{BucketView, WaitFor};
use crate::policy::Bucket;

/// Order among launches that are possible: repeats (`false`) before new operations, then plan order.
pub(super) type Rank = (bool, u32);

/// A bound on how many operations hold it at once.
#[derive(Clone, Debug)]
pub(super) struct Gate {
    pub(super) limit: usize,
    pub(super) used: usize,
    parked: BTreeSet<(Rank, u32)>,
}

/// All gates; the others refer to them by index.
#[derive(Clone, Debug, Default)]
pub(super) struct Gates(Vec<Gate>);

impl Gates {
    /// A new gate for `limit` holders.
    pub(super) fn add(&mut self, limit: usize) -> u32 {
        self.0.push(Gate { limit, used: 0, parked: BTreeSet::new() });
        u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX)
    }

    #[cfg(test)]
    pub(super) fn used(&self, gate: u32) -> usize {
        self.0[gate as usize].used
    }

    pub(super) fn get_mut(&mut self, gate: u32) -> &mut Gate {
        &mut self.0[gate as usize]
    }

    pub(super) fn has_room(&self, gate: u32) -> bool {
        let gate = &self.0[gate as usize];
        gate.used < gate.limit
    }

    pub(super) fn enter(&mut self, gate: u32) {
        self.get_mut(gate).used += 1;
    }

    pub(super) fn leave(&mut self, gate: u32) {
        let gate = self.get_mut(gate);
        gate.used = gate.used.saturating_sub(1);
    }

    pub(super) fn park(&mut self, gate: u32, rank: Rank, queue: u32) {
        self.get_mut(gate).parked.insert((rank, queue));
    }

    pub(super) fn unpark(&mut self, gate: u32, rank: Rank, queue: u32) {
        self.get_mut(gate).parked.remove(&(rank, queue));
    }

    /// The first of those parked.
    pub(super) fn first_parked(&self, gate: u32) -> Option<(Rank, u32)> {
        self.0[gate as usize].parked.first().copied()
    }

    /// The queues parked at a gate.
    pub(super) fn parked(&self, gate: u32) -> impl Iterator<Item = u32> + '_ {
        self.0[gate as usize].parked.iter().map(|(_, queue)| *queue)
    }
}

/// Where a queue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Empty, or of a wave that has not begun.
    Idle,
    /// In `Schedule::ready`. `from` is the gate that let it go on, which is asked again afterwards.
    Ready { rank: Rank, from: Option<u32> },
    /// Before a gate.
    Parked { rank: Rank, gate: u32 },
}

/// Operations of one wave with the same region, credential and bucket.
#[derive(Clone, Debug)]
pub(super) struct Queue {
    pub(super) plan: u32,
    pub(super) wave: u32,
    pub(super) credential: u32,
    pub(super) bucket: u32,
    /// Held by each attempt in flight.
    pub(super) flight_gates: [u32; 5],
    /// Held by each operation from its first launch; given back only when it is accepted.
    pub(super) budget_gates: [u32; 2],
    /// Never launched: a range of `Schedule::order`.
    pub(super) fresh: Range<usize>,
    /// Whether these may go: their wave has its turn. Repeats never wait for that, as they hold their budgets meanwhile.
    pub(super) released: bool,
    /// Repeats that are due.
    pub(super) due: BTreeSet<u32>,
    pub(super) place: Place,
}

impl Queue {
    /// The next operation and its rank.
    pub(super) fn head(&self, order: &[u32]) -> Option<Rank> {
        match self.due.first() {
            Some(op) => Some((false, *op)),
            None if self.fresh.is_empty() || !self.released => None,
            None => order.get(self.fresh.start).map(|op| (true, *op)),
        }
    }

    /// Takes the head out.
    pub(super) fn pop(&mut self, rank: Rank) {
        match rank {
            (false, op) => {
                self.due.remove(&op);
            }
            (true, _) => self.fresh.start = (self.fresh.start + 1).min(self.fresh.end),
        }
    }

    /// Takes everything out.
    pub(super) fn drain(&mut self, order: &[u32], into: &mut Vec<u32>) {
        into.extend(&order[self.fresh.clone()]);
        into.extend(&self.due);
        self.fresh.start = self.fresh.end;
        self.due.clear();
    }
}

/// A quota bucket with its place among the gates.
#[derive(Clone, Debug)]
pub(super) struct BucketState {
    pub(super) bucket: Bucket,
    pub(super) name: String,
    /// Where queues wait for it; never full itself.
    pub(super) gate: u32,
    pub(super) timer: Option<Duration>,
    pub(super) calls: usize,
    pub(super) waited: bool,
    pub(super) last_launch: Duration,
}

impl BucketState {
    pub(super) fn view(&self) -> BucketView<'_> {
        BucketView { name: &self.name, calls: self.calls, waited: self.waited, last_launch: self.last_launch }
    }

    /// What its timer waits for.
    pub(super) fn wait_for(&self, bucket: usize) -> WaitFor {
        if self.timer.is_some_and(|at| at == self.bucket.closed_until()) {
            WaitFor::Throttled { bucket }
        } else {
            WaitFor::Quota { bucket }
        }
    }
}

/// What is known of a credential.
#[derive(Clone, Debug)]
pub(super) struct CredentialState {
    /// One launch at a time until the service has accepted the credential; no bound after that.
    pub(super) gate: u32,
    pub(super) refused: bool,
    /// Its queues.
    pub(super) queues: Vec<u32>,
}
