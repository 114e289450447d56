//! `hss-sync resume`: a run goes on from its journal.
//!
//! The journal holds the plans as they were read, so that nothing depends on the files; they are read again only to
//! refuse a plan that changed since. What the journal says decides what is open: see `crate::resume`.

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use super::Context;
use super::load::{ASSUMED_LATENCY, LoadFailure, Loaded, Reading, Texts};
use super::output::Outputs;
use super::run::{refused, unwritable};
use super::service::Service;
use super::session::{Bounds, Session, announce_directory, confirmed, crash_point, max_failures, scale};
use crate::cli::ResumeArgs;
use crate::diagnostic::visible;
use crate::difference::difference;
use crate::event::RunEvent;
use crate::exit::ExitStatus;
use crate::forecast::forecast_rest;
use crate::io::clock::RunClock;
use crate::io::journal_file::{JournalFileError, LockedJournal};
use crate::io::state_dir::{RunDir, StateDir};
use crate::journal::{self, Header, Journal};
use crate::resolve::put_back;
use crate::resume::{Reopen, take_up};
use crate::run::port::Clock;
use crate::run::{Past, RunEnd};
use crate::schedule::History;
use crate::summary::RunSummary;

/// Lines of a difference that are shown.
const MOST_DIFFERENCES: usize = 20;

/// Goes on with an interrupted run.
pub(super) fn resume(context: &Context, args: &ResumeArgs) -> ExitStatus {
    super::block_on(context, resume_async(context, args))
}

/// The road of a resumed run; the error is the status of one that did not go on.
async fn resume_async(context: &Context, args: &ResumeArgs) -> Result<ExitStatus, ExitStatus> {
    let mut bounds = Bounds::parse(&args.bounds).map_err(|message| context.usage(&message))?;
    let directory =
        StateDir::new(&args.output.state_dir).find(&args.run).map_err(|error| context.usage(&error.to_string()))?;
    let locked = LockedJournal::open(directory.path()).map_err(|error| not_opened(context, &error))?;
    let journal = journal::read(locked.bytes()).map_err(|error| damaged(context, &directory, &error.to_string()))?;
    let header = &journal.header;
    let mut loaded = recorded(context, args, &directory, header)?;
    refuse_changed(context, args, header, &loaded)?;
    let recorded_bounds = &header.invocation;
    bounds.fail_fast |= recorded_bounds.fail_fast && args.bounds.max_failures.is_none();
    if bounds.max_failures.is_none() && !args.bounds.fail_fast {
        let stated = recorded_bounds.max_failures.as_deref().map(max_failures).transpose();
        bounds.max_failures = stated.map_err(|message| context.usage(&message))?;
    }

    let simulated = header.invocation.simulated.as_ref();
    let story = Story::of(&journal, &loaded).map_err(|message| damaged(context, &directory, &message))?;
    let outputs = Outputs::parse(&args.output.report, directory.clone()).map_err(|message| context.usage(&message))?;
    let started = RunClock::start(scale(simulated));
    let base = story.elapsed() + story.downtime(started.wall(), directory.last_written());
    let reopen = Reopen { retry_failed: args.retry_failed, retry_unknown: args.retry_unknown };
    let preview = story.take_up(&loaded, &started, base, reopen);
    loaded.forecast = forecast_rest(&loaded.plan, ASSUMED_LATENCY, bounds.schedule(), &preview.history, base);

    let service = Service::connect(context, simulated, args.connection.ca_cert.as_deref(), &loaded.plan, &started)
        .await
        .map_err(|error| refused(context, &error))?;
    let open = loaded.forecast.calls;
    if open == 0 && preview.taken_up.len() == 1 {
        context.console.info(&format!("nothing is left to do in run {}", header.run));
        let clock = started.restart_at(base);
        let session = Session {
            context,
            loaded: &loaded,
            service: &service,
            outputs: &outputs,
            clock: &clock,
            simulated: simulated.is_some(),
        };
        return Ok(session.tell(&RunEnd { summary: preview.summary, not_recorded: None }));
    }
    let asked = !args.connection.yes && simulated.is_none();
    if !confirmed(context, asked, open, || about(header, &preview, open)) {
        return Err(ExitStatus::Incomplete);
    }
    outputs.prepare().map_err(|message| unwritable(context, &message))?;
    let log = locked.go_on(&journal, crash_point(context)).map_err(|error| unwritable(context, &error.to_string()))?;
    announce_directory(context, &outputs);
    let base = base + started.now();
    let past = story.take_up(&loaded, &started, base, reopen);
    let clock = started.restart_at(base);
    let options = bounds.options(header.run.clone(), header.started_at, loaded.forecast.duration);
    let session = Session {
        context,
        loaded: &loaded,
        service: &service,
        outputs: &outputs,
        clock: &clock,
        simulated: simulated.is_some(),
    };
    session.drive(&options, Some(past), log).await
}

/// What is asked about.
fn about(header: &Header, past: &Past, open: usize) -> String {
    let done = past.summary.counts;
    format!(
        "run {} of {}: {} of {} accepted, {} failed, {} unknown; {open} to send\n",
        header.run,
        header.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        done.accepted,
        done.planned,
        done.failed,
        done.unknown,
    )
}

/// A run that goes on in another process is no fault of its journal.
fn not_opened(context: &Context, error: &JournalFileError) -> ExitStatus {
    let status = unwritable(context, &error.to_string());
    match error {
        JournalFileError::Locked(_) | JournalFileError::Missing(_) => ExitStatus::Usage,
        _ => status,
    }
}

