//! Progress of a run in a log: a line for each of the first operations, and a heartbeat while nothing else is said.
//!
//! A sink of events, as `progress` is for a terminal; every number comes from the summary. A run of 500 operations that
//! waits for hours stays calm: fifty lines, then a heartbeat every ten seconds.

use std::time::{Duration, Instant};

use super::console::Console;
use super::progress::{MOST_FAILURES, bad_counts, done, rest_text, stop_text};
use super::time_left::{TimeLeft, wait_of};
use crate::diagnostic::visible;
use crate::event::{OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::forecast::Forecast;
use crate::model::{format_duration, format_estimate};
use crate::report::{forecast_text, why};
use crate::run::port::{EventSink, Waiting};
use crate::summary::RunSummary;

/// Finished operations that get a line of their own.
const MOST_LINES: usize = 50;
/// Time between two heartbeats, in real time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Lines on standard error.
#[derive(Debug)]
pub struct Lines<'a> {
    console: &'a Console,
    left: TimeLeft<'a>,
    forecast: &'a Forecast,
    lines: usize,
    failures: usize,
    last: Instant,
    held: Option<Held>,
    grace: Duration,
}

/// Operations that were not attempted for one reason: one line for all of them.
#[derive(Debug)]
struct Held {
    reason: String,
    count: usize,
    at: Duration,
}

impl<'a> Lines<'a> {
    /// Lines on the console, for a plan with this forecast; what is in flight after an interrupt gets `grace`.
    #[must_use]
    pub fn new(console: &'a Console, forecast: &'a Forecast, grace: Duration) -> Self {
        let left = TimeLeft::new(&forecast.ends);
        Self { console, left, forecast, lines: 0, failures: 0, last: instant_now(), held: None, grace }
    }

    fn line(&mut self, at: Duration, summary: &RunSummary, text: &str) {
        let time = summary.started_at.unwrap_or_default();
        let time = time.checked_add(at).unwrap_or(time);
        self.console.info(&format!("{time:.0}  {text}"));
        self.last = instant_now();
    }

    fn hold(&mut self, at: Duration, reason: String, summary: &RunSummary) {
        match &mut self.held {
            Some(held) if held.reason == reason => held.count += 1,
            _ => {
                self.tell_held(summary);
                self.held = Some(Held { reason, count: 1, at });
            }
        }
    }

    fn tell_held(&mut self, summary: &RunSummary) {
        if let Some(Held { reason, count, at }) = self.held.take() {
            let operations = if count == 1 { "operation" } else { "operations" };
            self.line(at, summary, &format!("left    {count} {operations} not attempted: {reason}"));
        }
    }

    fn ended(&mut self, op: OpIndex, at: Duration, outcome: &Outcome, plan: &ExecutionPlan, summary: &RunSummary) {
        if let Outcome::NotAttempted(reason) = outcome {
            return self.hold(at, reason.text(), summary);
        }
        let bad = matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
        self.failures += usize::from(bad);
        // Failures keep their line until there are too many of them, however many successes came before.
        if self.lines >= MOST_LINES && !(bad && self.failures <= MOST_FAILURES) {
            return;
        }
        self.lines += 1;
        self.line(at, summary, &operation_line(op, outcome, plan, summary));
        if self.lines == MOST_LINES {
            self.line(at, summary, "...     from here on a line every 10 s, and the first failures");
        }
    }
}

/// `ok      payments / cn-north-4         accepted in 0.4 s`
fn operation_line(op: OpIndex, outcome: &Outcome, plan: &ExecutionPlan, summary: &RunSummary) -> String {
    let target = &plan.operations[op].target;
    let place = format!("{} / {}", target.project, target.region);
    let attempts = &summary.operations[op].attempts;
    let took = attempts.last().map_or(String::new(), |attempt| format!(" {}", format_duration(attempt.duration)));
    let call = if attempts.len() > 1 { format!(" (call {})", attempts.len()) } else { String::new() };
    match outcome {
        Outcome::Accepted | Outcome::Confirmed => {
            format!("ok      {place:<28}  {} in{took}{call}", outcome.as_str())
        }
        Outcome::Failed(failure) => format!("failed  {place:<28}  after{took}{call}: {}", why(failure)),
        Outcome::Unknown(failure) => format!("unknown {place:<28}  after{took}{call}: {}", why(failure)),
        Outcome::Skipped(reason) => format!("skipped {place:<28}  {}", visible(reason)),
        Outcome::NotAttempted(reason) => format!("left    {place:<28}  {}", reason.text()),
    }
}

