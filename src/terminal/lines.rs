//! Progress of a run in a log: a line for each of the first operations, and a heartbeat while nothing else is said.
//!
//! A sink of events, as `progress` is for a terminal; every number comes from the summary. A run of 500 operations that
//! waits for hours stays calm: fifty lines, then a heartbeat every ten seconds.

use std::time::{Duration, Instant};

use super::console::Console;
use super::progress::{MOST_FAILURES, TAKEN, bad_counts, done, rest_text, selected, stop_text};
use super::tasks::{Tasks, since_sent, task_counts};
use super::time_left::{TimeLeft, wait_of};
use crate::diagnostic::visible;
use crate::event::{OpIndex, Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::forecast::Forecast;
use crate::model::{format_duration, format_estimate};
use crate::report::{forecast_text, left_open_text, why};
use crate::run::port::{EventSink, Waiting};
use crate::summary::RunSummary;

/// Finished operations that get a line of their own; as many again for their tasks.
const MOST_LINES: usize = 50;
/// Time between two heartbeats, in real time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// Lines on standard error.
#[derive(Debug)]
pub struct Lines<'a> {
    console: &'a Console,
    left: TimeLeft<'a>,
    forecast: &'a Forecast,
    /// Lines about requests, and about tasks.
    lines: [usize; 2],
    failures: usize,
    tasks: Tasks,
    last: Instant,
    held: Option<Held>,
    grace: Duration,
}

/// Operations that were not attempted, or left open by a look at their tasks, for one reason: one line for all of them.
#[derive(Debug)]
struct Held {
    /// `not attempted: the run was interrupted`; shown as it is.
    what: String,
    /// About a task; the place of the first one then.
    task: Option<String>,
    count: usize,
    at: Duration,
}

/// What a line is about.
#[derive(Clone, Copy, Debug)]
enum About {
    Request,
    Task,
}

impl<'a> Lines<'a> {
    /// Lines on the console, for a plan with this forecast; what is in flight after an interrupt gets `grace`.
    #[must_use]
    pub fn new(console: &'a Console, forecast: &'a Forecast, grace: Duration) -> Self {
        let left = TimeLeft::new(&forecast.ends);
        let (lines, tasks, last) = ([0, 0], Tasks::default(), instant_now());
        Self { console, left, forecast, lines, failures: 0, tasks, last, held: None, grace }
    }

    fn line(&mut self, at: Duration, summary: &RunSummary, text: &str) {
        let time = summary.started_at.unwrap_or_default();
        let time = time.checked_add(at).unwrap_or(time);
        self.console.info(&format!("{time:.0}  {text}"));
        self.last = instant_now();
    }

    fn hold(&mut self, at: Duration, what: String, task: Option<String>, summary: &RunSummary) {
        match &mut self.held {
            Some(held) if held.what == what => held.count += 1,
            _ => {
                self.tell_held(summary);
                self.held = Some(Held { what, task, count: 1, at });
            }
        }
    }

    fn tell_held(&mut self, summary: &RunSummary) {
        let Some(Held { what, task, count, at }) = self.held.take() else { return };
        let operations = if count == 1 { "operation" } else { "operations" };
        match task {
            None => self.line(at, summary, &format!("left    {count} {operations} {what}")),
            Some(place) if count == 1 => {
                self.one_of_many(About::Task, true, at, summary, || format!("open    {place:<28}  {what}"));
            }
            Some(_) => {
                self.one_of_many(About::Task, true, at, summary, || format!("open    {count} {operations} {what}"));
            }
        }
    }

    /// A line of which there may be very many.
    fn one_of_many(
        &mut self,
        about: About,
        bad: bool,
        at: Duration,
        summary: &RunSummary,
        text: impl FnOnce() -> String,
    ) {
        self.failures += usize::from(bad);
        let lines = &mut self.lines[about as usize];
        // Failures keep their line until there are too many of them, however many successes came before.
        if *lines >= MOST_LINES && !(bad && self.failures <= MOST_FAILURES) {
            return;
        }
        *lines += 1;
        let last = *lines == MOST_LINES;
        self.line(at, summary, &text());
        if last {
            self.line(at, summary, "...     from here on a line every 10 s, and the first failures");
        }
    }

    fn ended(&mut self, op: OpIndex, at: Duration, outcome: &Outcome, plan: &ExecutionPlan, summary: &RunSummary) {
        // Said once, before the run.
        if let Outcome::Skipped(_) = outcome {
            return;
        }
        if let Outcome::NotAttempted(reason) = outcome {
            return self.hold(at, format!("not attempted: {}", reason.text()), None, summary);
        }
        let bad = matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
        self.one_of_many(About::Request, bad, at, summary, || operation_line(op, outcome, plan, summary));
    }
}

/// `ok      payments / cn-north-4         confirmed after 3 min 20 s`
fn task_line(op: OpIndex, at: Duration, outcome: &Outcome, plan: &ExecutionPlan, summary: &RunSummary) -> String {
    let (place, after) = (place(op, plan), format_duration(since_sent(op, at, summary)));
    match outcome {
        Outcome::Failed(failure) => format!("failed  {place:<28}  after {after}: {}", why(failure)),
        other => format!("ok      {place:<28}  {} after {after}", other.as_str()),
    }
}

fn place(op: OpIndex, plan: &ExecutionPlan) -> String {
    let target = &plan.operations[op].target;
    format!("{} / {}", target.project, target.region)
}

