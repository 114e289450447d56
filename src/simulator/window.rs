//! The gateway's side of the quota: a strict sliding window over the moments at which calls arrived.
//!
//! Written independently of `policy::quota`, which is the client's side: the one is the check of the other.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::model::Quota;

/// More buckets than this are cleared of those that no longer refuse anything.
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
}

impl<K: Eq + Hash> Windows<K> {
    pub(super) fn new() -> Self {
        Self { windows: HashMap::new() }
    }

    /// How long a call for this bucket must wait; zero when it is allowed at once.
    pub(super) fn wait(&self, key: &K, quota: &Quota, now: Duration) -> Duration {
        self.windows.get(key).map_or(Duration::ZERO, |window| window.wait(quota, now))
    }

    /// Counts a call that arrived at `now`.
    pub(super) fn count(&mut self, key: K, quota: &Quota, now: Duration) {
        if self.windows.len() > MANY_BUCKETS {
            self.windows.retain(|_, window| window.arrivals.back().is_some_and(|last| *last + quota.per > now));
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
        assert!(windows.windows.len() <= MANY_BUCKETS + 1, "{}", windows.windows.len());
        assert_eq!(windows.wait(&19_999, &quota, MS(20_000)), MS(999));
    }
}
