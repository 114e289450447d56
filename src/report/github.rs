//! Workflow commands of GitHub Actions, which become annotations of a pull request: `::error file=…,line=…,title=…::…`.
//!
//! Each is one line; what stands in it is escaped as the runner reads it back, so that no text can begin a command of its own.

use std::io::{self, Write};

use super::annotation::{Annotation, Level, Spot, of_diagnostics, of_run};
use super::format::RunReport;
use crate::diagnostic::{Diagnostic, visible};
use crate::source::Sources;

/// Annotations of a run. GitHub shows as many of a step and level, and drops the others.
const MOST: usize = 10;
/// Characters of a message.
const LONGEST: usize = 4000;

/// Writes a command for each diagnostic.
///
/// # Errors
/// When the writer fails.
pub fn write_github_diagnostics(out: &mut dyn Write, diagnostics: &[Diagnostic], sources: &Sources) -> io::Result<()> {
    of_diagnostics(diagnostics, sources).iter().try_for_each(|each| write(out, each))
}

/// Writes a command for each cause of failures, at most [`MOST`]: the last one then names what the others would have said.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_github(out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    let mut annotations = of_run(report);
    if annotations.len() > MOST {
        let rest = annotations.split_off(MOST - 1);
        annotations.extend(together(rest));
    }
    annotations.iter().try_for_each(|each| write(out, each))
}

/// One for several, at the place of the first.
fn together(annotations: Vec<Annotation>) -> Option<Annotation> {
    let level = annotations.iter().map(|each| each.level).max()?;
    let causes: Vec<&str> = annotations.iter().map(|each| each.message.as_str()).collect();
    let message = format!("{} more causes: {}", causes.len(), causes.join("; "));
    let rule = format!("{} more causes", causes.len());
    let first = annotations.into_iter().next()?;
    Some(Annotation { level, rule, message, help: Some("The report has each of them.".to_owned()), ..first })
}

fn write(out: &mut dyn Write, annotation: &Annotation) -> io::Result<()> {
    let Annotation { level, rule, message, help, spots, related, .. } = annotation;
    let command = match level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "notice",
    };
    let place = spots.first().map(place).unwrap_or_default();
    let mut text: String = message.chars().take(LONGEST).collect();
    if text.len() < message.len() {
        text.push('…');
    }
    let also = |(spot, why): &(Spot, String)| {
        let line = spot.range.map_or(String::new(), |(start, _)| format!(":{}", start.line()));
        format!("\n{}{line}: {why}", visible(&spot.path))
    };
    text.extend(related.iter().map(also));
    text.extend(help.iter().map(|help| format!("\n{help}")));
    writeln!(out, "::{command} {place}title={}::{}", property(rule), data(&text))
}

/// `file=…,line=…,`; a column only where the range is on one line, since GitHub takes none otherwise.
fn place(spot: &Spot) -> String {
    let file = property(&visible(&spot.path));
    let Some((start, end)) = spot.range else { return format!("file={file},") };
    let columns = match end.line() == start.line() {
        true => format!(",col={},endColumn={}", start.column(), end.column().max(start.column())),
        false => String::new(),
    };
    format!("file={file},line={},endLine={}{columns},", start.line(), end.line())
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands after the `=` of a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests;
