//! `hss-sync resume`: a run goes on from its journal.
//!
//! The journal holds the plans as they were read, so that nothing depends on the files; they are read again only to
//! refuse a plan that changed since. What the journal says decides what is open: see `crate::resume`.

use std::cell::Cell;
use std::path::PathBuf;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::complete::Completed;
use super::elsewhere::{Moment, OtherRuns};
use super::hosts::hosts_outside;
use super::load::{ASSUMED_LATENCY, LoadFailure, Loaded, Reading, Texts, endpoint_chain};
use super::output::{LeftOver, Outputs, state_dir};
use super::recorded::{self, NotRecorded, Story};
use super::run::{refused, unwritable};
use super::service::{Service, ServiceAsker};
use super::session::{
    Account, Bounds, Session, Told, announce_directory, confirmed, crash_point, follow_after, scale, until_begun, wait,
};
use super::{Context, leave, room};
use crate::cli::ResumeArgs;
use crate::diagnostic::visible;
use crate::difference::{Side, difference};
use crate::event::{Outcome, RunEvent};
use crate::exit::ExitStatus;
use crate::follow::Aim;
use crate::forecast::forecast_rest;
use crate::io::clock::RunClock;
use crate::io::fs::STDIN_NAME;
use crate::io::journal_file::{JournalFileError, LockedJournal};
use crate::io::state_dir::{RunDir, StateDir};
use crate::journal::{self, DamagedJournal, Header};
use crate::read::ReadLimits;
use crate::report::{EventFacts, forecast_text, wrap};
use crate::resume::{Reopen, take_up};
use crate::run::port::Clock;
use crate::run::{FollowAfter, Past, RunOptions, follow};
use crate::schedule::History;
use crate::summary::{OperationSummary, RunSummary};
use crate::terminal::console::DEFAULT_WIDTH;

/// Lines of a difference that are shown.
const MOST_DIFFERENCES: usize = 20;

/// Goes on with an interrupted run.
pub(super) fn resume(context: &Context, args: &ResumeArgs) -> ExitStatus {
    super::block_on(context, resume_async(context, args))
}

