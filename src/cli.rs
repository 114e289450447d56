//! Argument types and help text, nothing else.
//!
//! What was typed is separate from what it means: nothing here touches the machine or the domain. `command` turns
//! these into domain values, with errors that name the flag. The tree of commands is here; what each takes is in a file for
//! commands of one kind, and what several take in `shared`.

use clap::{Args, Parser, Subcommand, ValueEnum};

pub use about::{CompletionsArgs, ExplainArgs, ManArgs, SchemaArg, SchemaArgs, SettingsAction, SettingsArgs};
pub use plans::{CheckArgs, DiagnosticsFormatArg, DiffArgs, DiscoverArgs, PlanArgs, PlanFormatArg, ValidateArgs};
pub use run::{BoundArgs, ConnectionArgs, DEFAULT_GRACE, ResumeArgs, RunArgs, WaitArgs, WaitOnArgs};
pub use runs::{ReportArgs, RunsArgs};
pub use shared::{AtMost, DEFAULT_STATE_DIR, FormatArg, InputArgs, OutputArgs, PaceArgs, SelectArgs, ServiceArgs};
#[cfg(feature = "simulator")]
pub use simulate::SimulateArgs;

mod about;
mod plans;
mod run;
mod runs;
mod shared;
#[cfg(feature = "simulator")]
mod simulate;

/// What `hss-sync` alone prints.
pub const OVERVIEW: &str = "\
hss-sync asks Huawei Cloud HSS to refresh its list of container images, for many
projects and regions at once, from checked-in YAML plans, inside the service's
quota.

  validate   prove plans correct, offline    hss-sync validate plans/
  plan       show what would be sent         hss-sync plan plans/quickstart.yaml
  run        send it, and report on it       hss-sync run plans/quickstart.yaml
  runs       list runs and what is left      hss-sync runs
  resume     go on with a run that stopped   hss-sync resume latest

Try it without an account:  hss-sync run plans/quickstart.yaml --simulate
Ask what a code means:      hss-sync explain APIGW.0308
Everything else:            hss-sync --help, hss-sync COMMAND --help
";

/// What `--version` prints behind the name: the version, then what it was built from and for. `build.rs` finds that out.
const LONG_VERSION: &str = if env!("HSS_SYNC_COMMIT").is_empty() {
    concat!(env!("CARGO_PKG_VERSION"), "\ntarget: ", env!("HSS_SYNC_TARGET"))
} else {
    concat!(env!("CARGO_PKG_VERSION"), "\ncommit: ", env!("HSS_SYNC_COMMIT"), "\ntarget: ", env!("HSS_SYNC_TARGET"))
};

/// Heading of the flags that every command takes.
const GENERAL: &str = "General options";

/// Ask Huawei Cloud HSS to refresh its list of images, from checked-in YAML plans, inside its quota.
#[derive(Clone, Debug, Parser)]
#[command(
    name = "hss-sync",
    version,
    long_version = LONG_VERSION,
    max_term_width = 100,
    disable_help_subcommand = true,
    after_help = "Exit codes: 0 all accepted or valid, 1 an operation failed, 2 usage, 3 invalid plan or not what was approved, 4 incomplete or \
                  unknown, 5 credentials, 6 the journal or a report could not be written. `hss-sync explain 4` says more."
)]
pub struct Cli {
    /// Flags that every command takes.
    #[command(flatten)]
    pub global: GlobalArgs,
    /// What to do.
    #[command(subcommand)]
    pub command: Option<CommandArgs>,
}

/// Flags that every command takes.
#[derive(Clone, Debug, Args)]
pub struct GlobalArgs {
    /// Colour: auto (the default: on a terminal, unless `NO_COLOR` is set), always or never
    #[arg(long, global = true, value_enum, value_name = "WHEN", hide_possible_values = true, help_heading = GENERAL)]
    pub color: Option<ColorArg>,
    /// Print less: no progress, and the summary of a run only when something went wrong
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = GENERAL)]
    pub quiet: bool,
    /// Print more: where the credentials of a run come from, and where its journal is
    #[arg(short, long, global = true, help_heading = GENERAL)]
    pub verbose: bool,
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ColorArg {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Clone, Debug, Subcommand)]
pub enum CommandArgs {
    /// Prove plans correct: schema, references, templates, expansion, lints. No network
    Validate(ValidateArgs),
    /// Show each operation, the digest, the number of calls and the forecast. No network without --online
    Plan(PlanArgs),
    /// Send the requests of plans, inside the quota, and report on every operation
    Run(Box<RunArgs>),
    /// Go on with a run that was interrupted, from its journal
    Resume(ResumeArgs),
    /// Render reports of runs from their journals, and merge several into one: shards, a run and its rest. No network
    Report(ReportArgs),
    /// Compare plans with the service before a run: credentials, clock, projects, registries. Reads only
    Check(CheckArgs),
    /// List the registries of an account and write a plan from them. Reads only
    Discover(DiscoverArgs),
    /// List runs with state and age, and how to go on with each. No network
    Runs(RunsArgs),
    /// Run a local HSS and IAM on loopback to rehearse against
    #[cfg(feature = "simulator")]
    Simulate(SimulateArgs),
    /// Explain a diagnostic, an HSS or gateway error code, or an exit code
    Explain(ExplainArgs),
    /// Print a published JSON Schema
    Schema(SchemaArgs),
    /// Show the settings in force and where each comes from
    Settings(SettingsArgs),
    /// Print what makes a shell complete commands and flags
    Completions(CompletionsArgs),
    /// Print the manual page, or write those of all commands
    Man(ManArgs),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_argument_tree_is_consistent() {
        Cli::command().debug_assert();
    }
}
