//! `hss-sync`: reads the environment once, performs one command, returns its code.

use std::process::ExitCode;

use clap::Parser;
use hss_sync::cli::Cli;
use hss_sync::command;
use hss_sync::io::process::keep_memory_private;

fn main() -> ExitCode {
    let cli = Cli::parse();
    keep_memory_private();
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    ExitCode::from(command::execute(&cli, environment).code())
}
