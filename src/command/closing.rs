//! The last that a person sees of a run, or of a report of runs: what could not be written, and the closing text.
//!
//! `session` ends with it, and so does `report`. Where the text goes is decided here, for both.

use std::io::{self, Write};

use super::Context;
use super::output::Outputs;
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::report::{self, Format};
use crate::source::Sources;
use crate::summary::RunSummary;
use crate::terminal::console::DEFAULT_WIDTH;

/// What the last lines are about, and where reports went.
#[derive(Clone, Copy)]
pub(super) struct Closing<'a> {
    pub(super) context: &'a Context,
    pub(super) outputs: &'a Outputs,
    pub(super) plan: &'a ExecutionPlan,
    pub(super) sources: &'a Sources,
    pub(super) summary: &'a RunSummary,
}

impl Closing<'_> {
    /// Tells what could not be written, does what a CI system asks for, and tells how everything ended, with `places` behind
    /// it. `exit` is how it ended; the status is that, or worse when there are errors, and `render` writes the report that
    /// says so. The text is on standard output unless a report is there. With `-q` it is shown only when something went wrong.
    pub(super) fn tell(
        &self,
        exit: ExitStatus,
        errors: &[String],
        places: impl FnOnce(usize) -> String,
        render: impl Fn(Format, ExitStatus, &mut dyn Write) -> io::Result<()>,
    ) -> ExitStatus {
        let Self { context, outputs, plan, sources, summary } = *self;
        let console = &context.console;
        let width = console.width().unwrap_or(DEFAULT_WIDTH);
        let text = report::closing(plan, sources, summary, width) + &places(width);
        errors.iter().for_each(|error| console.error(error));
        let exit = if errors.is_empty() { exit } else { exit.max(ExitStatus::Unwritable) };
        super::ci::write(context, outputs, |format, out| render(format, exit, out));
        let quiet = console.is_quiet();
        if quiet && exit == ExitStatus::Success {
            return exit;
        }
        if quiet || outputs.uses_stdout() {
            console.message(&text);
            return exit;
        }
        context.printed(console.result(&text), exit)
    }
}
