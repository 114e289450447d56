//! What is typed for `simulate`.

use std::path::PathBuf;

use clap::Args;

/// `simulate`.
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
