//! `hss-sync run`: plans to requests to a report.

use std::cell::Cell;
use std::collections::BTreeMap;

use super::approve::Approval;
use super::check::check_first;
use super::elsewhere::{Moment, OtherRuns};
use super::hosts::hosts_outside;
use super::load::{Loaded, load, status_of_warnings};
use super::output::{Outputs, state_dir};
use super::resolve::resolve_online;
use super::service::{Service, ServiceAsker, ServiceError};
use super::session::{Account, Bounds, Session, announce_directory, confirmed, first_wait, follow_after, until_begun};
use super::{Context, leave, room};
use crate::cli::RunArgs;
use crate::exit::ExitStatus;
use crate::expand::EndpointChain;
use crate::io::clock::RunClock;
use crate::io::journal_file::JournalFile;
use crate::io::state_dir::StateDir;
use crate::journal::{Header, Invocation, RecordedPlan, SimulatedWith};
use crate::model::{Endpoint, Region, RunId};
use crate::read::{ReadLimits, Reader};
use crate::report::{self, EventFacts};
use crate::run::RunOptions;
use crate::run::port::Clock;
use crate::schedule::History;
use crate::terminal::console::DEFAULT_WIDTH;

/// Operations of a plan that are shown before the question.
const MOST_ROWS: usize = 20;

/// Sends the requests of plans and reports on every operation.
pub(super) fn run(context: &Context, args: &RunArgs) -> ExitStatus {
    if args.dry_run {
        return super::plan::dry_run(context, args);
    }
    super::block_on(context, run_async(context, args))
}

/// The road of a run; the error is the status of a run that never began.
async fn run_async(context: &Context, args: &RunArgs) -> Result<ExitStatus, ExitStatus> {
    let bounds = Bounds::parse(&args.bounds).map_err(|message| context.usage(&message))?;
    let follow = follow_after(first_wait(&args.wait).as_deref()).map_err(|message| context.usage(&message))?;
    let approval =
        Approval::parse(args.approve.as_deref(), &args.input.plans).map_err(|message| context.usage(&message))?;
    let mut loaded = load(context, &args.input, &args.select, &args.pace).map_err(|failure| failure.report(context))?;
    let simulated = simulated_with(args);
    let clock = RunClock::start(super::session::scale(simulated.as_ref()));
    let id = run_id(&clock);
    let state = StateDir::new(state_dir(&args.output.state_dir));
    state.check_ours().map_err(|error| unwritable(context, &error.to_string()))?;
    let directory = state.run(&id);
    let shard = loaded.reading.selection.shard();
    let others = OtherRuns { context, state: &state, own: &directory, shard, simulated: simulated.is_some() };
    let counting = others.still_counting(&loaded.plan, Moment::on(&clock));
    // A budget over the whole run makes it slower, and so does a machine without room.
    loaded.make_forecast_after(&counting.beside(History::default()), room::here(&loaded.plan, bounds.schedule()));
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    let status = status_of_warnings(context, &args.input, &loaded.warnings);
    if status != ExitStatus::Success {
        return Err(status);
    }
    if let Some(approval) = &approval {
        approval.before_reads(context, &loaded)?;
    }
    room::warn(context, &loaded.plan, loaded.forecast.calls);
    counting.tell(context);
    let outputs = Outputs::parse(&args.output.report, directory.clone())
        .map_err(|message| context.usage(&message))?
        .going_on_with(&hosts_to_name(args, &loaded));
    let service = Service::connect(context, simulated.as_ref(), &args.connection, &loaded.plan, &clock)
        .await
        .map_err(|error| refused(context, &error))?;
    // One for all reads of the run, since they share the quota of each list.
    let begun = Cell::new(false);
    let notice = until_begun(context, &begun);
    let asker = service.asker(ReadLimits::of(&loaded.plan), &clock, &notice);
    let loaded = resolved(context, args, loaded, &service, &asker).await?;
    if let Some(approval) = &approval {
        approval.before_sending(context, &loaded)?;
    }
    // An empty shard has nothing to ask about.
    let asked = loaded.forecast.calls > 0 && !args.connection.yes && simulated.is_none();
    if !confirmed(context, asked, loaded.forecast.calls, || plan_table(context, &loaded)) {
        return Err(ExitStatus::Incomplete);
    }
    let facts = EventFacts { simulated: simulated.is_some(), shard: loaded.reading.selection.shard() };
    let streams = outputs.prepare(context, facts).map_err(|message| unwritable(context, &message))?;

    begun.set(true);
    let clock = clock.restart();
    let header = header(args, &loaded, id.clone(), &clock, simulated.clone());
    let log = JournalFile::create(outputs.directory().path(), &header, super::session::crash_point(context))
        .map_err(|error| unwritable(context, &error.to_string()))?;
    announce_directory(context, &outputs);
    let options = bounds.options(id, header.started_at, loaded.forecast.duration, follow);
    let options = RunOptions { elsewhere: others.still_counting(&loaded.plan, Moment::on(&clock)).calls, ..options };
    let account = Account {
        context,
        loaded: &loaded,
        outputs: &outputs,
        simulated: simulated.is_some(),
        bounds: bounds.schedule(),
    };
    let session = Session { account, service: &service, tasks: &asker, clock: &clock };
    let status = session.drive(&options, None, log, streams).await;
    leave(loaded);
    status
}

