//! Where a run's reports go: its own directory always, and wherever `--report` says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Context;
use super::load::Loaded;
use crate::cli::DEFAULT_STATE_DIR;
use crate::diagnostic::visible;
use crate::exit::ExitStatus;
use crate::io::fs;
use crate::io::state_dir::RunDir;
use crate::model::RunId;
use crate::remaining::{left_of, remaining};
use crate::report::{EventFacts, Format};
use crate::summary::RunSummary;
use crate::terminal::stream::{Streams, StreamsEnd};

/// The places that a run's report is written to.
#[derive(Debug)]
pub(super) struct Outputs {
    /// `STATE_DIR/runs/<run-id>`
    directory: RunDir,
    /// How `resume` finds it from here: its id, or its path.
    name: String,
    /// The flags that name hosts to it.
    hosts: String,
    extra: Vec<Extra>,
}

/// What came of writing the reports.
#[derive(Debug)]
pub(super) struct Written {
    /// The report in the run's own directory, if it is there.
    pub(super) own: Option<PathBuf>,
    /// Whether each outcome is in it or in another report that `--report` names.
    pub(super) anywhere: bool,
    /// What could not be written, a message each.
    pub(super) errors: Vec<String>,
}

/// The plans of what is left, as files.
#[derive(Debug, Default)]
pub(super) struct LeftOver {
    pub(super) files: Vec<PathBuf>,
    pub(super) operations: usize,
    /// What could not be written, a message each.
    pub(super) errors: Vec<String>,
}

impl LeftOver {
    /// The files, for people; `None` if nothing is left.
    pub(super) fn shown(&self) -> Option<String> {
        let files: Vec<String> = self.files.iter().map(|file| shown(file)).collect();
        (!files.is_empty()).then(|| files.join(" "))
    }
}

/// Where runs are kept.
pub(super) fn state_dir(given: &Option<PathBuf>) -> &Path {
    given.as_deref().unwrap_or(Path::new(DEFAULT_STATE_DIR))
}