fn damaged(context: &Context, directory: &RunDir, message: &str) -> ExitStatus {
    context.console.error(&format!("{}: {message}", visible(&directory.journal().display().to_string())));
    ExitStatus::Unwritable
}

/// The plans as the journal holds them, with `lookup` and `select` as they were resolved when the run began: the service is
/// not asked again, since its answer may be another by now.
fn recorded(context: &Context, args: &ResumeArgs, directory: &RunDir, header: &Header) -> Result<Loaded, ExitStatus> {
    let reading = Reading::recorded(&header.invocation, &args.pace).map_err(|failure| failure.report(context))?;
    let mut loaded = Texts::recorded(&header.sources).understand(reading).map_err(|failure| failure.report(context))?;
    if loaded.plan.digest == header.digest && loaded.plan.operations.len() == header.planned {
        loaded.unresolved = (!header.resolved.is_empty()).then(|| loaded.plan.clone());
        let complete = put_back(&mut loaded.plan, &header.resolved);
        return match complete {
            Ok(()) => Ok(loaded),
            Err(unfit) => Err(damaged(context, directory, &unfit.to_string())),
        };
    }
    context.console.error(&format!(
        "this hss-sync {} reads the plans of run {} otherwise than {}, which began it, so that it can't go on without \
         guessing; resume it with version {}, or run its remaining.yaml",
        env!("CARGO_PKG_VERSION"),
        header.run,
        header.tool,
        header.tool,
    ));
    Err(ExitStatus::InvalidPlan)
}

/// Reads the plan files again, and refuses to go on when they say something else by now.
fn refuse_changed(context: &Context, args: &ResumeArgs, header: &Header, old: &Loaded) -> Result<(), ExitStatus> {
    let paths: Vec<PathBuf> = header.invocation.plans.iter().map(PathBuf::from).collect();
    if paths.iter().any(|path| path.as_os_str() == "-") {
        // Standard input can't be read again; the journal holds what came from it.
        return Ok(());
    }
    let advice = format!(
        "run {} goes on only with the plans that it began with: restore them, or send what is left of it with its \
         remaining.yaml",
        header.run
    );
    let reading = Reading::recorded(&header.invocation, &args.pace).map_err(|failure| failure.report(context))?;
    let new = match Texts::read(&paths).and_then(|texts| texts.understand(reading)) {
        Ok(new) => new,
        Err(failure) => {
            failure.report(context);
            context.console.error(&advice);
            return Err(match failure {
                LoadFailure::Usage(_) => ExitStatus::Usage,
                LoadFailure::Invalid { .. } => ExitStatus::InvalidPlan,
            });
        }
    };
    if new.plan.digest == old.plan.digest {
        return Ok(());
    }
    let changed = difference(old.written(), &old.sources, &new.plan, &new.sources);
    context.console.message(&changed.text(MOST_DIFFERENCES));
    context.console.error(&format!("the plans changed since run {} began (above); {advice}", header.run));
    Err(ExitStatus::InvalidPlan)
}

/// What happened in a run up to now.
struct Story {
    events: Vec<RunEvent>,
    summary: RunSummary,
}

impl Story {
    fn of(journal: &Journal, loaded: &Loaded) -> Result<Self, String> {
        let index: HashMap<&str, usize> =
            loaded.plan.operations.iter().enumerate().map(|(op, operation)| (operation.id.as_str(), op)).collect();
        let events = journal.events(|id| index.get(id).copied()).map_err(|error| error.to_string())?;
        let mut summary = RunSummary::new(loaded.plan.operations.len());
        events.iter().for_each(|event| summary.apply(event));
        Ok(Self { events, summary })
    }

    fn elapsed(&self) -> Duration {
        self.summary.elapsed
    }

    /// How long nobody was at work, as far as clocks say: since the time of the last event on the wall clock of its session,
    /// or since the journal was written, whatever is later. Too short a time only makes the quota wait longer.
    fn downtime(&self, now: jiff::Timestamp, written: Option<jiff::Timestamp>) -> Duration {
        let session = self.events.iter().rev().find_map(|event| match event {
            RunEvent::RunStarted { started_at, .. } => Some((*started_at, Duration::ZERO)),
            RunEvent::RunResumed { resumed_at, at, .. } => Some((*resumed_at, *at)),
            _ => None,
        });
        let (wall, at) = session.unwrap_or_default();
        let last = wall.checked_add(self.elapsed().saturating_sub(at)).unwrap_or(wall);
        let last = written.map_or(last, |written| written.max(last));
        Duration::try_from(now.duration_since(last)).unwrap_or_default()
    }

    /// The past of the next session, which begins at `at`.
    fn take_up(&self, loaded: &Loaded, clock: &RunClock, at: Duration, reopen: Reopen) -> Past {
        let resumed = RunEvent::RunResumed { at, resumed_at: clock.wall(), forecast: loaded.forecast.duration };
        let mut taken_up = vec![resumed];
        taken_up.extend(take_up(&loaded.plan, &self.events, at, reopen));
        let events: Vec<RunEvent> = self.events.iter().chain(&taken_up).cloned().collect();
        let history = History::from_events(&loaded.plan, &events, at);
        Past { summary: self.summary.clone(), taken_up, history }
    }
}
