//! A sliding-window quota that holds whatever the latency.
//!
//! A call counts from its sending until its answer's arrival plus the window: the service may have counted it at any
//! moment between the two. See `docs/quota.md`. Neighbour: `schedule` owns one bucket for each thing that shares a quota.

mod pace;

use std::collections::VecDeque;
use std::time::Duration;

use jiff::SignedDuration;

use self::pace::Pace;

/// No text of a 429 makes us count in a longer window.
const LONGEST_STATED: Duration = Duration::from_secs(24 * 3600);

/// What was answered longer ago than this when the run's clock began has left every window.
const BEFORE: Duration = LONGEST_STATED;

/// A known limit is taken for wrong when it allows so many times as many calls as the service took. Below that the service has
/// somebody else who uses a part of it, and the limit may well be right.
const FAR_TOO_WIDE: u128 = 8;

/// Fewer calls that were taken say nothing of a rate: somebody else may just have used up a narrow limit.
const FEWEST_TAKEN: u32 = 8;

/// At most `calls` calls in any window `[t, t + per)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    calls: u32,
    per: Duration,
}

impl Window {
    /// How many calls it allows in `span`, on an average.
    fn calls_in(self, span: Duration) -> u128 {
        u128::from(self.calls).saturating_mul(span.as_nanos()) / self.per.as_nanos().max(1)
    }

    /// Whether keeping `self` also keeps `other`: no more calls, in a window that is no shorter.
    fn implies(self, other: Self) -> bool {
        self.calls <= other.calls && self.per >= other.per
    }
}

/// One quota bucket. Times are on the run's clock and never go back, but for those of [`Bucket::lost`]. All methods are O(1)
/// for each limit that holds (one, unless plans or answers state several).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// Limits that hold together; none implies another. Never empty.
    windows: Vec<Window>,
    in_flight: u32,
    /// Arrivals of the latest answers, oldest first: as many as any limit can ever ask for. Those of calls that an earlier
    /// session lost may lie ahead. They count from [`BEFORE`] the zero of the run's clock, since other runs made theirs before it.
    answered: VecDeque<Duration>,
    closed_until: Duration,
    /// After a 429: how many calls may be in flight. One alone finds out whether the service takes calls again, and each
    /// answer lets one more go together with the others. `None`: no 429 is pending.
    ramp: Option<u32>,
    /// Calls that were sent before the latest 429 and are still in flight; their answers say nothing of what comes now.
    of_before: u32,
    felt: Felt,
}

/// How a call ended, as far as its quota is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The service took it.
    Taken,
    /// An answer came, and it was no 429.
    Answered,
    /// No answer came, or no connection: it counts, and proves nothing.
    Unanswered,
    /// The answer was 429.
    Throttled {
        /// When the next call may go, by the answer or by the caller's own backoff.
        opens: Duration,
        /// The limit that its text states: calls, and in how long.
        limit: Option<(u32, Duration)>,
    },
}

/// What was felt out of a limit that nobody states.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Felt {
    /// Answers since the bucket opened, without those of before.
    taken: u32,
    pace: Option<Pace>,
}

impl Bucket {
    /// An empty bucket that allows `calls` calls (at least one) in any window of length `per`.
    #[must_use]
    pub fn new(calls: u32, per: Duration) -> Self {
        Self {
            windows: vec![Window { calls: calls.max(1), per }],
            in_flight: 0,
            answered: VecDeque::new(),
            closed_until: Duration::ZERO,
            ramp: None,
            of_before: 0,
            felt: Felt::default(),
        }
    }

    /// When the next call may be sent (`now` or later): `None` while only an answer can free a place.
    #[must_use]
    pub fn next_slot(&self, now: Duration) -> Option<Duration> {
        if self.ramp.is_some_and(|most| self.in_flight >= most) {
            return None;
        }
        let mut slot = now.max(self.closed_until);
        if let Some(pace) = &self.felt.pace {
            slot = slot.max(pace.next());
        }
        for window in &self.windows {
            // So many answered calls may still count when the next one is sent; those before them must have left.
            let may_count = window.calls.checked_sub(self.in_flight + 1)? as usize;
            if let Some(leaving) = self.answered.len().checked_sub(may_count + 1) {
                slot = slot.max((self.answered[leaving] + window.per).saturating_sub(BEFORE));
            }
        }
        Some(slot)
    }

