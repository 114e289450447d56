//! The diagnostic: what is wrong, where, why, what now.
//!
//! Every problem of a plan is one of these, with a code from the catalogue in [`code`]. [`render`] draws it
//! for people; `report` turns the same value into JSON.

mod code;
mod render;
mod visible;

pub use code::{Code, Explanation, Severity};
pub use render::{Style, render};
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

    /// Whether this makes a plan invalid.
    #[must_use]
    pub fn is_error(&self) -> bool {
        self.severity() == Severity::Error
    }
}

/// The candidate nearest to `name`, when it is near enough to be meant: the text of "did you mean".
#[must_use]
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}
