//! `hss-sync run`: plans to requests to a report.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::Context;
use super::check::check_first;
use super::load::{Loaded, load, status_of_warnings};
use super::output::Outputs;
use super::resolve::resolve_online;
use super::service::{Service, ServiceError};
use crate::cli::RunArgs;
use crate::diagnostic::visible;
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::io::clock::RunClock;
use crate::io::endpoint::IamEndpoints;
use crate::io::signal::Signals;
use crate::model::{MaxFailures, RunId, parse_duration};
use crate::read::{ReadLimits, Reader};
use crate::report::{self, RunFacts};
use crate::run::port::{Clock, EventSink};
use crate::run::{RunError, RunOptions, run as drive};
use crate::source::Sources;
use crate::summary::RunSummary;
use crate::terminal::console::DEFAULT_WIDTH;
use crate::terminal::lines::Lines;
use crate::terminal::progress::Bar;

/// Operations of a plan that are shown before the question.
const MOST_ROWS: usize = 20;

/// Sends the requests of plans and reports on every operation.
pub(super) fn run(context: &Context, args: &RunArgs) -> ExitStatus {
    if args.dry_run {
        return super::plan::show(context, &args.input, &args.pace, args.format, None);
    }
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            return context.usage(&format!("the machine refuses what a run needs (timers, sockets): {error}"));
        }
    };
    match runtime.block_on(run_async(context, args)) {
        Ok(status) | Err(status) => status,
    }
}

/// The road of a run; the error is the status of a run that never began.
async fn run_async(context: &Context, args: &RunArgs) -> Result<ExitStatus, ExitStatus> {
    let bounds = Bounds::parse(args).map_err(|message| context.usage(&message))?;
    let loaded = load(context, &args.input, &args.pace).map_err(|failure| failure.report(context))?;
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    let status = status_of_warnings(context, &args.input, &loaded.warnings);
    if status != ExitStatus::Success {
        return Err(status);
    }

    let clock = RunClock::start(scale(args));
    let id = run_id(&clock);
    let outputs = Outputs::parse(&args.report, &args.state_dir, &id).map_err(|message| context.usage(&message))?;
    let service =
        Service::connect(context, args, &loaded.plan, clock).await.map_err(|error| refused(context, &error))?;
    let loaded = resolved(context, args, loaded, &service, &clock).await?;
    if !confirmed(context, args, &loaded) {
        context.console.message("nothing was sent");
        return Err(ExitStatus::Incomplete);
    }
    outputs.prepare().map_err(|message| {
        context.console.error(&message);
        ExitStatus::Unwritable
    })?;

    let options = RunOptions {
        run: id,
        forecast: loaded.forecast.duration,
        max_failures: bounds.max_failures,
        fail_fast: args.fail_fast,
        max_duration: bounds.max_duration,
        seed: fastrand::u64(..),
    };
    let summary = send(context, &loaded, &service, &options, &clock.restart()).await?;
    Ok(tell(context, &loaded.plan, &loaded.sources, &summary, &outputs, service.is_simulated()))
}

/// Flags that bound a run, as domain values.
struct Bounds {
    max_failures: Option<MaxFailures>,
    max_duration: Option<Duration>,
}

impl Bounds {
    fn parse(args: &RunArgs) -> Result<Self, String> {
        let max_failures = args
            .max_failures
            .as_deref()
            .map(|text| MaxFailures::parse(text).map_err(|error| format!("--max-failures {text}: {error}")))
            .transpose()?;
        let max_duration = args
            .max_duration
            .as_deref()
            .map(|text| parse_duration(text).map_err(|error| format!("--max-duration {text}: {error}")))
            .transpose()?;
        Ok(Self { max_failures, max_duration })
    }
}

#[cfg(feature = "simulator")]
fn scale(args: &RunArgs) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(args.time_scale).unwrap_or(std::num::NonZeroU32::MIN)
}

