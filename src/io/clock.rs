//! Clocks: the only place that reads the machine's time.
//!
//! [`RunClock`] is the run's clock, faster than the machine's by a whole factor under `--time-scale`. It counts from one
//! monotonic origin, so a step of the machine's wall clock during a run moves no quota and no deadline; what is signed
//! carries the wall clock as it is then. Dispatcher, executor and simulator hold copies of the same clock: what is a
//! minute to one is a minute to the others.

use std::num::NonZeroU32;
use std::time::Duration;

use tokio::time::Instant;

use crate::run::port::Clock;

/// The granularity of tokio's timer: it wakes up to this much too late, on the machine's clock.
const TIMER_STEP: Duration = Duration::from_millis(1);

/// How often a scaled sleep may yield before it leaves the rest to the timer: more than a machine does in
/// [`TIMER_STEP`], and a bound for a runtime whose time stands still until it is idle (`tokio::time::pause`).
const MAX_YIELDS: u32 = 20_000;

/// The run's clock: time since its start, and on the wall, `scale` times as fast as the machine's.
#[derive(Clone, Copy, Debug)]
pub struct RunClock {
    origin: Instant,
    wall_origin: jiff::Timestamp,
    scale: NonZeroU32,
}

impl RunClock {
    /// A clock that starts now at zero. `scale` is the seconds that pass on it in one second of the machine.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    pub fn start(scale: NonZeroU32) -> Self {
        Self { origin: Instant::now(), wall_origin: jiff::Timestamp::now(), scale }
    }

    /// The same wall clock and scale, with the run's time at zero again: a run begins when it sends, not when a person is
    /// asked about it, and a deadline doesn't pass while somebody reads.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    pub fn restart(&self) -> Self {
        Self { origin: Instant::now(), wall_origin: self.wall(), scale: self.scale }
    }

    /// How much faster it is than the machine's clock.
    #[must_use]
    pub fn scale(&self) -> NonZeroU32 {
        self.scale
    }
}

impl Clock for RunClock {
    fn now(&self) -> Duration {
        self.origin.elapsed().saturating_mul(self.scale.get())
    }

    /// On the machine's own time the machine's wall clock as it is now: the monotonic one stands still while a machine
    /// sleeps, and signatures of hours-long runs would then be refused as too old. A faster clock counts from its start.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    fn wall(&self) -> jiff::Timestamp {
        if self.scale.get() == 1 {
            return jiff::Timestamp::now();
        }
        // Only a run of thousands of years overflows; it then stays at its start.
        self.wall_origin.checked_add(self.now()).unwrap_or(self.wall_origin)
    }

    /// On the machine's own time (`scale` 1) this is tokio's timer, late by at most its step of 1 ms. On a faster clock
    /// that step would be `scale` milliseconds, so the last step is spent yielding to the other tasks of the runtime
    /// instead: precise to some microseconds of the machine, for up to 1 ms of its processor for each sleep.
    async fn sleep_until(&self, at: Duration) {
        let mut yields = 0;
        while let Some(rest) = at.checked_sub(self.now()).filter(|rest| !rest.is_zero()) {
            let rest = self.real(rest);
            if self.scale.get() == 1 || yields == MAX_YIELDS {
                tokio::time::sleep(rest).await;
            } else if let Some(coarse) = rest.checked_sub(TIMER_STEP * 2).filter(|coarse| !coarse.is_zero()) {
                tokio::time::sleep(coarse).await;
            } else {
                yields += 1;
                tokio::task::yield_now().await;
            }
        }
    }

    /// Rounded up to the next nanosecond, so that who sleeps that long has not slept too little.
    fn real(&self, duration: Duration) -> Duration {
        let scale = self.scale.get();
        let rounded = duration / scale;
        if rounded.saturating_mul(scale) < duration { rounded + Duration::from_nanos(1) } else { rounded }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clock(scale: u32) -> RunClock {
        RunClock::start(NonZeroU32::new(scale).expect("not zero"))
    }

    #[tokio::test(start_paused = true)]
    async fn a_restarted_clock_is_at_zero_on_the_same_wall() {
        let asked = clock(60);
        tokio::time::advance(Duration::from_secs(10)).await;
        let run = asked.restart();
        assert_eq!((asked.now(), run.now()), (Duration::from_secs(600), Duration::ZERO));
        assert_eq!(run.wall(), asked.wall());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((run.now(), run.wall()), (Duration::from_secs(60), asked.wall()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_scaled_minute_takes_a_real_second() {
        let clock = clock(60);
        let wall = clock.wall();
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(), Duration::from_secs(60));
        assert_eq!(clock.wall().duration_since(wall), jiff::SignedDuration::from_secs(60));
        assert_eq!(clock.real(Duration::from_secs(60)), Duration::from_secs(1));
    }

    /// The monotonic clock stands still while a machine sleeps, and a signature must be of the time that the service has.
    #[tokio::test(start_paused = true)]
    #[expect(clippy::disallowed_methods, reason = "the machine's wall clock is what the test compares with")]
    async fn the_wall_is_the_machines_whatever_its_monotonic_clock_does() {
        let clock = clock(1);
        tokio::time::advance(Duration::from_secs(3600)).await;
        let off = clock.wall().duration_since(jiff::Timestamp::now()).abs();
        assert!(off < jiff::SignedDuration::from_secs(60), "{off}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_never_ends_early_and_ends_when_time_stands_still_until_idle() {
        for scale in [1, 7, 60, 1000] {
            let clock = clock(scale);
            let at = clock.now() + Duration::from_millis(12_345);
            clock.sleep_until(at).await;
            assert!(clock.now() >= at, "scale {scale}");
            assert!(clock.now() <= at + TIMER_STEP * scale, "scale {scale}: {:?}", clock.now());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_moment_that_has_passed_is_no_sleep() {
        let clock = clock(1);
        tokio::time::advance(Duration::from_secs(5)).await;
        clock.sleep_until(Duration::from_secs(4)).await;
        assert_eq!(clock.now(), Duration::from_secs(5));
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "any origin will do")]
    fn real_time_rounds_up() {
        let clock = RunClock {
            origin: Instant::now(),
            wall_origin: jiff::Timestamp::UNIX_EPOCH,
            scale: NonZeroU32::new(3).expect("not zero"),
        };
        assert_eq!(clock.real(Duration::from_nanos(9)), Duration::from_nanos(3));
        assert_eq!(clock.real(Duration::from_nanos(10)), Duration::from_nanos(4));
        assert_eq!(clock.real(Duration::ZERO), Duration::ZERO);
    }
}
