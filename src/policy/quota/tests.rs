use std::collections::VecDeque;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::{Bucket, CallEnd, stated_limit};
use crate::model::signed;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A 429 that states no limit.
const fn throttled(opens: u64) -> CallEnd {
    CallEnd::Throttled { opens: ms(opens), limit: None }
}

#[test]
fn a_place_is_free_one_window_after_the_answer() {
    let mut bucket = Bucket::new(2, ms(1000));
    assert_eq!(bucket.next_slot(ms(0)), Some(ms(0)));
    bucket.launch(ms(0));
    bucket.launch(ms(0));
    assert_eq!(bucket.next_slot(ms(10)), None, "both places are in flight, only an answer can free one");
    bucket.ended(ms(50), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(60)), Some(ms(1050)));
    bucket.ended(ms(70), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(1050)), Some(ms(1050)));
    bucket.launch(ms(1050));
    // The answer of 50 has left, that of 70 still counts, and one call is in flight.
    assert_eq!(bucket.next_slot(ms(1060)), Some(ms(1070)));
}

#[test]
fn after_a_429_one_call_goes_alone_then_two_together() {
    let mut bucket = Bucket::new(9, ms(1000));
    bucket.launch(ms(0));
    bucket.launch(ms(0));
    bucket.ended(ms(10), throttled(5000));
    assert_eq!(bucket.next_slot(ms(20)), None, "a call of the time before is still in flight");
    bucket.ended(ms(30), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(40)), Some(ms(5000)), "its answer doesn't open the bucket");
    bucket.launch(ms(5000));
    assert_eq!(bucket.next_slot(ms(5001)), None, "the probe goes alone");
    bucket.ended(ms(5050), CallEnd::Answered);
    bucket.launch(ms(5050));
    assert_eq!(bucket.next_slot(ms(5050)), Some(ms(5050)));
    bucket.launch(ms(5050));
    assert_eq!(bucket.next_slot(ms(5050)), None, "two together");
}

/// A service that takes `rate` calls a second and `burst` at once, and says 429 with a second's wait to all others. From a time
/// on it may take fewer.
struct Leaky {
    rate: f64,
    fewer: Option<(Duration, f64)>,
    burst: f64,
    excess: f64,
    last: Duration,
}

impl Leaky {
    fn takes(&mut self, now: Duration) -> bool {
        let rate = self.fewer.filter(|(from, _)| now >= *from).map_or(self.rate, |(_, fewer)| fewer);
        self.excess = (self.excess - (now - self.last).as_secs_f64() * rate).max(0.0);
        self.last = now;
        let takes = self.excess <= self.burst;
        if takes {
            self.excess += 1.0;
        }
        takes
    }
}

/// Sends until `count` calls are taken, at most 64 in flight; says when that was, and how many calls it took.
fn feel_out(mut bucket: Bucket, mut service: Leaky, count: usize) -> (Duration, usize) {
    let (mut now, mut taken, mut sent) = (ms(0), 0, 0);
    let mut flights: VecDeque<(Duration, bool)> = VecDeque::new();
    while taken < count {
        let room = flights.len() < 64 && taken + flights.len() < count;
        let slot = bucket.next_slot(now).filter(|_| room);
        let landing = flights.front().map(|(at, _)| *at);
        match (slot, landing) {
            (Some(at), landing) if landing.is_none_or(|landing| at < landing) => {
                // A timer is a millisecond late.
                now = if at > now { at + ms(1) } else { now };
                bucket.launch(now);
                flights.push_back((now + ms(2), service.takes(now)));
                sent += 1;
            }
            (_, Some(landing)) => {
                now = now.max(landing);
                let (_, was_taken) = flights.pop_front().expect("there is one");
                if was_taken {
                    taken += 1;
                    bucket.ended(now, CallEnd::Taken);
                } else {
                    bucket.ended(now, CallEnd::Throttled { opens: now + ms(1000), limit: None });
                }
            }
            (_, None) => panic!("nothing in flight and no slot: the bucket is stuck"),
        }
    }
    (now, sent)
}

