//! Progress of a run: a bar on a terminal, lines elsewhere.
//!
//! Both are sinks of events and count nothing: numbers come from the summary. A bar that can't be drawn never stops a run.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::diagnostic::visible;
use crate::event::{Outcome, RunEvent};
use crate::expand::ExecutionPlan;
use crate::model::{format_duration, format_estimate};
use crate::run::port::{EventSink, Waiting};
use crate::summary::RunSummary;

/// Failures that are shown while the run goes on; the summary at the end has them all, by cause.
const MOST_FAILURES: usize = 20;
/// Finished operations that get a line of their own in a log.
const MOST_LINES: usize = 50;
/// Time between two heartbeats of a log, in real time.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// How much longer the run will take: by the forecast, and by the pace so far once the forecast is overrun.
fn time_left(now: Duration, summary: &RunSummary) -> Option<Duration> {
    let done = done(summary);
    let left = summary.counts.planned.checked_sub(done).filter(|left| *left > 0)?;
    if let Some(forecast) = summary.forecast.checked_sub(now).filter(|rest| !rest.is_zero()) {
        return Some(forecast);
    }
    (done > 0).then(|| now.mul_f64(left as f64 / done as f64))
}

fn done(summary: &RunSummary) -> usize {
    let counts = &summary.counts;
    counts.accepted + counts.confirmed + counts.failed + counts.unknown + counts.skipped + counts.not_attempted
}

/// `0:41`, `9:12`, `1:02:03`.
fn clock_face(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// A bar on standard error.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    failures: usize,
}

impl Bar {
    /// A bar for `planned` operations.
    #[must_use]
    pub fn new(planned: usize) -> Self {
        let bar = ProgressBar::with_draw_target(Some(planned as u64), ProgressDrawTarget::stderr_with_hz(10));
        if let Ok(style) = ProgressStyle::with_template("{prefix}\n{bar:28} {pos:>5}/{len}   {wide_msg}") {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏░"));
        }
        Self { bar, failures: 0 }
    }

    /// Takes the bar off the screen.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl EventSink for Bar {
    fn on_event(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary) {
        match event {
            RunEvent::WaveStarted { plan: index, wave, .. } => {
                let file = &plan.plans[*index];
                let name = visible(&file.name);
                self.bar.set_prefix(match file.waves.len() {
                    1 => name.into_owned(),
                    waves => format!("{name}  wave {} of {waves} ({})", wave + 1, file.waves[*wave].name),
                });
            }
            RunEvent::OperationEnded { op, outcome, .. } => {
                self.bar.set_position(done(summary) as u64);
                if let Outcome::Failed(_) | Outcome::Unknown(_) = outcome {
                    self.failures += 1;
                    if self.failures <= MOST_FAILURES {
                        self.bar.println(format!("  ✗ {}", crate::report::outcome_line(plan, *op, outcome)));
                    } else if self.failures == MOST_FAILURES + 1 {
                        self.bar.println("  ✗ more failures; the summary at the end groups them by cause");
                    }
                }
            }
            RunEvent::Stopping { reason, .. } => {
                self.bar.println(format!("  stopping: {}; waiting for what is in flight", reason.text()));
            }
            _ => {}
        }
    }

    fn on_tick(&mut self, now: Duration, waiting: Option<&Waiting>, _plan: &ExecutionPlan, summary: &RunSummary) {
        let counts = &summary.counts;
        let mut parts = vec![format!("{} failed", counts.failed + counts.unknown)];
        parts.push(format!("{} in flight", summary.in_flight));
        if let Some(waiting) = waiting {
            parts.push(format!("waiting {} for {}", clock_face(waiting.until.saturating_sub(now)), waiting.what));
        }
        if let Some(left) = time_left(now, summary) {
            parts.push(format!("left {}", clock_face(left)));
        }
        self.bar.set_message(parts.join("   "));
    }
}

/// Lines for a log: one for each finished operation up to fifty, then a heartbeat every ten seconds.
#[derive(Debug)]
pub struct Lines<'a> {
    console: &'a Console,
    lines: usize,
    failures: usize,
    last: Instant,
}

impl<'a> Lines<'a> {
    /// Lines on the console.
    #[must_use]
    pub fn new(console: &'a Console) -> Self {
        Self { console, lines: 0, failures: 0, last: instant_now() }
    }

    fn line(&mut self, at: Duration, summary: &RunSummary, text: &str) {
        let time = summary.started_at.unwrap_or_default();
        let time = time.checked_add(at).unwrap_or(time);
        self.console.info(&format!("{time:.0}  {text}"));
        self.last = instant_now();
    }
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
        match event {
            RunEvent::RunStarted { run, planned, forecast, .. } => {
                let text = format!("run {run}  {planned} operations, forecast {}", format_estimate(*forecast));
                self.line(Duration::ZERO, summary, &text);
            }
            RunEvent::WaveStarted { plan: index, wave, at } if plan.plans[*index].waves.len() > 1 => {
                let file = &plan.plans[*index];
                let (name, waves) = (visible(&file.name), file.waves.len());
                let text = format!("wave    {name}  {} of {waves} ({})", wave + 1, file.waves[*wave].name);
                self.line(*at, summary, &text);
            }
            RunEvent::OperationEnded { op, outcome, at } => {
                let bad = matches!(outcome, Outcome::Failed(_) | Outcome::Unknown(_));
                if bad {
                    self.failures += 1;
                }
                // Failures keep their line until there are too many of them, however many successes came before.
                if self.lines >= MOST_LINES && !(bad && self.failures <= MOST_FAILURES) {
                    return;
                }
                self.lines += 1;
                let took = summary.operations[*op].attempts.last();
                let took = took.map_or(String::new(), |attempt| format!(" in {}", format_duration(attempt.duration)));
                let word = if bad {
                    "fail"
                } else if matches!(outcome, Outcome::Accepted | Outcome::Confirmed) {
                    "ok"
                } else {
                    "skip"
                };
                let place = format!("{} / {}", plan.operations[*op].target.project, plan.operations[*op].target.region);
                let reason = outcome.reason().map(|reason| format!(": {}", visible(&reason))).unwrap_or_default();
                let text = format!("{word:<6}  {place:<28}  {}{took}{reason}", outcome.as_str().replace('_', " "));
                self.line(*at, summary, &text);
                if self.lines == MOST_LINES {
                    self.line(*at, summary, "...     from here on a line every 10 s, and the first failures");
                }
            }
            RunEvent::Stopping { reason, at } => {
                self.line(*at, summary, &format!("stop    {}; waiting for what is in flight", reason.text()));
            }
            _ => {}
        }
    }

    fn on_tick(&mut self, now: Duration, waiting: Option<&Waiting>, _plan: &ExecutionPlan, summary: &RunSummary) {
        if self.last.elapsed() < HEARTBEAT {
            return;
        }
        let counts = &summary.counts;
        let mut text = format!(
            "...     {} of {} done, {} failed, {} in flight",
            done(summary),
            counts.planned,
            counts.failed + counts.unknown,
            summary.in_flight
        );
        if let Some(waiting) = waiting {
            text.push_str(&format!(", {} waiting for {}", waiting.operations, waiting.what));
        }
        if let Some(left) = time_left(now, summary) {
            text.push_str(&format!(", {} left", format_estimate(left)));
        }
        self.line(now, summary, &text);
    }
}
