//! The pace that is felt out after a 429 which states no limit.
//!
//! The known limit was far too wide then, and all that is known of the true one is what the service took. So calls go evenly from
//! there on, at the rate that it took them, which doubles as long as nothing is refused; after the next refusal it is halved,
//! and grows by a twentieth at a time. A pace only ever delays: what the known limits forbid stays forbidden.

use std::time::Duration;

/// How many times a pace may grow in the time that the service asks for.
const STEPS: u32 = 4;

/// What calls that are late may catch up: the timers behind them are a millisecond late each.
const CATCH_UP: Duration = Duration::from_millis(5);

/// A rate of calls: times are on the run's clock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pace {
    /// Between two calls.
    spacing: Duration,
    /// The next call goes at this time at the earliest.
    next: Duration,
    /// When it grew last, and how long it stays as it is.
    grown: Duration,
    step: Duration,
    /// A spacing that was refused: closer to it than twice that, the pace grows slowly.
    refused: Option<Duration>,
}

impl Pace {
    /// The pace at which `taken` calls go in `asked`, the time for which the service asked; it begins at `opens`.
    pub(super) fn new(taken: u32, asked: Duration, opens: Duration) -> Self {
        let spacing = asked / taken.max(1);
        Self { spacing, next: opens, grown: opens, step: asked / STEPS, refused: None }
    }

    /// A call that went at this pace was refused: it goes on from `opens` at half of it.
    pub(super) fn refused(&mut self, opens: Duration) {
        self.refused = Some(self.spacing);
        self.spacing = self.spacing.saturating_mul(2).min(self.step.saturating_mul(STEPS));
        (self.next, self.grown) = (opens, opens);
    }

    /// When the next call may go.
    pub(super) fn next(&self) -> Duration {
        self.next
    }

    /// A call goes.
    pub(super) fn launch(&mut self, now: Duration) {
        self.next = self.next.max(now.saturating_sub(CATCH_UP)).saturating_add(self.spacing);
    }

    /// A call was taken that went at this pace.
    pub(super) fn taken(&mut self, now: Duration) {
        if now < self.grown.saturating_add(self.step) {
            return;
        }
        self.grown = now;
        let doubled = self.spacing / 2;
        let is_near = self.refused.is_some_and(|refused| doubled < refused.saturating_mul(2));
        self.spacing = if is_near { self.spacing * 20 / 21 } else { doubled };
    }

    /// How many calls go in `per`, at least.
    pub(super) fn calls_in(&self, per: Duration) -> u128 {
        per.as_nanos() / self.spacing.as_nanos().max(1)
    }
}
