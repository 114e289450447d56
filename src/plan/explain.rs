//! From the schema library's errors to our diagnostics.
//!
//! The library says which keyword failed and where; the words come from the schema's own annotations: `x-noun` is what
//! a value is ("a project id"), `x-templated` whether `{{ … }}` may stand there. Several keywords can fail for one cause,
//! so a node is complained about once, and a misspelt key is not also a missing one.

use std::collections::HashSet;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as ErrorKind;
use serde_json::Value;

use super::field::{Field, properties};
use super::locate::{Locator, Spot, part_of_scalar};
use super::words::{bare, is_about_length, not_a, objection, one_of, shown, template_start};
use crate::diagnostic::{Code, Diagnostic, Place, nearest};
use crate::source::{Location, SourceId, Span};
use crate::yaml::{Entry, Kind, Node};

/// Collects diagnostics for the errors of one plan.
pub(super) struct Explainer<'t, 's> {
    source: SourceId,
    locator: Locator<'t>,
    schema: &'s Value,
    diagnostics: Vec<Diagnostic>,
    /// Nodes that were already complained about.
    faulty: HashSet<Span>,
    /// Mappings with the key that one of their unknown keys was probably meant to be.
    misspelt: HashSet<(Span, String)>,
}

impl<'t, 's> Explainer<'t, 's> {
    pub(super) fn new(source: SourceId, root: Node<'t>, schema: &'s Value) -> Self {
        let (faulty, misspelt) = (HashSet::new(), HashSet::new());
        Self { source, locator: Locator::new(root), schema, diagnostics: Vec::new(), faulty, misspelt }
    }

