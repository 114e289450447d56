//! Strict rendering of one scalar: expressions only, bounded, errors with spans.
//!
//! [`scan`] splits a text into literal parts and `{{ … }}` expressions and checks each name, filter and test in them
//! without evaluating anything; [`engine`] compiles each distinct expression once with tera and renders it.
//! Scanning first is what makes an undefined name an error wherever it stands (`==`, `or` and `default` would
//! swallow it) and what keeps out the parts of tera that have no bound: comprehensions, `range`, `indent`, …
//! `docs/expansion.md` lists what a template may use.

mod engine;
mod scan;

pub use engine::{Engine, Subject, TemplateId};

use std::ops::Range;

/// Most bytes of a template text, and of a variable that a template uses.
pub const MAX_TEMPLATE_BYTES: usize = 1024;
/// Most bytes that a template may render to.
pub const MAX_OUTPUT_BYTES: usize = 1024;
/// Most labels of a project that a template may look at.
pub const MAX_LABELS: usize = 64;

/// A variable's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Text.
    Text(String),
    /// An integer.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// A truth value.
    Bool(bool),
}

/// What is defined where a template stands; each kind of place sees what the one before sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// An item of `regions`: `vars` and `project`.
    Region,
    /// A project id, enterprise project id or credential: also `region`.
    Place,
    /// A registry of a set: also `registry_set`.
    Registry,
}

/// Which parts of its [`Subject`] a template depends on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uses {
    /// `project.name` or `project.labels`.
    pub project: bool,
    /// `region`.
    pub region: bool,
    /// `registry_set`.
    pub registry_set: bool,
}

impl Uses {
    /// What either of two depends on.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            project: self.project || other.project,
            region: self.region || other.region,
            registry_set: self.registry_set || other.registry_set,
        }
    }
}

/// What went wrong with a template, and where in its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TemplateError {
    /// What.
    pub kind: ErrorKind,
    /// The bytes of the template text.
    pub range: Range<usize>,
    /// What to do now.
    pub help: Option<String>,
}

/// The kinds of template errors.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// The text is no template that we render; a sentence about it.
    Syntax(String),
    /// A name that is not defined.
    Undefined {
        /// The whole dotted path: `vars.harbor`.
        name: String,
        /// What is defined beside it, as it would be written; sorted.
        available: Vec<String>,
    },
    /// Evaluating failed; a sentence about it.
    Failed(String),
    /// A bound was hit; a sentence about it.
    Limit(String),
}

impl TemplateError {
    fn new(kind: ErrorKind, range: Range<usize>) -> Self {
        Self { kind, range, help: None }
    }

    fn syntax(range: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Syntax(message.into()), range)
    }

    fn limit(range: Range<usize>, message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limit(message.into()), range)
    }

    fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

#[cfg(test)]
mod tests;
