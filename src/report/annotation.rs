//! What `sarif` and `github` say at a place of a plan: a diagnostic, or a cause of failures at the line that governs it.
//!
//! The text is made visible here already (no control characters); each format escapes what else means something to it.

use super::closing::{LOOK_AGAIN, advice, first_places, left_open_text, what};
use super::format::RunReport;
use crate::diagnostic::{Diagnostic, Label, Place, Severity, visible};
use crate::policy::explanation;
use crate::source::{Location, Position, Sources};
use crate::summary::Cause;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Level {
    /// Not sent on purpose.
    Note,
    /// Not sent because the run ended first, or a warning of a plan.
    Warning,
    /// Failed or unknown, or a mistake in a plan.
    Error,
}

/// Where it points; the range is from the first character to the one past the last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spot {
    pub(super) path: String,
    pub(super) range: Option<(Position, Position)>,
}

/// One thing to say.
#[derive(Clone, Debug)]
pub(super) struct Annotation {
    pub(super) level: Level,
    /// A diagnostic's code, the service's code, the kind of a failure, or an outcome.
    pub(super) rule: String,
    /// What the rule means, where that is known.
    pub(super) meaning: Option<String>,
    pub(super) message: String,
    /// What to do now.
    pub(super) help: Option<String>,
    /// Where: at least one place. Of a cause they are the lines that govern its operations, each once.
    pub(super) spots: Vec<Spot>,
    /// Other places that matter, with why.
    pub(super) related: Vec<(Spot, String)>,
}

fn spot(sources: &Sources, location: Location) -> Spot {
    let source = sources.get(location.source);
    let range = (source.position(location.span.start), source.position(location.span.end));
    Spot { path: source.path().to_owned(), range: Some(range) }
}

/// Of each diagnostic one.
pub(super) fn of_diagnostics(diagnostics: &[Diagnostic], sources: &Sources) -> Vec<Annotation> {
    let of = |diagnostic: &Diagnostic| {
        let related = |label: &Label| (spot(sources, label.location), visible(&label.text).into_owned());
        Annotation {
            level: match diagnostic.severity() {
                Severity::Error => Level::Error,
                Severity::Warning => Level::Warning,
            },
            rule: diagnostic.code.as_str().to_owned(),
            meaning: Some(diagnostic.code.explanation().summary.to_owned()),
            message: visible(&diagnostic.message).into_owned(),
            help: diagnostic.help.as_deref().map(|help| visible(help).into_owned()),
            spots: vec![match &diagnostic.place {
                Place::Text(label) => spot(sources, label.location),
                Place::File(path) => Spot { path: path.clone(), range: None },
            }],
            related: diagnostic.secondary.iter().map(related).collect(),
        }
    };
    diagnostics.iter().map(of).collect()
}

/// Of each cause one, then of each reason for which a task was not seen to end.
pub(super) fn of_run(report: &RunReport<'_>) -> Vec<Annotation> {
    let summary = report.summary;
    let causes = summary.causes();
    let left_open = summary.left_open();
    let of_cause = |cause: &Cause| {
        let level = match cause.outcome {
            "skipped" => Level::Note,
            "not_attempted" => Level::Warning,
            _ => Level::Error,
        };
        let known = cause.kind.and_then(|kind| explanation(kind, cause.code.as_deref(), &cause.message));
        let kind = cause.kind.map_or(cause.outcome, |kind| kind.as_str());
        annotation(report, cause, level, cause.code.as_deref().unwrap_or(kind), &what(cause))
            .meaning(known.map(|known| known.meaning))
            .help(advice(cause))
    };
    // What is unknown is among the causes already.
    let open = left_open.iter().filter(|reason| reason.outcome == "accepted").map(|reason| {
        annotation(report, reason, Level::Warning, "not-confirmed", &left_open_text(reason.outcome, &reason.message))
            .help(Some(LOOK_AGAIN))
    });
    causes.iter().map(of_cause).chain(open).collect()
}

fn annotation(report: &RunReport<'_>, cause: &Cause, level: Level, rule: &str, what: &str) -> Annotation {
    let RunReport { plan, sources, .. } = *report;
    let (mut places, more) = first_places(plan, &cause.ops);
    if more > 0 {
        places.push(format!("and {more} more"));
    }
    let mut locations: Vec<Location> = cause.ops.iter().map(|op| plan.operations[*op].location).collect();
    locations.sort_unstable();
    locations.dedup();
    let outcome = cause.outcome.replace('_', " ");
    let message = format!("{} {outcome}: {what}: {}", cause.ops.len(), places.join(", "));
    Annotation {
        level,
        rule: visible(rule).into_owned(),
        meaning: None,
        message: visible(&message).into_owned(),
        help: None,
        spots: locations.into_iter().map(|location| spot(sources, location)).collect(),
        related: Vec::new(),
    }
}

impl Annotation {
    fn meaning(mut self, meaning: Option<&str>) -> Self {
        self.meaning = meaning.map(str::to_owned);
        self
    }

    fn help(mut self, help: Option<&str>) -> Self {
        self.help = help.map(str::to_owned);
        self
    }
}
