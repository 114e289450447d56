//! What `run` and `resume` share: a session of a run from its first request to its reports.

use std::cell::Cell;
use std::io::Write;
use std::num::NonZeroU32;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::closing::Closing;
use super::ending::{places, sends};
use super::load::Loaded;
use super::output::Outputs;
use super::service::{Service, ServiceAsker};
use super::{Context, leave};
use crate::cli::{BoundArgs, DEFAULT_GRACE, WaitArgs, WaitOnArgs};
use crate::diagnostic::visible;
use crate::event::{Outcome, RunEvent};
use crate::exit::ExitStatus;
use crate::io::clock::RunClock;
use crate::io::journal_file::{CrashPoint, JournalFile};
use crate::io::signal::Signals;
use crate::journal::{Invocation, SimulatedWith};
use crate::model::{MaxFailures, RunId, parse_duration};
use crate::report::{RunFacts, RunReport, write_report};
use crate::run::port::EventSink;
use crate::run::{FollowAfter, NotRecorded, Outside, Past, RunEnd, RunError, RunOptions, run as drive};
use crate::schedule::ScheduleOptions;
use crate::summary::{OperationSummary, RunSummary};
use crate::terminal::lines::Lines;
use crate::terminal::progress::Bar;
use crate::terminal::stream::{Streams, StreamsEnd};

/// How long the journal gets for what it was given, when a second Ctrl-C ends the process.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// How long a reader of a report that is written while the run goes on may take for a line, when everything else is over.
const LAST_LINES: Duration = Duration::from_secs(10);

/// How long `--wait` waits when nothing else is said.
const DEFAULT_WAIT: &str = "2h";

/// Operations that are named when their outcome is not in the journal.
const MOST_UNRECORDED: usize = 10;

/// Flags that bound a run, as domain values.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    max_failures: Option<MaxFailures>,
    fail_fast: bool,
    max_duration: Option<Duration>,
    grace: Duration,
}

impl Bounds {
    /// Reads the flags.
    ///
    /// # Errors
    /// Which flag is wrong, and how it is written.
    pub(super) fn parse(args: &BoundArgs) -> Result<Self, String> {
        let duration = |flag: &str, text: &str| parse_duration(text).map_err(|error| format!("{flag} {text}: {error}"));
        Ok(Self {
            max_failures: args.max_failures.as_deref().map(max_failures).transpose()?,
            fail_fast: args.fail_fast,
            max_duration: args.max_duration.as_deref().map(|text| duration("--max-duration", text)).transpose()?,
            grace: duration("--grace", args.grace.as_deref().unwrap_or(DEFAULT_GRACE))?,
        })
    }

    /// The bounds of a session of a run that was called like this, and those of a later one without flags. What a flag says
    /// wins, and one of the two that stop a run for failures puts the other out of force.
    ///
    /// # Errors
    /// What is recorded can't be read.
    pub(super) fn resumed(self, recorded: &Invocation) -> Result<(Self, Self), String> {
        let stated = recorded.max_failures.as_deref().map(max_failures).transpose()?;
        let later = Self { max_failures: stated, fail_fast: recorded.fail_fast, ..self };
        let now = Self {
            max_failures: if self.fail_fast { self.max_failures } else { self.max_failures.or(stated) },
            fail_fast: self.fail_fast || (recorded.fail_fast && self.max_failures.is_none()),
            ..self
        };
        Ok((now, later))
    }

    /// What is left of the time that is allowed, when so much of it is over; none where there is no limit.
    pub(super) fn time_left(&self, over: Duration) -> Option<Duration> {
        self.max_duration.map(|longest| longest.saturating_sub(over))
    }

    /// What the engine is told.
    pub(super) fn options(
        &self,
        run: RunId,
        started_at: jiff::Timestamp,
        forecast: Duration,
        follow: FollowAfter,
    ) -> RunOptions {
        let (Self { max_failures, fail_fast, max_duration, grace }, seed) = (*self, fastrand::u64(..));
        let elsewhere = Vec::new();
        RunOptions { run, started_at, forecast, max_failures, fail_fast, max_duration, grace, seed, follow, elsewhere }
    }

    /// What the scheduler is told by a forecast, which wants to know how long everything would take.
    pub(super) fn schedule(&self) -> ScheduleOptions {
        ScheduleOptions {
            most_in_flight: None,
            max_failures: self.max_failures,
            fail_fast: self.fail_fast,
            max_duration: None,
            ignore_deadlines: true,
        }
    }
}

/// How long a run that begins waits for its tasks, as it is written.
pub(super) fn first_wait(args: &WaitArgs) -> Option<String> {
    args.wait.then(|| args.wait_timeout.clone().unwrap_or_else(|| DEFAULT_WAIT.to_owned()))
}

