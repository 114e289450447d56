//! `hss-sync validate`: proves plans correct without a network.

use super::Context;
use super::load::{LoadFailure, Loaded, load, status_of_warnings, tally};
use crate::cli::{FormatArg, PaceArgs, ValidateArgs};
use crate::exit::ExitStatus;
use crate::report;

/// Shows every diagnostic, or one line when all is well.
pub(super) fn validate(context: &Context, args: &ValidateArgs) -> ExitStatus {
    let loaded = load(context, &args.input, &args.select, &PaceArgs::default());
    match (loaded, args.format) {
        (Ok(Loaded { plan, sources, warnings, .. }), FormatArg::Json) => {
            let status = status_of_warnings(context, &args.input, &warnings);
            let (plans, operations) = (plan.plans.len(), Some(plan.selected().count()));
            let written = context
                .console
                .result_with(|out| report::write_diagnostics(out, &warnings, &sources, plans, operations));
            context.printed(written, status)
        }
        (Ok(Loaded { plan, sources, warnings, forecast, .. }), FormatArg::Human) => {
            let status = status_of_warnings(context, &args.input, &warnings);
            let mut line = report::validation_line(&plan, &forecast);
            if !warnings.is_empty() {
                line = format!("{}, {}\n", line.trim_end(), tally(&warnings));
            }
            let written =
                context.console.diagnostics_as_result(&warnings, &sources).and_then(|()| context.console.result(&line));
            context.printed(written, status)
        }
        (Err(LoadFailure::Invalid { sources, diagnostics, plans }), FormatArg::Json) => {
            let written =
                context.console.result_with(|out| report::write_diagnostics(out, &diagnostics, &sources, plans, None));
            context.printed(written, ExitStatus::InvalidPlan)
        }
        (Err(failure @ LoadFailure::Invalid { .. }), FormatArg::Human) => failure.report_as_result(context),
        (Err(failure), _) => failure.report(context),
    }
}