/// `...     31 of 214 done, 0 failed, 2 in flight, 181 waiting for quota (cn-north-4), 17 min 04 s left`
fn heartbeat(waiting: Option<&Waiting>, left: Option<Duration>, summary: &RunSummary) -> String {
    let counts = &summary.counts;
    let mut parts = vec![format!("{} of {} done", done(counts), counts.planned)];
    parts.extend(bad_counts(counts));
    parts.push(format!("{} in flight", summary.in_flight));
    // A deadline that is far off is nothing that an operation waits for.
    if let Some(waiting) = waiting.filter(|waiting| waiting.operations > 0) {
        parts.push(match waiting.until {
            Some(_) => format!("{} waiting for {}", waiting.operations, waiting.what),
            None => waiting.what.clone(),
        });
    }
    parts.extend(left.map(|left| format!("{} left", format_estimate(left))));
    format!("...     {}", parts.join(", "))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a heartbeat is about the reader's patience: real time, whatever the run's clock does"
)]
fn instant_now() -> Instant {
    Instant::now()
}

impl EventSink for Lines<'_> {
    fn on_event(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary) {
        if !matches!(event, RunEvent::OperationEnded { outcome: Outcome::NotAttempted(_), .. }) {
            self.tell_held(summary);
        }
        match event {
            RunEvent::RunStarted { run, planned, .. } => {
                let forecast = forecast_text(plan, self.forecast);
                self.line(
                    Duration::ZERO,
                    summary,
                    &format!("run     {run}  {planned} operations, forecast {forecast}"),
                );
            }
            RunEvent::RunResumed { at, .. } => {
                let run = summary.run.as_ref().map_or("", |run| run.as_str());
                let (accepted, planned) = (summary.counts.accepted + summary.counts.confirmed, summary.counts.planned);
                let rest = rest_text(plan, self.forecast);
                let text = format!("resume  {run}  {accepted} of {planned} operations are accepted, {rest}");
                self.line(*at, summary, &text);
                self.left.ended(summary.counts.ended(), *at);
            }
            RunEvent::OperationReopened { at, .. } => self.left.ended(summary.counts.ended(), *at),
            RunEvent::WaveStarted { plan: index, wave, at } if plan.plans[*index].waves.len() > 1 => {
                let file = &plan.plans[*index];
                let (name, waves) = (visible(&file.name), file.waves.len());
                let text = format!("wave    {name}  {} of {waves} ({})", wave + 1, file.waves[*wave].name);
                self.line(*at, summary, &text);
            }
            RunEvent::OperationEnded { op, outcome, at } => {
                self.left.ended(summary.counts.ended(), *at);
                self.ended(*op, *at, outcome, plan, summary);
            }
            RunEvent::Stopping { reason, at } => {
                self.line(*at, summary, &format!("stop    {}", stop_text(reason, summary, self.grace)));
            }
            _ => {}
        }
    }

    fn on_tick(&mut self, now: Duration, waiting: Option<&Waiting>, _plan: &ExecutionPlan, summary: &RunSummary) {
        self.tell_held(summary);
        if self.last.elapsed() >= HEARTBEAT {
            let left = self.left.at(now, wait_of(waiting, now, summary.in_flight));
            self.line(now, summary, &heartbeat(waiting, left, summary));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heartbeat_adds_up_and_says_what_is_waited_for() {
        let mut summary = RunSummary::new(214);
        summary.counts.accepted = 31;
        summary.in_flight = 2;
        let waiting =
            Waiting { until: Some(Duration::from_secs(60)), what: "quota (cn-north-4)".to_owned(), operations: 181 };
        assert_eq!(
            heartbeat(Some(&waiting), Some(Duration::from_secs(1024)), &summary),
            "...     31 of 214 done, 0 failed, 2 in flight, 181 waiting for quota (cn-north-4), 17 min 04 s left"
        );
        summary.counts.failed = 3;
        summary.counts.unknown = 1;
        let far_deadline = Waiting { operations: 0, what: "deadline".to_owned(), ..waiting };
        assert_eq!(
            heartbeat(Some(&far_deadline), None, &summary),
            "...     35 of 214 done, 3 failed, 1 unknown, 2 in flight"
        );
    }
}