/// The road of a resumed run; the error is the status of one that did not go on.
async fn resume_async(context: &Context, args: &ResumeArgs) -> Result<ExitStatus, ExitStatus> {
    let bounds = Bounds::parse(&args.bounds).map_err(|message| context.usage(&message))?;
    let state = StateDir::new(state_dir(&args.output.state_dir));
    let directory = state.find(&args.run).map_err(|error| context.usage(&error.to_string()))?;
    directory.check_ours().map_err(|error| unwritable(context, &error.to_string()))?;
    let locked = LockedJournal::open(directory.path()).map_err(|error| not_opened(context, &error))?;
    let journal = journal::read(locked.bytes()).map_err(|error| unreadable(context, &directory, &error))?;
    let header = &journal.header;
    let mut loaded = plans(context, args, &directory, header)?;
    refuse_hosts(context, args, header, &loaded)?;
    let story = Story::of(&journal, &loaded.plan).map_err(|error| damaged(context, &directory, &error.to_string()))?;
    let outputs = Outputs::parse(&args.output.report, directory.clone())
        .map_err(|message| context.usage(&message))?
        .going_on_with(&args.allow_endpoint);
    refuse_changed(context, args, header, &loaded, || {
        what_to_do(header, &outputs.write_remaining(&loaded, &story.as_if_over(&loaded.plan)))
    })?;
    let (bounds, later) = bounds.resumed(&header.invocation).map_err(|message| context.usage(&message))?;

    let simulated = header.invocation.simulated.as_ref();
    let started = RunClock::start(scale(simulated));
    let base = story.elapsed() + story.downtime(started.wall(), directory.last_written());
    let reopen = Reopen { retry_failed: args.retry_failed, retry_unknown: args.retry_unknown };
    let wait = wait(&args.wait, &header.invocation, &story.summary).map_err(|message| context.usage(&message))?;
    let after = follow_after(wait.as_deref()).map_err(|message| context.usage(&message))?;
    let shard = loaded.reading.selection.shard();
    let others = OtherRuns { context, state: &state, own: &directory, shard, simulated: simulated.is_some() };
    let counting = others.still_counting(&loaded.plan, Moment { wall: started.wall(), run: base });
    let preview = story.take_up(&loaded, &started, base, reopen);
    let options = room::here(&loaded.plan, bounds.schedule());
    let history = counting.beside(preview.history);
    loaded.forecast = forecast_rest(&loaded.plan, ASSUMED_LATENCY, options, &history, base);
    room::warn(context, &loaded.plan, loaded.forecast.calls);

    let (simulates, later) = (simulated.is_some(), later.schedule());
    let account = |loaded| Account { context, loaded, outputs: &outputs, simulated: simulates, bounds: later };
    // Where an outcome is missing, only a session can give it one: a budget that was spent leaves the rest not attempted. And
    // only the service can tell what is unknown, or to be waited for.
    let asks = preview.summary.operations.iter().any(|operation| match operation.outcome {
        Some(Outcome::Unknown(_)) => true,
        Some(Outcome::Accepted) => wait.is_some(),
        _ => false,
    });
    if loaded.forecast.calls == 0 && !asks && preview.summary.is_conserved() {
        let mut text = String::new();
        let said = nothing_to_send(header, &story);
        wrap(&mut text, "", "  ", &said, context.console.width().unwrap_or(DEFAULT_WIDTH));
        context.console.info(&text);
        let Completed { events, end } = if story.is_over() {
            Completed::as_it_is(story)
        } else {
            let begin = story.begin(&loaded, &started, base);
            let log = locked.go_on(&journal, crash_point(context));
            let log = log.map_err(|error| unwritable(context, &error.to_string()))?;
            Completed::by(story, begin, &loaded.plan, log)
        };
        return Ok(account(&loaded).tell(&end, Told::Past(&events)));
    }
    let service = Service::connect(context, simulated, &args.connection, &loaded.plan, &started)
        .await
        .map_err(|error| refused(context, &error))?;
    let base = base + started.now();
    // Before what may take long: the session's wall clock must never say an earlier time than its own clock does.
    let clock = started.restart_at(base);
    let begun = Cell::new(false);
    let notice = until_begun(context, &begun);
    let asker = service.asker(ReadLimits::of(&loaded.plan), &clock, &notice);
    // Before anything is asked or touched: what is found is not sent, may free a failure budget, and an interrupt costs nothing.
    let looked = story.look_up(context, &loaded, &asker, &clock, bounds.time_left(Duration::ZERO), reopen).await;
    let looked_until = clock.now();
    let counting = others.still_counting(&loaded.plan, Moment::on(&clock));
    let history = counting.beside(looked.past(&loaded, &clock, reopen).history);
    loaded.forecast = forecast_rest(&loaded.plan, ASSUMED_LATENCY, options, &history, looked_until);
    let loaded = loaded;
    let open = loaded.forecast.calls;
    if open > 0 {
        counting.tell(context);
    }
    // With nothing to send there is nothing to ask: the session only says how it stands.
    let asked = open > 0 && !args.connection.yes && simulated.is_none();
    if !confirmed(context, asked, open, || about(context, header, &looked.summary, &loaded)) {
        return Err(ExitStatus::Incomplete);
    }
    let mut streams = outputs
        .prepare(context, EventFacts { simulated: simulates, shard: loaded.reading.selection.shard() })
        .map_err(|message| unwritable(context, &message))?;
    // It lists what this session is about to send; should the session be killed, nothing would write it anew.
    outputs.remove_remaining(&loaded).map_err(|message| unwritable(context, &message))?;
    let log = locked.go_on(&journal, crash_point(context)).map_err(|error| unwritable(context, &error.to_string()))?;
    announce_directory(context, &outputs);
    begun.set(true);
    streams.replay(&loaded.plan, &story.events);
    let past = looked.past(&loaded, &clock, reopen);
    // What was looked up just now isn't looked up again, unless something is sent in between.
    let after = if open == 0 && after == FollowAfter::LookUp { FollowAfter::Nothing } else { after };
    let options = bounds.options(header.run.clone(), header.started_at, loaded.forecast.duration, after);
    // The time that is allowed counts from before the look.
    let options = RunOptions {
        max_duration: bounds.time_left(looked_until.saturating_sub(base)),
        elsewhere: others.still_counting(&loaded.plan, Moment::on(&clock)).calls,
        ..options
    };
    let session = Session { account: account(&loaded), service: &service, tasks: &asker, clock: &clock };
    let status = session.drive(&options, Some(past), log, streams).await;
    leave(looked);
    leave((loaded, story));
    status
}

/// Why a resume sends nothing.
fn nothing_to_send(header: &Header, story: &Story) -> String {
    let (run, counts) = (&header.run, story.summary.counts);
    let what = if counts.accepted + counts.confirmed + counts.skipped == counts.planned {
        format!("nothing is left to do in run {run}")
    } else {
        format!("nothing of run {run} is sent again without a flag; the last lines say which")
    };
    if story.is_over() {
        return what;
    }
    format!("{what}. It was killed after its last outcome: its journal and its report get their end now")
}

