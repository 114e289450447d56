//! From a tree that passed the schema to a [`PlanFile`].
//!
//! Here stand the values that no schema can judge: durations, quotas, endpoints, names, numbers that would not survive
//! rendering. All of them are reported at once. A tree that did not pass is met with diagnostics, never with a panic. Names that
//! 100,000 projects share are kept once.

use std::num::NonZeroU32;
use std::time::Duration;

use ahash::{HashMap, HashMapExt as _};

use super::file::{
    Defaults, Places, PlanFile, Project, RegionPlace, RegistryItem, RegistrySet, RequestMode, SelectSpec, SetKind,
    Templated, Variable, VariableValue,
};
use super::words::{bare, in_order, is_about_length, not_a, shown};
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::model::{Endpoint, InvalidValue, KNOWN_REGIONS, Label, Limits, ProjectName, Region, RegistryType, SetName};
use crate::source::{SourceId, Span, Spanned};
use crate::yaml::{Entry, Kind, Node, ScalarStyle, Tree, integer};

/// Gives types to a tree that passed [`super::check_structure`].
///
/// # Errors
/// Values that no schema can judge: durations, endpoints, quotas; all of them, in source order.
pub fn decode(source: SourceId, tree: &Tree) -> Result<PlanFile, Vec<Diagnostic>> {
    let mut decoder = Decoder::new(source);
    match decoder.plan(tree.root()) {
        Some(file) if decoder.problems.is_empty() => Ok(file),
        _ => Err(in_order(decoder.problems)),
    }
}

/// What `read` makes of each, in no more room than that takes: a large plan has 100,000 lists with one item.
fn each<N, T>(nodes: impl ExactSizeIterator<Item = N>, read: impl FnMut(N) -> Option<T>) -> Vec<T> {
    let mut values = Vec::with_capacity(nodes.len());
    values.extend(nodes.filter_map(read));
    values
}

/// The whole number that a plain scalar of kind number is: an integer in any form that YAML has, or `12.0`, which JSON Schema
/// counts as whole.
pub(super) fn whole_number(text: &str) -> Option<i64> {
    if let Some(number) = integer(text) {
        return i64::try_from(number).ok();
    }
    let text = text.replace('_', "");
    let float: f64 = text.parse().ok()?;
    // 2^53: beyond it a float is no longer one certain integer.
    #[expect(clippy::cast_possible_truncation, reason = "checked to be whole and within 2^53")]
    (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
}

/// Collects problems while the tree becomes a plan.
pub(super) struct Decoder<'t> {
    source: SourceId,
    pub(super) problems: Vec<Diagnostic>,
    sets: HashMap<&'t str, SetName>,
    labels: HashMap<&'t str, Label>,
    regions: HashMap<&'t str, Region>,
}

impl<'t> Decoder<'t> {
    fn new(source: SourceId) -> Self {
        let (sets, labels, regions) = (HashMap::new(), HashMap::new(), HashMap::new());
        Self { source, problems: Vec::new(), sets, labels, regions }
    }

    fn plan(&mut self, root: Node<'t>) -> Option<PlanFile> {
        let mut name = None;
        let (mut vars, mut registry_sets, mut projects) = (Vec::new(), Vec::new(), Vec::new());
        let (mut defaults, mut rollout, mut limits) = (Defaults::default(), Self::no_rollout(), Limits::default());
        let mut endpoints = Vec::new();
        for entry in root.entries() {
            match entry.key {
                "version" | "description" => {}
                "name" => {
                    name = self.parse(entry.value, |text| super::words::plan_name(text).map(|()| text.to_owned()))
                }
                "vars" => vars = each(entry.value.entries(), |entry| self.variable(entry)),
                "registry_sets" => registry_sets = each(entry.value.entries(), |entry| self.set(entry)),
                "defaults" => defaults = self.defaults(entry.value),
                "projects" => projects = each(entry.value.items(), |item| self.project(item)),
                "rollout" => rollout = self.rollout(entry.value),
                "limits" => limits = self.limits(entry.value),
                "endpoints" => endpoints = each(entry.value.entries(), |entry| self.endpoint(entry)),
                _ => self.unknown(entry),
            }
        }
        let name = self.needed(name, root, "name")?;
        self.needed((!registry_sets.is_empty()).then_some(()), root, "registry_sets");
        self.needed((!projects.is_empty()).then_some(()), root, "projects");
        Some(PlanFile {
            source: self.source,
            name,
            vars,
            registry_sets,
            defaults,
            projects,
            rollout,
            limits,
            endpoints,
        })
    }

