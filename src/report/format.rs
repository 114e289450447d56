//! The formats of a run's report: what each is called, what it is for, and who writes it.
//!
//! One row a format in [`Format::ALL`] and one arm in [`write_report`]; `--report`, its help and its messages follow.

use std::io::{self, Write};

use super::csv::write_csv;
use super::github::write_github;
use super::html::write_html;
use super::json::{RunFacts, write_run};
use super::junit::write_junit;
use super::markdown::write_markdown;
use super::ndjson::{EventFacts, write_events};
use super::sarif::write_sarif;
use crate::event::RunEvent;
use crate::expand::ExecutionPlan;
use crate::merge::MergedRun;
use crate::source::Sources;
use crate::summary::RunSummary;

/// A format that a run's report can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `schemas/report.schema.json`: everything, for programs.
    Json,
    /// `schemas/event.schema.json`: what happens, a line an event, while it happens.
    Ndjson,
    /// A suite a plan and a case an operation, for the test reports of CI systems.
    Junit,
    /// Totals, causes and regions, for people: fits the summary of a CI job.
    Markdown,
    /// A row an operation, for spreadsheets.
    Csv,
    /// One page for people, with everything in it.
    Html,
    /// What failed, at the lines of the plan that govern it, for code scanning.
    Sarif,
    /// The same as annotations of GitHub Actions.
    Github,
}

/// The end of a run, from which a report in any format is made.
#[derive(Clone, Copy, Debug)]
pub struct RunReport<'a> {
    /// What was planned.
    pub plan: &'a ExecutionPlan,
    /// The texts that the plan's places are in.
    pub sources: &'a Sources,
    /// What became of it.
    pub summary: &'a RunSummary,
    /// What is in neither.
    pub facts: RunFacts,
    /// The runs that it was merged from; none for the report of one run.
    pub runs: &'a [MergedRun],
    /// Everything that happened, for formats that tell it in order; where those were written while it happened, nothing.
    pub events: &'a [RunEvent],
}

impl Format {
    /// All of them, in the order in which they are listed.
    pub const ALL: &[Self] =
        &[Self::Json, Self::Ndjson, Self::Junit, Self::Markdown, Self::Csv, Self::Html, Self::Sarif, Self::Github];

    /// Its name in `--report`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Github => "github",
        }
    }

    /// The usual ending of its files, without a dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Junit => "xml",
            Self::Markdown => "md",
            Self::Csv => "csv",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::Github => "txt",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Json => "everything, for programs",
            Self::Ndjson => "the events as they happen, a JSON object a line",
            Self::Junit => "a case an operation, for the test reports of CI systems",
            Self::Markdown => "totals, causes and regions, for the summary of a CI job",
            Self::Csv => "a row an operation, for spreadsheets",
            Self::Html => "one page for people, with a timeline and a table to search",
            Self::Sarif => "failures at the lines of the plan, for code scanning",
            Self::Github => "failures at the lines of the plan, as annotations of GitHub Actions",
        }
    }

    /// Whether each operation is in it with its outcome, however many there are.
    #[must_use]
    pub const fn accounts_for_all(self) -> bool {
        match self {
            Self::Json | Self::Ndjson | Self::Junit | Self::Csv | Self::Html => true,
            Self::Markdown | Self::Sarif | Self::Github => false,
        }
    }

    /// Whether texts of a plan or of the service stand in it as they are, and a runner that reads along could obey one.
    #[must_use]
    pub const fn has_plain_texts(self) -> bool {
        matches!(self, Self::Junit | Self::Markdown | Self::Csv)
    }

    /// Whether a run writes it while it goes on, event by event, and not once it is over.
    #[must_use]
    pub const fn is_stream(self) -> bool {
        matches!(self, Self::Ndjson)
    }

    /// The format of this name.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.name() == name)
    }

    /// All names, for messages: `csv, json and markdown`.
    #[must_use]
    pub fn names() -> String {
        let names: Vec<&str> = Self::ALL.iter().map(|format| format.name()).collect();
        match names.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
            _ => names.concat(),
        }
    }
}

/// Writes the report of a run in a format.
///
/// # Errors
/// When the writer fails.
pub fn write_report(format: Format, out: &mut dyn Write, report: &RunReport<'_>) -> io::Result<()> {
    match format {
        Format::Json => write_run(out, report),
        Format::Ndjson => {
            let RunReport { plan, facts, events, .. } = *report;
            write_events(out, plan, EventFacts { simulated: facts.simulated, shard: facts.shard }, events)
        }
        Format::Junit => write_junit(out, report),
        Format::Markdown => write_markdown(out, report),
        Format::Csv => write_csv(out, report),
        Format::Html => write_html(out, report),
        Format::Sarif => write_sarif(out, report),
        Format::Github => write_github(out, report),
    }
}

/// The runs that a merged report names.
const MOST_RUNS: usize = 20;

/// The runs of a merged report, for people: `20261124-080000-7f3a (shard 1/3)`.
pub(super) fn merged_from(runs: &[MergedRun]) -> Vec<String> {
    let name = |run: &MergedRun| {
        let shard = run.shard.map(|shard| format!("shard {shard}"));
        let facts: Vec<String> = shard.into_iter().chain(run.simulated.then(|| "simulated".to_owned())).collect();
        if facts.is_empty() { run.id.to_string() } else { format!("{} ({})", run.id, facts.join(", ")) }
    };
    let mut named: Vec<String> = runs.iter().take(MOST_RUNS).map(name).collect();
    if runs.len() > named.len() {
        named.push(format!("{} more", runs.len() - named.len()));
    }
    named
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{FailureKind, Outcome};
    use crate::report::fixture::{SMALL, failed, planned, ran, report};

    /// The most that a writer may be given at once, in bytes: what a file is written in.
    const PIECE: usize = 1 << 16;

    /// Counts what is written.
    #[derive(Default)]
    struct Counted {
        most_at_once: usize,
        whole: usize,
    }

    impl Write for Counted {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.most_at_once = self.most_at_once.max(bytes.len());
            self.whole += bytes.len();
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// One that is, costs memory for all operations at once. `tests/it/memory.rs` sees what is held in other ways.
    #[test]
    fn no_format_with_all_operations_is_put_together_before_it_is_written() {
        const OPERATIONS: usize = 6_000;
        let (mut plan, sources) = planned(&[("plans/fleet.yaml", SMALL)]);
        plan.operations = plan.operations.iter().cycle().take(OPERATIONS).cloned().collect();
        let outcome = |op: usize| match op % 5 {
            0 => failed(FailureKind::Refused, Some("HSS.0999"), &format!("registry {op} is not known")),
            _ => Outcome::Accepted,
        };
        let summary = ran((0..OPERATIONS).map(outcome).collect());
        let report = report(&plan, &sources, &summary);
        // A line an event is no document.
        for format in Format::ALL.iter().filter(|format| format.accounts_for_all() && !format.is_stream()) {
            let mut counted = Counted::default();
            write_report(*format, &mut counted, &report).expect("it counts");
            let Counted { most_at_once, whole } = counted;
            assert!(whole > 4 * PIECE, "{}: {whole} bytes say nothing", format.name());
            assert!(most_at_once <= PIECE, "{}: {most_at_once} of {whole} bytes at once", format.name());
        }
    }

    #[test]
    fn every_format_is_found_by_its_name_and_only_by_it() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(*format));
        }
        assert_eq!(Format::parse("Json"), None);
        assert_eq!(Format::parse(""), None);
    }
}
