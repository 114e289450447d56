//! Launches that wait until the log holds their announcement, and outcomes that it doesn't hold yet.
//!
//! The log takes events at once and makes them durable in batches. A launch stands here for as long as that takes; the
//! loop lets it go when its position is reached, or takes it back when the log fails.

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use super::port::LogFailure;
use crate::event::OpIndex;

/// How long the log may take for one record before it counts as failed. A disk that answers at all is faster; a network
/// mount whose server is gone would hold the run for ever.
pub(super) const LONGEST_SYNC: Duration = Duration::from_secs(60);

/// A launch whose announcement is on its way to the log.
#[derive(Clone, Copy, Debug)]
struct Launch {
    position: u64,
    op: OpIndex,
    attempt: u32,
    since: Duration,
}

/// What stands between a decision and the log.
#[derive(Debug, Default)]
pub(super) struct Announced {
    launches: VecDeque<Launch>,
    /// Operations that were sent, with the position of their outcome.
    outcomes: VecDeque<(u64, OpIndex)>,
    failed: Option<LogFailure>,
}

impl Announced {
    /// A launch was announced at this position.
    pub(super) fn launch(&mut self, position: u64, (op, attempt): (OpIndex, u32), now: Duration) {
        self.launches.push_back(Launch { position, op, attempt, since: now });
    }

    /// The outcome of an operation that was sent got this position.
    pub(super) fn outcome(&mut self, position: u64, op: OpIndex) {
        self.outcomes.push_back((position, op));
    }

    /// Everything up to this position is durable: the next launch that may go, if there is one.
    pub(super) fn release(&mut self, durable: u64) -> Option<OpIndex> {
        if self.failed.is_some() {
            return None;
        }
        while self.outcomes.front().is_some_and(|(position, _)| *position <= durable) {
            self.outcomes.pop_front();
        }
        let front = self.launches.front().filter(|launch| launch.position <= durable)?;
        let op = front.op;
        self.launches.pop_front();
        Some(op)
    }

    /// The log failed: the launches that are never sent. What was durable before has been released.
    pub(super) fn fail(&mut self, failure: LogFailure) -> Vec<(OpIndex, u32)> {
        self.outcomes.retain(|(position, _)| *position > failure.durable);
        self.failed = Some(failure);
        self.take_back()
    }

    /// Takes back every launch that still waits: operations, each with the number of its attempt.
    pub(super) fn take_back(&mut self) -> Vec<(OpIndex, u32)> {
        self.launches.drain(..).map(|launch| (launch.op, launch.attempt)).collect()
    }

    /// Whether the log has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed.is_some()
    }

    /// Whether no launch waits.
    pub(super) fn is_empty(&self) -> bool {
        self.launches.is_empty()
    }

    /// How long the oldest launch has waited.
    pub(super) fn longest_wait(&self, now: Duration) -> Duration {
        self.launches.front().map_or(Duration::ZERO, |launch| now.saturating_sub(launch.since))
    }

    /// The failure of the log, and the operations whose outcome it doesn't hold.
    pub(super) fn into_not_recorded(self) -> Option<(LogFailure, Vec<OpIndex>)> {
        // One that ended, and whose task ended too, is one.
        let mut named = HashSet::new();
        let operations = self.outcomes.into_iter().map(|(_, op)| op).filter(|op| named.insert(*op)).collect();
        self.failed.map(|failure| (failure, operations))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(durable: u64) -> LogFailure {
        LogFailure { message: "the disk is full".to_owned(), durable }
    }

    #[test]
    fn a_launch_goes_when_its_announcement_is_durable_and_in_order() {
        let mut announced = Announced::default();
        announced.launch(2, (7, 1), Duration::ZERO);
        announced.launch(3, (8, 1), Duration::ZERO);
        assert_eq!(announced.release(1), None);
        assert_eq!(announced.release(2), Some(7));
        assert_eq!(announced.release(2), None);
        assert_eq!(announced.release(9), Some(8));
        assert_eq!(announced.release(9), None);
    }

    #[test]
    fn what_a_failed_log_does_not_hold_is_named() {
        let mut announced = Announced::default();
        announced.outcome(4, 1);
        announced.outcome(6, 2);
        announced.launch(5, (3, 1), Duration::from_secs(1));
        announced.launch(7, (4, 2), Duration::from_secs(2));
        assert_eq!(announced.longest_wait(Duration::from_secs(5)), Duration::from_secs(4));
        assert_eq!(announced.fail(failure(4)), [(3, 1), (4, 2)]);
        announced.outcome(8, 5);
        assert_eq!(announced.release(u64::MAX - 1), None, "nothing goes any more");
    }

    #[test]
    fn outcomes_after_the_failure_are_not_recorded_either() {
        let mut announced = Announced::default();
        announced.outcome(4, 1);
        announced.outcome(6, 2);
        announced.fail(failure(4));
        announced.outcome(8, 5);
        assert_eq!(announced.into_not_recorded(), Some((failure(4), vec![2, 5])));
        assert_eq!(Announced::default().into_not_recorded(), None);
    }
}
