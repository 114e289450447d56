//! The plan as types: every value keeps its place, and templates are still text.
//!
//! [`super::decode`](fn@super::decode) makes it, [`super::validate`](fn@super::validate) checks its references, `expand` renders it.

use std::time::Duration;

use crate::model::{Endpoint, Label, Limits, MaxFailures, ProjectName, Region, RegistryType, SetName, WaveName};
use crate::source::{SourceId, Span, Spanned};
use crate::yaml::ScalarStyle;

/// A scalar that may hold `{{ … }}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Templated {
    /// The decoded text of the scalar.
    pub text: Box<str>,
    /// The scalar in the source, quotes included.
    pub span: Span,
    /// How it is written; with the span, the way from an offset in `text` back to the source.
    pub style: ScalarStyle,
}

impl Templated {
    /// Whether anything has to be rendered.
    #[must_use]
    pub fn is_literal(&self) -> bool {
        let text = &*self.text;
        // Nearly every text has no brace, which is found out faster.
        !text.contains('{') || !["{{", "{%", "{#"].iter().any(|opener| text.contains(opener))
    }
}

/// A variable's value as the plan or an override gives it.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(untagged)]
pub enum VariableValue {
    /// A truth value.
    Bool(bool),
    /// An integer.
    Integer(i64),
    /// Another number.
    Float(f64),
    /// Text.
    Text(String),
}

/// One entry of `vars`.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Name, at its key.
    pub name: Spanned<String>,
    /// Default value.
    pub value: VariableValue,
}

/// One registry of a set.
#[derive(Clone, Debug)]
pub struct RegistryItem {
    /// The whole item.
    pub span: Span,
    /// `registry_id`.
    pub registry_id: Templated,
    /// `registry_type`.
    pub registry_type: Templated,
}

/// `select` of a set.
#[derive(Clone, Debug)]
pub struct SelectSpec {
    /// Types; empty means all.
    pub registry_type: Vec<RegistryType>,
    /// A name or glob.
    pub registry_name: Option<String>,
    /// `success`, `fail` or `accessing`.
    pub status: Option<String>,
}

/// What a set is made of.
#[derive(Clone, Debug)]
pub enum SetKind {
    /// Named registries.
    Registries(Vec<RegistryItem>),
    /// `sync_all_registries: true`.
    All,
    /// Matched online.
    Select(SelectSpec),
}

/// One entry of `registry_sets`.
#[derive(Clone, Debug)]
pub struct RegistrySet {
    /// Name, at its key.
    pub name: Spanned<SetName>,
    /// Contents.
    pub kind: SetKind,
}

/// `requests`: one request for all sets of a place, or one for each.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RequestMode {
    /// One request for each place.
    #[default]
    Merged,
    /// One request for each set of a place.
    PerSet,
}

/// `defaults`.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Enterprise project.
    pub enterprise_project_id: Option<Templated>,
    /// Sets.
    pub registry_sets: Option<Vec<Spanned<SetName>>>,
    /// Credential name.
    pub credential: Option<Templated>,
    /// Request mode.
    pub requests: Option<RequestMode>,
}

/// One region of a project with `project_ids`.
#[derive(Clone, Debug)]
pub struct RegionPlace {
    /// The region, at its key.
    pub region: Spanned<Region>,
    /// The id or `lookup`.
    pub project_id: Templated,
}

/// Where a project is.
#[derive(Clone, Debug)]
pub enum Places {
    /// `project_ids`: region to id.
    PerRegion(Vec<RegionPlace>),
    /// `project_id` with `regions`.
    Same {
        /// The id, usually a template, or `lookup`.
        project_id: Box<Templated>,
        /// The regions.
        regions: Vec<Templated>,
    },
}

/// One entry of `projects`. There may be 100,000 of them, so what few of them state is boxed.
#[derive(Clone, Debug)]
pub struct Project {
    /// The whole entry.
    pub span: Span,
    /// Name.
    pub name: Spanned<ProjectName>,
    /// Regions and ids.
    pub places: Places,
    /// Sets; `None` inherits.
    pub registry_sets: Option<Vec<Spanned<SetName>>>,
    /// Labels.
    pub labels: Vec<Spanned<Label>>,
    /// Enterprise project; `None` inherits.
    pub enterprise_project_id: Option<Box<Templated>>,
    /// Credential; `None` inherits.
    pub credential: Option<Box<Templated>>,
    /// Request mode; `None` inherits.
    pub requests: Option<RequestMode>,
}

/// `select` of a wave: all given keys must match, any value of a key is enough. Projects and regions may be globs.
#[derive(Clone, Debug, Default)]
pub struct WaveSelect {
    /// Labels.
    pub labels: Vec<Spanned<String>>,
    /// Project names or globs.
    pub projects: Vec<Spanned<String>>,
    /// Regions or globs.
    pub regions: Vec<Spanned<String>>,
    /// Registry sets.
    pub sets: Vec<Spanned<String>>,
}

/// One entry of `rollout.waves`.
#[derive(Clone, Debug)]
pub struct WaveSpec {
    /// The whole entry.
    pub span: Span,
    /// Name.
    pub name: Spanned<WaveName>,
    /// What it takes; `None`: all that no earlier wave took.
    pub select: Option<WaveSelect>,
    /// Its failure budget; `None`: no bound.
    pub max_failures: Option<MaxFailures>,
}

/// `rollout`.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// Most operations the plan may expand to (default 1000), at its place if written.
    pub max_operations: usize,
    /// Where `max_operations` is written.
    pub max_operations_span: Option<Span>,
    /// Longest duration.
    pub deadline: Option<Spanned<Duration>>,
    /// Waves in order; empty means one wave with everything.
    pub waves: Vec<WaveSpec>,
    /// Pause between waves.
    pub pause: Duration,
}

/// A plan file with types.
#[derive(Clone, Debug)]
pub struct PlanFile {
    /// Its source.
    pub source: SourceId,
    /// `name`.
    pub name: Spanned<String>,
    /// `vars`.
    pub vars: Vec<Variable>,
    /// `registry_sets`.
    pub registry_sets: Vec<RegistrySet>,
    /// `defaults`.
    pub defaults: Defaults,
    /// `projects`.
    pub projects: Vec<Project>,
    /// `rollout`.
    pub rollout: Rollout,
    /// `limits`.
    pub limits: Limits,
    /// `endpoints`: region, at its key, to endpoint, at its value.
    pub endpoints: Vec<(Spanned<Region>, Spanned<Endpoint>)>,
}
