//! Plans in, findings out: `line:column code message`, with label and help where a test is about them.

mod agreement;
mod references;
mod shipped;
mod structure;
mod values;

use super::{PlanFile, ValidatedPlan, check_structure, decode, validate};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, SourceId, Sources};

/// A plan text that was read, with its source for positions.
struct Read {
    sources: Sources,
    id: SourceId,
}

impl Read {
    fn new(text: &str) -> Self {
        let mut sources = Sources::default();
        let id = sources.add(Source::new("plan.yaml", text.to_owned()));
        Self { sources, id }
    }

    fn structure(&self) -> Vec<Diagnostic> {
        let tree = crate::yaml::parse(self.id, self.sources.get(self.id)).expect("well-formed YAML");
        check_structure(self.id, &tree)
    }

    /// The plan without its structure being checked.
    fn decode(&self) -> Result<PlanFile, Vec<Diagnostic>> {
        let tree = crate::yaml::parse(self.id, self.sources.get(self.id)).expect("well-formed YAML");
        decode(self.id, &tree)
    }

    /// All steps; each only when the one before found nothing.
    fn validate(&self, allowed_hosts: &[String]) -> Result<(ValidatedPlan, Vec<Diagnostic>), Vec<Diagnostic>> {
        let found = self.structure();
        if !found.is_empty() {
            return Err(found);
        }
        validate(self.decode()?, allowed_hosts)
    }

    /// `line:column code message`
    fn line(&self, diagnostic: &Diagnostic) -> String {
        let Place::Text(label) = &diagnostic.place else { panic!("a plan's problems have places: {diagnostic:?}") };
        let (_, position) = self.sources.place(label.location);
        let (line, column) = (position.line(), position.column());
        format!("{line}:{column} {} {}", diagnostic.code.as_str(), diagnostic.message)
    }

    /// The text under the diagnostic.
    fn underlined(&self, diagnostic: &Diagnostic) -> &str {
        let Place::Text(label) = &diagnostic.place else { panic!("a plan's problems have places: {diagnostic:?}") };
        self.sources.get(self.id).slice(label.location.span)
    }
}

/// What all steps find in a plan.
fn found(text: &str) -> Vec<Diagnostic> {
    match Read::new(text).validate(&[]) {
        Ok((_, warnings)) => warnings,
        Err(found) => found,
    }
}

/// What all steps find in a plan, a line each.
fn lines(text: &str) -> Vec<String> {
    let read = Read::new(text);
    found(text).iter().map(|diagnostic| read.line(diagnostic)).collect()
}

/// Exactly these lines.
#[track_caller]
fn assert_lines(text: &str, expected: &[&str]) {
    assert_eq!(lines(text), expected, "\n{text}");
}

/// The one diagnostic that a plan gets.
#[track_caller]
fn only(text: &str) -> Diagnostic {
    let mut all = found(text);
    assert_eq!(all.len(), 1, "{all:#?}\n{text}");
    all.remove(0)
}

/// The text beside a diagnostic's underline.
fn label(diagnostic: &Diagnostic) -> &str {
    match &diagnostic.place {
        Place::Text(label) => &label.text,
        Place::File(path) => path,
    }
}

/// A small plan in which nothing is wrong; tests add lines to its end or replace some. Line 10 is its last.
const GOOD: &str = "\
version: 1
name: small
registry_sets:
  all:
    sync_all_registries: true
projects:
  - name: web
    registry_sets: [all]
    project_ids:
      cn-north-4: 0a1b2c3d
";

#[test]
fn nothing_is_wrong_with_the_small_plan() {
    assert_lines(GOOD, &[]);
}
