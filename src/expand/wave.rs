//! Which wave takes an operation: the first whose selection matches.

use globset::{Glob, GlobSet, GlobSetBuilder};

use super::render::Findings;
use crate::diagnostic::{Code, Diagnostic};
use crate::model::{Region, SetName};
use crate::plan::{PlanFile, Project, WaveSelect};
use crate::source::{Location, SourceId, Spanned};

/// A selection with its globs compiled.
struct Matcher<'p> {
    select: &'p WaveSelect,
    projects: GlobSet,
    regions: GlobSet,
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
                    projects: globs(&select.projects, file.source, findings),
                    regions: globs(&select.regions, file.source, findings),
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

fn globs(patterns: &[Spanned<String>], source: SourceId, findings: &mut Findings) -> GlobSet {
    let mut builder = GlobSetBuilder::new();
    for pattern in patterns {
        match Glob::new(&pattern.value) {
            Ok(glob) => drop(builder.add(glob)),
            Err(error) => {
                let location = Location::new(source, pattern.span);
                findings.cause(location, Code::InvalidValue, "", || {
                    let message = format!("`{}` is not a name or glob: {}", pattern.value, error.kind());
                    Diagnostic::at(Code::InvalidValue, source, pattern.span, message)
                        .help("`*` stands for any text, `?` for one character, `[ab]` for one of several")
                });
            }
        }
    }
    builder.build().unwrap_or_default()
}