/// What is asked about.
fn about(context: &Context, header: &Header, summary: &RunSummary, loaded: &Loaded) -> String {
    let done = summary.counts;
    let mut text = String::new();
    let width = context.console.width().unwrap_or(DEFAULT_WIDTH);
    let stands = format!(
        "run {} of {}: {} of {} accepted, {} failed, {} unknown",
        header.run,
        header.started_at.strftime("%Y-%m-%d %H:%M:%S UTC"),
        done.accepted + done.confirmed,
        done.planned - done.skipped,
        done.failed,
        done.unknown,
    );
    wrap(&mut text, "", "    ", &stands, width);
    let rest = format!("{} to send, forecast {}", loaded.forecast.calls, forecast_text(&loaded.plan, &loaded.forecast));
    wrap(&mut text, "", "    ", &rest, width);
    text
}

/// A run that goes on in another process is no fault of its journal.
fn not_opened(context: &Context, error: &JournalFileError) -> ExitStatus {
    let status = unwritable(context, &error.to_string());
    match error {
        JournalFileError::Locked(_) | JournalFileError::Missing(_) => ExitStatus::Usage,
        _ => status,
    }
}

fn unreadable(context: &Context, directory: &RunDir, error: &DamagedJournal) -> ExitStatus {
    damaged(context, directory, &recorded::unreadable(directory, error))
}

fn damaged(context: &Context, directory: &RunDir, message: &str) -> ExitStatus {
    context.console.error(&format!("{}: {message}", visible(&directory.journal().display().to_string())));
    ExitStatus::Unwritable
}

/// The plans as the journal holds them.
fn plans(context: &Context, args: &ResumeArgs, directory: &RunDir, header: &Header) -> Result<Loaded, ExitStatus> {
    recorded::recorded(header, &args.pace).map_err(|error| match error {
        NotRecorded::Unreadable(failure) => failure.report(context),
        NotRecorded::Damaged(message) => damaged(context, directory, &message),
        NotRecorded::ReadOtherwise => {
            context.console.error(&format!(
                "this hss-sync {} reads the plans of run {} otherwise than {}, which began it, so that it can't go on \
                 without guessing; resume it with version {}, or run its remaining.yaml",
                env!("CARGO_PKG_VERSION"),
                header.run,
                header.tool,
                header.tool,
            ));
            ExitStatus::InvalidPlan
        }
    })
}

/// A journal may have come with somebody else's change, and so can't choose where signed requests go.
fn refuse_hosts(context: &Context, args: &ResumeArgs, header: &Header, loaded: &Loaded) -> Result<(), ExitStatus> {
    if header.invocation.simulated.is_some() {
        // Goes to the embedded simulator, whatever it names.
        return Ok(());
    }
    let known = endpoint_chain(None, &context.environment).map_err(|failure| failure.report(context))?;
    let foreign = hosts_outside(&loaded.plan, &known, &args.allow_endpoint);
    let Some(host) = foreign.first() else { return Ok(()) };
    let flags: Vec<String> = foreign.iter().map(|host| format!("--allow-endpoint {host}")).collect();
    Err(context.usage(&format!(
        "run {} was begun to send to {host}, outside Huawei Cloud, and its journal alone can't choose that: if you trust it, \
         add {}",
        header.run,
        flags.join(" ")
    )))
}

/// Reads the plan files again, and refuses to go on when they say something else by now.
///
/// `advice` says what to do instead, and is asked only then.
fn refuse_changed(
    context: &Context,
    args: &ResumeArgs,
    header: &Header,
    old: &Loaded,
    advice: impl FnOnce() -> String,
) -> Result<(), ExitStatus> {
    let paths: Vec<PathBuf> = header.invocation.plans.iter().map(PathBuf::from).collect();
    // Standard input can't be read again; what came from it is in the journal.
    let piped = header.sources.iter().find(|source| source.path == STDIN_NAME).map_or("", |source| &source.text);
    let reading = Reading::recorded(&header.invocation, &args.pace).map_err(|failure| failure.report(context))?;
    // That nothing of what was selected is there any more is told as a difference.
    let reading = Reading { selection: reading.selection.or_nothing(), ..reading };
    let new = match Texts::read(&paths, piped.as_bytes()).and_then(|texts| texts.plans_or_lock(reading)) {
        Ok(new) => new,
        Err(failure) => {
            failure.report(context);
            context.console.error(&advice());
            return Err(match failure {
                LoadFailure::Usage(_) => ExitStatus::Usage,
                LoadFailure::Invalid { .. } | LoadFailure::Document { .. } => ExitStatus::InvalidPlan,
            });
        }
    };
    if new.plan.digest == old.plan.digest {
        return Ok(());
    }
    let changed = difference(Side::expanded(old.written(), &old.sources), Side::expanded(&new.plan, &new.sources));
    context.console.message(&changed.text(MOST_DIFFERENCES));
    context.console.error(&format!("the plans changed since run {} began (above); {}", header.run, advice()));
    Err(ExitStatus::InvalidPlan)
}