/// A path, for people.
pub(super) fn shown(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// Standard output, for people.
const STDOUT: &str = "standard output";

fn not_to_stdout(error: io::Error) -> String {
    format!("the report could not be written to {STDOUT}: {error}")
}

/// A report that `--report` asks for.
#[derive(Debug)]
struct Extra {
    format: Format,
    target: Target,
}

#[derive(Debug)]
enum Target {
    File(PathBuf),
    Stdout,
}

impl Outputs {
    /// Reads `--report FORMAT=PATH` flags.
    ///
    /// # Errors
    /// For a format that doesn't exist, a missing path, or standard output given twice.
    pub(super) fn parse(reports: &[String], directory: RunDir) -> Result<Self, String> {
        let mut extra: Vec<Extra> = Vec::new();
        for report in reports {
            let Some((format, path)) = report.split_once('=') else {
                return Err(format!("--report {report}: write FORMAT=PATH, such as --report json=report.json"));
            };
            let format = Format::parse(format).ok_or_else(|| {
                format!("--report {report}: `{format}` is no report format; there are {}", Format::names())
            })?;
            let target = match path {
                "" => return Err(format!("--report {report}: the path is missing; `-` is standard output")),
                "-" if extra.iter().any(Extra::is_stdout) => {
                    return Err("--report: only one report can go to standard output".to_owned());
                }
                "-" => Target::Stdout,
                path => Target::File(PathBuf::from(path)),
            };
            extra.push(Extra { format, target });
        }
        let name = shell_word(&resume_name(&directory));
        Ok(Self { directory, extra, name, hosts: String::new() })
    }

    /// The run's own directory.
    pub(super) fn directory(&self) -> &RunDir {
        &self.directory
    }

    /// Whether standard output is taken by a report.
    pub(super) fn uses_stdout(&self) -> bool {
        self.extra.iter().any(Extra::is_stdout)
    }

    /// Whether `--report` asks for this format.
    pub(super) fn has(&self, format: Format) -> bool {
        self.extra.iter().any(|extra| extra.format == format)
    }

    /// Whether standard output is taken by a report that is written while the run goes on.
    pub(super) fn streams_to_stdout(&self) -> bool {
        self.extra.iter().any(|extra| extra.format.is_stream() && extra.is_stdout())
    }

    /// Makes the run's directory, proves that every report can be written there, and begins those that are written while the
    /// run goes on, before anything is sent.
    ///
    /// # Errors
    /// What can't be written, and why.
    pub(super) fn prepare<'a>(&self, context: &'a Context, facts: EventFacts) -> Result<Streams<'a>, String> {
        fs::create_private_dir(self.directory.path()).map_err(|error| error.to_string())?;
        let (streams, others): (Vec<_>, Vec<_>) = self.extra.iter().partition(|extra| extra.format.is_stream());
        for extra in others {
            if let Target::File(path) = &extra.target {
                fs::check_writable(path).map_err(|error| error.to_string())?;
            }
        }
        let mut begun = Streams::new(&context.console, facts);
        for Extra { target, .. } in streams {
            let no_thread = |error| format!("there is no thread to write the ndjson report: {error}");
            match target {
                Target::File(path) => {
                    let file = fs::open_stream(path).map_err(|error| error.to_string())?;
                    let owned = path.clone();
                    let why = move |error| fs::stream_error(&owned, error).to_string();
                    begun.add(format!("`{}`", shown(path)), file, why).map_err(no_thread)?;
                }
                Target::Stdout => {
                    begun.add(STDOUT.to_owned(), context.console.stream(), not_to_stdout).map_err(no_thread)?;
                }
            }
        }
        Ok(begun)
    }

    /// Writes the report of a run that ends with `exit` to every place; one that fails doesn't keep it from the others.
    /// The run's own directory comes last, so that its report knows whether another one could not be written. What was
    /// `streamed` while the run went on is not written again.
    pub(super) fn write(
        &self,
        context: &Context,
        exit: ExitStatus,
        streamed: Option<StreamsEnd>,
        mut render: impl FnMut(Format, ExitStatus, &mut dyn Write) -> io::Result<()>,
    ) -> Written {
        let is_written = streamed.is_some();
        let StreamsEnd { whole, errors } = streamed.unwrap_or_default();
        let exit = if errors.is_empty() { exit } else { exit.max(ExitStatus::Unwritable) };
        let mut written = Written { own: None, anywhere: whole > 0, errors };
        for Extra { format, target } in self.extra.iter().filter(|extra| !(is_written && extra.format.is_stream())) {
            match target.write(context, *format, |out| render(*format, exit, out)) {
                Ok(()) => written.anywhere |= format.accounts_for_all(),
                Err(error) => written.errors.push(error),
            }
        }
        let exit = if written.errors.is_empty() { exit } else { exit.max(ExitStatus::Unwritable) };
        let own = self.directory.report();
        // The directory was there when the run began, and may be gone by now.
        let result = fs::create_private_dir(self.directory.path());
        let json = |out: &mut dyn Write| render(Format::Json, exit, out);
        match result.and_then(|()| fs::stream_atomic(&own, fs::Parents::Require, json)) {
            Ok(()) => (written.own, written.anywhere) = (Some(own), true),
            Err(error) => written.errors.push(error.to_string()),
        }
        written
    }

    /// Writes the reports that `--report` asks for and nothing else. What could not be written, a message each.
    pub(super) fn write_asked(
        &self,
        context: &Context,
        render: impl Fn(Format, &mut dyn Write) -> io::Result<()>,
    ) -> Vec<String> {
        let write = |Extra { format, target }: &Extra| target.write(context, *format, |out| render(*format, out));
        self.extra.iter().filter_map(|extra| write(extra).err()).collect()
    }

    /// Writes a plan of what is left of each plan, `remaining.yaml`; removes one that is out of date.
    pub(super) fn write_remaining(&self, loaded: &Loaded, summary: &RunSummary) -> LeftOver {
        let mut left = LeftOver::default();
        let run = summary.run.clone().unwrap_or_else(RunId::unnamed);
        let mut texts = Vec::new();
        for rest in remaining(&loaded.files, &loaded.reading.overrides, loaded.written(), &left_of(summary), &run) {
            match rest.text {
                Ok(text) => {
                    left.operations += rest.operations;
                    texts.push(text);
                }
                Err(error) => left.errors.push(format!("there is no plan of what is left: {error}")),
            }
        }
        for number in 1..=loaded.files.len() {
            let path = self.directory.remaining(number);
            let done = match texts.get(number - 1) {
                Some(text) => {
                    fs::write_atomic(&path, text.as_bytes(), fs::Parents::Create).map(|()| left.files.push(path))
                }
                None => fs::remove_if_there(&path),
            };
            left.errors.extend(done.err().map(|error| error.to_string()));
        }
        left
    }

    /// Removes the plans of what was left when the run stopped last, since it goes on.
    ///
    /// # Errors
    /// One can't be removed.
    pub(super) fn remove_remaining(&self, loaded: &Loaded) -> Result<(), String> {
        let mut paths = (1..=loaded.files.len()).map(|number| self.directory.remaining(number));
        paths.try_for_each(|path| fs::remove_if_there(&path)).map_err(|error| error.to_string())
    }

    /// Names hosts that `resume` has to be told again.
    pub(super) fn going_on_with(mut self, hosts: &[String]) -> Self {
        self.hosts = hosts.iter().map(|host| format!(" --allow-endpoint {}", shell_word(host))).collect();
        self
    }

    /// How the run is resumed from here.
    pub(super) fn resume_command(&self) -> String {
        format!("hss-sync resume {}{}", self.name, self.hosts)
    }
}

