//! `hss-sync completions`: what makes a shell complete commands and flags, made from the arguments themselves.

use clap::CommandFactory;

use super::Context;
use crate::cli::{Cli, CompletionsArgs};
use crate::exit::ExitStatus;

/// Prints the completions of one shell.
pub(super) fn completions(context: &Context, args: &CompletionsArgs) -> ExitStatus {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "hss-sync", &mut script);
    // clap_complete 4.6 names the functions' states in two ways when the program's name has a dash, so that bash would
    // complete no flag of any command.
    context.print(&String::from_utf8_lossy(&script).replace("hss__subcmd__sync", "hss__sync"))
}
