//! Which wave takes an operation: the first whose selection matches.

use std::collections::HashSet;

use globset::{GlobSet, GlobSetBuilder};

use super::render::Findings;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Region, SetName};
use crate::plan::{PlanFile, Project, WaveSelect, wildcards};
use crate::source::{Location, SourceId, Spanned};

/// A selection with its globs compiled.
struct Matcher<'p> {
    select: &'p WaveSelect,
    projects: Names<'p>,
    regions: Names<'p>,
}

/// Names as they are, and patterns.
struct Names<'p> {
    exact: HashSet<&'p str>,
    patterns: GlobSet,
}

impl Names<'_> {
    fn is_match(&self, name: &str) -> bool {
        self.exact.contains(name) || (!self.patterns.is_empty() && self.patterns.is_match(name))
    }
}

/// The waves of a plan; at least one.
pub(super) struct Waves<'p> {
    matchers: Vec<Option<Matcher<'p>>>,
}

impl<'p> Waves<'p> {
    pub(super) fn new(file: &'p PlanFile, findings: &mut Findings) -> Self {
        let mut matchers: Vec<_> = file
            .rollout
            .waves
            .iter()
            .map(|wave| {
                wave.select.as_ref().map(|select| Matcher {
                    select,
                    projects: names(&select.projects, file.source, findings),
                    regions: names(&select.regions, file.source, findings),
                })
            })
            .collect();
        if matchers.is_empty() {
            matchers.push(None);
        }
        Self { matchers }
    }

    /// The waves that can take operations of a project, in order.
    pub(super) fn of_project(&self, project: &Project) -> Vec<usize> {
        let label = |wanted: &Spanned<String>| project.labels.iter().any(|label| label.value.as_str() == wanted.value);
        let matches = |matcher: &Matcher<'_>| {
            let select = matcher.select;
            (select.labels.is_empty() || select.labels.iter().any(label))
                && (select.projects.is_empty() || matcher.projects.is_match(project.name.value.as_str()))
        };
        let waves = self.matchers.iter().enumerate();
        waves.filter(|(_, matcher)| matcher.as_ref().is_none_or(matches)).map(|(index, _)| index).collect()
    }

    /// The first of `candidates` that takes an operation in `region` made of `sets`.
    pub(super) fn pick(&self, candidates: &[usize], region: &Region, sets: &[SetName]) -> Option<usize> {
        candidates.iter().copied().find(|index| {
            self.matchers[*index].as_ref().is_none_or(|matcher| {
                let set = |wanted: &Spanned<String>| sets.iter().any(|set| set.as_str() == wanted.value);
                (matcher.select.regions.is_empty() || matcher.regions.is_match(region.as_str()))
                    && (matcher.select.sets.is_empty() || matcher.select.sets.iter().any(set))
            })
        })
    }
}

fn names<'p>(patterns: &'p [Spanned<String>], source: SourceId, findings: &mut Findings) -> Names<'p> {
    let mut exact = HashSet::new();
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        let Some(glob) = wildcards(&pattern.value) else {
            exact.insert(pattern.value.as_str());
            continue;
        };
        match glob {
            Ok(glob) => drop(builder.add(glob)),
            Err(error) => {
                let location = Location::new(source, pattern.span);
                findings.cause(location, Code::InvalidValue, "", || {
                    let message = format!("`{}` is not a name or glob: {}", pattern.value, error.kind());
                    Diagnostic::at(Code::InvalidValue, source, pattern.span, message)
                        .help("`*` stands for any text, `?` for one character")
                });
            }
        }
    }
    Names { exact, patterns: builder.build().unwrap_or_default() }
}
