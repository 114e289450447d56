//! How much longer a run takes: the rest of its forecast, counted from the operations that have ended.
//!
//! The pace so far would be a bad guess: calls go out in bursts of a whole quota, and waves pause. The forecast knows both, so a
//! run that is late keeps the rest of the forecast ahead of it, and the number never jumps.

use std::time::Duration;

use crate::run::port::Waiting;

/// The rest of a forecast.
#[derive(Debug)]
pub(super) struct TimeLeft<'a> {
    /// When each operation was forecast to end, the first one first.
    ends: &'a [Duration],
    /// Operations that have ended, and when the latest of them did.
    done: usize,
    since: Duration,
}

impl<'a> TimeLeft<'a> {
    /// For a forecast in which the operations end at these times, in order.
    pub(super) fn new(ends: &'a [Duration]) -> Self {
        Self { ends, done: 0, since: Duration::ZERO }
    }

    /// `done` operations have ended, the latest at `at`.
    pub(super) fn ended(&mut self, done: usize, at: Duration) {
        (self.done, self.since) = (done, at);
    }

    /// What is left, at least `wait` if nothing can end before that is over; none when everything has ended, or when the
    /// last operation is later than the forecast has it.
    pub(super) fn at(&self, now: Duration, wait: Option<Duration>) -> Option<Duration> {
        let last = *self.ends.last()?;
        let next = *self.ends.get(self.done)?;
        let reached = self.done.checked_sub(1).map_or(Duration::ZERO, |index| self.ends[index]);
        // Between two ends the time runs down, but not beyond the one that is still to come.
        let until_next = next.saturating_sub(reached).saturating_sub(now.saturating_sub(self.since));
        let left = last.saturating_sub(next) + until_next.max(wait.unwrap_or_default());
        Some(left).filter(|left| !left.is_zero())
    }
}

/// What is waited for, if nothing is in flight that could end before.
pub(super) fn wait_of(waiting: Option<&Waiting>, now: Duration, in_flight: usize) -> Option<Duration> {
    let waiting = waiting.filter(|waiting| in_flight == 0 && waiting.operations > 0)?;
    Some(waiting.until?.saturating_sub(now))
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn s(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn time_runs_down_with_the_forecast() {
        let ends = [s(10), s(20), s(30)];
        let mut left = TimeLeft::new(&ends);
        assert_eq!(left.at(s(0), None), Some(s(30)));
        assert_eq!(left.at(s(4), None), Some(s(26)));
        left.ended(1, s(10));
        assert_eq!(left.at(s(15), None), Some(s(15)));
        left.ended(3, s(30));
        assert_eq!(left.at(s(30), None), None);
    }

    #[test]
    fn a_late_run_keeps_the_rest_ahead_of_it() {
        let ends = [s(10), s(20), s(30)];
        let mut left = TimeLeft::new(&ends);
        assert_eq!(left.at(s(100), None), Some(s(20)), "the first should have ended at 10 s");
        left.ended(1, s(100));
        assert_eq!(left.at(s(105), None), Some(s(15)));
        left.ended(2, s(112));
        assert_eq!(left.at(s(113), None), Some(s(9)));
        assert_eq!(left.at(s(500), None), None, "nobody knows");
    }

    #[test]
    fn what_is_waited_for_is_part_of_what_is_left() {
        let ends = [s(10), s(20), s(30)];
        let mut left = TimeLeft::new(&ends);
        left.ended(1, s(10));
        assert_eq!(left.at(s(15), Some(s(5))), Some(s(15)), "as forecast");
        assert_eq!(left.at(s(15), Some(s(60))), Some(s(70)), "the service asked for more");
        left.ended(2, s(80));
        assert_eq!(left.at(s(500), Some(s(7))), Some(s(7)));
        let waiting = Waiting { until: Some(s(60)), what: "retry".to_owned(), operations: 1 };
        assert_eq!(wait_of(Some(&waiting), s(50), 0), Some(s(10)));
        assert_eq!(wait_of(Some(&waiting), s(50), 1), None, "what is in flight ends earlier");
        assert_eq!(wait_of(Some(&Waiting { operations: 0, ..waiting }), s(50), 0), None);
    }

    #[test]
    fn a_run_ahead_of_its_forecast_has_less_before_it() {
        let ends = [s(10), s(20), s(30)];
        let mut left = TimeLeft::new(&ends);
        left.ended(2, s(1));
        assert_eq!(left.at(s(1), None), Some(s(10)));
        assert_eq!(TimeLeft::new(&[]).at(s(1), None), None);
    }
}
