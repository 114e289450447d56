//! What is typed for commands about the tool itself: `explain`, `schema`, `settings`, `completions` and `man`.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::shared::FormatArg;

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
    /// What `plan --diff OLD --format json` prints
    Diff,
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