    /// A call is sent. The caller has seen `next_slot(now) == Some(now)`.
    pub fn launch(&mut self, now: Duration) {
        debug_assert_eq!(self.next_slot(now), Some(now), "a call was sent without a place in its quota");
        self.recall_launch(now);
    }

    /// A call was sent in an earlier session, by the limits of that one. Calls of earlier sessions are told in the order in which
    /// it all happened, before any of this one is launched.
    pub fn recall_launch(&mut self, now: Duration) {
        self.in_flight += 1;
        if let Some(pace) = &mut self.felt.pace {
            pace.launch(now);
        }
    }

    /// A call was answered or given up. Unless it was surely never sent ([`Bucket::withdrawn`]) it counts, whatever the answer.
    pub fn ended(&mut self, now: Duration, end: CallEnd) {
        self.in_flight = self.in_flight.saturating_sub(1);
        self.counts_until(now);
        // It went together with one that was refused, or before that: its answer says nothing of what comes now.
        let late = self.of_before > 0;
        self.of_before = self.of_before.saturating_sub(1);
        if !late && end != CallEnd::Unanswered {
            self.felt.taken = self.felt.taken.saturating_add(1);
            self.widen_ramp();
        }
        match end {
            CallEnd::Taken if !late => self.quicken(now),
            CallEnd::Taken | CallEnd::Answered | CallEnd::Unanswered => {}
            CallEnd::Throttled { opens, limit } => {
                match limit {
                    Some((calls, per)) => self.learn(calls, per),
                    None if !late => self.slow_down(opens.saturating_sub(now), opens),
                    None => {}
                }
                self.close_until(opens);
            }
        }
    }

    /// The service took a call: the pace, if there is one, may grow.
    fn quicken(&mut self, now: Duration) {
        let Some(pace) = &mut self.felt.pace else { return };
        pace.taken(now);
        let per = self.longest_window();
        // Where the known limits are as strict, they are enough.
        self.felt.pace = self.felt.pace.take().filter(|pace| self.allowed_in(per) > pace.calls_in(per));
    }

    /// A call was refused with a 429 that states no limit, and asks to wait until `opens`, which is `asked` from now. If the
    /// known limits are far too wide, calls go at a pace of their own from then on.
    fn slow_down(&mut self, asked: Duration, opens: Duration) {
        let taken = self.felt.taken.saturating_sub(1).max(FEWEST_TAKEN);
        if let Some(pace) = &mut self.felt.pace {
            pace.refused(opens.saturating_sub(asked), opens);
        } else if self.allowed_in(asked) > FAR_TOO_WIDE * u128::from(taken) {
            self.felt.pace = Some(Pace::new(taken, asked, opens));
        }
    }

    /// How many calls the known limits allow in `span`, on an average.
    fn allowed_in(&self, span: Duration) -> u128 {
        self.windows.iter().map(|window| window.calls_in(span)).min().unwrap_or_default()
    }

