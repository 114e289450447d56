//! Clocks: the only place that reads the machine's time.
//!
//! [`RunClock`] is the run's clock, faster than the machine's by a whole factor under `--time-scale`. It counts from one
//! monotonic origin, so a step of the machine's wall clock during a run moves no quota and no deadline; what is signed
//! carries the wall clock as it is then. Dispatcher, executor, transport and simulator hold clones of the same clock: what
//! is a minute to one is a minute to the others. While Ctrl-Z has the process stopped it stands still, for all of them
//! (`io::signal` sees to that).

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::run::port::Clock;

/// The granularity of tokio's timer: it wakes up to this much too late, on the machine's clock.
const TIMER_STEP: Duration = Duration::from_millis(1);

/// How often a scaled sleep may yield before it leaves the rest to the timer: more than a machine does in
/// [`TIMER_STEP`], and a bound for a runtime whose time stands still until it is idle (`tokio::time::pause`).
const MAX_YIELDS: u32 = 20_000;

/// The machine's wall clock, for what only says how long ago something was.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
pub fn wall_clock() -> jiff::Timestamp {
    jiff::Timestamp::now()
}

/// The run's clock: time since its start, and on the wall, `scale` times as fast as the machine's.
///
/// Clones show the same time, and stand still together.
#[derive(Clone, Debug)]
pub struct RunClock {
    stopwatch: Arc<Stopwatch>,
    /// What the stopwatch showed when this clock was started, and what this clock showed then.
    origin: Duration,
    base: Duration,
    wall_origin: jiff::Timestamp,
    scale: NonZeroU32,
}

/// The machine's time without the time in which it was held: what clocks that were started from one another share.
#[derive(Debug)]
struct Stopwatch {
    origin: Instant,
    held: Mutex<Duration>,
}

impl Stopwatch {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    fn start() -> Arc<Self> {
        Arc::new(Self { origin: Instant::now(), held: Mutex::new(Duration::ZERO) })
    }

    fn elapsed(&self) -> Duration {
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        self.origin.elapsed().saturating_sub(*held)
    }

    /// Whoever asks for the time meanwhile gets it afterwards: it never seems to go back.
    fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.origin.elapsed();
        let result = work();
        *held += self.origin.elapsed().saturating_sub(before);
        result
    }
}

impl RunClock {
    /// A clock that starts now at zero. `scale` is the seconds that pass on it in one second of the machine.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    pub fn start(scale: NonZeroU32) -> Self {
        let (origin, base) = (Duration::ZERO, Duration::ZERO);
        Self { stopwatch: Stopwatch::start(), origin, base, wall_origin: jiff::Timestamp::now(), scale }
    }

    /// The same wall clock and scale, with the run's time at zero again: a run begins when it sends, not when a person is
    /// asked about it, and a deadline doesn't pass while somebody reads.
    #[must_use]
    pub fn restart(&self) -> Self {
        self.restart_at(Duration::ZERO)
    }

    /// The same wall clock and scale, with the run's time at `base`: a resumed run's time goes on from there.
    #[must_use]
    pub fn restart_at(&self, base: Duration) -> Self {
        // The wall goes on from the same reading that the time does.
        let origin = self.stopwatch.elapsed();
        Self { base, wall_origin: self.wall_at(origin), origin, ..self.clone() }
    }

    /// Does `work` while the run's time stands still, on this clock, its clones, and all that were started from one
    /// another. The machine's wall clock goes on, and so do signatures.
    ///
    /// What the run waits for lasts as much longer: deadlines, timeouts of attempts, delays, pauses, and quota. The quota is
    /// the service's, whose windows pass all the same, so to wait longer for it is safe.
    ///
    /// `work` must not ask for the run's time: it would wait for itself.
    pub fn hold<T>(&self, work: impl FnOnce() -> T) -> T {
        self.stopwatch.hold(work)
    }

    /// How much faster it is than the machine's clock.
    #[must_use]
    pub fn scale(&self) -> NonZeroU32 {
        self.scale
    }

    /// What has passed on this clock since it was started, when the stopwatch shows `elapsed`.
    fn passed(&self, elapsed: Duration) -> Duration {
        elapsed.saturating_sub(self.origin).saturating_mul(self.scale.get())
    }

    #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's time")]
    fn wall_at(&self, elapsed: Duration) -> jiff::Timestamp {
        if self.scale.get() == 1 {
            return jiff::Timestamp::now();
        }
        // Only a run of thousands of years overflows; it then stays at its start.
        self.wall_origin.checked_add(self.passed(elapsed)).unwrap_or(self.wall_origin)
    }
}

