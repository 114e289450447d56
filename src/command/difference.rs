//! `plan --diff OLD`: what would be sent now beside what was there before, and the gates of a pull request.
//!
//! Where the text of the old plans is at hand, the cause of a gate that failed is found by trial: each edit is undone alone, and
//! what then is no longer new was brought by it.

use std::path::Path;

use super::Context;
use super::load::{LoadFailure, Loaded, Reading, Texts};
use super::lock;
use crate::cli::{DiffArgs, PlanFormatArg};
use crate::diagnostic::visible;
use crate::difference::{
    Cause, Comparison, Counted, Difference, Edit, Evidence, Gates, Kind, Side, SideFacts, difference,
    difference_markdown, edits, largest, partners, write_difference,
};
use crate::exit::ExitStatus;
use crate::expand::ExecutionPlan;
use crate::io::fs::STDIN_NAME;
use crate::journal::RecordedSource;
use crate::model::MaxFailures;
use crate::review::{Document, Listed, read_listed};

/// Edits that are tried, each by expanding the plans again.
const MOST_TRIALS: usize = 40;

/// What is there before.
enum Old {
    Plans(Box<Loaded>),
    Listed(Listed),
}

/// Reads the flags that bound a difference.
///
/// # Errors
/// Which flag is wrong, and how it is written.
pub(super) fn gates(args: &DiffArgs) -> Result<Gates, String> {
    let parse = |text: &String| {
        MaxFailures::parse(text).map_err(|_| {
            format!("--max-change {text}: write a whole number such as 20, or a percentage such as 10% of the operations of OLD")
        })
    };
    Ok(Gates { max_new: args.max_new, max_change: args.max_change.as_ref().map(parse).transpose()? })
}

/// Shows what differs from `path`; with status [`ExitStatus::InvalidPlan`] when more does than may.
pub(super) fn show(
    context: &Context,
    path: &Path,
    gates: &Gates,
    format: PlanFormatArg,
    new: &Loaded,
) -> Result<ExitStatus, ExitStatus> {
    let (old, facts) = read_old(path, new).map_err(|failure| {
        let status = failure.report(context);
        context.console.error(&format!("there is nothing to compare with in {}", visible(&path.display().to_string())));
        status
    })?;
    let found = difference(old.side(new), new.side());
    let mut exceeded = gates.exceeded(found.tally(), facts.operations);
    for one in &mut exceeded {
        one.cause = cause(&old, new, &found, one.counted);
    }
    let now = SideFacts {
        kind: if new.is_locked() { Kind::Lock } else { Kind::Plan },
        path: paths(&new.plan),
        digest: Some(new.digest().to_string()),
        operations: new.plan.operations.len(),
    };
    let comparison = Comparison { old: &facts, new: &now, difference: &found, exceeded: &exceeded };
    let written = match format {
        PlanFormatArg::Human => context.console.result(&comparison.text()),
        PlanFormatArg::Json => context.console.result_with(|out| write_difference(out, &comparison)),
        PlanFormatArg::Markdown => context.console.result(&difference_markdown(&comparison)),
    };
    for one in &exceeded {
        context.console.error(&one.text());
    }
    let status = if exceeded.is_empty() { ExitStatus::Success } else { ExitStatus::InvalidPlan };
    Ok(context.printed(written, status))
}

/// The paths of all plans, or of the first and how many more.
fn paths(plan: &ExecutionPlan) -> String {
    let first = plan.plans.first().map_or("", |file| &file.path);
    match plan.plans.len().saturating_sub(1) {
        0 => first.to_owned(),
        more => format!("{first} and {more} more"),
    }
}

