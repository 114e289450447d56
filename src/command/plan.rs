//! `hss-sync plan`, and `run --dry-run`: the same road as `run`, stopping before anything is sent.

use super::Context;
use super::load::{Loaded, load};
use crate::cli::{FormatArg, InputArgs, PaceArgs, PlanArgs, SelectArgs, ServiceArgs};
use crate::exit::ExitStatus;
use crate::io::endpoint::IamEndpoints;
use crate::read::preflight_cost;
use crate::report;

/// Shows each operation, the digest, the number of calls and the forecast.
pub(super) fn plan(context: &Context, args: &PlanArgs) -> ExitStatus {
    let iam_endpoint = args.service.iam_endpoint.as_deref();
    show(
        context,
        (&args.input, &args.select, &args.pace),
        args.format,
        args.online.then_some(&args.service),
        iam_endpoint,
    )
}

/// What `plan` and `run --dry-run` print; with `online` after asking what the plan leaves open.
pub(super) fn show(
    context: &Context,
    (input, select, pace): (&InputArgs, &SelectArgs, &PaceArgs),
    format: FormatArg,
    online: Option<&ServiceArgs>,
    iam_endpoint: Option<&str>,
) -> ExitStatus {
    let loaded = match load(context, input, select, pace) {
        Ok(loaded) => loaded,
        Err(failure) => return failure.report(context),
    };
    context.console.diagnostics(&loaded.warnings, &loaded.sources);
    let resolved = match online {
        Some(service) => super::resolve::resolve_for_plan(context, service, loaded),
        None => Ok(loaded),
    };
    let Loaded { plan, sources, warnings, forecast, .. } = match resolved {
        Ok(loaded) => loaded,
        Err(status) => return status,
    };
    let status = super::load::status_of_warnings(context, input, &warnings);
    let written = match format {
        FormatArg::Human => {
            // A file or another program gets everything whole.
            let width = context.console.width().unwrap_or(usize::MAX);
            let mut text = report::plan_tables(&plan, &forecast, width, usize::MAX);
            // Where IAM is not rightly said, nothing here depends on it.
            if let Ok(iam) = IamEndpoints::new(iam_endpoint, &context.environment) {
                let cost = preflight_cost(&plan, &iam);
                text.push_str(&report::check_cost(cost.calls, cost.least, width));
            }
            context.console.result(&text)
        }
        FormatArg::Json => context.console.result_with(|out| report::write_plan(out, &plan, &sources, &forecast)),
    };
    context.printed(written, status)
}
