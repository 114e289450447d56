//! Picks what is sent next: among the heads of the queues that pass every gate, repeats first, then plan order.

use std::time::Duration;

use super::gate::{Place, Rank};
use super::timer::Timer;
use super::{Effect, Phase, Schedule};

impl Schedule {
    /// Launches all that can go now.
    pub(super) fn launch_all(&mut self, now: Duration, effects: &mut Vec<Effect>) {
        loop {
            while let Some(gate) = self.dirty.pop() {
                self.wake(now, gate);
            }
            let Some((rank, queue)) = self.ready.pop_first() else { break };
            #[cfg(test)]
            {
                self.looks += 1;
            }
            let from = match self.queues[queue as usize].place {
                Place::Ready { from, .. } => from,
                Place::Idle | Place::Parked { .. } => None,
            };
            self.queues[queue as usize].place = Place::Idle;
            match self.obstacle(now, queue, rank) {
                Some(gate) => {
                    self.gates.park(gate, rank, queue);
                    self.queues[queue as usize].place = Place::Parked { rank, gate };
                    let bucket = self.queues[queue as usize].bucket;
                    if self.buckets[bucket as usize].gate == gate {
                        self.set_bucket_timer(now, bucket);
                    }
                }
                None => {
                    self.launch(now, queue, rank, effects);
                    self.make_ready(queue, None);
                }
            }
            // The gate that let this one through may have room for another.
            self.dirty.extend(from);
        }
    }

    /// The first gate that stops the head of a queue. Quota comes last, so that only what is free otherwise waits for it.
    pub(super) fn obstacle(&self, now: Duration, queue: u32, (new, _): Rank) -> Option<u32> {
        let queue = &self.queues[queue as usize];
        // A repeat holds its budgets since its first launch.
        let budgets = queue.budget_gates.iter().filter(|_| new);
        if let Some(full) = budgets.chain(&queue.flight_gates).find(|gate| !self.gates.has_room(**gate)) {
            return Some(*full);
        }
        let bucket = &self.buckets[queue.bucket as usize];
        (bucket.bucket.next_slot(now) != Some(now)).then_some(bucket.gate)
    }

    fn launch(&mut self, now: Duration, queue: u32, (new, op): Rank, effects: &mut Vec<Effect>) {
        let queue = &mut self.queues[queue as usize];
        queue.pop((new, op));
        for gate in queue.budget_gates.iter().filter(|_| new).chain(&queue.flight_gates) {
            self.gates.enter(*gate);
        }
        let bucket = &mut self.buckets[queue.bucket as usize];
        bucket.bucket.launch(now);
        bucket.calls += 1;
        bucket.last_launch = now;
        if let Some(refused) = self.refused.remove(&op) {
            self.repeating.insert(op, refused.failure);
        }
        let state = &mut self.ops[op as usize];
        state.phase = Phase::InFlight;
        state.attempts += 1;
        self.in_flight += 1;
        effects.push(Effect::Launch { op: op as usize, attempt: state.attempts });
    }

    /// Puts a queue among those to be looked at, wherever it stood.
    pub(super) fn make_ready(&mut self, queue: u32, from: Option<u32>) {
        self.take_out(queue);
        let state = &mut self.queues[queue as usize];
        if let Some(rank) = state.head(&self.order) {
            state.place = Place::Ready { rank, from };
            self.ready.insert((rank, queue));
        }
    }

    /// Takes a queue from where it stands.
    pub(super) fn take_out(&mut self, queue: u32) {
        let state = &mut self.queues[queue as usize];
        match std::mem::replace(&mut state.place, Place::Idle) {
            Place::Idle => {}
            Place::Ready { rank, from } => {
                self.ready.remove(&(rank, queue));
                self.dirty.extend(from);
            }
            Place::Parked { rank, gate } => {
                self.gates.unpark(gate, rank, queue);
                let bucket = state.bucket;
                self.forget_bucket_timer(bucket);
            }
        }
    }

    /// Lets the first queue before a gate go on, if there is room.
    fn wake(&mut self, now: Duration, gate: u32) {
        let Some((_, queue)) = self.gates.first_parked(gate) else { return };
        let bucket = self.queues[queue as usize].bucket;
        if self.buckets[bucket as usize].gate == gate {
            if self.buckets[bucket as usize].bucket.next_slot(now) != Some(now) {
                self.set_bucket_timer(now, bucket);
                return;
            }
        } else if !self.gates.has_room(gate) {
            return;
        }
        self.make_ready(queue, Some(gate));
    }

    /// While queues wait for a bucket, a timer stands at its next place, if time alone brings one.
    fn set_bucket_timer(&mut self, now: Duration, bucket: u32) {
        let state = &mut self.buckets[bucket as usize];
        if self.gates.first_parked(state.gate).is_none() {
            return;
        }
        let at = state.bucket.next_slot(now);
        if let Some(old) = std::mem::replace(&mut state.timer, at) {
            self.timers.remove(old, Timer::Bucket(bucket));
        }
        if let Some(at) = at {
            state.waited = true;
            self.timers.set(at, Timer::Bucket(bucket));
        }
    }

    /// Nobody waits for the bucket any more.
    fn forget_bucket_timer(&mut self, bucket: u32) {
        let state = &mut self.buckets[bucket as usize];
        if self.gates.first_parked(state.gate).is_none()
            && let Some(at) = state.timer.take()
        {
            self.timers.remove(at, Timer::Bucket(bucket));
        }
    }
}
