//! The waves of a reduced plan: each operation that is left lands where it was.
//!
//! A wave takes what it selects and no earlier wave took. What is left was not selected by the waves before its own, so waves
//! without anything left can go. A selection loses the names that nothing has any more, and follows projects and sets to
//! their new names.

use std::collections::HashSet;

use globset::GlobMatcher;

use super::split::{Entry, Splitter};
use super::{NotWritable, Planned};
use crate::model::RunId;
use crate::plan::{PlanFile, WaveSelect, WaveSpec, wildcards};
use crate::source::Spanned;

/// Values that one key of a selection may have (`schemas/plan.schema.json`).
const MOST_SELECTED: usize = 1000;

/// The waves of `file` in which something is left.
pub(super) fn reduce(
    file: &PlanFile,
    operations: &[Planned<'_>],
    entries: &[Entry],
    splitter: &Splitter<'_>,
    run: &RunId,
) -> Result<Vec<WaveSpec>, NotWritable> {
    let left = operations.iter().filter(|planned| planned.left.is_some()).map(|planned| planned.operation);
    let (mut waves, mut regions) = (HashSet::new(), HashSet::new());
    for operation in left {
        waves.insert(operation.wave);
        regions.insert(operation.target.region.as_str());
    }
    let labels = entries.iter().flat_map(|entry| &entry.project.labels).map(|label| label.value.as_str()).collect();
    let sets = entries.iter().flat_map(|entry| sets_of(file, entry)).collect();
    let names = Names { labels, regions, sets, entries, splitter };
    let kept = file.rollout.waves.iter().enumerate().filter(|(index, _)| waves.contains(index));
    kept.map(|(_, wave)| {
        let select = wave.select.as_ref().map(|select| names.reduce(select));
        if select.as_ref().is_some_and(is_too_long) {
            let wave = wave.name.value.to_string();
            return Err(NotWritable::Selection { wave, most: MOST_SELECTED, run: run.clone() });
        }
        Ok(WaveSpec { select, ..wave.clone() })
    })
    .collect()
}

fn is_too_long(select: &WaveSelect) -> bool {
    select.projects.len() > MOST_SELECTED || select.sets.len() > MOST_SELECTED
}

fn sets_of<'e>(file: &'e PlanFile, entry: &'e Entry) -> impl Iterator<Item = &'e str> {
    let list = entry.project.registry_sets.as_ref().or(file.defaults.registry_sets.as_ref());
    list.into_iter().flatten().map(|name| name.value.as_str())
}

/// What a reduced plan has to select from.
struct Names<'e> {
    labels: HashSet<&'e str>,
    regions: HashSet<&'e str>,
    sets: HashSet<&'e str>,
    entries: &'e [Entry],
    splitter: &'e Splitter<'e>,
}

impl Names<'_> {
    fn reduce(&self, select: &WaveSelect) -> WaveSelect {
        let mut labels = select.labels.clone();
        labels.retain(|label| self.labels.contains(label.value.as_str()));
        let mut regions = select.regions.clone();
        regions.retain(|region| {
            let pattern = Pattern::new(&region.value);
            self.regions.iter().any(|region| pattern.matches(region))
        });
        WaveSelect { labels, projects: self.projects(&select.projects), regions, sets: self.sets(&select.sets) }
    }

    /// Each set with its copies, as far as a project names them.
    fn sets(&self, sets: &[Spanned<String>]) -> Vec<Spanned<String>> {
        let with_copies = sets.iter().flat_map(|set| {
            let copies = self.splitter.copies_of(&set.value).iter();
            std::iter::once(set.clone()).chain(copies.map(|copy| Spanned::new(copy.name.value.to_string(), set.span)))
        });
        with_copies.filter(|set| self.sets.contains(set.value.as_str())).collect()
    }

    /// The patterns that still match something, and the new names of projects that they don't match but did. Where a pattern
    /// matches a new name and did not match the old one, the names alone.
    fn projects(&self, projects: &[Spanned<String>]) -> Vec<Spanned<String>> {
        let patterns: Vec<Pattern<'_>> = projects.iter().map(|pattern| Pattern::new(&pattern.value)).collect();
        let selects = |name: &str| patterns.iter().any(|pattern| pattern.matches(name));
        let (mut added, mut caught) = (Vec::new(), false);
        for entry in self.entries {
            let (was, is) = (entry.original.as_str(), entry.project.name.value.as_str());
            if was == is || projects.is_empty() {
                continue;
            }
            match (selects(was), selects(is)) {
                (true, false) => added.push(is),
                (false, true) => caught = true,
                _ => {}
            }
        }
        let Some(span) = projects.first().map(|first| first.span) else { return Vec::new() };
        let spanned = |name: &str| Spanned::new(name.to_owned(), span);
        if caught {
            let selected = self.entries.iter().filter(|entry| selects(entry.original.as_str()));
            return selected.map(|entry| spanned(entry.project.name.value.as_str())).collect();
        }
        let used = patterns
            .iter()
            .zip(projects)
            .filter(|(pattern, _)| self.entries.iter().any(|entry| pattern.matches(entry.project.name.value.as_str())));
        used.map(|(_, written)| written.clone()).chain(added.into_iter().map(spanned)).collect()
    }
}

/// A name or a glob.
enum Pattern<'p> {
    Name(&'p str),
    Glob(GlobMatcher),
}

impl<'p> Pattern<'p> {
    fn new(text: &'p str) -> Self {
        // A mistake in a pattern was refused when the plan was decoded.
        match wildcards(text) {
            Some(Ok(glob)) => Self::Glob(glob.compile_matcher()),
            _ => Self::Name(text),
        }
    }

    fn matches(&self, name: &str) -> bool {
        match self {
            Self::Name(own) => *own == name,
            Self::Glob(glob) => glob.is_match(name),
        }
    }
}
