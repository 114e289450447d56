//! Progress of a run on a terminal: two lines that are drawn in place, with failures above them.
//!
//! The first line says where the run is and what it waits for, the second has the bar and the numbers. A sink of events:
//! every number comes from the summary. A bar that can't be drawn never stops a run. `lines` is for everywhere else.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::screen::Screen;
use super::tasks::{Tasks, hundredths, task_counts};
use super::time_left::{TimeLeft, wait_of};
use crate::diagnostic::visible;
use crate::event::{NotAttemptedReason, OpIndex, Outcome, RunEvent};
use crate::expand::{ExecutionPlan, PlannedFile};
use crate::forecast::Forecast;
use crate::model::format_duration;
use crate::report::{failure_line, fit, forecast_text, left_open_line, wrap};
use crate::run::port::{EventSink, Waiting};
use crate::summary::{Counts, RunSummary};

/// Failures that are shown while the run goes on; the summary at the end has them all, by cause.
pub(super) const MOST_FAILURES: usize = 20;
/// What is said of an unknown operation whose task was found.
pub(super) const TAKEN: &str = "its task was found, so that it was accepted";
/// From this width of the terminal on the bar is a long one.
const WIDE: usize = 100;

/// `0:41`, `9:12`, `1:02:03`.
fn clock_face(duration: Duration) -> String {
    let seconds = duration.as_secs() + u64::from(duration.subsec_nanos() > 0);
    let (hours, minutes, seconds) = (seconds / 3600, seconds % 3600 / 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// `2 failed`, then what else there is: the numbers that, with the accepted ones, add up to those that are done.
pub(super) fn bad_counts(counts: &Counts) -> Vec<String> {
    let mut parts = vec![format!("{} failed", counts.failed)];
    for (count, word) in [(counts.unknown, "unknown"), (counts.not_attempted, "not attempted")] {
        if count > 0 {
            parts.push(format!("{count} {word}"));
        }
    }
    parts
}

/// Operations that are over: not those that a stopped run has given up, or the bar would run full when nothing more is sent.
pub(super) fn done(counts: &Counts) -> usize {
    counts.ended().saturating_sub(counts.not_attempted + counts.skipped)
}

/// Operations of which something is to be done.
pub(super) fn selected(counts: &Counts) -> usize {
    counts.planned.saturating_sub(counts.skipped)
}

/// Why nothing more is sent, and that what was sent is waited for.
pub(super) fn stop_text(reason: &NotAttemptedReason, summary: &RunSummary, grace: Duration) -> String {
    let why = reason.text();
    match (summary.in_flight, reason) {
        (0, _) => why,
        (flights, NotAttemptedReason::Interrupted) => format!(
            "{why}; waiting for {flights} in flight, at most {}; a second Ctrl-C ends it at once",
            format_duration(grace)
        ),
        (flights, _) => format!("{why}; waiting for {flights} in flight"),
    }
}

/// What a resumed run has before it.
pub(super) fn rest_text(plan: &ExecutionPlan, forecast: &Forecast) -> String {
    match forecast.calls {
        0 => "nothing to send".to_owned(),
        calls => format!("{calls} to send, forecast {}", forecast_text(plan, forecast)),
    }
}

/// Where a plan of the run is.
#[derive(Debug)]
struct Stage {
    name: String,
    /// Its wave, if it has several: `wave 2 of 3 (asia)`.
    wave: String,
    /// Operations without an outcome.
    open: usize,
    /// It was said why nothing more of it is sent.
    stopped: bool,
}

/// A bar on standard error.
#[derive(Debug)]
pub struct Bar<'a> {
    bar: ProgressBar,
    /// Columns of the bar itself.
    cells: usize,
    stages: Vec<Stage>,
    left: TimeLeft<'a>,
    forecast: &'a Forecast,
    failures: usize,
    tasks: Tasks,
    /// It was said of an unknown operation that it was accepted.
    told: bool,
    /// Why the latest look that proved nothing did so, and whether it was said that others are left open for that.
    left_open: Option<(String, bool)>,
    stopping: bool,
    grace: Duration,
}

impl<'a> Bar<'a> {
    /// A bar for a plan and its forecast; what is in flight after an interrupt gets `grace`. `begun` are the waves (by plan and
    /// index) that a resumed run goes on with: they are not told to begin again.
    #[must_use]
    pub fn new(plan: &ExecutionPlan, forecast: &'a Forecast, grace: Duration, begun: &[(usize, usize)]) -> Self {
        let length = 100 * plan.selected().count() as u64;
        let target = ProgressDrawTarget::term_like_with_hz(Box::new(Screen::stderr()), 10);
        let bar = ProgressBar::with_draw_target(Some(length), target);
        let cells = if Screen::columns() < WIDE { 16 } else { 28 };
        if let Ok(style) = ProgressStyle::with_template(&format!("{{prefix}}\n{{bar:{cells}}}  {{msg}}")) {
            bar.set_style(style.progress_chars("█▉▊▋▌▍▎▏░"));
        }
        let stage = |(index, file): (usize, &PlannedFile)| Stage {
            name: visible(&file.name).into_owned(),
            wave: begun
                .iter()
                .find(|(plan, _)| *plan == index)
                .map_or(String::new(), |(_, wave)| wave_text(file, *wave)),
            stopped: false,
            open: plan.operations.iter().filter(|operation| operation.plan == index).count(),
        };
        let stages = plan.plans.iter().enumerate().map(stage).collect();
        let left = TimeLeft::new(&forecast.ends);
        let tasks = Tasks::default();
        Self {
            bar,
            cells,
            stages,
            left,
            forecast,
            failures: 0,
            tasks,
            told: false,
            left_open: None,
            stopping: false,
            grace,
        }
    }

    /// Takes the bar off the screen; a line is left free below what was said above it.
    pub fn finish(&self) {
        if self.failures > 0 || self.told || self.stopping || self.stages.iter().any(|stage| stage.stopped) {
            self.bar.println("");
        }
        self.bar.finish_and_clear();
    }

    /// Takes the bar off the screen while something else is done, and draws it again: for a stop by Ctrl-Z, after which the
    /// screen is the shell's.
    pub fn aside(&self) -> impl Fn(&mut dyn FnMut()) + Send + use<> {
        let bar = self.bar.clone();
        move |work| bar.suspend(work)
    }

    /// What went wrong, above the bar, as long as it isn't too much.
    fn failure(&mut self, mark: char, text: &str) {
        self.failures += 1;
        if self.failures <= MOST_FAILURES {
            self.above(&format!("  {mark} {text}"));
        } else if self.failures == MOST_FAILURES + 1 {
            self.above("  ✗ more failures; the summary at the end has them all, by cause");
        }
    }

    /// What a look left open, above the bar: at the end of the time that may be everything, for one reason.
    fn left_open(&mut self, text: &str, why: &str) {
        match &mut self.left_open {
            Some((last, told @ false)) if last == why => {
                *told = true;
                self.above("  ? and others for that reason; the summary at the end has them all");
            }
            Some((last, true)) if last == why => {}
            _ => {
                self.left_open = Some((why.to_owned(), false));
                self.failure('?', text);
            }
        }
    }

    /// A line above the bar, or two.
    fn above(&self, text: &str) {
        self.bar.println(above(text, Screen::columns()));
    }
}

/// A text above the bar: on a second line goes on what has no room on the first, and no further.
fn above(text: &str, width: usize) -> String {
    let indent = text.len() - text.trim_start().len();
    let mut lines = String::new();
    wrap(&mut lines, &" ".repeat(indent), "      ", text.trim_start(), width);
    match lines.match_indices('\n').nth(1) {
        Some((end, _)) if end + 1 < lines.len() => {
            let (first, rest) = lines.split_once('\n').unwrap_or_default();
            format!("{first}\n{}", fit(&rest.replace("\n      ", " "), width))
        }
        _ => lines.trim_end().to_owned(),
    }
}

/// `wave 2 of 3 (asia)`, if the plan has several.
fn wave_text(file: &PlannedFile, wave: usize) -> String {
    match (file.waves.len(), file.waves.get(wave)) {
        (waves, Some(stated)) if waves > 1 => format!("wave {} of {waves} ({})", wave + 1, stated.name),
        _ => String::new(),
    }
}

/// `search / la-south-2: its task was found, so that it was accepted`
fn taken_line(plan: &ExecutionPlan, op: OpIndex) -> String {
    let target = &plan.operations[op].target;
    format!("{} / {}: {TAKEN}", target.project, target.region)
}

/// The plans that are still going on, and what is waited for; the plans give way when both don't fit.
fn title(stages: &[Stage], waiting: &str, width: usize) -> String {
    let going: Vec<String> = stages
        .iter()
        .filter(|stage| stage.open > 0)
        .map(|stage| if stage.wave.is_empty() { stage.name.clone() } else { format!("{}  {}", stage.name, stage.wave) })
        .collect();
    let mut going = going.join(", ");
    if going.is_empty() && !waiting.is_empty() {
        going.push_str("nothing more to send");
    }
    if waiting.is_empty() {
        return fit(&going, width);
    }
    fit(&format!("{}   {waiting}", fit(&going, width.saturating_sub(waiting.len() + 3))), width)
}

/// `118/214   2 failed   3 in flight   left 9:12`
fn numbers(summary: &RunSummary, left: Option<Duration>) -> String {
    let planned = selected(&summary.counts).to_string();
    let mut parts = vec![format!("{:>width$}/{planned}", done(&summary.counts), width = planned.len())];
    parts.extend(bad_counts(&summary.counts));
    parts.push(format!("{} in flight", summary.in_flight));
    parts.extend(left.map(|left| format!("left {}", clock_face(left))));
    parts.join("   ")
}

/// `12/30 confirmed   2 failed   following 16 (45 %)`
fn task_numbers(summary: &RunSummary) -> String {
    let planned = selected(&summary.counts).to_string();
    let mut parts = vec![format!("{:>width$}/{planned} confirmed", summary.counts.confirmed, width = planned.len())];
    parts.extend(task_counts(summary, false));
    parts.join("   ")
}

impl EventSink for Bar<'_> {
    fn on_event(&mut self, event: &RunEvent, plan: &ExecutionPlan, summary: &RunSummary) {
        let was_unknown = self.tasks.take(event, summary);
        match event {
            RunEvent::RunStarted { run, .. } => {
                self.above(&format!("run {run}, forecast {}", forecast_text(plan, self.forecast)));
            }
            RunEvent::RunResumed { at, .. } => {
                let run = summary.run.as_ref().map_or("", |run| run.as_str());
                self.above(&format!("run {run} goes on, {}", rest_text(plan, self.forecast)));
                for (operation, known) in plan.operations.iter().zip(&summary.operations) {
                    let stage = &mut self.stages[operation.plan];
                    stage.open = stage.open.saturating_sub(usize::from(known.outcome.is_some()));
                }
                self.left.ended(summary.counts.ended(), *at);
            }
            RunEvent::OperationReopened { op, at } => {
                self.stages[plan.operations[*op].plan].open += 1;
                self.left.ended(summary.counts.ended(), *at);
            }
            RunEvent::WaveStarted { plan: index, wave, .. } => {
                self.stages[*index].wave = wave_text(&plan.plans[*index], *wave);
            }
            RunEvent::OperationEnded { op, outcome, at } => {
                let stage = &mut self.stages[plan.operations[*op].plan];
                stage.open = stage.open.saturating_sub(1);
                self.left.ended(summary.counts.ended(), *at);
                // A stop of the run is told by itself; these two may stop one plan of several.
                if let Outcome::NotAttempted(reason) = outcome
                    && let NotAttemptedReason::BudgetSpent(_) | NotAttemptedReason::DeadlinePassed = reason
                    && !self.stopping
                    && !std::mem::replace(&mut stage.stopped, true)
                {
                    let text = format!("  stopping {}: {}", stage.name, stop_text(reason, summary, self.grace));
                    self.above(&text);
                }
                if let Outcome::Failed(_) | Outcome::Unknown(_) = outcome {
                    self.failure('✗', &failure_line(plan, *op, outcome));
                }
            }
            RunEvent::TaskFound { op, .. } if was_unknown => {
                self.told = true;
                self.above(&format!("  ✓ {}", taken_line(plan, *op)));
            }
            RunEvent::TaskEnded { op, outcome: outcome @ Outcome::Failed(_), .. } => {
                self.failure('✗', &failure_line(plan, *op, outcome));
            }
            RunEvent::TaskUnclear { op, why, .. } => {
                if let Some(outcome) = &summary.operations[*op].outcome {
                    self.left_open(&left_open_line(plan, *op, outcome, why), why);
                }
            }
            RunEvent::Stopping { reason, .. } => {
                self.stopping = true;
                self.above(&format!("  stopping: {}", stop_text(reason, summary, self.grace)));
            }
            _ => {}
        }
    }

    fn on_tick(&mut self, now: Duration, waiting: Option<&Waiting>, _plan: &ExecutionPlan, summary: &RunSummary) {
        let followed = self.tasks.are_followed(waiting, summary);
        // A deadline that is far off is nothing that an operation waits for.
        let waiting = waiting.filter(|waiting| waiting.operations > 0);
        let wait = wait_of(waiting, now, summary.in_flight);
        let left = if self.stopping { None } else { self.left.at(now, wait) };
        let waiting = waiting.map_or(String::new(), |waiting| match waiting.until {
            Some(until) => format!("waiting {} for {}", clock_face(until.saturating_sub(now)), waiting.what),
            None => waiting.what.clone(),
        });
        let width = Screen::columns();
        self.bar.set_prefix(title(&self.stages, &waiting, width));
        let (numbers, position) = match followed {
            true => (task_numbers(summary), hundredths(summary)),
            false => (numbers(summary, left), 100 * done(&summary.counts)),
        };
        self.bar.set_message(fit(&numbers, width.saturating_sub(self.cells + 2)));
        self.bar.set_position(position as u64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stage(name: &str, wave: &str, open: usize) -> Stage {
        Stage { name: name.to_owned(), wave: wave.to_owned(), open, stopped: false }
    }

    #[test]
    fn the_first_line_says_where_the_run_is_and_what_it_waits_for() {
        let one = [stage("fleet", "wave 2 of 2 (rest)", 3)];
        assert_eq!(title(&one, "", 80), "fleet  wave 2 of 2 (rest)");
        let waiting = "waiting 0:41 for quota (cn-north-4)";
        assert_eq!(title(&one, waiting, 80), "fleet  wave 2 of 2 (rest)   waiting 0:41 for quota (cn-north-4)");
        assert_eq!(title(&one, waiting, 50), "fleet  wave…   waiting 0:41 for quota (cn-north-4)");
        let three = [stage("quick", "", 2), stage("done", "", 0), stage("fleet", "wave 1 of 2 (canary)", 3)];
        assert_eq!(title(&three, "", 80), "quick, fleet  wave 1 of 2 (canary)");
        let over = [stage("fleet", "wave 2 of 2 (rest)", 0)];
        let waiting = "waiting 0:12 for tasks to end";
        assert_eq!(title(&over, waiting, 80), "nothing more to send   waiting 0:12 for tasks to end");
        assert_eq!(title(&over, waiting, 40), "nothing…   waiting 0:12 for tasks to end");
        assert_eq!(title(&over, "", 80), "");
    }

    #[test]
    fn the_numbers_are_those_of_tasks_once_they_are_followed() {
        let mut summary = RunSummary::new(30);
        for op in 0..30 {
            summary.apply(&RunEvent::OperationEnded { op, at: Duration::ZERO, outcome: Outcome::Accepted });
        }
        summary.counts.unknown = 1;
        summary.apply(&RunEvent::TaskEnded { op: 0, at: Duration::ZERO, outcome: Outcome::Confirmed });
        summary.apply(&RunEvent::TaskProgressed { op: 1, at: Duration::ZERO, percent: 87 });
        assert_eq!(task_numbers(&summary), " 1/30 confirmed   0 failed   1 unknown   following 29 (3 %)");
    }

    #[test]
    fn the_second_line_adds_up() {
        let mut summary = RunSummary::new(214);
        summary.counts.accepted = 115;
        summary.counts.failed = 2;
        summary.in_flight = 3;
        let left = Some(Duration::from_millis(551_100));
        assert_eq!(numbers(&summary, left), "117/214   2 failed   3 in flight   left 9:12");
        summary.counts.unknown = 1;
        summary.counts.not_attempted = 96;
        summary.in_flight = 0;
        assert_eq!(numbers(&summary, None), "118/214   2 failed   1 unknown   96 not attempted   0 in flight");
    }

    #[test]
    fn what_is_said_above_the_bar_takes_two_lines_at_most() {
        assert_eq!(above("  ✗ a / b: no", 20), "  ✗ a / b: no");
        assert_eq!(above("  ✗ a / b: not allowed", 20), "  ✗ a / b: not\n      allowed");
        assert_eq!(above("  ✗ a / b: not allowed for now and ever", 20), "  ✗ a / b: not\n      allowed for n…");
    }

    #[test]
    fn a_stop_says_how_long_it_may_take() {
        let (mut summary, grace) = (RunSummary::new(4), Duration::from_secs(30));
        let text = |summary: &RunSummary| stop_text(&NotAttemptedReason::Interrupted, summary, grace);
        assert_eq!(text(&summary), "the run was interrupted");
        summary.in_flight = 2;
        assert_eq!(
            text(&summary),
            "the run was interrupted; waiting for 2 in flight, at most 30 s; a second Ctrl-C ends it at once"
        );
        let text = stop_text(&NotAttemptedReason::DeadlinePassed, &summary, grace);
        assert_eq!(text, "the deadline came first; waiting for 2 in flight");
    }

    #[test]
    fn a_clock_counts_up_to_the_next_second() {
        let face = |millis| clock_face(Duration::from_millis(millis));
        assert_eq!([face(0), face(1), face(41_000)], ["0:00", "0:01", "0:41"]);
        assert_eq!([face(3_600_000), face(3_722_001)], ["1:00:00", "1:02:03"]);
    }
}