    /// A call was launched and is certainly not sent: its place is free again, as if it had never been taken.
    pub fn withdrawn(&mut self) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // Whether it was launched before the latest 429 is not known. If it was, one answer too many is held for one of
        // before, which keeps the others waiting a little longer and never lets one go too early.
        self.of_before = self.of_before.min(self.in_flight);
    }

    /// A call was in flight when its session ended. The service counts it by `until` at the latest, which may lie ahead; what
    /// it answered nobody knows.
    pub fn lost(&mut self, until: Duration) {
        self.withdrawn();
        self.counts_until(until);
    }

    /// Another run made a call that the service counted by `counted` at the latest; a 429 closes the bucket for this run, too. All
    /// of these come before a call of this session, and may lie before the zero of the run's clock.
    pub fn elsewhere(&mut self, counted: SignedDuration, closed_until: Option<SignedDuration>) {
        match Duration::try_from(counted) {
            Ok(counted) => self.counts_until(counted),
            Err(_) => self.keep(BEFORE.saturating_sub(counted.unsigned_abs())),
        }
        if let Some(Ok(until)) = closed_until.map(Duration::try_from) {
            self.close_until(until);
        }
    }

    fn counts_until(&mut self, answered: Duration) {
        self.keep(answered.saturating_add(BEFORE));
    }

    /// Keeps a time that counts from [`BEFORE`] the zero of the run's clock.
    fn keep(&mut self, answered: Duration) {
        let after = self.answered.iter().rev().take_while(|earlier| **earlier > answered).count();
        self.answered.insert(self.answered.len() - after, answered);
        let places = self.places();
        while self.answered.len() > places {
            self.answered.pop_front();
        }
    }

    fn widen_ramp(&mut self) {
        let places = self.places();
        self.ramp = self.ramp.map(|most| most + 1).filter(|most| (*most as usize) < places);
    }

    /// The most calls that any limit allows in its window.
    fn places(&self) -> usize {
        self.windows.iter().map(|window| window.calls as usize).max().unwrap_or(1)
    }

    /// The service refused a call with 429: nothing is sent before `at`, and then one call alone, then two together, and so on.
    fn close_until(&mut self, at: Duration) {
        self.closed_until = self.closed_until.max(at);
        self.ramp = Some(1);
        self.of_before = self.in_flight;
        self.felt.taken = 0;
    }

    /// Until when a 429 keeps the bucket closed; in the past for an open one.
    #[must_use]
    pub fn closed_until(&self) -> Duration {
        self.closed_until
    }

    /// When a bucket opens again that a 429 closes at `now`: after the `wait` that it asks for, else after the longest window
    /// (with the `limit` that its text states among them), when everything that was answered before has left.
    #[must_use]
    pub fn opens_after(&self, now: Duration, wait: Option<Duration>, limit: Option<(u32, Duration)>) -> Duration {
        let stated = limit.map_or(Duration::ZERO, |(_, per)| per);
        now.saturating_add(wait.unwrap_or_else(|| self.longest_window().max(stated)))
    }

    fn longest_window(&self) -> Duration {
        self.windows.iter().map(|window| window.per).max().unwrap_or_default()
    }

    /// Takes in a further limit, from a plan that shares the bucket or from the text of a 429. It holds together with
    /// those known, so that a limit can only become stricter.
    pub fn learn(&mut self, calls: u32, per: Duration) {
        let learned = Window { calls: calls.max(1), per };
        if per.is_zero() || self.windows.iter().any(|window| window.implies(learned)) {
            return;
        }
        self.windows.retain(|window| !learned.implies(*window));
        self.windows.push(learned);
    }
}

/// The limit that the text of a 429 states: `limit:200,time:5 minute` is 200 calls in five minutes. A window of more than a
/// day is not believed.
///
/// Source: texts of the Huawei Cloud gateway ("The throttling threshold has been reached: policy user over ratelimit,
/// limit:200,time:5 minute"), as users quote them; the format is not documented.
#[must_use]
pub fn stated_limit(text: &str) -> Option<(u32, Duration)> {
    fn number_after<'a>(text: &'a str, key: &str) -> Option<(u32, &'a str)> {
        let rest = text.split_once(key)?.1.trim_start();
        let (digits, rest) = rest.split_at(rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()));
        Some((digits.parse().ok()?, rest))
    }
    let text = text.to_ascii_lowercase();
    let (calls, rest) = number_after(&text, "limit:")?;
    let (count, unit) = number_after(rest, "time:")?;
    let unit = unit.trim_start();
    let seconds = [("sec", 1), ("min", 60), ("hour", 3600), ("day", 86_400)]
        .into_iter()
        .find_map(|(name, seconds)| unit.starts_with(name).then_some(seconds))?;
    let per = Duration::from_secs(u64::from(count) * seconds);
    (calls > 0 && !per.is_zero() && per <= LONGEST_STATED).then_some((calls, per))
}

#[cfg(test)]
mod tests;
