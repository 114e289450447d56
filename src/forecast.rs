//! How long a plan will take: the scheduler itself, driven by a virtual clock.
//!
//! There is no second model of waves, pauses and quota that could disagree with a run. Failures are not forecast.

use std::collections::VecDeque;
use std::time::Duration;

use crate::event::OpIndex;
use crate::expand::ExecutionPlan;
use crate::schedule::{AttemptEnd, Effect, History, Input, Schedule, ScheduleOptions, WaitFor};

/// What a run is expected to take.
#[derive(Clone, Default, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Forecast {
    /// Calls, when nothing fails.
    pub calls: usize,
    /// From start to the last answer.
    #[serde(rename = "duration_ms", serialize_with = "as_millis")]
    pub duration: Duration,
    /// How much of it is waiting for quota rather than pauses and latency.
    #[serde(rename = "quota_wait_ms", serialize_with = "as_millis")]
    pub quota_wait: Duration,
    /// The endpoint (or other bucket) that decides, if the quota does, and its calls.
    pub decided_by: Option<Decider>,
    /// When the operations end, the first one first: what a progress display measures a run by. Those that ended in an earlier
    /// session or are left out come first, at zero.
    #[serde(skip)]
    pub ends: Vec<Duration>,
    /// When each plan of the batch ends, in plan order: what its own deadline is compared with.
    #[serde(skip)]
    pub plan_ends: Vec<Duration>,
}

/// The quota bucket that decides how long a run takes.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Decider {
    /// Name for people: a region, a region and credential, or `all endpoints`.
    pub name: String,
    /// Calls that go through it.
    pub calls: usize,
}

fn as_millis<S: serde::Serializer>(duration: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX))
}

/// Forecasts a run in which every call is accepted after `latency` and no deadline cuts it short.
#[must_use]
pub fn forecast(plan: &ExecutionPlan, latency: Duration) -> Forecast {
    forecast_with(plan, latency, ScheduleOptions::unbounded())
}

/// Forecasts a run with these options, in which every call is accepted after `latency`.
#[must_use]
pub fn forecast_with(plan: &ExecutionPlan, latency: Duration, options: ScheduleOptions) -> Forecast {
    forecast_rest(plan, latency, options, &History::default(), Duration::ZERO)
}

/// Forecasts the rest of a run that is resumed at `start` on its clock. All times of the forecast count from there.
#[must_use]
pub fn forecast_rest(
    plan: &ExecutionPlan,
    latency: Duration,
    options: ScheduleOptions,
    history: &History,
    start: Duration,
) -> Forecast {
    let mut schedule = Schedule::resume(plan, options, history);
    let ended = plan.operations.len() - schedule.open();
    let mut forecast = drive(plan, latency, &mut schedule, start);
    forecast.ends.splice(0..0, std::iter::repeat_n(Duration::ZERO, ended));
    forecast
}

/// Drives a schedule from `start` to its end.
fn drive(plan: &ExecutionPlan, latency: Duration, schedule: &mut Schedule, start: Duration) -> Forecast {
    let mut effects = Vec::new();
    // With one latency for all, calls are answered in the order in which they were sent.
    let mut flights: VecDeque<(Duration, OpIndex)> = VecDeque::new();
    let (mut now, mut calls, mut quota_wait) = (start, 0, Duration::ZERO);
    let mut ends = Vec::with_capacity(plan.operations.len());
    let mut plan_ends = vec![Duration::ZERO; plan.plans.len()];
    let mut input = Input::Start;
    loop {
        schedule.step(now, input, &mut effects);
        let (mut wake, mut done) = (None, false);
        for effect in effects.drain(..) {
            match effect {
                Effect::Launch { op, .. } => {
                    calls += 1;
                    flights.push_back((now + latency, op));
                }
                Effect::WaitUntil { at, what } => wake = Some((at, what)),
                Effect::End { op, .. } => {
                    ends.push(now.saturating_sub(start));
                    plan_ends[plan.operations[op].plan] = now.saturating_sub(start);
                }
                Effect::Done => done = true,
                Effect::WaveStarted { .. } | Effect::AttemptEnded { .. } | Effect::Stopping { .. } => {}
            }
        }
        if done {
            break;
        }
        let answer = flights.front().map(|(at, _)| *at);
        match (answer, wake) {
            (Some(answered), wake) if wake.is_none_or(|(at, _)| answered <= at) => {
                now = answered;
                let op = flights.pop_front().map_or(0, |(_, op)| op);
                input = Input::AttemptEnded { op, end: AttemptEnd::Accepted };
            }
            (_, Some((at, what))) => {
                if flights.is_empty() && matches!(what, WaitFor::Quota { .. }) {
                    quota_wait += at.saturating_sub(now);
                }
                now = at;
                input = Input::Tick;
            }
            (_, None) => break,
        }
    }
    let decided_by = if quota_wait.is_zero() { None } else { decider(schedule) };
    Forecast { calls, duration: now.saturating_sub(start), quota_wait, decided_by, ends, plan_ends }
}

/// The bucket that was waited for and sent its last call latest; the first of them in plan order.
fn decider(schedule: &Schedule) -> Option<Decider> {
    let waited = schedule.buckets().filter(|bucket| bucket.waited);
    let last = waited.reduce(|best, bucket| if bucket.last_launch > best.last_launch { bucket } else { best })?;
    Some(Decider { name: last.name.to_owned(), calls: last.calls })
}

#[cfg(test)]
mod tests;
