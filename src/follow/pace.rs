//! When to look again: each look costs a call, and a quota of five a minute is for everybody who asks that endpoint.

use std::time::Duration;

/// The shortest time between two looks.
pub(super) const SHORTEST: Duration = Duration::from_secs(30);
/// The longest time between two looks.
pub(super) const LONGEST: Duration = Duration::from_secs(300);
/// Looks that are wished for within this time after one another become one, the later.
const TOGETHER: Duration = Duration::from_secs(60);

/// The time from one look to the next where no task says how long it still takes: 30 s, and longer by half each time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Interval(Duration);

impl Default for Interval {
    fn default() -> Self {
        Self(SHORTEST)
    }
}

impl Interval {
    /// This time; the next one is longer.
    pub(super) fn get(self) -> Duration {
        self.0
    }

    pub(super) fn grow(&mut self) {
        self.0 = (self.0 + self.0 / 2).min(LONGEST);
    }
}

/// What the service says that a task still takes, as far as it is believed.
pub(super) fn hinted(remaining_minutes: u64) -> Duration {
    Duration::from_secs(remaining_minutes.saturating_mul(60)).clamp(SHORTEST, LONGEST)
}

/// The next look, of the times at which one is wished for.
pub(super) fn together(wishes: impl IntoIterator<Item = Duration> + Clone) -> Option<Duration> {
    let first = wishes.clone().into_iter().min()?;
    wishes.into_iter().filter(|wish| *wish <= first + TOGETHER).max()
}