    fn variable(&mut self, entry: Entry<'t>) -> Option<Variable> {
        if let Err(error) = super::words::variable_name(entry.key) {
            self.invalid(entry.key_span, entry.key, &error);
            return None;
        }
        let name = Spanned::new(entry.key.to_owned(), entry.key_span);
        let value = match variable_value(entry.value) {
            Ok(value) => value,
            Err(diagnostic) => {
                self.problems.push(diagnostic.in_source(self.source));
                return None;
            }
        };
        Some(Variable { name, value })
    }

    fn set(&mut self, entry: Entry<'t>) -> Option<RegistrySet> {
        let name = self.set_name(entry.key, entry.key_span);
        let mut kind = None;
        for inner in entry.value.entries() {
            match inner.key {
                "registries" => {
                    let items = each(inner.value.items(), |item| self.registry(item));
                    kind = Some(SetKind::Registries(items));
                }
                "sync_all_registries" => kind = Some(SetKind::All),
                "select" => kind = Some(SetKind::Select(self.select(inner.value))),
                _ => self.unknown(inner),
            }
        }
        let kind = self.needed(kind, entry.value, "registries")?;
        Some(RegistrySet { name: name?, kind })
    }

    fn registry(&mut self, item: Node<'t>) -> Option<RegistryItem> {
        let (mut registry_id, mut registry_type) = (None, None);
        for entry in item.entries() {
            match entry.key {
                "registry_id" => registry_id = self.templated(entry.value),
                "registry_type" => registry_type = self.templated(entry.value),
                _ => self.unknown(entry),
            }
        }
        let registry_id = self.needed(registry_id, item, "registry_id");
        let registry_type = self.needed(registry_type, item, "registry_type");
        Some(RegistryItem { span: item.span(), registry_id: registry_id?, registry_type: registry_type? })
    }

    fn select(&mut self, node: Node<'t>) -> SelectSpec {
        let mut select = SelectSpec { registry_type: Vec::new(), registry_name: None, status: None };
        for entry in node.entries() {
            match entry.key {
                "registry_type" if matches!(entry.value.kind(), Kind::Sequence) => {
                    let types = entry.value.items().filter_map(|item| self.parse(item, RegistryType::parse));
                    select.registry_type = types.map(|found| found.value).collect();
                }
                "registry_type" => {
                    let found = self.parse(entry.value, RegistryType::parse);
                    select.registry_type = found.into_iter().map(|found| found.value).collect();
                }
                "registry_name" => select.registry_name = self.pattern(entry.value).map(|found| found.value),
                "status" => select.status = self.text(entry.value).map(str::to_owned),
                _ => self.unknown(entry),
            }
        }
        select
    }

    fn defaults(&mut self, node: Node<'t>) -> Defaults {
        let mut defaults = Defaults::default();
        for entry in node.entries() {
            match entry.key {
                "enterprise_project_id" => defaults.enterprise_project_id = self.templated(entry.value),
                "registry_sets" => defaults.registry_sets = Some(self.set_names(entry.value)),
                "credential" => defaults.credential = self.templated(entry.value),
                "requests" => defaults.requests = self.requests(entry.value),
                _ => self.unknown(entry),
            }
        }
        defaults
    }

    fn project(&mut self, item: Node<'t>) -> Option<Project> {
        let (mut name, mut registry_sets, mut labels) = (None, None, Vec::new());
        let (mut per_region, mut project_id, mut regions) = (None, None, None);
        let (mut enterprise_project_id, mut credential, mut requests) = (None, None, None);
        for entry in item.entries() {
            let value = entry.value;
            match entry.key {
                "name" => name = self.parse(value, ProjectName::parse),
                "project_ids" => per_region = Some(each(value.entries(), |entry| self.place(entry))),
                "project_id" => project_id = self.templated(value),
                "regions" => regions = Some(each(value.items(), |item| self.region_item(item))),
                "registry_sets" => registry_sets = Some(self.set_names(value)),
                "labels" => labels = each(value.items(), |item| self.label(item)),
                "enterprise_project_id" => enterprise_project_id = self.templated(value).map(Box::new),
                "credential" => credential = self.templated(value).map(Box::new),
                "requests" => requests = self.requests(value),
                _ => self.unknown(entry),
            }
        }
        let places = match (per_region, project_id, regions) {
            (Some(places), None, None) => Some(Places::PerRegion(places)),
            (None, Some(project_id), Some(regions)) => Some(Places::Same { project_id: Box::new(project_id), regions }),
            _ => None,
        };
        let places = self.needed(places, item, "project_ids");
        let name = self.needed(name, item, "name");
        Some(Project {
            span: item.span(),
            name: name?,
            places: places?,
            registry_sets,
            labels,
            enterprise_project_id,
            credential,
            requests,
        })
    }

