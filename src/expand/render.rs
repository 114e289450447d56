//! From a templated scalar of the plan to a domain value, and from its failures to diagnostics.
//!
//! A failure is reported once for its cause (the scalar, what is wrong, the name it is about) with the number of
//! operations that met it, however many regions and projects there are.

use std::collections::{BTreeMap, HashMap};

use crate::diagnostic::{Code, Diagnostic, MOST_SHOWN, bounded, nearest};
use crate::model::InvalidValue;
use crate::plan::{PlanFile, Templated, VariableValue};
use crate::source::{Location, SourceId, Sources, Span};
use crate::template::{Engine, ErrorKind, Scope, Subject, TemplateError, TemplateId, Uses, Value};
use crate::yaml::source_span;

/// Most names in a list of what is defined.
const MAX_LISTED: usize = 8;
/// Most characters of a rendered value or template that a message repeats.
const MAX_SHOWN: usize = 80;

/// Which of the causes of [`Findings`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct CauseId(usize);

#[derive(PartialEq, Eq, Hash)]
struct Cause {
    location: Location,
    code: Code,
    name: String,
}

struct Finding {
    diagnostic: Diagnostic,
    operations: usize,
    first: String,
}

/// Diagnostics, one for each cause.
#[derive(Default)]
pub(super) struct Findings {
    causes: HashMap<Cause, CauseId>,
    found: Vec<Finding>,
}

impl Findings {
    /// Records a cause unless it is known. `make` is asked for the diagnostic of a new one.
    pub(super) fn cause(
        &mut self,
        location: Location,
        code: Code,
        name: &str,
        make: impl FnOnce() -> Diagnostic,
    ) -> CauseId {
        let cause = Cause { location, code, name: name.to_owned() };
        *self.causes.entry(cause).or_insert_with(|| {
            self.found.push(Finding { diagnostic: make(), operations: 0, first: String::new() });
            CauseId(self.found.len() - 1)
        })
    }

    /// Counts operations that met a cause.
    pub(super) fn met(&mut self, cause: CauseId, subject: &Subject<'_>, operations: usize) {
        let finding = &mut self.found[cause.0];
        if finding.operations == 0 {
            let region = subject.region.map(|region| format!(" in {region}")).unwrap_or_default();
            let set = subject.registry_set.map(|set| format!(" (set {set})")).unwrap_or_default();
            finding.first = format!("{}{region}{set}", subject.project);
        }
        finding.operations += operations;
    }

    pub(super) fn has_errors(&self) -> bool {
        self.found.iter().any(|finding| finding.diagnostic.is_error())
    }

    /// All diagnostics, in the order of the sources and of the places in them.
    pub(super) fn into_diagnostics(self) -> Vec<Diagnostic> {
        let mut locations = vec![None; self.found.len()];
        for (cause, id) in self.causes {
            locations[id.0] = Some(cause.location);
        }
        let found = locations.into_iter().zip(self.found);
        let mut found: Vec<_> = found.map(|(location, finding)| (location, finding.into_diagnostic())).collect();
        found.sort_by_key(|(location, _)| *location);
        bounded(found.into_iter().map(|(_, diagnostic)| diagnostic).collect())
    }

    /// Whether suggestions are still worth their search: most of what is found now will not be shown.
    fn are_few(&self) -> bool {
        self.found.len() < 10 * MOST_SHOWN
    }
}

impl Finding {
    fn into_diagnostic(self) -> Diagnostic {
        let Self { diagnostic, operations, first } = self;
        let verb = match diagnostic.code {
            Code::DuplicateOperation | Code::OperationWithoutWave | Code::RedundantRegistries => "this concerns",
            _ => "met while rendering",
        };
        match operations {
            0 => diagnostic,
            // The message names it.
            1 if diagnostic.code == Code::DuplicateOperation => diagnostic,
            1 => diagnostic.note(format!("{verb} {first}")),
            count => diagnostic.note(format!("{verb} {count} operations, first {first}")),
        }
    }
}

/// A scalar of the plan on its way to a `T`.
#[derive(Clone, Debug)]
pub(super) struct Field<'p, T> {
    templated: &'p Templated,
    state: State<T>,
    parse: fn(&str) -> Result<T, InvalidValue>,
}

#[derive(Clone, Debug)]
enum State<T> {
    Literal(T),
    Template(TemplateId),
    Broken(CauseId),
}

impl<T> Field<'_, T> {
    /// Where it is written.
    pub(super) fn span(&self) -> Span {
        self.templated.span
    }

    /// Whether its value comes out of a template.
    pub(super) fn is_template(&self) -> bool {
        matches!(self.state, State::Template(_))
    }
}

/// Renders the fields of one plan.
pub(super) struct Renderer<'s> {
    engine: Engine,
    source: SourceId,
    text: &'s str,
    /// What was found so far, in all plans.
    pub(super) findings: &'s mut Findings,
}

impl<'s> Renderer<'s> {
    pub(super) fn new(
        file: &PlanFile,
        sources: &'s Sources,
        overrides: &BTreeMap<String, VariableValue>,
        findings: &'s mut Findings,
    ) -> Self {
        let variables = file.vars.iter().map(|variable| {
            let name = &variable.name.value;
            (name.clone(), to_template(overrides.get(name).unwrap_or(&variable.value)))
        });
        let text = sources.get(file.source).text();
        Self { engine: Engine::new(variables.collect()), source: file.source, text, findings }
    }

