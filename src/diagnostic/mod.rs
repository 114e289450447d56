//! The diagnostic: what is wrong, where, why, what now.
//!
//! Every problem of a plan is one of these, with a code from the catalogue in [`code`]. [`render`] draws it
//! for people; `report` turns the same value into JSON.

mod code;
mod json;
mod render;
mod visible;

pub use code::{Code, Explanation, Severity};
pub(crate) use json::begins_command;
pub use json::{write_document, write_line};
pub use render::{Style, render};
pub(crate) use visible::is_unsafe;
pub use visible::visible;

use crate::source::{Location, SourceId, Sources, Span};

/// A place with a short text under it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// The underlined part.
    pub location: Location,
    /// What stands beside the underline; may be empty.
    pub text: String,
}

/// Where a diagnostic points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An exact part of a source.
    Text(Label),
    /// A file as a whole, when it could not be read as text.
    File(String),
}

/// One problem of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem.
    pub code: Code,
    /// One sentence, with the names and values of this case.
    pub message: String,
    /// Where.
    pub place: Place,
    /// Other places that matter: the first definition, the other file.
    pub secondary: Vec<Label>,
    /// Why it matters or what produced it, a sentence each.
    pub notes: Vec<String>,
    /// What to do now.
    pub help: Option<String>,
}

impl Diagnostic {
    /// A diagnostic that points at `span` of `source`.
    pub fn at(code: Code, source: SourceId, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: Place::Text(Label { location: Location::new(source, span), text: String::new() }),
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// A diagnostic about a file that could not be read as text.
    pub fn file(code: Code, path: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code,
            message: message.into(),
            place: Place::File(path.into()),
            secondary: Vec::new(),
            notes: Vec::new(),
            help: None,
        }
    }

    /// Sets the text beside the underline.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        if let Place::Text(primary) = &mut self.place {
            primary.text = label.into();
        }
        self
    }

    /// Adds another place.
    #[must_use]
    pub fn also(mut self, location: Location, text: impl Into<String>) -> Self {
        self.secondary.push(Label { location, text: text.into() });
        self
    }

    /// Adds a note.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// Sets what to do now.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The code's severity.
    #[must_use]
    pub fn severity(&self) -> Severity {
        self.code.severity()
    }

    /// The path of the file that it points at.
    #[must_use]
    pub fn path<'a>(&'a self, sources: &'a Sources) -> &'a str {
        match &self.place {
            Place::Text(label) => sources.get(label.location.source).path(),
            Place::File(path) => path,
        }
    }

    /// Where it starts, for sorting; a file as a whole comes first.
    #[must_use]
    pub fn start(&self) -> Option<Location> {
        match &self.place {
            Place::Text(label) => Some(label.location),
            Place::File(_) => None,
        }
    }

    /// Whether this makes a plan invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

/// Most problems that one step shows; the last one says how many more there are.
pub const MOST_SHOWN: usize = 100;

/// Diagnostics in the order of their sources, cut to [`MOST_SHOWN`]: errors first, so that warnings never push the
/// reason for a refusal out of sight.
#[must_use]
pub fn bounded(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    let hidden = diagnostics.len().saturating_sub(MOST_SHOWN);
    if hidden > 0 {
        diagnostics.sort_by_key(|diagnostic| !diagnostic.is_error());
        diagnostics.truncate(MOST_SHOWN);
        diagnostics.sort_by_key(Diagnostic::start);
        if let Some(last) = diagnostics.last_mut() {
            last.notes.push(format!("{hidden} more problems follow, which are not shown"));
        }
    }
    diagnostics
}

/// The candidate nearest to `name`, when it is near enough to be meant: the text of "did you mean".
///
/// Near is what a third of the letters, wrong, missing or swapped, turns into the other, capitals aside; and what
/// begins with the other.
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let length = folded.chars().count();
    let near = |candidate: &'a str| {
        let other = candidate.to_lowercase();
        let other_length = other.chars().count();
        let begins = length.min(other_length) >= 3 && (other.starts_with(&folded) || folded.starts_with(&other));
        let allowed = if length.max(other_length) < 3 { 0 } else { (length.max(other_length) / 3).max(1) };
        if !begins && length.abs_diff(other_length) > allowed {
            return None;
        }
        let distance = strsim::osa_distance(&folded, &other);
        (begins || distance <= allowed).then_some((distance, candidate))
    };
    candidates.into_iter().filter_map(near).min_by_key(|(distance, _)| *distance).map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn what_was_meant_is_near() {
        for (name, candidates, meant) in [
            ("harbour", &["swr", "harbor"][..], Some("harbor")),
            ("srw", &["swr", "harbor"], Some("swr")),
            ("sw", &["swr"], Some("swr")),
            ("HARBOR", &["harbor"], Some("harbor")),
            ("sync_all", &["registries", "sync_all_registries"], Some("sync_all_registries")),
            ("registry", &["registries", "select"], Some("registries")),
            ("vars.harbor", &["vars.environment", "vars.harbor_id"], Some("vars.harbor_id")),
            ("label", &["name", "labels"], Some("labels")),
            // The same beginning and another end is not near.
            ("cn-mars-1", &["cn-east-5", "cn-north-4"], None),
            ("registry_size", &["registry_type"], Some("registry_type")),
            ("harbor-dev", &["harbor-production"], None),
            ("a", &["b"], None),
            ("", &["a"], None),
            ("serch", &["payments"], None),
        ] {
            assert_eq!(nearest(name, candidates.iter().copied()), meant, "{name}");
        }
    }
}
