//! What happens at a time: the one ordered set that `WaitUntil` is taken from.

use std::collections::BTreeSet;
use std::time::Duration;

/// What happens then. The order decides among timers of the same moment: deadlines first, so that nothing is launched at one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The run's longest duration.
    RunDeadline,
    /// The deadline of a plan.
    Deadline(u32),
    /// The pause before the next wave of a plan is over.
    Pause(u32),
    /// An operation may be repeated.
    Retry(u32),
    /// A bucket has a place.
    Bucket(u32),
}

impl Timer {
    /// Whether this ends things rather than allowing a launch.
    pub(super) fn is_deadline(self) -> bool {
        matches!(self, Self::RunDeadline | Self::Deadline(_))
    }
}

/// Timers by time.
#[derive(Clone, Debug, Default)]
pub(super) struct Timers(BTreeSet<(Duration, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: Duration, timer: Timer) {
        self.0.insert((at, timer));
    }

    pub(super) fn remove(&mut self, at: Duration, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn first(&self) -> Option<(Duration, Timer)> {
        self.0.first().copied()
    }

    /// Takes the first timer that is due.
    pub(super) fn pop_due(&mut self, now: Duration) -> Option<Timer> {
        let (at, timer) = self.first()?;
        (at <= now).then(|| {
            self.remove(at, timer);
            timer
        })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Duration, Timer)> {
        self.0.iter().copied()
    }
}