    fn place(&mut self, entry: Entry<'t>) -> Option<RegionPlace> {
        let region = self.region(entry.key, entry.key_span);
        let project_id = self.templated(entry.value);
        Some(RegionPlace { region: region?, project_id: project_id? })
    }

    /// An item of `regions`: a template, or a region by now.
    fn region_item(&mut self, item: Node<'t>) -> Option<Templated> {
        let templated = self.templated(item)?;
        if templated.is_literal() {
            self.region(item.text()?, item.span())?;
        }
        Some(templated)
    }

    fn region(&mut self, text: &'t str, span: Span) -> Option<Spanned<Region>> {
        if let Some(region) = self.regions.get(text) {
            return Some(Spanned::new(region.clone(), span));
        }
        match Region::parse(text) {
            Ok(region) => {
                self.regions.insert(text, region.clone());
                Some(Spanned::new(region, span))
            }
            Err(error) => {
                let diagnostic = self.invalid(span, text, &error);
                diagnostic.help = nearest(text, KNOWN_REGIONS).map(|region| format!("did you mean `{region}`?"));
                None
            }
        }
    }

    fn set_name(&mut self, text: &'t str, span: Span) -> Option<Spanned<SetName>> {
        if let Some(name) = self.sets.get(text) {
            return Some(Spanned::new(name.clone(), span));
        }
        match SetName::parse(text) {
            Ok(name) => {
                self.sets.insert(text, name.clone());
                Some(Spanned::new(name, span))
            }
            Err(error) => {
                self.invalid(span, text, &error);
                None
            }
        }
    }

    fn set_names(&mut self, node: Node<'t>) -> Vec<Spanned<SetName>> {
        each(node.items(), |item| {
            let text = self.text(item)?;
            self.set_name(text, item.span())
        })
    }

    fn label(&mut self, item: Node<'t>) -> Option<Spanned<Label>> {
        let text = self.text(item)?;
        if let Some(label) = self.labels.get(text) {
            return Some(Spanned::new(label.clone(), item.span()));
        }
        let label = self.parse(item, Label::parse)?;
        self.labels.insert(text, label.value.clone());
        Some(label)
    }

    fn requests(&mut self, node: Node<'t>) -> Option<RequestMode> {
        match self.text(node)? {
            "merged" => Some(RequestMode::Merged),
            "per-set" => Some(RequestMode::PerSet),
            _ => self.wrong(node, "`merged` or `per-set`"),
        }
    }

    fn endpoint(&mut self, entry: Entry<'t>) -> Option<(Spanned<Region>, Spanned<Endpoint>)> {
        let region = self.region(entry.key, entry.key_span);
        let endpoint = self.parse(entry.value, Endpoint::parse);
        Some((region?, endpoint?))
    }

    // ---- what all parts use ----

    pub(super) fn source(&self) -> SourceId {
        self.source
    }

    fn at(&self, code: Code, span: Span, message: String) -> Diagnostic {
        Diagnostic::at(code, self.source, span, message)
    }

    pub(super) fn add(&mut self, code: Code, span: Span, message: String) -> &mut Diagnostic {
        let index = self.problems.len();
        self.problems.push(self.at(code, span, message));
        &mut self.problems[index]
    }

    fn invalid(&mut self, span: Span, text: &str, error: &InvalidValue) -> &mut Diagnostic {
        let code = if is_about_length(error) { Code::OutOfRange } else { Code::InvalidValue };
        self.add(code, span, not_a(text, error))
    }

