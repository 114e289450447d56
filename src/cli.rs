//! Argument types and help text, nothing else.
//!
//! What was typed is separate from what it means: nothing here touches the machine or the domain. `command` turns
//! these into domain values, with errors that name the flag.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

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

/// Where runs are kept when nothing else is said.
pub const DEFAULT_STATE_DIR: &str = ".hss-sync";
/// How long an interrupted run waits when nothing else is said.
pub const DEFAULT_GRACE: &str = "30s";

/// Heading of the flags that every command takes.
const GENERAL: &str = "General options";
/// Headings of `run`, which has many flags.
const PACE: &str = "Speed";
const BOUNDS: &str = "When to stop";
/// Heading of what `plan` has for a review.
const REVIEW: &str = "Review";
/// Heading of what takes a part of the plans.
const CHOICE: &str = "Which operations";
/// Heading of what only `resume` has.
const AGAIN: &str = "What to send again";
#[cfg(feature = "simulator")]
const REHEARSAL: &str = "Rehearsal";

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

/// Which plans, with which values.
#[derive(Clone, Debug, Args)]
pub struct InputArgs {
    /// Plan files, directories (searched for *.yaml and *.yml), `-` for standard input, or a lock
    #[arg(required = true, value_name = "PLAN")]
    pub plans: Vec<PathBuf>,
    /// Set a template variable that a plan declares; wins over everything else
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub vars: Vec<String>,
    /// Set template variables from a YAML or JSON file (name: value)
    #[arg(long, value_name = "FILE")]
    pub vars_file: Vec<PathBuf>,
    /// Send to this endpoint whatever the region, such as http://127.0.0.1:8080 (http on loopback only)
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Allow this host in a plan's `endpoints`, besides myhuaweicloud.com and myhuaweicloud.eu
    #[arg(long, value_name = "HOST")]
    pub allow_endpoint: Vec<String>,
    /// Treat warnings as errors
    #[arg(long)]
    pub deny_warnings: bool,
}

/// Which operations of the plans.
#[derive(Clone, Debug, Default, Args)]
pub struct SelectArgs {
    /// Only operations with label, project, region, set or wave of this name, such as region=cn-*; `!` before it: all but
    /// these; repeatable
    #[arg(long, value_name = "KEY=NAME", help_heading = CHOICE)]
    pub select: Vec<String>,
    /// Only one part of N, with its part of the quota, such as 1/3; `auto` takes it from GitLab or Kubernetes
    #[arg(long, value_name = "K/N|auto", help_heading = CHOICE)]
    pub shard: Option<String>,
    /// With --shard auto in a Kubernetes indexed job, which doesn't tell it: how many shards there are
    #[arg(long, value_name = "N", requires = "shard", help_heading = CHOICE)]
    pub shard_count: Option<u32>,
}

/// How fast, over what the plan says.
#[derive(Clone, Debug, Default, Args)]
pub struct PaceArgs {
    /// Requests in flight over all regions, instead of the plan's `limits.concurrency` (1-1024)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1024), help_heading = PACE)]
    pub concurrency: Option<u32>,
    /// Calls in a sliding window, instead of the plan's `limits.quota`, such as 5/1m
    #[arg(long, value_name = "CALLS/DURATION", help_heading = PACE)]
    pub quota: Option<String>,
    /// What the settings file allows at most.
    #[arg(skip)]
    pub at_most: AtMost,
}

/// A bound on what plans say of their speed, from the settings file. What was typed is not bound by it.
#[derive(Clone, Debug, Default)]
pub struct AtMost {
    /// Requests in flight.
    pub concurrency: Option<u32>,
    /// Calls in a window, such as 3/1m.
    pub quota: Option<String>,
}

/// How services are reached by commands that only read, besides `--endpoint`.
#[derive(Clone, Debug, Default, Args)]
pub struct ServiceArgs {
    /// Ask this IAM whatever the region, such as `https://iam.example` (http on loopback only): for projects, tokens and keys
    #[arg(long, value_name = "URL")]
    pub iam_endpoint: Option<String>,
    /// Trust the certificates in this PEM file, besides the system's
    #[arg(long, value_name = "FILE")]
    pub ca_cert: Option<PathBuf>,
}

