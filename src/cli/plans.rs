//! What is typed for `validate`, `plan`, `check` and `discover`: commands about plans, which send nothing.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::shared::{FormatArg, InputArgs, PaceArgs, SelectArgs, ServiceArgs};

/// Heading of what `plan` has for a review.
const REVIEW: &str = "Review";

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