#[test]
fn a_limit_that_is_far_too_wide_is_felt_out_with_few_calls() {
    // Each refusal costs a second, so the more there is to send the closer it comes.
    for (rate, burst, count, most) in [
        (200.0, 20.0, 800, 1.9),
        (200.0, 20.0, 5000, 1.35),
        (50.0, 5.0, 1000, 1.4),
        (1000.0, 100.0, 20_000, 1.35),
        (10.0, 1.0, 300, 1.35),
        (100.0, 200.0, 3000, 1.1),
    ] {
        let wide = Bucket::new(10_000_000, ms(1000));
        let (took, sent) = feel_out(wide, Leaky { rate, fewer: None, burst, excess: 0.0, last: ms(0) }, count);
        let (ideal, wasted) = ((count as f64 - burst) / rate, (sent - count) as f64 / count as f64);
        assert!(took.as_secs_f64() < most * ideal, "{rate} a second: {took:?}, at best {ideal} s");
        assert!(wasted < 0.25, "{rate} a second: {wasted:.2} of the calls were refused");
    }
}

/// What was taken for long at a pace doesn't keep it up when somebody else begins to share the limit.
#[test]
fn a_limit_that_becomes_narrower_is_felt_out_again() {
    let wide = Bucket::new(10_000_000, ms(1000));
    let fewer = Some((ms(10_000), 50.0));
    let (took, sent) = feel_out(wide, Leaky { rate: 200.0, fewer, burst: 20.0, excess: 0.0, last: ms(0) }, 3000);
    // By hand: 2000 in the first ten seconds, then 20 seconds for the rest.
    assert!(took < ms(50_000), "{took:?}");
    assert!(sent < 3200, "{sent} calls");
}

#[test]
fn a_limit_that_is_nearly_right_is_kept_without_a_pace() {
    for calls in [5, 20, 60] {
        let mut bucket = Bucket::new(calls, ms(60_000));
        bucket.launch(ms(0));
        bucket.ended(ms(10), throttled(60_010));
        bucket.launch(ms(60_010));
        bucket.ended(ms(60_020), CallEnd::Answered);
        assert_eq!(bucket.next_slot(ms(60_020)), Some(ms(60_020)), "{calls} a minute");
    }
}

#[test]
fn a_pace_ends_where_the_known_limits_are_as_strict() {
    let mut bucket = Bucket::new(100, ms(1000));
    for _ in 0..3 {
        bucket.launch(ms(0));
    }
    // Two were taken, which says no more than eight in the second that the third was told to wait.
    for at in [10, 11] {
        bucket.ended(ms(at), CallEnd::Taken);
    }
    bucket.ended(ms(12), throttled(1012));
    bucket.launch(ms(1012));
    bucket.ended(ms(1013), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(1013)), Some(ms(1137)));
    let mut now = ms(1137);
    for _ in 0..200 {
        now = bucket.next_slot(now).expect("one at a time");
        bucket.launch(now);
        now += ms(1);
        bucket.ended(now, CallEnd::Taken);
    }
    assert!(bucket.felt.pace.is_none(), "{bucket:?}");
}

#[test]
fn a_call_that_was_never_sent_gives_its_place_back() {
    let mut bucket = Bucket::new(1, ms(1000));
    bucket.launch(ms(0));
    bucket.withdrawn();
    assert_eq!(bucket, Bucket::new(1, ms(1000)));
}

#[test]
fn a_withdrawn_call_opens_nothing_after_a_429() {
    let mut bucket = Bucket::new(9, ms(1000));
    for _ in 0..3 {
        bucket.launch(ms(0));
    }
    bucket.ended(ms(10), throttled(100));
    bucket.withdrawn();
    bucket.ended(ms(40), CallEnd::Answered); // to a call of before
    assert_eq!(bucket.next_slot(ms(50)), Some(ms(100)));
    bucket.launch(ms(100));
    assert_eq!(bucket.next_slot(ms(110)), None, "the probe goes alone");
    bucket.ended(ms(150), CallEnd::Answered);
    bucket.launch(ms(150));
    assert_eq!(bucket.next_slot(ms(150)), Some(ms(150)), "and its answer lets two go together");
}

#[test]
fn calls_of_an_earlier_session_count_even_if_they_end_ahead() {
    let mut bucket = Bucket::new(2, ms(1000));
    for at in [0, 0] {
        bucket.recall_launch(ms(at));
    }
    bucket.ended(ms(100), CallEnd::Taken);
    bucket.lost(ms(5000)); // the session goes on at 200 ms
    assert_eq!(bucket.next_slot(ms(200)), Some(ms(1100)));
    bucket.launch(ms(1100));
    bucket.ended(ms(1200), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(1200)), Some(ms(2200)));
    bucket.launch(ms(2200));
    bucket.ended(ms(4900), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(4900)), Some(ms(5900)));
    bucket.launch(ms(5900));
    assert_eq!(bucket.next_slot(ms(5950)), Some(ms(6000)), "the lost one leaves");
}