    /// The text of a scalar that is text.
    pub(super) fn text(&mut self, node: Node<'t>) -> Option<&'t str> {
        match node.kind() {
            Kind::Text(text) => Some(text),
            _ => self.wrong(node, "text"),
        }
    }

    pub(super) fn parse<T>(
        &mut self,
        node: Node<'t>,
        parse: impl FnOnce(&str) -> Result<T, InvalidValue>,
    ) -> Option<Spanned<T>> {
        let text = self.text(node)?;
        match parse(text) {
            Ok(value) => Some(Spanned::new(value, node.span())),
            Err(error) => {
                self.invalid(node.span(), text, &error);
                None
            }
        }
    }

    fn templated(&mut self, node: Node<'t>) -> Option<Templated> {
        let text = self.text(node)?.into();
        Some(Templated { text, span: node.span(), style: node.style().unwrap_or(ScalarStyle::Plain) })
    }

    /// A name or a pattern, of a wave or a `select` set.
    pub(super) fn pattern(&mut self, node: Node<'t>) -> Option<Spanned<String>> {
        self.parse(node, |text| match super::words::wildcards(text) {
            None | Some(Ok(_)) => Ok(text.to_owned()),
            Some(Err(error)) => Err(InvalidValue::new("a name or pattern", format!("has a mistake: {}", error.kind()))),
        })
    }

    pub(super) fn duration(&mut self, node: Node<'t>) -> Option<Spanned<Duration>> {
        self.parse(node, crate::model::parse_duration)
    }

    /// A duration that must be longer than zero.
    pub(super) fn positive(&mut self, entry: Entry<'t>) -> Option<Spanned<Duration>> {
        let duration = self.duration(entry.value)?;
        if duration.value.is_zero() {
            self.add(Code::OutOfRange, duration.span, format!("`{}` must be longer than zero", entry.key));
            return None;
        }
        Some(duration)
    }

    /// A whole number from 1 to `most`.
    pub(super) fn count(&mut self, entry: Entry<'t>, most: u32) -> Option<NonZeroU32> {
        let text = entry.value.text().unwrap_or_default();
        let number = match entry.value.kind() {
            Kind::Number => whole_number(text),
            _ => None,
        };
        let Some(number) = number else { return self.wrong(entry.value, "a whole number") };
        let count = u32::try_from(number).ok().filter(|number| *number <= most).and_then(NonZeroU32::new);
        if count.is_none() {
            let message = format!("`{}` must be from 1 to {most}, not {text}", entry.key);
            self.add(Code::OutOfRange, entry.value.span(), message);
        }
        count
    }

    /// A key that must be there. Only a tree that did not pass the schema lacks one; a part with a problem of its own
    /// is not also missing.
    fn needed<T>(&mut self, value: Option<T>, parent: Node<'t>, key: &str) -> Option<T> {
        if value.is_none() && self.problems.is_empty() {
            let span = parent.entries().next().map_or(parent.span(), |first| first.key_span);
            self.add(Code::MissingKey, span, format!("`{key}` is missing"));
        }
        value
    }

    pub(super) fn named<T>(&mut self, value: Option<T>, parent: Node<'t>) -> Option<T> {
        self.needed(value, parent, "name")
    }

    pub(super) fn unknown(&mut self, entry: Entry<'t>) {
        self.add(Code::UnknownKey, entry.key_span, format!("{} is not a key of a plan", shown(entry.key)));
    }

    pub(super) fn wrong<T>(&mut self, node: Node<'t>, expected: &str) -> Option<T> {
        self.add(Code::WrongType, node.span(), format!("this must be {}", bare(expected)));
        None
    }
}

/// A value that is no variable's, and why.
#[derive(Debug)]
pub struct NotAVariable {
    code: Code,
    span: Span,
    /// What is wrong.
    pub message: String,
    /// What to write instead.
    pub help: Option<String>,
}

impl NotAVariable {
    fn in_source(self, source: SourceId) -> Diagnostic {
        Diagnostic { help: self.help, ..Diagnostic::at(self.code, source, self.span, self.message) }
    }
}

/// The value of a variable, in a plan or in a file of variables: a text, or a number or boolean that is rendered just as
/// it is written.
///
/// # Errors
/// Anything else, with the form that would be right.
pub fn variable_value(node: Node<'_>) -> Result<VariableValue, NotAVariable> {
    let text = node.text().unwrap_or_default();
    let refused = |code, what: &str| {
        let message =
            format!("this variable is read by YAML as the {what} {text}, which is not rendered as it is written");
        NotAVariable { code, span: node.span(), message, help: Some(format!("quote it: \"{text}\"")) }
    };
    match node.kind() {
        Kind::Text(text) => Ok(VariableValue::Text(text.to_owned())),
        Kind::Bool(value) if text == if value { "true" } else { "false" } => Ok(VariableValue::Bool(value)),
        Kind::Bool(_) => Err(refused(Code::BooleanAsId, "boolean")),
        Kind::Number => number(text).ok_or_else(|| refused(Code::NumberAsId, "number")),
        Kind::Null | Kind::Sequence | Kind::Mapping => Err(NotAVariable {
            code: Code::WrongType,
            span: node.span(),
            message: "this variable must be text, a number or a boolean".to_owned(),
            help: Some("an empty text is \"\"".to_owned()),
        }),
    }
}

/// A number that is rendered just as it is written; nothing for the others (`0012`, `1.10`, `1e3`, `.inf`).
fn number(text: &str) -> Option<VariableValue> {
    if let Ok(integer) = text.parse::<i64>() {
        return (integer.to_string() == text).then_some(VariableValue::Integer(integer));
    }
    let float: f64 = text.parse().ok()?;
    (float.is_finite() && format!("{float:?}") == text).then_some(VariableValue::Float(float))
}
