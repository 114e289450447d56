//! A sliding-window quota that holds whatever the latency.
//!
//! A call counts from its sending until its answer's arrival plus the window: the service may have counted it at any
//! moment between the two. See `docs/quota.md`.

use std::collections::VecDeque;
use std::time::Duration;

/// One quota bucket. Times are since the start of the run and never go back.
#[derive(Clone, Debug)]
pub struct Bucket {
    calls: u32,
    per: Duration,
    in_flight: u32,
    answered: VecDeque<Duration>,
    closed_until: Duration,
}

impl Bucket {
    /// An empty bucket that allows `calls` calls in any window of length `per`.
    #[must_use]
    pub fn new(calls: u32, per: Duration) -> Self {
        Self { calls, per, in_flight: 0, answered: VecDeque::new(), closed_until: Duration::ZERO }
    }

    /// When the next call may be sent: `None` while only an answer can free a place.
    #[must_use]
    pub fn next_slot(&mut self, now: Duration) -> Option<Duration> {
        let _ = (self.calls, self.per, self.in_flight, &self.answered, self.closed_until, now);
        todo!()
    }
}
