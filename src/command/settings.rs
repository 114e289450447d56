//! Settings in force: found, put where flags were not given, and shown by `hss-sync settings show`.

use std::path::Path;

use serde::Serialize;

use super::Context;
use super::load::verdict;
use crate::cli::{
    BoundArgs, Cli, ColorArg, CommandArgs, DEFAULT_GRACE, DEFAULT_STATE_DIR, FormatArg, InputArgs, OutputArgs,
    PaceArgs, SettingsAction, SettingsArgs,
};
use crate::diagnostic::write_document;
use crate::exit::ExitStatus;
use crate::io::fs::read_if_there;
use crate::settings::{FILE_NAME, Key, MAX_FILE_BYTES, Origin, Setting, Settings};
use crate::source::{Source, Sources};

/// Reads the settings and fills the flags that were not given. Commands that have no use for them don't read them, so that
/// `explain` works beside a file that is wrong.
///
/// # Errors
/// The status of a settings file or variable that is wrong, which has been told.
pub(super) fn in_force(context: &Context, cli: &mut Cli) -> Result<Settings, ExitStatus> {
    if !has_settings(cli.command.as_ref()) {
        return Ok(Settings::default());
    }
    let mut settings = from_file(context)?;
    settings.take_environment(&context.environment).map_err(|message| context.usage(&message))?;
    let color = cli.global.color.map(|color| match color {
        ColorArg::Auto => "auto",
        ColorArg::Always => "always",
        ColorArg::Never => "never",
    });
    if let Some(color) = color {
        settings.set(Key::Color, color, Origin::Flag("--color"));
    }
    for (given, value, flag) in [(cli.global.quiet, "quiet", "--quiet"), (cli.global.verbose, "verbose", "--verbose")] {
        if given {
            settings.set(Key::Verbosity, value, Origin::Flag(flag));
        }
    }
    fill(cli, &settings);
    Ok(settings)
}

/// Which commands read settings.
fn has_settings(command: Option<&CommandArgs>) -> bool {
    match command {
        Some(
            CommandArgs::Validate(_)
            | CommandArgs::Plan(_)
            | CommandArgs::Run(_)
            | CommandArgs::Resume(_)
            | CommandArgs::Report(_)
            | CommandArgs::Check(_)
            | CommandArgs::Discover(_)
            | CommandArgs::Runs(_)
            | CommandArgs::Settings(_),
        ) => true,
        #[cfg(feature = "simulator")]
        Some(CommandArgs::Simulate(_)) => false,
        None
        | Some(CommandArgs::Explain(_) | CommandArgs::Schema(_) | CommandArgs::Completions(_) | CommandArgs::Man(_)) => {
            false
        }
    }
}

fn from_file(context: &Context) -> Result<Settings, ExitStatus> {
    let text = read_if_there(Path::new(FILE_NAME), MAX_FILE_BYTES).map_err(|message| context.usage(&message))?;
    let Some(text) = text else { return Ok(Settings::default()) };
    let mut sources = Sources::default();
    let id = sources.add(Source::new(FILE_NAME, text));
    let source = sources.get(id).clone();
    Settings::parse(id, &source).map_err(|diagnostics| {
        context.console.diagnostics(&diagnostics, &sources);
        context.console.message(&verdict(&diagnostics, &sources, 1));
        ExitStatus::Usage
    })
}

/// The flags that settings can fill, of whatever command.
#[derive(Default)]
struct Flags<'a> {
    input: Option<&'a mut InputArgs>,
    pace: Option<&'a mut PaceArgs>,
    bounds: Option<&'a mut BoundArgs>,
    output: Option<&'a mut OutputArgs>,
}

