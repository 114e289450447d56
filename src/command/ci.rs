//! What a run does without a flag where a CI system says how: in GitHub Actions it adds to the summary of the job and annotates
//! the plan. A `--report` of the same format wins.
//!
//! Nobody asked for these, so that one which can't be written is told and changes no exit code.

use std::io::{self, Write};
use std::path::Path;

use super::Context;
use super::output::{Outputs, shown};
use crate::io::credential::Environment;
use crate::io::fs;
use crate::report::Format;

/// Bytes of a step's summary; GitHub shows none of a larger one.
const LARGEST_SUMMARY: u64 = 1024 * 1024;

/// Whether the runner of GitHub Actions started this process, by its own word.
fn in_github_actions(environment: &Environment) -> bool {
    environment.get("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Whether a runner reads what is printed and obeys some of it: that of GitHub Actions, or of Azure Pipelines.
pub(super) fn is_obeyed(environment: &Environment) -> bool {
    let in_azure_pipelines = environment.get("TF_BUILD").is_some_and(|value| value.eq_ignore_ascii_case("true"));
    in_github_actions(environment) || in_azure_pipelines
}

/// Writes what the environment asks for; `render` writes the report of the run in a format.
pub(super) fn write(context: &Context, outputs: &Outputs, render: impl Fn(Format, &mut dyn Write) -> io::Result<()>) {
    if !in_github_actions(&context.environment) {
        return;
    }
    let rendered = |format: Format| {
        let mut bytes = Vec::new();
        // Writing into memory has no way to fail.
        render(format, &mut bytes).ok().map(|()| bytes)
    };
    let summary = context.environment.get("GITHUB_STEP_SUMMARY").filter(|path| !path.is_empty());
    if let Some(path) = summary.filter(|_| !outputs.has(Format::Markdown)).map(Path::new) {
        let result =
            // What an earlier command of the step wrote may not have ended its line.
            rendered(Format::Markdown).map_or(Ok(true), |bytes| fs::append_up_to(path, &[b"\n", &bytes[..]].concat(), LARGEST_SUMMARY));
        match result {
            Ok(true) => {}
            Ok(false) => context
                .console
                .info(&format!("the summary of this step is full, so nothing was added: {}", shown(path))),
            Err(error) => context.console.info(&format!("nothing was added to the summary of this step: {error}")),
        }
    }
    if !outputs.has(Format::Github) {
        let commands = rendered(Format::Github).unwrap_or_default();
        // The runner reads both streams.
        let on_stdout = !outputs.uses_stdout() && context.console.report(|out| out.write_all(&commands)).is_ok();
        if !on_stdout && !commands.is_empty() {
            context.console.commands(&String::from_utf8_lossy(&commands));
        }
    }
}