/// How long a run waits for its tasks, as it is written: by `--wait` of this session, of the one that began the run, or of
/// one between that has left something open.
///
/// # Errors
/// A time is given, and nothing is waited for.
pub(super) fn wait(args: &WaitOnArgs, recorded: &Invocation, summary: &RunSummary) -> Result<Option<String>, String> {
    let left_open =
        |operation: &OperationSummary| operation.outcome == Some(Outcome::Accepted) && operation.left_open().is_some();
    let waits = args.wait || recorded.wait.is_some() || summary.operations.iter().any(left_open);
    match &args.wait_timeout {
        Some(time) if !waits => Err(format!(
            "--wait-timeout {time}: this run was not begun with --wait, so that it waits for nothing; add --wait to follow the \
             tasks of its requests for so long, or leave both out"
        )),
        stated => {
            let stated = stated.as_ref().or(recorded.wait.as_ref()).cloned();
            Ok(waits.then(|| stated.unwrap_or_else(|| DEFAULT_WAIT.to_owned())))
        }
    }
}

/// What a run does about the tasks of its requests.
///
/// # Errors
/// The time is no duration.
pub(super) fn follow_after(wait: Option<&str>) -> Result<FollowAfter, String> {
    let Some(text) = wait else { return Ok(FollowAfter::LookUp) };
    let timeout = parse_duration(text).map_err(|error| format!("--wait-timeout {text}: {error}"))?;
    Ok(FollowAfter::ToTheEnd { timeout: Some(timeout) })
}

/// `--max-failures`, also as a journal holds it.
fn max_failures(text: &str) -> Result<MaxFailures, String> {
    MaxFailures::parse(text).map_err(|error| format!("--max-failures {text}: {error}"))
}

/// How fast the run's clock goes.
pub(super) fn scale(simulated: Option<&SimulatedWith>) -> NonZeroU32 {
    simulated.and_then(|with| NonZeroU32::new(with.time_scale)).unwrap_or(NonZeroU32::MIN)
}

/// Where a crash test wants the process to end; never in a release build.
pub(super) fn crash_point(context: &Context) -> Option<CrashPoint> {
    context.environment.get(CrashPoint::VARIABLE).and_then(|text| CrashPoint::parse(text))
}

/// Asks where a person can be asked and `ask` is wanted, after showing what it is about.
pub(super) fn confirmed(context: &Context, ask: bool, calls: usize, about: impl FnOnce() -> String) -> bool {
    if !ask || !context.console.is_interactive() {
        return true;
    }
    context.console.message(&about());
    let yes = context.console.ask(&format!("Send {calls} {}?", if calls == 1 { "request" } else { "requests" }));
    if !yes {
        context.console.message("nothing was sent");
    }
    yes
}

/// Tells what reads wait for, until the run has begun: from then on its display does.
pub(super) fn until_begun<'a>(context: &'a Context, begun: &'a Cell<bool>) -> impl Fn(&str) + 'a {
    |text| {
        if !begun.get() {
            context.console.info(text);
        }
    }
}

/// With `-v`, where the run is written down, while it goes on.
pub(super) fn announce_directory(context: &Context, outputs: &Outputs) {
    context.console.detail(&format!("journal {}", visible(&outputs.directory().journal().display().to_string())));
}

/// What a run is told with.
#[derive(Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) context: &'a Context,
    pub(super) loaded: &'a Loaded,
    pub(super) outputs: &'a Outputs,
    pub(super) simulated: bool,
    /// What a resume that states no bounds would be held to.
    pub(super) bounds: ScheduleOptions,
}

/// Where the events of a run are told by the formats that tell them in order.
pub(super) enum Told<'a> {
    /// They were, while they happened.
    Live(StreamsEnd),
    /// Nowhere yet: a session in which nothing happens tells what happened before it.
    Past(&'a [RunEvent]),
}

/// One session of a run.
pub(super) struct Session<'a> {
    pub(super) account: Account<'a>,
    pub(super) service: &'a Service,
    /// Reads the service's tasks.
    pub(super) tasks: &'a ServiceAsker<'a>,
    pub(super) clock: &'a RunClock,
}