impl Clock for RunClock {
    fn now(&self) -> Duration {
        self.base.saturating_add(self.passed(self.stopwatch.elapsed()))
    }

    /// On the machine's own time the machine's wall clock as it is now: the monotonic one stands still while a machine
    /// sleeps, and signatures of hours-long runs would then be refused as too old. A faster clock counts from its start.
    fn wall(&self) -> jiff::Timestamp {
        self.wall_at(self.stopwatch.elapsed())
    }

    /// On the machine's own time (`scale` 1) this is tokio's timer, late by at most its step of 1 ms. On a faster clock
    /// that step would be `scale` milliseconds, so the last step is spent yielding to the other tasks of the runtime
    /// instead: precise to some microseconds of the machine, for up to 1 ms of its processor for each sleep. A timer that
    /// ends while the clock was held is set once more, for the rest.
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

    #[tokio::test(start_paused = true)]
    async fn a_clock_goes_on_from_where_a_run_was() {
        let first = clock(60);
        tokio::time::advance(Duration::from_secs(10)).await;
        let resumed = first.restart_at(Duration::from_secs(7000));
        assert_eq!((resumed.now(), resumed.wall()), (Duration::from_secs(7000), first.wall()));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((resumed.now(), resumed.wall()), (Duration::from_secs(7060), first.wall()));
        assert_eq!(resumed.restart().now(), Duration::ZERO);
    }

    /// Time that passes for the machine while `clock` is held. It must not be awaited, since holding is synchronous.
    fn held_for(clock: &RunClock, time: Duration) {
        clock.hold(|| {
            let mut advance = std::pin::pin!(tokio::time::advance(time));
            assert!(futures::FutureExt::now_or_never(advance.as_mut()).is_none(), "it moves time, and then yields");
        });
    }

    #[tokio::test(start_paused = true)]
    async fn held_time_passes_on_no_clock_of_the_run() {
        let (first, hour) = (clock(60), Duration::from_secs(3600));
        let wall = first.wall();
        tokio::time::advance(Duration::from_secs(1)).await;
        let (copy, later) = (first.clone(), first.restart_at(hour));
        held_for(&copy, Duration::from_secs(100));
        for clock in [&first, &copy] {
            assert_eq!((clock.now(), clock.wall().duration_since(wall).as_secs()), (Duration::from_secs(60), 60));
        }
        assert_eq!(later.now(), hour);
        held_for(&later, Duration::from_secs(100));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!((first.now(), later.now()), (Duration::from_secs(120), hour + Duration::from_secs(60)));
        assert_eq!(later.restart().now(), Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_sleep_lasts_as_much_longer_as_its_clock_was_held() {
        for scale in [1, 60] {
            let (clock, machine) = (clock(scale), clock(1));
            let at = Duration::from_secs(600);
            let (sleep, ()) = tokio::join!(
                async {
                    clock.sleep_until(at).await;
                    (clock.now(), machine.now())
                },
                async {
                    machine.sleep_until(clock.real(Duration::from_secs(300))).await;
                    // Longer than the sleep: its timer ends meanwhile.
                    held_for(&clock, Duration::from_secs(1000));
                }
            );
            let (end, took) = sleep;
            assert!(end >= at && end <= at + TIMER_STEP * scale * 2, "scale {scale}: {end:?}");
            let expected = clock.real(at) + Duration::from_secs(1000);
            assert!(took >= expected && took <= expected + TIMER_STEP * 4, "scale {scale}: {took:?}");
        }
    }

    #[test]
    fn real_time_rounds_up() {
        let clock = clock(3);
        assert_eq!(clock.real(Duration::from_nanos(9)), Duration::from_nanos(3));
        assert_eq!(clock.real(Duration::from_nanos(10)), Duration::from_nanos(4));
        assert_eq!(clock.real(Duration::ZERO), Duration::ZERO);
    }
}