/// Output of a command that shows a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Text for people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
}

/// Output of `validate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum DiagnosticsFormatArg {
    /// Text for people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// Annotations of GitHub Actions
    Github,
}

/// Output of `plan`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum PlanFormatArg {
    /// Text for people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
    /// With --diff: Markdown for a pull request
    Markdown,
}

/// Comparing plans with what was there before.
#[derive(Clone, Debug, Default, Args)]
pub struct DiffArgs {
    /// Show only what differs from OLD: a lock, a report.json, what `plan --format json` printed, or plans as they were
    #[arg(long, value_name = "OLD", required_if_eq("format", "markdown"), conflicts_with_all = ["select", "shard"],
        help_heading = REVIEW)]
    pub diff: Option<PathBuf>,
    /// With --diff: fail (exit code 3) when more operations than this are new, and name the line that brings most of them
    #[arg(long, value_name = "N", requires = "diff", help_heading = REVIEW)]
    pub max_new: Option<usize>,
    /// With --diff: fail when more operations than this are new, gone or changed; a percentage is of those of OLD
    #[arg(long, value_name = "N|N%", requires = "diff", help_heading = REVIEW)]
    pub max_change: Option<String>,
}

/// `validate`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync validate plans/ --deny-warnings")]
pub struct ValidateArgs {
    /// Plans and values.
    #[command(flatten)]
    pub input: InputArgs,
    /// Selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Output: human, json or sarif (one document on standard output), github (annotations of its Actions)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: DiagnosticsFormatArg,
}

/// `plan`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync plan plans/multi-region.yaml --format json")]
pub struct PlanArgs {
    /// Plans and values.
    #[command(flatten)]
    pub input: InputArgs,
    /// Selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Pace.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// Resolve `lookup` and `select` by asking IAM and HSS (reads only)
    #[arg(long)]
    pub online: bool,
    /// The service.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Output: human, json (one document on standard output), or with --diff markdown
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: PlanFormatArg,
    /// Save what would be sent to this file, a lock that `run` takes in place of the plans (docs/review.md)
    #[arg(long, value_name = "FILE", help_heading = REVIEW, conflicts_with_all = ["select", "shard"])]
    pub out: Option<PathBuf>,
    /// Review.
    #[command(flatten)]
    pub diff: DiffArgs,
}

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