#[test]
fn only_answers_to_calls_of_after_a_429_open_a_recalled_bucket() {
    for (sent, end, together) in [
        (50, Some(CallEnd::Taken), false),
        (5000, None, false),
        (5000, Some(CallEnd::Unanswered), false),
        (5000, Some(CallEnd::Answered), true),
        (5000, Some(CallEnd::Taken), true),
    ] {
        let mut bucket = Bucket::new(9, ms(1000));
        let after = sent >= 5000;
        bucket.recall_launch(ms(0));
        if !after {
            bucket.recall_launch(ms(sent));
        }
        bucket.ended(ms(100), throttled(5000));
        if after {
            bucket.recall_launch(ms(sent));
        }
        match end {
            Some(end) => bucket.ended(ms(5100), end),
            None => bucket.lost(ms(5100)),
        }
        bucket.launch(ms(9000));
        let next = bucket.next_slot(ms(9000));
        assert_eq!(next, together.then_some(ms(9000)), "sent at {sent} ms, ended {end:?}");
    }
}

#[test]
fn limits_that_are_learned_hold_together_with_those_known() {
    let mut bucket = Bucket::new(5, ms(60_000));
    bucket.learn(200, ms(60_000)); // looser: changes nothing
    bucket.learn(6, ms(120_000)); // stricter over two minutes, looser over one
    for call in 0..5 {
        assert_eq!(bucket.next_slot(ms(call)), Some(ms(call)), "call {call}");
        bucket.launch(ms(call));
        bucket.ended(ms(call), CallEnd::Answered);
    }
    assert_eq!(bucket.next_slot(ms(10)), Some(ms(60_000)), "five a minute still hold");
    bucket.launch(ms(60_000));
    bucket.ended(ms(60_000), CallEnd::Answered);
    assert_eq!(bucket.next_slot(ms(60_001)), Some(ms(120_000)), "the seventh waits for the first to leave two minutes");
}

#[test]
fn the_text_of_a_429_states_a_limit() {
    let minute = 60_000;
    for (text, limit) in [
        ("policy user over ratelimit,limit:200,time:5 minute", Some((200, ms(5 * minute)))),
        ("…limit:10,time:1 second", Some((10, ms(1000)))),
        ("policy domain over ratelimit, limit:1000, time:1 day", Some((1000, ms(24 * 60 * minute)))),
        ("limit:0,time:1 minute", None),
        ("limit:5,time:1 fortnight", None),
        ("limit:99999999999999,time:1 minute", None),
        ("Limit: 3 , Time: 2 min", Some((3, ms(120_000)))),
        // No gateway counts by the year: such a text would stop the run for good.
        ("limit:1,time:365 day", None),
        ("limit:1,time:4294967295 day", None),
        ("too many requests", None),
        ("limit:", None),
    ] {
        assert_eq!(stated_limit(text), limit, "{text}");
    }
}

/// The strictest server there is: it counts each call at one moment, and no half-open window may hold more than `calls`.
fn worst_window(mut counted: Vec<Duration>, per: Duration) -> usize {
    counted.sort();
    (0..counted.len()).map(|i| counted[i..].iter().filter(|at| **at < counted[i] + per).count()).max().unwrap_or(0)
}

/// How long each call takes; the other half says after what share of that the service counts it.
fn latencies(each: &[(u64, f64)]) -> Vec<Duration> {
    each.iter().map(|(latency, _)| ms(*latency)).collect()
}

/// When the service counts each of these calls.
fn counted(sent: &[(Duration, Duration)], each: &[(u64, f64)]) -> impl Iterator<Item = Duration> {
    sent.iter().zip(each).map(|((from, to), (_, share))| *from + (*to - *from).mul_f64(*share))
}

/// Sends as early as the bucket lets it; each call is answered after its latency. Returns (sent, answered) of each call.
fn drive(bucket: &mut Bucket, latencies: &[Duration]) -> Vec<(Duration, Duration)> {
    drive_from(Duration::ZERO, bucket, latencies)
}

