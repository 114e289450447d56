//! `hss-sync plan`, and `run --dry-run`: the same road as `run`, stopping before anything is sent.

use super::load::{Loaded, load, status_of_warnings};
use super::session::Bounds;
use super::{Context, difference, leave, lock, room};
use crate::cli::{FormatArg, PlanArgs, PlanFormatArg, RunArgs};
use crate::exit::ExitStatus;
use crate::io::endpoint::IamEndpoints;
use crate::read::preflight_cost;
use crate::report;
use crate::schedule::ScheduleOptions;

/// Shows each operation, the digest, the number of calls and the forecast, or what differs from before; saves a lock.
pub(super) fn plan(context: &Context, args: &PlanArgs) -> ExitStatus {
    planned(context, args).unwrap_or_else(|status| status)
}

fn planned(context: &Context, args: &PlanArgs) -> Result<ExitStatus, ExitStatus> {
    let gates = difference::gates(&args.diff).map_err(|message| context.usage(&message))?;
    let mut loaded = load(context, &args.input, &args.select, &args.pace).map_err(|failure| failure.report(context))?;
    loaded.make_forecast(ScheduleOptions::unbounded());
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    if args.online {
        loaded = super::resolve::resolve_for_plan(context, &args.service, loaded)?;
    }
    let status = status_of_warnings(context, &args.input, &loaded.warnings);
    let shown = match (&args.diff.diff, args.format) {
        (Some(old), format) => difference::show(context, old, &gates, format, &loaded)?,
        (None, PlanFormatArg::Json) => show_json(context, &loaded),
        // `--format markdown` without `--diff` does not get this far.
        (None, _) => show_text(context, &loaded, args.service.iam_endpoint.as_deref()),
    };
    let status = status.max(shown);
    let status = match &args.out {
        // What may not be is not saved either.
        Some(path) if status == ExitStatus::Success => lock::save(context, path, &loaded),
        _ => status,
    };
    leave(loaded);
    Ok(status)
}

/// What `run --dry-run` prints.
pub(super) fn dry_run(context: &Context, args: &RunArgs) -> ExitStatus {
    let bounds = match Bounds::parse(&args.bounds) {
        Ok(bounds) => bounds,
        Err(message) => return context.usage(&message),
    };
    let mut loaded = match load(context, &args.input, &args.select, &args.pace) {
        Ok(loaded) => loaded,
        Err(failure) => return failure.report(context),
    };
    // As the run would go here.
    loaded.make_forecast(room::here(&loaded.plan, bounds.schedule()));
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    let status = status_of_warnings(context, &args.input, &loaded.warnings);
    room::warn(context, &loaded.plan, loaded.forecast.calls);
    status.max(match args.format {
        FormatArg::Human => show_text(context, &loaded, args.connection.iam_endpoint.as_deref()),
        FormatArg::Json => show_json(context, &loaded),
    })
}

fn show_text(context: &Context, loaded: &Loaded, iam_endpoint: Option<&str>) -> ExitStatus {
    // A file or another program gets everything whole.
    let width = context.console.width().unwrap_or(usize::MAX);
    let mut text = report::plan_tables(&loaded.plan, &loaded.forecast, width, usize::MAX);
    // Where IAM is not rightly said, nothing here depends on it.
    if let Ok(iam) = IamEndpoints::new(iam_endpoint, &context.environment) {
        let cost = preflight_cost(&loaded.plan, &iam);
        text.push_str(&report::check_cost(cost.calls, cost.least, width));
    }
    context.print(&text)
}

fn show_json(context: &Context, loaded: &Loaded) -> ExitStatus {
    let Loaded { plan, sources, forecast, .. } = loaded;
    let written = context.console.result_with(|out| report::write_plan(out, plan, sources, forecast));
    context.printed(written, ExitStatus::Success)
}