/// Where a run is written down.
#[derive(Clone, Debug, Args)]
pub struct OutputArgs {
    /// Write a report as FORMAT=PATH (`-` is standard output); repeatable; formats: json, ndjson, junit, markdown, csv, html, sarif, github
    #[arg(long, value_name = "FORMAT=PATH")]
    pub report: Vec<String>,
    /// Directory for the journal and report of each run, in runs/RUN/ [default: .hss-sync]
    #[arg(long, value_name = "DIR")]
    pub state_dir: Option<PathBuf>,
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

/// `check`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync check plans/quickstart.yaml")]
pub struct CheckArgs {
    /// Plans and values.
    #[command(flatten)]
    pub input: InputArgs,
    /// Selection.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Pace.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// The service.
    #[command(flatten)]
    pub service: ServiceArgs,
    /// Output: human or json (one document on standard output)
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub format: FormatArg,
}

/// `discover`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync discover --regions cn-north-4 --types Harbor,Jfrog --out plans/found.yaml")]
pub struct DiscoverArgs {
    /// Regions to ask, separated by commas (default: all that the official SDK lists, without the EU site)
    #[arg(long, value_name = "REGION,…", value_delimiter = ',')]
    pub regions: Vec<String>,
    /// Registry types to take, separated by commas, such as Harbor,SwrEnterprise (default: all)
    #[arg(long, value_name = "TYPE,…", value_delimiter = ',')]
    pub types: Vec<String>,
    /// Write the plan to this file instead of standard output (`-`); a file that is there is replaced
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
    /// The credential to ask with, by the name that the plan shall use
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub credential: String,
    /// List the registries of this enterprise project; `all_granted_eps` means all
    #[arg(long, value_name = "ID", default_value = "0")]
    pub enterprise_project_id: String,
    /// Ask HSS at this endpoint whatever the region, such as http://127.0.0.1:8080 (http on loopback only)
    #[arg(long, value_name = "URL")]
    pub endpoint: Option<String>,
    /// Pace.
    #[command(flatten)]
    pub pace: PaceArgs,
    /// The service.
    #[command(flatten)]
    pub service: ServiceArgs,
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

/// `simulate`.
#[cfg(feature = "simulator")]
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync simulate --fault '429:10%,latency:200ms'")]
pub struct SimulateArgs {
    /// Loopback address and port to listen on; port 0 chooses a free one
    #[arg(long, value_name = "ADDR:PORT", default_value = "127.0.0.1:0")]
    pub listen: String,
    /// How the service misbehaves, such as 429:10%,503:5%,drop:1%,latency:200ms
    #[arg(long, value_name = "SPEC")]
    pub fault: Option<String>,
    /// How IAM and the metadata service misbehave when they are asked for tokens and keys, such as 503:20%
    #[arg(long, value_name = "SPEC")]
    pub iam_fault: Option<String>,
    /// How long the tokens and keys that they give are good
    #[arg(long, value_name = "DURATION", default_value = "24h")]
    pub token_lifetime: String,
    /// The quota that is enforced for each user and source address
    #[arg(long, value_name = "CALLS/DURATION", default_value = "5/1m")]
    pub quota: String,
    /// How long tasks take, such as 90s or 1m..20m (default: 30s..2m)
    #[arg(long, value_name = "TIME|TIME..TIME")]
    pub task_time: Option<String>,
    /// What goes wrong with tasks, such as failed:10%,lost:5%,late:30s
    #[arg(long, value_name = "SPEC")]
    pub task_fault: Option<String>,
    /// Seed of faults, latencies and tasks
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,
    /// Write one JSON line for each request to this file
    #[arg(long, value_name = "FILE")]
    pub log: Option<PathBuf>,
    /// N seconds of simulated time pass in one real second (1-10000)
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub time_scale: u32,
}

/// `explain`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync explain unknown-set")]
pub struct ExplainArgs {
    /// A diagnostic (unknown-set), an error code (HSS.0013, 0308, or the line it stands in), or an exit code (4); none: list
    /// them all
    pub code: Option<String>,
}

/// `schema`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync schema plan > plan.schema.json")]
pub struct SchemaArgs {
    /// Which schema
    #[arg(value_enum)]
    pub schema: SchemaArg,
}

/// The published schemas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SchemaArg {
    /// Plan files
    Plan,
    /// The report of `run`
    Report,
    /// A line of `--report ndjson`
    Event,
    /// A line of a run's journal
    Journal,
    /// What `plan --out` saves
    Lock,
}

/// `settings`.
#[derive(Clone, Debug, Args)]
#[command(
    before_help = "Example:  hss-sync settings show",
    after_help = "A flag wins over the environment (HSS_SYNC_QUOTA=3/1m), that over hss-sync.toml in the current directory, that \
                  over what is built in. `concurrency` and `quota` of the file are bounds on what plans say. Settings are \
                  about speed and noise, never about what is sent or where (docs/settings.md)."
)]
pub struct SettingsArgs {
    /// What to do.
    #[command(subcommand)]
    pub action: SettingsAction,
}

/// What can be done with settings.
#[derive(Clone, Debug, Subcommand)]
pub enum SettingsAction {
    /// Show each setting with its value and where that comes from
    #[command(before_help = "Example:  hss-sync settings show --format json")]
    Show {
        /// Output: human or json (one document on standard output)
        #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
        format: FormatArg,
    },
}

/// `completions`.
#[derive(Clone, Debug, Args)]
#[command(
    before_help = "Example:  hss-sync completions bash > ~/.local/share/bash-completion/completions/hss-sync",
    after_help = "zsh: as _hss-sync in a directory of $fpath. fish: as hss-sync.fish in ~/.config/fish/completions. \
                  PowerShell and elvish: in the profile, or read by it. Write it anew after an update."
)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}

/// `man`.
#[derive(Clone, Debug, Args)]
#[command(before_help = "Example:  hss-sync man --dir ~/.local/share/man/man1")]
pub struct ManArgs {
    /// Write hss-sync.1 and a page for each command to this directory, instead of the main page to standard output
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
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