fn drive_from(start: Duration, bucket: &mut Bucket, latencies: &[Duration]) -> Vec<(Duration, Duration)> {
    let mut calls: Vec<(Duration, Duration)> = Vec::new();
    let mut open: Vec<Duration> = Vec::new();
    let mut now = start;
    while calls.len() < latencies.len() || !open.is_empty() {
        open.sort();
        let slot = if calls.len() < latencies.len() { bucket.next_slot(now) } else { None };
        match (slot, open.first().copied()) {
            (Some(at), first) if first.is_none_or(|first| at < first) => {
                now = at;
                bucket.launch(now);
                let answered = now + latencies[calls.len()];
                calls.push((now, answered));
                open.push(answered);
            }
            (_, Some(first)) => {
                now = first;
                bucket.ended(now, CallEnd::Answered);
                open.remove(0);
            }
            (_, None) => panic!("nothing in flight and no slot: the bucket is stuck"),
        }
    }
    calls
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_window_ever_holds_more_calls_than_allowed(
        calls in 1u32..7,
        per in 1u64..2000,
        each in vec((0u64..5000, 0.0f64..=1.0), 1..60),
        second in proptest::option::of((1u32..12, 1u64..6000)),
    ) {
        let mut bucket = Bucket::new(calls, ms(per));
        if let Some((calls, per)) = second {
            bucket.learn(calls, ms(per));
        }
        let sent = drive(&mut bucket, &latencies(&each));
        let counted: Vec<Duration> = counted(&sent, &each).collect();
        prop_assert!(worst_window(counted.clone(), ms(per)) <= calls as usize);
        if let Some((calls, per)) = second {
            prop_assert!(worst_window(counted, ms(per)) <= calls as usize);
        }
    }

    /// Calls of earlier sessions are counted at any moment until they were answered, or until the timeout of those that were lost.
    #[test]
    fn no_window_holds_more_calls_whatever_an_earlier_session_left(
        calls in 1u32..7,
        per in 1u64..2000,
        first in vec((0u64..5000, 0.0f64..=1.0), 1..20),
        cut in 0u64..10_000,
        timeout in 5000u64..8000,
        second in vec((0u64..5000, 0.0f64..=1.0), 1..20),
    ) {
        let (cut, timeout) = (ms(cut), ms(timeout));
        let mut past: Vec<_> = drive(&mut Bucket::new(calls, ms(per)), &latencies(&first)).into_iter().zip(&first).collect();
        past.retain(|((sent, _), _)| *sent <= cut);
        let mut bucket = Bucket::new(calls, ms(per));
        let mut all = Vec::new();
        past.sort_by_key(|((_, answered), _)| *answered);
        for ((sent, answered), (_, share)) in past {
            let lost = answered > cut;
            let until = if lost { sent + timeout } else { answered };
            bucket.recall_launch(sent);
            if lost { bucket.lost(until) } else { bucket.ended(until, CallEnd::Answered) }
            all.push(sent + (until - sent).mul_f64(*share));
        }
        let sent = drive_from(cut, &mut bucket, &latencies(&second));
        all.extend(counted(&sent, &second));
        prop_assert!(worst_window(all, ms(per)) <= calls as usize);
    }

    /// Another run began at any time before this one, and was killed or over when this one began.
    #[test]
    fn no_window_holds_more_calls_whatever_another_run_sent(
        calls in 1u32..7,
        per in 1u64..2000,
        first in vec((0u64..5000, 0.0f64..=1.0), 1..20),
        later in 0u64..10_000,
        timeout in 5000u64..8000,
        second in vec((0u64..5000, 0.0f64..=1.0), 1..20),
    ) {
        let (later, timeout) = (ms(later), ms(timeout));
        let other = drive(&mut Bucket::new(calls, ms(per)), &latencies(&first));
        let mut bucket = Bucket::new(calls, ms(per));
        let mut all = Vec::new();
        for ((sent, answered), (_, share)) in other.into_iter().zip(&first).filter(|((sent, _), _)| *sent <= later) {
            let until = if answered > later { sent + timeout } else { answered };
            bucket.elsewhere(signed(until) - signed(later), None);
            all.push(sent + (until - sent).mul_f64(*share));
        }
        let sent = drive(&mut bucket, &latencies(&second));
        all.extend(counted(&sent, &second).map(|at| at + later));
        prop_assert!(worst_window(all, ms(per)) <= calls as usize);
    }

    #[test]
    fn a_run_takes_the_optimum_and_one_latency_a_window(calls in 1u32..9, latency in 0u64..3000, count in 1usize..200) {
        let (per, latency) = (ms(60_000), ms(latency));
        let sent = drive(&mut Bucket::new(calls, per), &vec![latency; count]);
        let end = sent.iter().map(|(_, answered)| *answered).max().unwrap_or_default();
        let windows = u32::try_from(count.div_ceil(calls as usize) - 1).expect("small");
        // A server that counts in sliding windows lets nobody finish before the last window begins.
        let optimum = per * windows + latency;
        prop_assert!(end <= optimum.mul_f64(1.02) + latency * windows, "{end:?} against {optimum:?}");
    }
}
