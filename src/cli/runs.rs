//! What is typed for `report` and `runs`, which read the journals of runs.

use std::path::PathBuf;

use clap::Args;

use super::shared::{FormatArg, OutputArgs};

/// `report`.
#[derive(Clone, Debug, Args)]
#[command(
    before_help = "Example:  hss-sync report latest --report html=run.html",
    after_help = "Reads journals and nothing else; sends nothing and changes no run. Of one run it says what the run itself said, \
                  in any format. Several become one report: an operation is as the run left it that tried it last. One that \
                  no run was in charge of, one that several tried, and runs of different plans are mentioned; with \
                  --require-complete they are errors, and nothing is written. A run that did not come to its end is told as it \
                  stands. The exit code is that of the runs together, as `run` would have ended."
)]
pub struct ReportArgs {
    /// Run ids, `latest`, or paths of runs' directories; several are merged
    #[arg(value_name = "RUN", required = true)]
    pub runs: Vec<String>,
    /// Fail when an operation was in nobody's hands (exit code 4: a shard is missing), was sent by more than one run, or the runs
    /// are of different plans (exit code 3)
    #[arg(long)]
    pub require_complete: bool,
    /// Output: human, or json (the report as one document on standard output)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: FormatArg,
    /// Outputs.
    #[command(flatten)]
    pub output: OutputArgs,
}

/// `runs`.
#[derive(Clone, Debug, Args)]
#[command(
    before_help = "Example:  hss-sync runs --limit 5",
    after_help = "States: running, complete (nothing is left), incomplete (it stopped in order, and something is left), killed \
                  (it did not come to its end; `resume` goes on), empty (killed before anything was sent), damaged and \
                  unreadable (with the reason). A list is always exit code 0, whatever it says."
)]
pub struct RunsArgs {
    /// Directory in which the runs are kept, in runs/RUN/ [default: .hss-sync]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
    /// Show the newest N
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Output: human or json (one document on standard output)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: FormatArg,
}