/// Puts settings where no flag was given.
fn fill(cli: &mut Cli, settings: &Settings) {
    let value = |key| settings.get(key).map(|setting| setting.value.clone());
    cli.global.color = value(Key::Color).map(|color| match color.as_str() {
        "always" => ColorArg::Always,
        "never" => ColorArg::Never,
        _ => ColorArg::Auto,
    });
    let verbosity = value(Key::Verbosity);
    cli.global.quiet = verbosity.as_deref() == Some("quiet");
    cli.global.verbose = verbosity.as_deref() == Some("verbose");
    let resumes = matches!(cli.command, Some(CommandArgs::Resume(_)));
    let flags = match &mut cli.command {
        Some(CommandArgs::Validate(args)) => Flags { input: Some(&mut args.input), ..Flags::default() },
        Some(CommandArgs::Plan(args)) => {
            Flags { input: Some(&mut args.input), pace: Some(&mut args.pace), ..Flags::default() }
        }
        Some(CommandArgs::Check(args)) => {
            Flags { input: Some(&mut args.input), pace: Some(&mut args.pace), ..Flags::default() }
        }
        Some(CommandArgs::Discover(args)) => Flags { pace: Some(&mut args.pace), ..Flags::default() },
        Some(CommandArgs::Run(args)) => Flags {
            input: Some(&mut args.input),
            pace: Some(&mut args.pace),
            bounds: Some(&mut args.bounds),
            output: Some(&mut args.output),
        },
        Some(CommandArgs::Resume(args)) => Flags {
            input: None,
            pace: Some(&mut args.pace),
            bounds: Some(&mut args.bounds),
            output: Some(&mut args.output),
        },
        Some(CommandArgs::Report(args)) => Flags { output: Some(&mut args.output), ..Flags::default() },
        Some(CommandArgs::Runs(args)) => {
            let state_dir = value(Key::StateDir).map(Into::into);
            args.state_dir = args.state_dir.take().or(state_dir);
            Flags::default()
        }
        _ => Flags::default(),
    };
    if let Some(input) = flags.input {
        input.deny_warnings |= value(Key::DenyWarnings).as_deref() == Some("true");
    }
    if let Some(bounds) = flags.bounds {
        bounds.grace = bounds.grace.take().or(value(Key::Grace));
    }
    if let Some(output) = flags.output {
        output.state_dir = output.state_dir.take().or(value(Key::StateDir).map(Into::into));
    }
    if let Some(pace) = flags.pace {
        fill_pace(pace, settings, resumes);
    }
}

/// A bound of the file holds on plans. What the environment says is the operator's word, as a flag is, though not on a run that
/// goes on: that keeps to what it began with.
fn fill_pace(pace: &mut PaceArgs, settings: &Settings, resumes: bool) {
    let split = |key| match settings.get(key) {
        Some(Setting { value, origin: Origin::File(_) }) => (None, Some(value.clone())),
        Some(Setting { value, .. }) if !resumes => (Some(value.clone()), None),
        _ => (None, None),
    };
    let (said, most) = split(Key::Quota);
    pace.quota = pace.quota.take().or(said);
    pace.at_most.quota = most;
    let number = |text: Option<String>| text.and_then(|text| text.parse().ok());
    let (said, most) = split(Key::Concurrency);
    pace.concurrency = pace.concurrency.or(number(said));
    pace.at_most.concurrency = number(most);
}

#[derive(Serialize)]
struct Document<'a> {
    schema_version: u32,
    settings: Vec<Shown<'a>>,
}

#[derive(Serialize)]
struct Shown<'a> {
    name: &'static str,
    /// Null where each plan says it.
    value: Option<&'a str>,
    /// `built_in`, `file`, `environment` or `flag`.
    source: &'static str,
    /// The place in the file, the variable, the flag.
    place: Option<&'a str>,
}

/// `hss-sync settings show`.
pub(super) fn settings(context: &Context, args: &SettingsArgs, settings: &Settings) -> ExitStatus {
    let SettingsAction::Show { format } = &args.action;
    let shown: Vec<Shown<'_>> = Key::ALL.into_iter().map(|key| shown(key, settings.get(key))).collect();
    let written = match format {
        FormatArg::Human => context.console.result(&lines(&shown)),
        FormatArg::Json => {
            let document = Document { schema_version: 1, settings: shown };
            context.console.result_with(|out| write_document(out, &document))
        }
    };
    context.printed(written, ExitStatus::Success)
}

fn shown(key: Key, setting: Option<&Setting>) -> Shown<'_> {
    let built_in = match key {
        Key::Color => Some("auto"),
        Key::Verbosity => Some("normal"),
        Key::DenyWarnings => Some("false"),
        Key::Concurrency | Key::Quota => None,
        Key::Grace => Some(DEFAULT_GRACE),
        Key::StateDir => Some(DEFAULT_STATE_DIR),
    };
    let (source, place) = match setting.map(|setting| &setting.origin) {
        None => ("built_in", None),
        Some(Origin::File(place)) => ("file", Some(place.as_str())),
        Some(Origin::Environment(name)) => ("environment", Some(name.as_str())),
        Some(Origin::Flag(flag)) => ("flag", Some(*flag)),
    };
    Shown { name: key.as_str(), value: setting.map(|setting| setting.value.as_str()).or(built_in), source, place }
}

/// A line for each setting.
fn lines(shown: &[Shown<'_>]) -> String {
    let value = |setting: &Shown<'_>| match (setting.value, setting.source, setting.name) {
        (None, ..) => format!("each plan's limits.{}", setting.name),
        (Some(value), "file", "quota" | "concurrency") => format!("{value} at most"),
        (Some(value), ..) => crate::diagnostic::visible(value).into_owned(),
    };
    let values: Vec<String> = shown.iter().map(value).collect();
    let width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for (setting, value) in shown.iter().zip(&values) {
        let from = setting.place.unwrap_or("built in");
        text.push_str(&format!("{:<13}  {value:<width$}  {from}\n", setting.name));
    }
    text
}