/// What to do about a run whose plans are not what they were, when a plan of what is left was made of its journal.
fn what_to_do(header: &Header, left: &LeftOver) -> String {
    let run = &header.run;
    let restore = format!(
        "run {run} goes on only with the plans that it began with (their paths count from the directory in which it began): \
         restore them"
    );
    if !left.errors.is_empty() {
        return format!("{restore}; {}", left.errors.join("; "));
    }
    match left.shown() {
        None => format!("{restore}. Nothing is left of it: for what is new in the plans begin a new run"),
        Some(files) => format!("{restore}, or run the plan of what is left of it: {files}"),
    }
}

impl Story {
    /// How long nobody was at work, as far as clocks say: since the time of the last event on the wall clock of its session,
    /// or since the journal was written, whatever is later. Too short a time only makes the quota wait longer.
    fn downtime(&self, now: jiff::Timestamp, written: Option<jiff::Timestamp>) -> Duration {
        let (wall, at) = self.session_began();
        let last = wall.checked_add(self.elapsed().saturating_sub(at)).unwrap_or(wall);
        let last = written.map_or(last, |written| written.max(last));
        Duration::try_from(now.duration_since(last)).unwrap_or_default()
    }

    /// The past of the next session, which begins at `at`, as far as it is known without asking anybody.
    fn take_up(&self, loaded: &Loaded, clock: &RunClock, at: Duration, reopen: Reopen) -> Past {
        let mut taken_up = self.begin(loaded, clock, at);
        taken_up.extend(take_up(&loaded.plan, &self.events, at, reopen));
        self.past(loaded, taken_up, at)
    }

    /// The first events of the next session.
    fn begin(&self, loaded: &Loaded, clock: &RunClock, at: Duration) -> Vec<RunEvent> {
        vec![RunEvent::RunResumed { at, resumed_at: clock.wall(), forecast: loaded.forecast.duration }]
    }

    /// Takes the run up now, and asks the service what became of what is unknown, for so long at most. That comes before
    /// anything is sent again on the operator's word.
    async fn look_up(
        &self,
        context: &Context,
        loaded: &Loaded,
        tasks: &ServiceAsker<'_>,
        clock: &RunClock,
        longest: Option<Duration>,
        reopen: Reopen,
    ) -> Looked<'_> {
        let known = Reopen { retry_unknown: false, ..reopen };
        let begun = clock.now();
        let Past { mut taken_up, .. } = self.take_up(loaded, clock, begun, known);
        let mut summary = self.summary.clone();
        taken_up.iter().for_each(|event| summary.apply(event));
        let before = summary.counts;
        if before.unknown > 0 {
            let aim = Aim::LookUp { until: longest.map(|longest| begun.saturating_add(longest)) };
            let (mut events, stop) = (Vec::new(), CancellationToken::new());
            let what = if before.unknown == 1 {
                "1 unknown outcome".to_owned()
            } else {
                format!("{} unknown outcomes", before.unknown)
            };
            context.console.info(&format!("looking {what} up in the service's task lists"));
            // A journal doesn't grow by being asked about again and again.
            let known = |event: &RunEvent| match event {
                RunEvent::TaskUnclear { op, why, .. } => summary.operations[*op].unclear.as_ref() == Some(why),
                _ => false,
            };
            let mut keep = |event| {
                if !known(&event) {
                    events.push(event)
                }
            };
            follow(&loaded.plan, &summary, aim, tasks, clock, &stop, &mut keep).await;
            events.iter().for_each(|event| summary.apply(event));
            context.console.info(&format!("{} of {} found", before.unknown - summary.counts.unknown, before.unknown));
            taken_up.extend(events);
        }
        Looked { story: self, taken_up, summary }
    }

    fn past(&self, loaded: &Loaded, taken_up: Vec<RunEvent>, at: Duration) -> Past {
        let events: Vec<RunEvent> = self.events.iter().chain(&taken_up).cloned().collect();
        let history = History::from_events(&loaded.plan, &events, at);
        Past { summary: self.summary.clone(), taken_up, history }
    }
}

/// A run that was taken up, after the service was asked about it.
struct Looked<'a> {
    story: &'a Story,
    /// What the session begins with.
    taken_up: Vec<RunEvent>,
    /// How the run stands after that.
    summary: RunSummary,
}

impl Looked<'_> {
    /// The past of the session, which begins to send now: what is still unknown is sent again if the operator says so.
    fn past(&self, loaded: &Loaded, clock: &RunClock, reopen: Reopen) -> Past {
        let at = clock.now();
        let unknown = |operation: &OperationSummary| matches!(operation.outcome, Some(Outcome::Unknown(_)));
        let operations = self.summary.operations.iter().enumerate();
        let open = operations.filter(|(_, operation)| reopen.retry_unknown && unknown(operation));
        let mut taken_up = self.taken_up.clone();
        taken_up.extend(open.map(|(op, _)| RunEvent::OperationReopened { op, at }));
        self.story.past(loaded, taken_up, at)
    }
}
