//! The pace that is felt out after a 429 which states no limit.
//!
//! The known limit was far too wide then, and all that is known of the true one is what the service took. So calls go evenly from
//! there on, at the rate that it took them, which doubles as long as nothing is refused. After the next refusal it is halved, but
//! not below what the service is known to take by then, and grows slowly. A pace only ever delays: what the known limits forbid
//! stays forbidden.

use std::time::Duration;

/// How many times a pace may double in the time that the service asks for.
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
    /// When it grew last.
    grown: Duration,
    /// The time that the service asks for after a refusal.
    asked: Duration,
    /// A spacing that was refused: closer to it than twice that, the pace grows slowly.
    refused: Option<Duration>,
    /// What the service takes at once after a pause, at the most.
    burst: u32,
    /// When the service began to take calls again, and how many it took since.
    opened: Duration,
    taken: u32,
}

impl Pace {
    /// The pace at which `taken` calls go in `asked`, the time for which the service asked; it begins at `opens`.
    pub(super) fn new(taken: u32, asked: Duration, opens: Duration) -> Self {
        let spacing = asked / taken.max(1);
        Self { spacing, next: opens, grown: opens, asked, refused: None, burst: taken, opened: opens, taken: 0 }
    }

    /// A call that went at this pace was refused at `now`: it goes on from `opens` at half of it.
    ///
    /// At least a twentieth slower than it was, and no slower than this: a service that takes so many at once and so many a second has not taken
    /// more than both together since it opened.
    pub(super) fn refused(&mut self, now: Duration, opens: Duration) {
        let halved = self.spacing.saturating_mul(2).min(self.asked);
        let sustained = self.taken.saturating_sub(self.burst);
        let known = now.saturating_sub(self.opened).checked_div(sustained).unwrap_or(halved);
        self.refused = Some(self.spacing);
        self.spacing = halved.min(known.max(self.spacing * 21 / 20));
        (self.next, self.grown, self.opened, self.taken) = (opens, opens, opens, 0);
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
    ///
    /// A refusal costs the time that it asks for, so near a pace that was refused it grows once in that time, by a fortieth.
    pub(super) fn taken(&mut self, now: Duration) {
        self.taken = self.taken.saturating_add(1);
        let doubled = self.spacing / 2;
        let is_near = self.refused.is_some_and(|refused| doubled < refused.saturating_mul(2));
        let (step, spacing) =
            if is_near { (self.asked, self.spacing * 40 / 41) } else { (self.asked / STEPS, doubled) };
        if now >= self.grown.saturating_add(step) {
            (self.grown, self.spacing) = (now, spacing);
        }
    }

    /// How many calls go in `per`, at least.
    pub(super) fn calls_in(&self, per: Duration) -> u128 {
        per.as_nanos() / self.spacing.as_nanos().max(1)
    }
}
