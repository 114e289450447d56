//! Where a run's reports go: its own directory always, and wherever `--report` says.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use super::Context;
use crate::io::fs;
use crate::model::RunId;

/// The places that a run's report is written to.
#[derive(Debug)]
pub(super) struct Outputs {
    /// `STATE_DIR/runs/<run-id>`
    directory: PathBuf,
    extra: Vec<Target>,
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
    pub(super) fn parse(reports: &[String], state_dir: &Path, run: &RunId) -> Result<Self, String> {
        let mut extra = Vec::new();
        for report in reports {
            let Some((format, path)) = report.split_once('=') else {
                return Err(format!("--report {report}: write FORMAT=PATH, such as --report json=report.json"));
            };
            if format != "json" {
                return Err(format!("--report {report}: `{format}` is no report format; this version writes json"));
            }
            match path {
                "" => return Err(format!("--report {report}: the path is missing; `-` is standard output")),
                "-" if extra.iter().any(|target| matches!(target, Target::Stdout)) => {
                    return Err("--report: only one report can go to standard output".to_owned());
                }
                "-" => extra.push(Target::Stdout),
                path => extra.push(Target::File(PathBuf::from(path))),
            }
        }
        Ok(Self { directory: state_dir.join("runs").join(run.as_str()), extra })
    }

    /// Whether standard output is taken by a report.
    pub(super) fn uses_stdout(&self) -> bool {
        self.extra.iter().any(|target| matches!(target, Target::Stdout))
    }

    /// Makes the run's directory, and proves that every report can be written there, before anything is sent.
    ///
    /// # Errors
    /// What can't be written, and why.
    pub(super) fn prepare(&self) -> Result<(), String> {
        fs::create_private_dir(&self.directory).map_err(|error| error.to_string())?;
        for target in &self.extra {
            if let Target::File(path) = target {
                fs::check_writable(path).map_err(|error| error.to_string())?;
            }
        }
        Ok(())
    }

    /// Writes the report to every place; one that fails doesn't keep it from the others.
    ///
    /// # Errors
    /// What could not be written, a message each.
    pub(super) fn write(
        &self,
        context: &Context,
        mut render: impl FnMut(&mut dyn Write) -> io::Result<()>,
    ) -> Result<PathBuf, Vec<String>> {
        let own = self.directory.join("report.json");
        let mut errors = Vec::new();
        let mut bytes = Vec::new();
        if let Err(error) = render(&mut bytes) {
            return Err(vec![format!("the report could not be rendered: {error}")]);
        }
        let files = self.extra.iter().filter_map(|target| match target {
            Target::File(path) => Some(path),
            Target::Stdout => None,
        });
        for path in std::iter::once(&own).chain(files) {
            if let Err(error) = fs::write_atomic(path, &bytes, fs::Parents::Create) {
                errors.push(error.to_string());
            }
        }
        if self.uses_stdout()
            && let Err(error) = context.console.result_with(|out| out.write_all(&bytes))
        {
            errors.push(format!("the report could not be written to standard output: {error}"));
        }
        if errors.is_empty() { Ok(own) } else { Err(errors) }
    }
}
