//! The gateway's side of the quota: a strict sliding window over the moments at which calls arrived.
//!
//! Written independently of `policy::quota`, which is the client's side: the one is the check of the other.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::model::Quota;

/// From so many buckets on, those that no longer refuse anything are forgotten.
const MANY_BUCKETS: usize = 4096;

/// The calls of one bucket that may still matter.
#[derive(Debug, Default)]
struct Window {
    /// Arrivals, oldest first; never more than the quota's calls, since older ones refuse nothing.
    arrivals: VecDeque<Duration>,
}

impl Window {
    /// How long from `now` until the next call is allowed; zero when it is allowed at once.
    fn wait(&self, quota: &Quota, now: Duration) -> Duration {
        if self.arrivals.len() < quota.calls.get() as usize {
            return Duration::ZERO;
        }
        self.arrivals.front().map_or(Duration::ZERO, |oldest| (*oldest + quota.per).saturating_sub(now))
    }

    fn count(&mut self, quota: &Quota, now: Duration) {
        if self.arrivals.len() == quota.calls.get() as usize {
            self.arrivals.pop_front();
        }
        self.arrivals.push_back(now);
    }
}

/// All buckets of one kind: by user, or by source address.
#[derive(Debug)]
pub(super) struct Windows<K> {
    windows: HashMap<K, Window>,
    /// At how many buckets the next clearing is due; twice what the last one left, so that its cost is spread.
    clear_at: usize,
}

impl<K: Eq + Hash> Windows<K> {
    pub(super) fn new() -> Self {
        Self { windows: HashMap::new(), clear_at: MANY_BUCKETS }
    }

    /// How long a call for this bucket must wait; zero when it is allowed at once.
    pub(super) fn wait(&self, key: &K, quota: &Quota, now: Duration) -> Duration {
        self.windows.get(key).map_or(Duration::ZERO, |window| window.wait(quota, now))
    }

    /// Counts a call that arrived at `now`.
    pub(super) fn count(&mut self, key: K, quota: &Quota, now: Duration) {
        if self.windows.len() >= self.clear_at {
            self.windows.retain(|_, window| window.arrivals.back().is_some_and(|last| *last + quota.per > now));
            self.clear_at = MANY_BUCKETS.max(self.windows.len() * 2);
        }
        self.windows.entry(key).or_default().count(quota, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn the_sixth_call_waits_until_the_first_leaves_the_window() {
        let quota = Quota::parse("5/1m").expect("legal");
        let mut windows = Windows::new();
        for at in [0, 10_000, 20_000, 20_000, 59_999] {
            assert_eq!(windows.wait(&"ak", &quota, MS(at)), Duration::ZERO);
            windows.count("ak", &quota, MS(at));
        }
        assert_eq!(windows.wait(&"ak", &quota, MS(59_999)), MS(1));
        assert_eq!(windows.wait(&"other", &quota, MS(59_999)), Duration::ZERO);
        assert_eq!(windows.wait(&"ak", &quota, MS(60_000)), Duration::ZERO);
        windows.count("ak", &quota, MS(60_000));
        assert_eq!(windows.wait(&"ak", &quota, MS(60_000)), MS(10_000));
    }

    #[test]
    fn many_buckets_are_forgotten_once_they_refuse_nothing() {
        let quota = Quota::parse("1/1s").expect("legal");
        let mut windows = Windows::new();
        for key in 0..20_000_u64 {
            windows.count(key, &quota, MS(key));
        }
        assert!(windows.windows.len() <= MANY_BUCKETS, "{}", windows.windows.len());
        assert_eq!(windows.wait(&19_999, &quota, MS(20_000)), MS(999));
    }

    proptest::proptest! {
        /// Against the definition: a call is allowed exactly when fewer than `calls` were counted in the window before it.
        #[test]
        fn a_call_is_refused_exactly_when_its_window_is_full(
            calls in 1..6_u32,
            per_ms in 1..50_u64,
            gaps in proptest::collection::vec(0..20_u64, 1..200),
            refused_count in proptest::bool::ANY,
        ) {
            let quota = Quota::parse(&format!("{calls}/{per_ms}ms")).expect("legal");
            let mut windows = Windows::new();
            let (mut now, mut counted) = (0, Vec::<u64>::new());
            for gap in gaps {
                now += gap;
                let recent = counted.iter().filter(|at| now - **at < per_ms).count();
                let wait = windows.wait(&(), &quota, MS(now));
                proptest::prop_assert_eq!(wait.is_zero(), recent < calls as usize);
                if wait.is_zero() || refused_count {
                    windows.count((), &quota, MS(now));
                    counted.push(now);
                }
            }
        }
    }
}
