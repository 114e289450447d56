//! The formats of a run's report: what each is called, what it is for, and who writes it.
//!
//! One row a format in [`Format::ALL`] and one arm in [`write_report`]; `--report`, its help and its messages follow.

use std::io::{self, Write};

use super::html::write_html;
use super::json::{RunFacts, write_run};
use crate::expand::ExecutionPlan;
use crate::source::Sources;
use crate::summary::RunSummary;

/// A format that a run's report can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `schemas/report.schema.json`: everything, for programs.
    Json,
    /// One page for people, with everything in it.
    Html,
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
}

impl Format {
    /// All of them, in the order in which they are listed.
    pub const ALL: &[Self] = &[Self::Json, Self::Html];

    /// Its name in `--report`, which is also the usual ending of its files.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
        }
    }

    /// The usual ending of its files, without a dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Html => "html",
        }
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::Json => "everything, for programs",
            Self::Html => "one page for people, with a timeline and a table to search",
        }
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
    let RunReport { plan, sources, summary, facts } = *report;
    match format {
        Format::Json => write_run(out, plan, sources, summary, facts),
        Format::Html => write_html(out, plan, sources, summary, facts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_format_is_found_by_its_name_and_only_by_it() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.name()), Some(*format));
        }
        assert_eq!(Format::parse("Json"), None);
        assert_eq!(Format::parse(""), None);
    }
}
