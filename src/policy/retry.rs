//! The delay before an attempt is repeated.
//!
//! Exponential, by backon, with a jitter that the caller draws: the function itself is pure, so that the scheduler and
//! the forecast can use it under a virtual clock.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

use crate::model::RetryLimits;

/// After this many doublings any delay has reached any cap.
const MOST_DOUBLINGS: u32 = 64;

/// The delay before attempt number `next` (2 for the first repeat): exponential from `initial_delay`, at most `max_delay`,
/// times a jitter from `0.5` to `1.0` that `random` (0.0 up to 1.0) chooses; at least what the service asked for, which
/// may be longer than `max_delay`: an earlier repeat would only be refused again.
#[must_use]
pub fn retry_delay(limits: &RetryLimits, next: u32, asked: Option<Duration>, random: f64) -> Duration {
    let doublings = next.saturating_sub(2).min(MOST_DOUBLINGS);
    let base = ExponentialBuilder::new()
        .with_min_delay(limits.initial_delay)
        .with_max_delay(limits.max_delay)
        .without_max_times()
        // A seed keeps backon from drawing one: its own jitter isn't used.
        .with_jitter_seed(0)
        .build()
        .nth(doublings as usize)
        .unwrap_or(limits.max_delay)
        .min(limits.max_delay);
    let random = if (0.0..=1.0).contains(&random) { random } else { 1.0 };
    let jittered = base.mul_f64(0.5 + random / 2.0).min(base);
    jittered.max(asked.unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn limits(initial_ms: u64, max_ms: u64) -> RetryLimits {
        RetryLimits {
            initial_delay: Duration::from_millis(initial_ms),
            max_delay: Duration::from_millis(max_ms),
            ..RetryLimits::default()
        }
    }

    #[test]
    fn doubles_up_to_the_cap() {
        let ms = |next, random| retry_delay(&limits(1000, 5000), next, None, random).as_millis();
        assert_eq!([ms(2, 1.0), ms(3, 1.0), ms(4, 1.0), ms(5, 1.0), ms(u32::MAX, 1.0)], [1000, 2000, 4000, 5000, 5000]);
        assert_eq!([ms(2, 0.0), ms(3, 0.5), ms(5, 0.0)], [500, 1500, 2500]);
    }

    #[test]
    fn what_the_service_asks_for_counts_even_beyond_the_cap() {
        let asked = Some(Duration::from_secs(300));
        assert_eq!(retry_delay(&limits(1000, 5000), 2, asked, 0.3), Duration::from_secs(300));
        assert_eq!(retry_delay(&limits(1000, 5000), 4, Some(Duration::from_secs(1)), 1.0), Duration::from_secs(4));
    }

    proptest! {
        #[test]
        fn stays_within_its_bounds(
            initial in 0u64..2_592_000_000, max in 0u64..2_592_000_000, next in any::<u32>(),
            asked in proptest::option::of(0u64..86_400_000), random in any::<f64>(),
        ) {
            let limits = limits(initial, max);
            let asked = asked.map(Duration::from_millis);
            let delay = retry_delay(&limits, next, asked, random);
            prop_assert!(delay >= asked.unwrap_or_default());
            prop_assert!(delay <= limits.max_delay.max(asked.unwrap_or_default()));
            let least = limits.initial_delay.min(limits.max_delay).mul_f64(0.499);
            prop_assert!(delay >= least, "{delay:?} is under half of the first delay");
        }

        #[test]
        fn never_shrinks_from_one_attempt_to_the_next(
            initial in 0u64..1_000_000, max in 0u64..1_000_000, next in 2u32..100, random in 0.0f64..1.0,
        ) {
            let limits = limits(initial, max);
            prop_assert!(retry_delay(&limits, next, None, random) <= retry_delay(&limits, next + 1, None, random));
        }
    }
}