/// How `resume` finds a run from here: by its id where it is in the default state directory, else by its path.
fn resume_name(directory: &RunDir) -> String {
    let name = directory.name();
    if directory.path() == Path::new(DEFAULT_STATE_DIR).join("runs").join(&name) {
        return name;
    }
    let path = directory.path().display().to_string();
    // Or it would be taken for a flag.
    if path.starts_with('-') { format!("./{path}") } else { path }
}

/// A word as a shell takes it; on Windows as both of its shells do, where no file's name holds a quote.
fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '.' | '-' | '_' | '+' | ',' | ':' | '@' | '%');
    if word.chars().all(|c| plain(c) || (cfg!(windows) && c == '\\')) {
        word.to_owned()
    } else if cfg!(windows) {
        format!("\"{}\"", visible(word))
    } else {
        format!("'{}'", visible(word).replace('\'', r"'\''"))
    }
}

impl Extra {
    fn is_stdout(&self) -> bool {
        matches!(self.target, Target::Stdout)
    }
}

impl Target {
    fn write(
        &self,
        context: &Context,
        format: Format,
        render: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<(), String> {
        match self {
            Self::File(path) => fs::stream_atomic(path, fs::Parents::Create, render).map_err(|error| error.to_string()),
            Self::Stdout if format.has_plain_texts() => context.console.report_of_texts(render).map_err(not_to_stdout),
            Self::Stdout => context.console.report(render).map_err(not_to_stdout),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use crate::cli::Cli;
    use crate::report::Format;

    #[test]
    fn the_help_of_the_flag_names_every_format() {
        let cli = Cli::command();
        let mut found = 0;
        for command in cli.get_subcommands() {
            let flags = command.get_arguments().filter(|flag| flag.get_long() == Some("report"));
            for help in flags.filter_map(|flag| flag.get_help()) {
                let help = help.to_string();
                let (_, named) = help.split_once("formats: ").expect("it lists the formats");
                let named: Vec<&str> = named.split(", ").collect();
                assert_eq!(named, Format::ALL.iter().map(|format| format.name()).collect::<Vec<_>>());
                found += 1;
            }
        }
        assert!(found >= 2, "run and resume have it");
    }
}