impl Session<'_> {
    /// Sends what there is to send, and writes the reports. The error is the status of a run that did not get that far.
    pub(super) async fn drive(
        &self,
        options: &RunOptions,
        past: Option<Past>,
        mut log: JournalFile,
        mut streams: Streams<'_>,
    ) -> Result<ExitStatus, ExitStatus> {
        let Self { account, service, tasks, clock } = *self;
        let Account { context, loaded, outputs, .. } = account;
        let begun = past.as_ref().map(|past| past.history.current_waves(&loaded.plan)).unwrap_or_default();
        let bar = || Bar::new(&loaded.plan, &loaded.forecast, options.grace, &begun);
        // Lines in the middle of a bar would spoil both.
        let shared = outputs.streams_to_stdout() && context.console.width().is_some();
        let mut bar = (context.console.has_bar() && !shared).then(bar);
        if let Some(bar) = &bar {
            streams.beside(bar.aside());
        }
        let signals = catch(clock, bar.as_ref()).map_err(|error| {
            context.usage(&format!("signals can't be caught, so that Ctrl-C would lose what was in flight: {error}"))
        })?;
        let mut lines = Lines::new(&context.console, &loaded.forecast, options.grace);
        let sink: &mut dyn EventSink = match &mut bar {
            Some(bar) => bar,
            None => &mut lines,
        };
        let stop = CancellationToken::new();
        let transport = service.transport();
        let outside = Outside { transport, tasks, clock, log: &mut log, sinks: &mut [sink, &mut streams] };
        let end = tokio::select! {
            end = drive(&loaded.plan, service.credentials(), options, past, outside, &stop) => Some(end),
            () = signals.watch(stop.clone(), || {}) => None,
        };
        if let Some(bar) = bar {
            bar.finish();
        }
        context.console.detail(&format!("{} reads of the service's lists", tasks.calls()));
        match end {
            Some(Ok(end)) => {
                let status = account.tell(&end, Told::Live(streams.finish(LAST_LINES)));
                leave(end);
                Ok(status)
            }
            Some(Err(error)) => {
                context.console.error(&error.to_string());
                match error {
                    // The account is wrong, and still all that there is: it is reported, and the run never counts as good.
                    RunError::BrokenLaw(broken) => {
                        Ok(account.tell(&broken.end, Told::Live(streams.finish(LAST_LINES))))
                    }
                    RunError::MissingCredential { .. } | RunError::NotResolved { .. } => Err(ExitStatus::InvalidPlan),
                }
            }
            None => {
                log.flush_within(LAST_WORDS);
                streams.finish(LAST_WORDS).errors.iter().for_each(|error| context.console.error(error));
                context.console.error(&format!(
                    "ended at once; whether the requests that were in flight were accepted is not known. The journal has \
                     the rest: {}",
                    outputs.resume_command()
                ));
                Err(ExitStatus::Killed)
            }
        }
    }
}

impl Account<'_> {
    /// Writes the reports and the closing text; the status is that of the run, or worse when something could not be written.
    pub(super) fn tell(&self, end: &RunEnd, told: Told<'_>) -> ExitStatus {
        let Self { context, loaded, outputs, .. } = *self;
        let (plan, sources, summary) = (&loaded.plan, &loaded.sources, &end.summary);
        let mut exit = ExitStatus::of_run(summary);
        if end.not_recorded.is_some() {
            exit = exit.max(ExitStatus::Unwritable);
        }
        let facts = |exit| RunFacts { exit, simulated: self.simulated, shard: loaded.reading.selection.shard() };
        let (streamed, events) = match told {
            Told::Live(streamed) => (Some(streamed), &[][..]),
            Told::Past(events) => (None, events),
        };
        let report = |exit| RunReport { plan, sources, summary, facts: facts(exit), runs: &[], events };
        let written =
            outputs.write(context, exit, streamed, |format, exit, out| write_report(format, out, &report(exit)));
        if let Some(not_recorded) = &end.not_recorded {
            context.console.error(&self.unrecorded(not_recorded, summary, written.anywhere));
        }
        let left = outputs.write_remaining(loaded, summary);
        let errors: Vec<String> = written.errors.iter().chain(&left.errors).cloned().collect();
        let sends = |reopen| sends(plan, self.bounds, summary, reopen);
        let places = |width| places(outputs, (&written, &left), summary, sends, width);
        let render = |format, exit, out: &mut dyn Write| write_report(format, out, &report(exit));
        Closing { context, outputs, plan, sources, summary }.tell(exit, &errors, places, render)
    }

    /// What the journal doesn't hold, and why. Without a report this is the only place that still has these outcomes.
    fn unrecorded(&self, missing: &NotRecorded, summary: &RunSummary, has_report: bool) -> String {
        let NotRecorded { failure, operations } = missing;
        let name = |op: &usize| {
            let target = &self.loaded.plan.operations[*op].target;
            let outcome = summary.operations[*op].outcome.as_ref().filter(|_| !has_report);
            let outcome = outcome.map(|outcome| format!(" ({})", outcome.as_str())).unwrap_or_default();
            format!("{} / {}{outcome}", target.project, target.region)
        };
        let most = if has_report { MOST_UNRECORDED } else { operations.len() };
        let mut named: Vec<String> = operations.iter().take(most).map(name).collect();
        if operations.len() > named.len() {
            named.push(format!("and {} more", operations.len() - named.len()));
        }
        let named = named.join(", ");
        let place = if has_report { "the report has" } else { "no report could be written either, so note" };
        let what = match operations.len() {
            0 => "every outcome of a request is in it, but not how the run ended".to_owned(),
            1 => format!("not recorded in it is the outcome of {named}; {place} it"),
            many => format!("not recorded in it are the outcomes of {many} operations; {place} them: {named}"),
        };
        format!("{failure}; {what}")
    }
}

/// The signals of a run; a stop by Ctrl-Z takes the bar off the screen.
fn catch(clock: &RunClock, bar: Option<&Bar<'_>>) -> std::io::Result<Signals> {
    let aside = bar.map(Bar::aside);
    Signals::catch()?.holding(clock, move |stop| match &aside {
        Some(aside) => aside(stop),
        None => stop(),
    })
}