    /// Explains all errors: first those that explain others away.
    pub(super) fn explain(&mut self, errors: &[ValidationError<'_>]) {
        let rank = |error: &ValidationError<'_>| match error.kind() {
            ErrorKind::AdditionalProperties { .. } => 0,
            ErrorKind::Type { .. } => 1,
            _ => 2,
        };
        for turn in 0..=2 {
            errors.iter().filter(|error| rank(error) == turn).for_each(|error| self.error(error));
        }
        if self.diagnostics.is_empty()
            && let Some(error) = errors.first()
        {
            let spot = self.locator.find(error.instance_path().as_str());
            let field = Field::follow(self.schema, error.evaluation_path().as_str());
            self.unforeseen(error, &spot, &field);
        }
    }

    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        self.diagnostics
    }

    fn at(&self, code: Code, span: Span, message: String) -> Diagnostic {
        Diagnostic::at(code, self.source, span, message)
    }

    fn add(&mut self, code: Code, span: Span, message: String) -> &mut Diagnostic {
        let index = self.diagnostics.len();
        self.diagnostics.push(self.at(code, span, message));
        &mut self.diagnostics[index]
    }

    fn error(&mut self, error: &ValidationError<'_>) {
        let spot = self.locator.find(error.instance_path().as_str());
        let field = Field::follow(self.schema, error.evaluation_path().as_str());
        match error.kind() {
            ErrorKind::AdditionalProperties { unexpected } => {
                unexpected.iter().for_each(|key| self.unknown_key(&spot, &field, key));
            }
            ErrorKind::PropertyNames { error: inner } => {
                let field = Field::follow(self.schema, inner.evaluation_path().as_str());
                self.bad_key(&spot, &field, inner.instance().as_str());
            }
            ErrorKind::Required { property } => self.missing_key(&spot, &field, property.as_str().unwrap_or_default()),
            ErrorKind::OneOfNotValid { .. } | ErrorKind::OneOfMultipleValid { .. } => self.alternatives(&spot, &field),
            ErrorKind::AnyOf { context } => self.any_of(error, &spot, &field, context),
            _ if !self.faulty.insert(spot.place()) => {}
            ErrorKind::Type { .. } => self.wrong_type(&spot, &field),
            ErrorKind::MinItems { .. } | ErrorKind::MinProperties { .. } => self.empty(&spot, &field),
            ErrorKind::MaxItems { limit } => {
                let message = format!(
                    "{} has {} entries, at most {limit} are allowed",
                    spot.subject(field.noun),
                    spot.node.items().len()
                );
                self.add(Code::OutOfRange, spot.start(), message);
            }
            ErrorKind::UniqueItems => self.repeated(&spot, &field),
            ErrorKind::Constant { .. } => self.constant(&spot),
            ErrorKind::Minimum { .. } | ErrorKind::Maximum { .. } => self.out_of_range(&spot, &field),
            ErrorKind::MaxLength { limit } if objection_to(&spot, &field).is_none() => {
                let length = spot.node.text().map_or(0, |text| text.chars().count());
                let message =
                    format!("this {} is {length} characters long, at most {limit} are allowed", bare(field.noun));
                self.add(Code::OutOfRange, spot.place(), message);
            }
            _ => self.value(error, &spot, &field),
        }
    }

    fn unknown_key(&mut self, spot: &Spot<'t>, field: &Field<'s>, key: &str) {
        let allowed = field.keys();
        let span = spot.node.entry(key).map_or(spot.place(), |entry| entry.key_span);
        let list =
            format!("allowed are {}", allowed.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "));
        let elsewhere = || {
            let holds = |schema: &Value| properties(schema).any(|(name, _)| name == key);
            properties(self.schema).find(|(_, schema)| holds(schema)).map(|(name, _)| name.to_owned())
        };
        let help = if let Some(meant) = nearest(key, allowed.iter().copied()) {
            self.misspelt.insert((spot.node.span(), meant.to_owned()));
            format!("did you mean `{meant}`? {}{}", list[..1].to_uppercase(), &list[1..])
        } else if let Some(parent) = elsewhere() {
            format!("it belongs under `{parent}`; {list}")
        } else {
            list
        };
        let message = format!("{} is not a key of {}", shown(key), field.noun);
        let diagnostic = self.at(Code::UnknownKey, span, message).label("unknown key").help(help);
        self.diagnostics.push(diagnostic);
    }

    fn bad_key(&mut self, spot: &Spot<'t>, field: &Field<'s>, key: Option<&str>) {
        // The library hands over the key; if it doesn't, every key that breaks the rule is one of its errors.
        let entries = spot.node.entries().filter(|entry| match key {
            Some(key) => entry.key == key,
            None => objection(field.noun, entry.key).is_some(),
        });
        for entry in entries {
            if !self.faulty.insert(entry.key_span) {
                continue;
            }
            if template_start(entry.key).is_some() {
                let message = format!("`{{{{ … }}}}` is not rendered in {}", field.noun);
                let diagnostic = self.add(Code::TemplateNotAllowed, entry.key_span, message);
                diagnostic.help = Some("keys are never rendered; write the name itself".to_owned());
                continue;
            }
            let (code, message) = match objection(field.noun, entry.key) {
                Some(error) if is_about_length(&error) => (Code::OutOfRange, not_a(entry.key, &error)),
                Some(error) => (Code::InvalidValue, not_a(entry.key, &error)),
                None => (Code::InvalidValue, format!("{} is not {}", shown(entry.key), field.noun)),
            };
            let known = (field.noun == "a region").then(|| nearest(entry.key, crate::model::KNOWN_REGIONS)).flatten();
            let diagnostic = self.add(code, entry.key_span, message);
            diagnostic.help = known.map(|region| format!("did you mean `{region}`?"));
        }
    }

    fn missing_key(&mut self, spot: &Spot<'t>, field: &Field<'s>, key: &str) {
        if self.misspelt.contains(&(spot.node.span(), key.to_owned())) {
            return;
        }
        let meaning = properties(field.holder).find(|(name, _)| *name == key).and_then(|(_, schema)| {
            schema.get("description").and_then(Value::as_str).map(|text| text.split(['.', ':']).next().unwrap_or(text))
        });
        let help = match meaning {
            Some(meaning) => format!("add `{key}`: {}", lower_first(meaning)),
            None => format!("add `{key}`"),
        };
        let diagnostic = self
            .at(Code::MissingKey, spot.head(), format!("{} needs `{key}`", field.noun))
            .label(format!("`{key}` is missing"))
            .help(help);
        self.diagnostics.push(diagnostic);
    }

    /// A mapping that has none, or more than one, of the keys that exclude each other.
    fn alternatives(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        if !matches!(spot.node.kind(), Kind::Mapping) {
            return;
        }
        let keys: &[&str] = match field.noun {
            "a registry set" => &["registries", "sync_all_registries", "select"],
            _ => &["project_ids", "project_id", "regions"],
        };
        let mut present: Vec<_> = spot.node.entries().filter(|entry| keys.contains(&entry.key)).collect();
        if keys.iter().any(|key| self.misspelt.contains(&(spot.node.span(), (*key).to_owned()))) {
            return;
        }
        present.sort_by_key(|entry| entry.key_span);
        let is_project = field.noun != "a registry set";
        let pair = is_project && !present.iter().any(|entry| entry.key == "project_ids");
        match present.as_slice() {
            [] => {
                let message = if is_project {
                    "a project needs `project_ids`, or `project_id` with `regions`".to_owned()
                } else {
                    format!("{} needs one of {}", field.noun, one_of(keys.iter().copied()))
                };
                let diagnostic = self.add(Code::MissingKey, spot.head(), message);
                diagnostic.help = Some(if is_project {
                    "`project_ids` maps each region to its project id: `project_ids: { cn-north-4: \"0a1b…\" }`"
                        .to_owned()
                } else {
                    "name the registries under `registries`, or write `sync_all_registries: true`".to_owned()
                });
            }
            [only] if pair && matches!(only.value.kind(), Kind::Mapping) => self.meant_for_ids(*only),
            [only] if pair => {
                let missing = if only.key == "regions" { "project_id" } else { "regions" };
                let message = format!("`{}` needs `{missing}` beside it", only.key);
                let also = Location::new(self.source, only.key_span);
                let diagnostic = self
                    .at(Code::MissingKey, spot.head(), message)
                    .also(also, format!("`{}` is here", only.key))
                    .help(format!("add `{missing}`, or use `project_ids` instead"));
                self.diagnostics.push(diagnostic);
            }
            [first, second, ..] => {
                let (first, second) = (*first, *second);
                let message = format!("`{}` can't stand beside `{}`", second.key, first.key);
                let also = Location::new(self.source, first.key_span);
                let help = format!("keep one of {}", one_of([first.key, second.key]));
                let diagnostic = self
                    .at(Code::ConflictingKeys, second.key_span, message)
                    .also(also, format!("`{}` is here", first.key))
                    .help(help);
                self.diagnostics.push(diagnostic);
            }
            [_] => {}
        }
    }

    /// The only place of a project is a mapping: not its type is wrong, which was told before, but its key.
    fn meant_for_ids(&mut self, entry: Entry<'t>) {
        let value = Location::new(self.source, Spot { node: entry.value, entry: Some(entry) }.start());
        self.diagnostics.retain(|told| !matches!(&told.place, Place::Text(label) if label.location == value));
        let message = format!("`{}` can't be a mapping of regions to project ids", entry.key);
        let diagnostic =
            self.at(Code::WrongType, entry.key_span, message).label("not this key").help("write `project_ids`");
        self.diagnostics.push(diagnostic);
    }

    /// Follows the branch that is meant: the one that the node has the right type for.
    fn any_of(
        &mut self,
        error: &ValidationError<'_>,
        spot: &Spot<'t>,
        field: &Field<'s>,
        branches: &[Vec<ValidationError<'static>>],
    ) {
        let fits = |branch: &&Vec<ValidationError<'static>>| {
            !branch.iter().any(|inner| {
                matches!(inner.kind(), ErrorKind::Type { .. }) && inner.instance_path() == error.instance_path()
            })
        };
        let mut fitting = branches.iter().filter(fits);
        match (fitting.next(), fitting.next()) {
            (Some(branch), None) if branches.len() > 1 => branch.iter().for_each(|inner| self.error(inner)),
            (None, _) if self.faulty.insert(spot.place()) => self.wrong_type(spot, field),
            (Some(_), Some(_)) if self.faulty.insert(spot.place()) => self.value(error, spot, field),
            _ => {}
        }
    }

    fn wrong_type(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        let (kind, text) = (spot.node.kind(), spot.node.text().unwrap_or_default());
        let wants = |name: &str| field.types.contains(&name);
        match kind {
            Kind::Null => self.null(spot, field),
            Kind::Text(_) if template_start(text).is_some() && !field.templated => self.template(spot, field, text),
            Kind::Number | Kind::Bool(_) if wants("string") && !field.options.is_empty() => {
                self.option(spot, field, text)
            }
            Kind::Number if field.noun == "a duration" => {
                let message = format!("{} needs a unit", spot.subject(field.noun));
                let help = format!("write `{text}s` for seconds or `{text}m` for minutes");
                self.add(Code::InvalidValue, spot.place(), message).help = Some(help);
            }
            Kind::Number | Kind::Bool(_) if wants("string") => {
                let (code, what) = match kind {
                    Kind::Number => (Code::NumberAsId, "number"),
                    _ => (Code::BooleanAsId, "boolean"),
                };
                let message = format!("this {} is read by YAML as the {what} {text}", bare(field.noun));
                let diagnostic = self.at(code, spot.place(), message).help(format!("quote it: \"{text}\""));
                self.diagnostics.push(diagnostic);
            }
            _ => self.other_type(spot, field, text),
        }
    }

    fn other_type(&mut self, spot: &Spot<'t>, field: &Field<'s>, text: &str) {
        let wants = |name: &str| field.types.contains(&name);
        let kind = spot.node.kind();
        let expected: Vec<&str> = match field.noun {
            "a number of failures" => vec!["a whole number", "a percentage such as `5%`"],
            "a registry type" if field.types.is_empty() => vec!["a registry type", "a list of them"],
            _ => field.types.iter().copied().map(type_in_words).collect(),
        };
        let actual = match kind {
            Kind::Number if wants("integer") => "a number with a fraction",
            Kind::Number => "a number",
            Kind::Bool(_) => "a boolean",
            Kind::Sequence => "a list",
            Kind::Mapping => "a mapping",
            Kind::Text(_) | Kind::Null => "text",
        };
        let message = format!("{} must be {}, not {actual}", spot.subject(field.noun), any_of(&expected));
        let help = match kind {
            Kind::Text(_) if wants("integer") && super::decode::whole_number(text).is_some() => {
                Some(format!("remove the quotes: {text}"))
            }
            Kind::Text(_) if wants("boolean") => Some("write `true`; YAML 1.2 reads `yes` and `on` as text".to_owned()),
            Kind::Text(_) | Kind::Number | Kind::Bool(_) if wants("array") => Some(format!("write a list: [{text}]")),
            Kind::Text(_) if wants("object") => {
                Some("write `key: value` lines below it; a space must follow the colon".to_owned())
            }
            Kind::Mapping if wants("array") => Some("start each item with `- `".to_owned()),
            Kind::Sequence if field.noun == "a registry set" => Some("put the list under `registries:`".to_owned()),
            Kind::Sequence if wants("object") => Some("write `key: value` lines, without `- ` or `[ ]`".to_owned()),
            Kind::Sequence | Kind::Mapping if wants("string") => {
                Some("write one value; quote it if it starts with `{` or `[`".to_owned())
            }
            _ => None,
        };
        self.add(Code::WrongType, spot.start(), message).help = help;
    }

    fn null(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        let (message, help) = match spot.entry {
            Some(entry) => {
                let or_remove = if field.required { "" } else { ", or remove the key" };
                (format!("{} has no value", shown(entry.key)), format!("give it {}{or_remove}", field.noun))
            }
            None => {
                (format!("{} is empty", spot.subject(field.noun)), format!("write {}, or remove the item", field.noun))
            }
        };
        self.add(Code::NullValue, spot.place(), message).help = Some(help);
    }

    fn empty(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        let message = format!("{} must hold at least one entry", spot.subject(field.noun));
        let help = if field.required { "add an entry" } else { "add an entry, or remove the key" };
        self.add(Code::EmptyCollection, spot.place(), message).help = Some(help.to_owned());
    }

    fn repeated(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        let mut first_places = std::collections::HashMap::new();
        for item in spot.node.items() {
            let text = item.text().unwrap_or_default();
            let Some(first) = first_places.insert(text, item.span()) else { continue };
            first_places.insert(text, first);
            let message = format!("{} stands twice in {}", shown(text), spot.subject(field.noun));
            let also = Location::new(self.source, first);
            let diagnostic = self
                .at(Code::RepeatedItem, item.span(), message)
                .label("again")
                .also(also, "first here")
                .help("remove one of the two");
            self.diagnostics.push(diagnostic);
        }
    }

    fn constant(&mut self, spot: &Spot<'t>) {
        let message = format!("{} can only be `true`", spot.subject("a value"));
        let help = "name the registries under `registries`, or remove the key".to_owned();
        self.add(Code::InvalidValue, spot.place(), message).help = Some(help);
    }

    fn out_of_range(&mut self, spot: &Spot<'t>, field: &Field<'s>) {
        let text = spot.node.text().unwrap_or_default();
        let range = match (field.bound("minimum"), field.bound("maximum")) {
            (Some(low), Some(high)) => format!("from {low} to {high}"),
            (Some(low), None) => format!("at least {low}"),
            (None, Some(high)) => format!("at most {high}"),
            (None, None) => "within bounds".to_owned(),
        };
        let message = format!("{} must be {range}, not {text}", spot.subject(field.noun));
        self.add(Code::OutOfRange, spot.place(), message);
    }

    /// A scalar of the right type whose text is wrong.
    fn value(&mut self, error: &ValidationError<'_>, spot: &Spot<'t>, field: &Field<'s>) {
        let text = spot.node.text().unwrap_or_default();
        if template_start(text).is_some() {
            return self.template(spot, field, text);
        }
        if !field.options.is_empty() {
            return self.option(spot, field, text);
        }
        match objection_to(spot, field) {
            Some(objection) => {
                let code = if is_about_length(&objection) { Code::OutOfRange } else { Code::InvalidValue };
                let meant = (field.noun == "a region").then(|| nearest(text, crate::model::KNOWN_REGIONS)).flatten();
                let help = meant.map(|region| format!("did you mean `{region}`?"));
                self.add(code, spot.place(), not_a(text, &objection)).help = help;
            }
            // The model is more generous than the schema here: a number in quotes, a space before the sign.
            None if field.noun == "a number of failures" => {
                let message = format!("{} is not {}", shown(text), field.noun);
                let help = "write a whole number such as `3`, or a percentage such as `5%`".to_owned();
                self.add(Code::InvalidValue, spot.place(), message).help = Some(help);
            }
            None if text.is_empty() => {
                self.add(Code::OutOfRange, spot.place(), format!("this {} is empty", bare(field.noun)));
            }
            None => self.unforeseen(error, spot, field),
        }
    }

    fn option(&mut self, spot: &Spot<'t>, field: &Field<'s>, text: &str) {
        let allowed = one_of(field.options.iter().copied());
        let help = match nearest(text, field.options.iter().copied()) {
            Some(meant) if meant.eq_ignore_ascii_case(text) => {
                format!("did you mean `{meant}`? Capitals matter. Allowed are {allowed}")
            }
            Some(meant) => format!("did you mean `{meant}`? Allowed are {allowed}"),
            None => format!("write {allowed}"),
        };
        let message = format!("{} is not {}", shown(text), field.noun);
        self.add(Code::InvalidValue, spot.place(), message).help = Some(help);
    }

    fn template(&mut self, spot: &Spot<'t>, field: &Field<'s>, text: &str) {
        let start = template_start(text).unwrap_or_default();
        let span = part_of_scalar(spot.node, start, 2);
        if field.templated {
            let message = format!("only `{{{{ … }}}}` is rendered in a plan, not {}", shown(&text[start..start + 2]));
            let help = "a value is one expression; statements and comments are not available".to_owned();
            self.add(Code::TemplateSyntax, span, message).help = Some(help);
        } else {
            let message = format!("`{{{{ … }}}}` is not rendered in {}", field.noun);
            let help =
                "write the value itself; rendered are registry_id, registry_type, project_ids, project_id, regions, \
                        enterprise_project_id and credential"
                    .to_owned();
            self.add(Code::TemplateNotAllowed, span, message).help = Some(help);
        }
    }

    /// Something that the schema refuses and this module has no words for: never silent.
    fn unforeseen(&mut self, error: &ValidationError<'_>, spot: &Spot<'t>, field: &Field<'s>) {
        let noun = if field.noun.is_empty() { "a value" } else { field.noun };
        let message = format!("{} is not {noun} that the plan schema allows", spot.subject(noun));
        let note = format!("the schema's keyword `{}` refuses it", error.kind().keyword());
        self.add(Code::InvalidValue, spot.place(), message).notes.push(note);
    }
}

fn objection_to(spot: &Spot<'_>, field: &Field<'_>) -> Option<crate::model::InvalidValue> {
    spot.node.text().and_then(|text| objection(field.noun, text))
}

/// "text, a number, or `true` or `false`"
fn any_of(expected: &[&str]) -> String {
    match expected {
        [first @ .., last] if first.len() > 1 || last.contains(" or ") && !first.is_empty() => {
            format!("{}, or {last}", first.join(", "))
        }
        _ => expected.join(" or "),
    }
}

fn type_in_words(name: &str) -> &str {
    match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "`true` or `false`",
        "array" => "a list",
        "object" => "a mapping of keys to values",
        other => other,
    }
}

fn lower_first(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}