fn read_old(path: &Path, new: &Loaded) -> Result<(Old, SideFacts), LoadFailure> {
    let is_piped = new.sources.ids().any(|id| new.sources.get(id).path() == STDIN_NAME);
    if path.as_os_str() == "-" && is_piped {
        let message = "standard input can be read only once: give OLD or the plan as a file";
        return Err(LoadFailure::Usage(vec![message.to_owned()]));
    }
    // As the new ones are read, so that only the plans differ; a lock has what it needs.
    let reading = Reading { is_lenient: true, ..new.reading.clone() };
    let texts = Texts::read(&[path.to_owned()], std::io::stdin().lock())?;
    let document = texts.documents().next();
    let (old, kind) = match document {
        None => (Old::Plans(Box::new(texts.expanded(reading)?)), Kind::Plan),
        Some((Document::Lock, path, text)) => {
            (Old::Plans(Box::new(lock::open_wherever(path, text, &new.reading)?)), Kind::Lock)
        }
        Some((document, path, text)) => {
            let listed = read_listed(text);
            let listed = listed.map_err(|why| LoadFailure::Document { path: path.to_owned(), why })?;
            (Old::Listed(listed), if document == Document::Report { Kind::Report } else { Kind::Listing })
        }
    };
    let (plan, digest) = match &old {
        Old::Plans(loaded) => (&loaded.plan, Some(loaded.digest())),
        Old::Listed(listed) => (&listed.plan, listed.digest.clone()),
    };
    let path = path.display().to_string();
    let facts =
        SideFacts { kind, path, digest: digest.map(|digest| digest.to_string()), operations: plan.operations.len() };
    Ok((old, facts))
}

impl Old {
    /// The side to compare `new` with: what was resolved, unless the new plans are compared as they are written.
    fn side(&self, new: &Loaded) -> Side<'_> {
        match self {
            Self::Plans(old) if new.is_open() => Side::expanded(old.written(), &old.sources),
            Self::Plans(old) => old.side(),
            Self::Listed(listed) => Side::listed(&listed.plan, &listed.lines),
        }
    }
}

impl Loaded {
    fn side(&self) -> Side<'_> {
        Side::expanded(&self.plan, &self.sources)
    }
}

/// What brings most of what a gate counts.
fn cause(old: &Old, new: &Loaded, found: &Difference, counted: Counted) -> Option<Cause> {
    let tried = match old {
        Old::Plans(plans) => tried(old, plans, new, counted.of(found.tally()), counted),
        Old::Listed(_) => Vec::new(),
    };
    // What a trial shows is more than a guess: of as many it comes first.
    largest(tried.into_iter().chain(found.governing(counted)))
}

/// How many fewer there are without each edit of the plans.
fn tried(old: &Old, plans: &Loaded, new: &Loaded, count: usize, counted: Counted) -> Vec<Cause> {
    let (before, now) = (plans.texts(), new.texts());
    let pairs = partners(&plans.plan, &new.plan);
    let pairs = pairs.iter().enumerate().filter_map(|(index, partner)| Some((index, (*partner)?)));
    let edits = pairs.flat_map(|(index, partner)| {
        edits(&before[partner].text, &now[index].text).into_iter().map(move |edit| (index, partner, edit))
    });
    let edits: Vec<_> = edits.collect();
    if edits.len() > MOST_TRIALS {
        return Vec::new();
    }
    let trial = |(index, partner, edit): (usize, usize, Edit)| {
        let (was, is) = (&before[partner].text, &now[index].text);
        let mut texts = now.clone();
        texts[index] = RecordedSource { path: now[index].path.clone(), text: edit.undone(was, is) };
        let reading = Reading { is_lenient: true, ..new.reading.clone() };
        let without = Texts::recorded(&texts).expanded(reading).ok()?;
        let left = counted.of(difference(old.side(&without), without.side()).tally());
        let line = |index: usize| u32::try_from(index).unwrap_or(u32::MAX).saturating_add(1);
        let says = is.lines().nth(edit.new.start).filter(|_| !edit.new.is_empty());
        let says = says.map_or_else(|| "(lines were removed here)".to_owned(), str::to_owned);
        Some(Cause {
            path: now[index].path.clone(),
            lines: line(edit.new.start)..=line(edit.new.end.saturating_sub(1).max(edit.new.start)),
            operations: count.saturating_sub(left),
            evidence: Evidence::Undone(says),
        })
    };
    edits.into_iter().filter_map(trial).collect()
}
