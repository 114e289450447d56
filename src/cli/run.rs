//! What is typed for `run` and `resume`, the commands that send requests.

use std::path::PathBuf;

use clap::Args;

use super::shared::{FormatArg, InputArgs, OutputArgs, PaceArgs, SelectArgs};

/// How long an interrupted run waits when nothing else is said.
pub const DEFAULT_GRACE: &str = "30s";

/// Heading of what ends a run before its end.
const BOUNDS: &str = "When to stop";
/// Heading of what only `resume` has.
const AGAIN: &str = "What to send again";
/// Heading of what only a run against the simulator has.
#[cfg(feature = "simulator")]
const REHEARSAL: &str = "Rehearsal";

/// `run`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync run plans/quickstart.yaml --simulate")]
pub struct RunArgs {
    /// Plans and values.
    #[command(flatten)]
    pub input: InputArgs,
    /// Selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Pace.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Stop after planning and print what `plan` prints; sends nothing
    #[arg(long, conflicts_with_all = ["simulate", "report"])]
    pub dry_run: bool,
    /// Output of --dry-run: human or json
    #[arg(long, value_enum, default_value_t, requires = "dry_run", hide_possible_values = true)]
    pub format: FormatArg,
    /// Send nothing unless the plans have this digest, which `plan` prints (docs/review.md)
    #[arg(long, value_name = "sha256:…", conflicts_with = "dry_run")]
    pub approve: Option<String>,
    /// Compare the plans with the service first, as `check` does, and send nothing when something is wrong
    #[arg(long, conflicts_with = "dry_run")]
    pub check: bool,
    /// Send to an embedded simulator instead of the service; needs no credentials
    #[cfg(feature = "simulator")]
    #[arg(long, conflicts_with = "endpoint", help_heading = REHEARSAL)]
    pub simulate: bool,
    /// With --simulate: N seconds of simulated time pass in one real second (1-10000)
    #[cfg(feature = "simulator")]
    #[arg(
        long,
        value_name = "N",
        requires = "simulate",
        default_value_t = 1,
        value_parser = clap::value_parser!(u32).range(1..=10_000),
        help_heading = REHEARSAL
    )]
    pub time_scale: u32,
    /// With --simulate: how the service misbehaves, such as 429:10%,drop:1%,latency:200ms (docs/simulator.md)
    #[cfg(feature = "simulator")]
    #[arg(long, value_name = "SPEC", requires = "simulate", help_heading = REHEARSAL)]
    pub fault: Option<String>,
    /// With --simulate: the quota that the simulator enforces (default: the published 5/1m)
    #[cfg(feature = "simulator")]
    #[arg(long, value_name = "CALLS/DURATION", requires = "simulate", help_heading = REHEARSAL)]
    pub simulator_quota: Option<String>,
    /// With --simulate: how long the service's tasks take, such as 90s or 1m..20m (default: 30s..2m)
    #[cfg(feature = "simulator")]
    #[arg(long, value_name = "TIME|TIME..TIME", requires = "simulate", help_heading = REHEARSAL)]
    pub task_time: Option<String>,
    /// With --simulate: what goes wrong with tasks, such as failed:10%,lost:5%,late:30s (docs/simulator.md)
    #[cfg(feature = "simulator")]
    #[arg(long, value_name = "SPEC", requires = "simulate", help_heading = REHEARSAL)]
    pub task_fault: Option<String>,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitArgs,
    /// Bounds.
    #[command(flatten)]
    pub bounds: BoundArgs,
    /// Outputs.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Connection.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// `resume`.
#[derive(Clone, Debug, Args)]
#[command(
    before_help = "Example:  hss-sync resume latest",
    after_help = "What was accepted is never sent again. What is unknown is looked up in the service's task lists first, and is \
                  accepted when its task is there. What was not attempted, or was to be repeated when the run stopped, is \
                  sent; what failed for another reason only with --retry-failed, and what is still unknown only with \
                  --retry-unknown. After a spent failure budget one of these is needed. The plans must be as they were. \
                  Bounds and speed of the run hold on, unless they are given anew; --max-duration counts from now."
)]
pub struct ResumeArgs {
    /// A run id, `latest`, or the path of a run's directory
    #[arg(value_name = "RUN", default_value = "latest")]
    pub run: String,
    /// Send again what failed, after its cause was mended
    #[arg(long, help_heading = AGAIN)]
    pub retry_failed: bool,
    /// Send again what is unknown: you have looked, or doing it twice does no harm
    #[arg(long, help_heading = AGAIN)]
    pub retry_unknown: bool,
    /// Go on sending to this host outside Huawei Cloud, as the run was begun: a journal alone can't choose it
    #[arg(long, value_name = "HOST")]
    pub allow_endpoint: Vec<String>,
    /// Pace.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Waiting.
    #[command(flatten)]
    pub wait: WaitOnArgs,
    /// Bounds.
    #[command(flatten)]
    pub bounds: BoundArgs,
    /// Outputs.
    #[command(flatten)]
    pub output: OutputArgs,
    /// Connection.
    #[command(flatten)]
    pub connection: ConnectionArgs,
}

/// Whether a run waits for what it asked for.
#[derive(Clone, Debug, Default, Args)]
pub struct WaitArgs {
    /// Follow the task of each accepted request to its end, by reads of the service's task lists
    #[arg(long)]
    pub wait: bool,
    /// With --wait: for so long after the last request [default: 2h]; `resume` goes on
    #[arg(long, value_name = "DURATION", requires = "wait")]
    pub wait_timeout: Option<String>,
}

/// Whether a session of a run that was begun before waits for what it asked for.
#[derive(Clone, Debug, Default, Args)]
pub struct WaitOnArgs {
    /// Follow the task of each accepted request to its end, by reads of the service's task lists; a run that was begun with it
    /// goes on so
    #[arg(long)]
    pub wait: bool,
    /// With --wait, now or when the run was begun: for so long after the last request [default: as the run was begun, or 2h]
    #[arg(long, value_name = "DURATION")]
    pub wait_timeout: Option<String>,
}

/// When a run stops before its end.
#[derive(Clone, Debug, Default, Args)]
pub struct BoundArgs {
    /// Stop launching at the first failure
    #[arg(long, conflicts_with = "max_failures", help_heading = BOUNDS)]
    pub fail_fast: bool,
    /// Stop when more operations than this failed or are unknown, such as 3 or 5%
    #[arg(long, value_name = "N|N%", help_heading = BOUNDS)]
    pub max_failures: Option<String>,
    /// Stop launching after this time, such as 50m; `resume` goes on
    #[arg(long, value_name = "DURATION", help_heading = BOUNDS)]
    pub max_duration: Option<String>,
    /// After Ctrl-C, wait so long for what is in flight; without an answer it is unknown [default: 30s]
    #[arg(long, value_name = "DURATION", help_heading = BOUNDS)]
    pub grace: Option<String>,
}

/// How the service is met.
#[derive(Clone, Debug, Args)]
pub struct ConnectionArgs {
    /// Don't ask before sending
    #[arg(long)]
    pub yes: bool,
    /// Trust the certificates in this PEM file, besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
    /// Ask this IAM whatever the region, such as `https://iam.example` (http on loopback only): for projects, tokens and keys
    #[arg(long, value_name = "URL")]
    pub iam_endpoint: Option<String>,
}