/// `ok      payments / cn-north-4         accepted in 0.4 s`
fn operation_line(op: OpIndex, outcome: &Outcome, plan: &ExecutionPlan, summary: &RunSummary) -> String {
    let place = place(op, plan);
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
/// or `...     12 of 30 confirmed, 2 failed, following 16 tasks (45 %)` when tasks are followed.
fn heartbeat(followed: bool, waiting: Option<&Waiting>, left: Option<Duration>, summary: &RunSummary) -> String {
    let counts = &summary.counts;
    if followed {
        let mut parts = vec![format!("{} of {} confirmed", counts.confirmed, selected(counts))];
        parts.extend(task_counts(summary, true));
        return format!("...     {}", parts.join(", "));
    }
    let mut parts = vec![format!("{} of {} done", done(counts), selected(counts))];
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
        let held = matches!(
            event,
            RunEvent::OperationEnded { outcome: Outcome::NotAttempted(_), .. } | RunEvent::TaskUnclear { .. }
        );
        if !held {
            self.tell_held(summary);
        }
        let was_unknown = self.tasks.take(event, summary);
        match event {
            RunEvent::RunStarted { run, planned, .. } => {
                let count = plan.selected().count();
                let of = if count == *planned { String::new() } else { format!("{count} of ") };
                let forecast = forecast_text(plan, self.forecast);
                self.line(
                    Duration::ZERO,
                    summary,
                    &format!("run     {run}  {of}{planned} operations, forecast {forecast}"),
                );
            }
            RunEvent::RunResumed { at, .. } => {
                let run = summary.run.as_ref().map_or("", |run| run.as_str());
                let (accepted, planned) =
                    (summary.counts.accepted + summary.counts.confirmed, selected(&summary.counts));
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
            RunEvent::TaskFound { op, at, task, .. } if was_unknown => {
                let line = || format!("found   {:<28}  {TAKEN} ({})", place(*op, plan), visible(task.as_str()));
                self.one_of_many(About::Task, false, *at, summary, line);
            }
            RunEvent::TaskEnded { op, at, outcome } => {
                let bad = matches!(outcome, Outcome::Failed(_));
                self.one_of_many(About::Task, bad, *at, summary, || task_line(*op, *at, outcome, plan, summary));
            }
            RunEvent::TaskUnclear { op, at, why } => {
                let outcome = summary.operations[*op].outcome.as_ref().map_or("", Outcome::as_str);
                self.hold(*at, left_open_text(outcome, why), Some(place(*op, plan)), summary);
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
            let followed = self.tasks.are_followed(waiting, summary);
            self.line(now, summary, &heartbeat(followed, waiting, left, summary));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{AttemptRecord, Failure, FailureKind};
    use crate::model::Limits;
    use crate::schedule::fixture::Fixture;

    #[test]
    fn a_heartbeat_adds_up_and_says_what_is_waited_for() {
        let mut summary = RunSummary::new(214);
        summary.counts.accepted = 31;
        summary.in_flight = 2;
        let waiting =
            Waiting { until: Some(Duration::from_secs(60)), what: "quota (cn-north-4)".to_owned(), operations: 181 };
        assert_eq!(
            heartbeat(false, Some(&waiting), Some(Duration::from_secs(1024)), &summary),
            "...     31 of 214 done, 0 failed, 2 in flight, 181 waiting for quota (cn-north-4), 17 min 04 s left"
        );
        summary.counts.failed = 3;
        summary.counts.unknown = 1;
        let far_deadline = Waiting { operations: 0, what: "deadline".to_owned(), ..waiting };
        assert_eq!(
            heartbeat(false, Some(&far_deadline), None, &summary),
            "...     35 of 214 done, 3 failed, 1 unknown, 2 in flight"
        );
    }

    #[test]
    fn a_heartbeat_counts_what_is_confirmed_while_tasks_are_followed() {
        let mut summary = RunSummary::new(3);
        for op in 0..3 {
            summary.apply(&RunEvent::OperationEnded { op, at: Duration::ZERO, outcome: Outcome::Accepted });
        }
        summary.apply(&RunEvent::TaskEnded { op: 0, at: Duration::ZERO, outcome: Outcome::Confirmed });
        summary.apply(&RunEvent::TaskProgressed { op: 1, at: Duration::ZERO, percent: 90 });
        let waiting = Waiting { until: None, what: "tasks to end".to_owned(), operations: 2 };
        let text = |followed| heartbeat(followed, Some(&waiting), None, &summary);
        assert_eq!(text(true), "...     1 of 3 confirmed, 0 failed, following 2 tasks (45 %)");
        assert_eq!(text(false), "...     3 of 3 done, 0 failed, 0 in flight, tasks to end");
    }

    #[test]
    fn the_end_of_a_task_says_how_long_after_its_request_it_came() {
        let plan = Fixture::simple(Limits::default(), 1);
        let s = Duration::from_secs;
        let record = AttemptRecord {
            started: s(10),
            duration: s(1),
            status: Some(202),
            error_code: None,
            error_message: None,
            request_id: None,
            throttled: false,
            kind: None,
        };
        let mut summary = RunSummary::new(1);
        summary.apply(&RunEvent::AttemptEnded {
            op: 0,
            attempt: 1,
            at: s(11),
            record,
            retry_at: None,
            closed_until: None,
        });
        let line = |outcome: &Outcome| task_line(0, s(210), outcome, &plan, &summary);
        assert_eq!(line(&Outcome::Confirmed), "ok      payments / cn-north-4         confirmed after 3 min 20 s");
        let message = "its task a failed for 1 of 2 registries: \u{1b}[2J (b: REQUEST_API_ERROR)".to_owned();
        let failure = Failure { kind: FailureKind::TaskFailed, status: None, code: None, message, given_up: None };
        assert_eq!(
            line(&Outcome::Failed(failure)),
            "failed  payments / cn-north-4         after 3 min 20 s: its task a failed for 1 of 2 registries: \\u{1b}[2J (b: \
             REQUEST_API_ERROR)"
        );
    }
}
