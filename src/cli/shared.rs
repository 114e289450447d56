//! Groups of flags that several commands take, and how they say what they print.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Where runs are kept when nothing else is said.
pub const DEFAULT_STATE_DIR: &str = ".hss-sync";

/// Heading of what takes a part of the plans.
const CHOICE: &str = "Which operations";
/// Heading of what is about speed.
const PACE: &str = "Speed";

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

/// Output of a command that shows a result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum FormatArg {
    /// Text for people
    #[default]
    Human,
    /// One JSON document on standard output
    Json,
}