#[cfg(not(feature = "simulator"))]
fn scale(_args: &RunArgs) -> std::num::NonZeroU32 {
    std::num::NonZeroU32::MIN
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
    clock: &RunClock,
) -> Result<Loaded, ExitStatus> {
    let iam = IamEndpoints::new(args.service.iam_endpoint.as_deref(), &context.environment)
        .map_err(|message| context.usage(&message))?;
    let notice = |text: &str| context.console.info(text);
    let limits = ReadLimits::of(&loaded.plan);
    let reader = Reader::new(service.read_client(), service.credentials(), &iam, limits, clock, &notice);
    if args.check {
        check_first(context, &args.input, &reader, &loaded, service.credentials()).await?;
    }
    let resolved = resolve_online(context, &reader, loaded).await?;
    match status_of_warnings(context, &args.input, &resolved.warnings) {
        ExitStatus::Success => Ok(resolved),
        status => Err(status),
    }
}

fn refused(context: &Context, error: &ServiceError) -> ExitStatus {
    context.console.error(&error.to_string());
    error.status()
}

/// Shows what will be sent and asks, where a person can be asked.
fn confirmed(context: &Context, args: &RunArgs, loaded: &Loaded) -> bool {
    if args.yes || super::service::is_simulated(args) || !context.console.is_interactive() {
        return true;
    }
    let calls = loaded.forecast.calls;
    let width = context.console.width().unwrap_or(DEFAULT_WIDTH);
    context.console.message(&report::plan_tables(&loaded.plan, &loaded.forecast, width, MOST_ROWS));
    context.console.ask(&format!("Send {calls} {}?", if calls == 1 { "request" } else { "requests" }))
}

/// Drives the run to its end. The error is a run that was ended at once by a second Ctrl-C.
async fn send(
    context: &Context,
    loaded: &Loaded,
    service: &Service,
    options: &RunOptions,
    clock: &RunClock,
) -> Result<RunSummary, ExitStatus> {
    let (plan, ends) = (&loaded.plan, &loaded.forecast.ends);
    let signals = Signals::catch().map_err(|error| {
        context.usage(&format!("signals can't be caught, so that Ctrl-C would lose what was in flight: {error}"))
    })?;
    let mut bar = context.console.has_bar().then(|| Bar::new(plan, ends));
    let mut lines = Lines::new(&context.console, ends);
    let sink: &mut dyn EventSink = match &mut bar {
        Some(bar) => bar,
        None => &mut lines,
    };
    let mut sinks = [sink];
    let stop = CancellationToken::new();
    let summary = tokio::select! {
        summary = drive(plan, service.credentials(), options, service.transport(), clock, &mut sinks, &stop) => Some(summary),
        () = signals.watch(stop.clone(), || {}) => None,
    };
    if let Some(bar) = bar {
        bar.finish();
    }
    match summary {
        Some(Ok(summary)) => Ok(summary),
        Some(Err(error)) => {
            context.console.error(&error.to_string());
            match error {
                // The account is wrong, and still all that there is: it is reported, and the run never counts as good.
                RunError::BrokenLaw(broken) => Ok(*broken.summary),
                RunError::MissingCredential { .. } | RunError::NotResolved { .. } => Err(ExitStatus::InvalidPlan),
            }
        }
        None => {
            context.console.error("ended at once; whether the requests that were in flight were accepted is not known");
            Err(ExitStatus::Killed)
        }
    }
}

/// Writes the reports and the closing text; the status is that of the run, or worse when a report could not be written.
fn tell(
    context: &Context,
    plan: &ExecutionPlan,
    sources: &Sources,
    summary: &RunSummary,
    outputs: &Outputs,
    simulated: bool,
) -> ExitStatus {
    let exit = ExitStatus::of_run(summary);
    let written = outputs
        .write(context, exit, |exit, out| report::write_run(out, plan, sources, summary, RunFacts { exit, simulated }));
    let width = context.console.width().unwrap_or(DEFAULT_WIDTH);
    let mut text = report::closing(plan, sources, summary, width);
    if let Some(path) = &written.own {
        text.push_str(&format!("\nreport    {}\n", visible(&path.display().to_string())));
    }
    for error in &written.errors {
        context.console.error(error);
    }
    let exit = if written.errors.is_empty() { exit } else { exit.max(ExitStatus::Unwritable) };
    let quiet = context.console.is_quiet();
    if quiet && exit == ExitStatus::Success {
        return exit;
    }
    if quiet || outputs.uses_stdout() {
        context.console.message(&text);
        return exit;
    }
    context.printed(context.console.result(&text), exit)
}