/// The hosts that `resume` has to be told again, since a journal alone can't choose them.
fn hosts_to_name(args: &RunArgs, loaded: &Loaded) -> Vec<String> {
    let known = EndpointChain { all: None, ..loaded.reading.endpoints.clone() };
    if simulated_with(args).is_some() { Vec::new() } else { hosts_outside(&loaded.plan, &known, &[]) }
}

fn plan_table(context: &Context, loaded: &Loaded) -> String {
    let width = context.console.width().unwrap_or(DEFAULT_WIDTH);
    report::plan_tables(&loaded.plan, &loaded.forecast, width, MOST_ROWS)
}

pub(super) fn refused(context: &Context, error: &ServiceError) -> ExitStatus {
    context.console.error(&error.to_string());
    error.status()
}

pub(super) fn unwritable(context: &Context, message: &str) -> ExitStatus {
    context.console.error(&format!("{message}; nothing was sent"));
    ExitStatus::Unwritable
}

/// The first records of the journal.
fn header(args: &RunArgs, loaded: &Loaded, run: RunId, clock: &RunClock, simulated: Option<SimulatedWith>) -> Header {
    let (plan, reading) = (&loaded.plan, &loaded.reading);
    let plans = plan.plans.iter().map(|file| RecordedPlan {
        path: file.path.clone(),
        name: file.name.clone(),
        digest: file.digest.clone(),
    });
    let urls = |endpoints: &BTreeMap<Region, Endpoint>| {
        endpoints.iter().map(|(region, endpoint)| (region.to_string(), endpoint.to_string())).collect()
    };
    Header {
        run,
        tool: env!("CARGO_PKG_VERSION").to_owned(),
        started_at: clock.wall(),
        forecast: loaded.forecast.duration,
        planned: plan.operations.len(),
        digest: plan.digest.clone(),
        plans: plans.collect(),
        invocation: Invocation {
            plans: args.input.plans.iter().map(|path| path.display().to_string()).collect(),
            variables: reading.overrides.clone(),
            endpoint: reading.endpoints.all.as_ref().map(ToString::to_string),
            endpoints: urls(&reading.endpoints.by_region),
            file_endpoints: urls(&reading.endpoints.from_file),
            allow_endpoint: reading.allow_endpoint.clone(),
            // Those of a lock, if no flag says otherwise.
            quota: args.pace.quota.clone().or_else(|| reading.pace.quota().map(|quota| quota.written())),
            concurrency: reading.pace.concurrency(),
            max_failures: args.bounds.max_failures.clone(),
            fail_fast: args.bounds.fail_fast,
            wait: first_wait(&args.wait),
            select: reading.selection.expressions().map(str::to_owned).collect(),
            shard: reading.selection.shard().map(|shard| shard.to_string()),
            simulated,
        },
        sources: loaded.texts(),
        resolved: loaded.resolved(),
    }
}

#[cfg(feature = "simulator")]
fn simulated_with(args: &RunArgs) -> Option<SimulatedWith> {
    args.simulate.then(|| SimulatedWith {
        fault: args.fault.clone(),
        quota: args.simulator_quota.clone(),
        time_scale: args.time_scale,
        task_time: args.task_time.clone(),
        task_fault: args.task_fault.clone(),
    })
}

/// Without the feature nothing is simulated.
#[cfg(not(feature = "simulator"))]
fn simulated_with(_args: &RunArgs) -> Option<SimulatedWith> {
    None
}

/// `YYYYMMDD-HHMMSS-xxxx`, UTC.
fn run_id(clock: &RunClock) -> RunId {
    let text = format!("{}-{:04x}", clock.wall().strftime("%Y%m%d-%H%M%S"), fastrand::u16(..));
    // A date and hexadecimal digits are a legal name; the default keeps this total.
    RunId::parse(&text).unwrap_or_else(|_| RunId::unnamed())
}

/// Asks what the plan leaves open (`lookup`, `select`), before a person is asked about it; with `--check` also whether what
/// it states is there.
async fn resolved(
    context: &Context,
    args: &RunArgs,
    loaded: Loaded,
    service: &Service,
    asker: &ServiceAsker<'_>,
) -> Result<Loaded, ExitStatus> {
    let reader = Reader::new(asker, service.iam());
    if args.check {
        check_first(context, &args.input, &reader, &loaded, service.checked()).await?;
    }
    let resolved = resolve_online(context, &reader, loaded).await?;
    match status_of_warnings(context, &args.input, &resolved.warnings) {
        ExitStatus::Success => Ok(resolved),
        status => Err(status),
    }
}
