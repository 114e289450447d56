//! `hss-sync validate`: proves plans correct without a network.

use super::load::{LoadFailure, Loaded, load, status_of_warnings, tally};
use super::{Context, leave};
use crate::cli::{DiagnosticsFormatArg as Format, PaceArgs, ValidateArgs};
use crate::diagnostic::Diagnostic;
use crate::exit::ExitStatus;
use crate::report;
use crate::schedule::ScheduleOptions;
use crate::source::Sources;

/// Shows every diagnostic, or one line when all is well.
pub(super) fn validate(context: &Context, args: &ValidateArgs) -> ExitStatus {
    match load(context, &args.input, &args.select, &PaceArgs::default()) {
        Ok(mut loaded) => {
            loaded.make_forecast(ScheduleOptions::unbounded());
            let status = valid(context, args, &loaded);
            leave(loaded);
            status
        }
        Err(failure @ LoadFailure::Invalid { .. }) if args.format == Format::Human => failure.report_as_result(context),
        Err(LoadFailure::Invalid { sources, diagnostics, plans }) => {
            let written = document(context, args.format, &diagnostics, &sources, (plans, None));
            context.printed(written, ExitStatus::InvalidPlan)
        }
        Err(failure) => failure.report(context),
    }
}

fn valid(context: &Context, args: &ValidateArgs, loaded: &Loaded) -> ExitStatus {
    let Loaded { plan, sources, warnings, forecast, .. } = loaded;
    let status = status_of_warnings(context, &args.input, warnings);
    let line = || {
        let line = report::validation_line(plan, forecast);
        if warnings.is_empty() { line } else { format!("{}, {}\n", line.trim_end(), tally(warnings)) }
    };
    let written = match args.format {
        Format::Human => {
            context.console.diagnostics_as_result(warnings, sources).and_then(|()| context.console.result(&line()))
        }
        format => {
            let counts = (plan.plans.len(), Some(plan.selected().count()));
            let written = document(context, format, warnings, sources, counts);
            // In the log of a job, which shows nothing else, the answer stands as well.
            let tells = format == Format::Github;
            written.and_then(|()| if tells { context.console.result(&line()) } else { Ok(()) })
        }
    };
    context.printed(written, status)
}

/// Writes diagnostics for programs; `counts` are the plans and, of valid ones, the operations.
fn document(
    context: &Context,
    format: Format,
    diagnostics: &[Diagnostic],
    sources: &Sources,
    (plans, operations): (usize, Option<usize>),
) -> std::io::Result<()> {
    context.console.result_with(|out| match format {
        Format::Sarif => report::write_sarif_diagnostics(out, diagnostics, sources),
        Format::Github => report::write_github_diagnostics(out, diagnostics, sources),
        Format::Human | Format::Json => report::write_diagnostics(out, diagnostics, sources, plans, operations),
    })
}