    /// Parses a literal or compiles a template; a failure is recorded here and counted by [`Renderer::value`].
    pub(super) fn field<'p, T>(
        &mut self,
        templated: &'p Templated,
        scope: Scope,
        parse: fn(&str) -> Result<T, InvalidValue>,
    ) -> Field<'p, T> {
        let state = if templated.is_literal() {
            match parse(&templated.text) {
                Ok(value) => State::Literal(value),
                Err(invalid) => State::Broken(self.invalid_literal(templated, &invalid)),
            }
        } else {
            match self.engine.compile(&templated.text, scope) {
                Ok(id) => State::Template(id),
                Err(error) => State::Broken(self.broken_template(templated, &error)),
            }
        };
        Field { templated, state, parse }
    }

    /// What a field depends on.
    pub(super) fn uses<T>(&self, field: &Field<'_, T>) -> Uses {
        match field.state {
            State::Template(id) => self.engine.uses(id),
            State::Literal(_) | State::Broken(_) => Uses::default(),
        }
    }

    /// The value of a field for a subject, on which `operations` depend. Nothing when that failed.
    pub(super) fn value<T: Clone>(
        &mut self,
        field: &Field<'_, T>,
        subject: &Subject<'_>,
        operations: usize,
    ) -> Option<T> {
        let cause = match &field.state {
            State::Literal(value) => return Some(value.clone()),
            State::Broken(cause) => *cause,
            State::Template(id) => match self.engine.render(*id, subject) {
                Ok(text) => match (field.parse)(&text) {
                    Ok(value) => return Some(value),
                    Err(invalid) => self.invalid_rendered(field.templated, &text, &invalid),
                },
                Err(error) => self.broken_template(field.templated, &error),
            },
        };
        self.findings.met(cause, subject, operations);
        None
    }

    fn invalid_literal(&mut self, templated: &Templated, invalid: &InvalidValue) -> CauseId {
        let (source, span) = (self.source, templated.span);
        self.findings.cause(Location::new(source, span), Code::InvalidValue, "", || {
            let message = format!("`{}` is not {}: it {}", shown(&templated.text), invalid.what, invalid.reason);
            Diagnostic::at(Code::InvalidValue, source, span, message)
        })
    }

    fn invalid_rendered(&mut self, templated: &Templated, text: &str, invalid: &InvalidValue) -> CauseId {
        let source = self.source;
        let span = source_span(self.text, templated.span, templated.style, 0..templated.text.len());
        self.findings.cause(Location::new(source, span), Code::InvalidRenderedValue, "", || {
            let (shown, what, reason) = (shown(text), invalid.what, &invalid.reason);
            let message = format!("this template renders to `{shown}`, which is not {what}: it {reason}");
            Diagnostic::at(Code::InvalidRenderedValue, source, span, message)
                .help("change the template or the value that it uses")
        })
    }

    fn broken_template(&mut self, templated: &Templated, error: &TemplateError) -> CauseId {
        let source = self.source;
        let span = source_span(self.text, templated.span, templated.style, error.range.clone());
        let (code, name, message) = match &error.kind {
            ErrorKind::Syntax(message) => (Code::TemplateSyntax, "", message.clone()),
            ErrorKind::Failed(message) => (Code::TemplateFailed, "", message.clone()),
            ErrorKind::Limit(message) => (Code::TemplateLimit, "", message.clone()),
            ErrorKind::Undefined { name, .. } => {
                (Code::UndefinedVariable, name.as_str(), format!("`{name}` is not defined"))
            }
        };
        let suggests = self.findings.are_few();
        self.findings.cause(Location::new(source, span), code, name, || {
            let mut diagnostic = Diagnostic::at(code, source, span, message);
            if let ErrorKind::Undefined { name, available } = &error.kind
                && suggests
            {
                diagnostic = diagnostic.label(defined(available));
                diagnostic.help = nearest(name, available.iter().map(String::as_str))
                    .map(|candidate| format!("did you mean `{candidate}`?"));
            }
            match &error.help {
                Some(help) => diagnostic.help(help.clone()),
                None => diagnostic,
            }
        })
    }
}

fn to_template(value: &VariableValue) -> Value {
    match value {
        VariableValue::Text(text) => Value::Text(text.clone()),
        VariableValue::Integer(number) => Value::Integer(*number),
        VariableValue::Float(number) => Value::Float(*number),
        VariableValue::Bool(truth) => Value::Bool(*truth),
    }
}

fn defined(available: &[String]) -> String {
    match available {
        [] => "the plan declares no variables".to_owned(),
        _ if available.len() > MAX_LISTED => {
            format!("defined are: {} and {} more", available[..MAX_LISTED].join(", "), available.len() - MAX_LISTED)
        }
        _ => format!("defined are: {}", available.join(", ")),
    }
}

/// A value on one line and not too long, its control characters escaped.
fn shown(text: &str) -> String {
    let mut escaped = String::new();
    for (index, c) in text.chars().enumerate() {
        if index == MAX_SHOWN {
            escaped.push('…');
            break;
        }
        if c.is_control() {
            escaped.extend(c.escape_default());
        } else {
            escaped.push(c);
        }
    }
    escaped
}
