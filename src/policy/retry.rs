//! The delay before an attempt is repeated.

use std::time::Duration;

use crate::model::RetryLimits;

/// The delay before attempt number `next` (2 for the first repeat): exponential from `initial_delay`, at most `max_delay`,
/// times a jitter from `0.5` to `1.0` that `random` (0.0 up to 1.0) chooses; at least what the service asked for.
#[must_use]
pub fn retry_delay(limits: &RetryLimits, next: u32, asked: Option<Duration>, random: f64) -> Duration {
    let _ = (limits, next, asked, random);
    todo!()
}
