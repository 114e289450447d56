//! Compiled expressions and their rendering with tera.
//!
//! Equal expressions are compiled once, so `"{{ vars.env }}-a"` and `"{{ vars.env }}-b"` share one. Adding templates
//! to a tera instance costs time for each that it already holds, so small instances are filled one after another.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, Write};
use std::ops::Range;
use std::sync::Arc;

use tera::{Context, Delimiters, Kwargs, State, Tera};

use super::scan::{FILTERS, Part, scan};
use super::{ErrorKind, MAX_LABELS, MAX_OUTPUT_BYTES, Scope, TemplateError, Uses, Value};

/// Expressions in one tera instance.
const POOL: usize = 16;
/// Most bytes of a value inside an expression, where a filter can make it longer.
const MAX_VALUE_BYTES: usize = 4 * MAX_OUTPUT_BYTES;
/// The message that a bounded filter fails with.
const TOO_LONG: &str = "a value inside the template grew beyond its bound";
/// Names of the templates in a pool.
const SLOTS: [&str; POOL] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

/// A compiled template of one [`Engine`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TemplateId(u32);

/// What a template is rendered for. What its [`Scope`] doesn't define stays `None`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    /// `project.name`.
    pub project: &'a str,
    /// `project.labels`.
    pub labels: &'a [&'a str],
    /// `region`.
    pub region: Option<&'a str>,
    /// `registry_set`.
    pub registry_set: Option<&'a str>,
}

enum Piece {
    Text(String),
    Expression { range: Range<usize>, expression: u32 },
}

struct Template {
    pieces: Vec<Piece>,
    uses: Uses,
    labels: Option<Range<usize>>,
}

/// Compiles and renders the templates of one plan.
pub struct Engine {
    variables: BTreeMap<String, Value>,
    base: Tera,
    pools: Vec<Tera>,
    expressions: HashMap<Arc<str>, u32>,
    ids: HashMap<(Arc<str>, Scope), TemplateId>,
    templates: Vec<Template>,
    context: Context,
    shown: Option<Shown>,
}

/// What the context holds now, so that only changes are written to it.
#[derive(PartialEq, Eq)]
struct Shown {
    project: String,
    labels: Vec<String>,
}

impl Engine {
    /// An engine in which `vars` are these.
    #[must_use]
    pub fn new(variables: BTreeMap<String, Value>) -> Self {
        let mut context = Context::new();
        let visible: BTreeMap<&str, tera::Value> =
            variables.iter().map(|(name, value)| (name.as_str(), to_tera(value))).collect();
        context.insert("vars", &visible);
        Self {
            variables,
            base: bounded_tera(),
            pools: Vec::new(),
            expressions: HashMap::new(),
            ids: HashMap::new(),
            templates: Vec::new(),
            context,
            shown: None,
        }
    }

    /// Compiles a template, or finds it among those that are.
    ///
    /// # Errors
    /// When the text is no template that is rendered here, or names something that is not defined.
    pub fn compile(&mut self, text: &str, scope: Scope) -> Result<TemplateId, TemplateError> {
        let key = (Arc::<str>::from(text), scope);
        if let Some(id) = self.ids.get(&key) {
            return Ok(*id);
        }
        let scanned = scan(text, scope, &self.variables)?;
        let mut pieces = Vec::with_capacity(scanned.parts.len());
        for part in scanned.parts {
            pieces.push(match part {
                Part::Text(text) => Piece::Text(text),
                Part::Expression(range) => {
                    let expression = self.compile_expression(&text[range.clone()], range.start)?;
                    Piece::Expression { range, expression }
                }
            });
        }
        if let Some(undefined) = scanned.undefined {
            return Err(undefined);
        }
        let id = TemplateId(u32::try_from(self.templates.len()).unwrap_or(u32::MAX));
        self.templates.push(Template { pieces, uses: scanned.uses, labels: scanned.labels });
        self.ids.insert(key, id);
        Ok(id)
    }

    fn compile_expression(&mut self, inside: &str, offset: usize) -> Result<u32, TemplateError> {
        if let Some(index) = self.expressions.get(inside) {
            return Ok(*index);
        }
        let index = self.expressions.len();
        if self.pools.len() <= index / POOL {
            self.pools.push(self.base.clone());
        }
        // A space after the braces keeps a leading minus from trimming whitespace.
        self.pools[index / POOL]
            .add_raw_template(SLOTS[index % POOL], &format!("{{{{ {inside} }}}}"))
            .map_err(|error| locate(&error, offset, inside.len()))?;
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        self.expressions.insert(inside.into(), index);
        Ok(index)
    }

    /// What a template depends on.
    #[must_use]
    pub fn uses(&self, id: TemplateId) -> Uses {
        self.templates[id.0 as usize].uses
    }

    /// Renders a template.
    ///
    /// # Errors
    /// When evaluating it fails or goes beyond a bound.
    pub fn render(&mut self, id: TemplateId, subject: &Subject<'_>) -> Result<String, TemplateError> {
        self.show(subject);
        let template = &self.templates[id.0 as usize];
        if let Some(range) = &template.labels
            && subject.labels.len() > MAX_LABELS
        {
            let message = format!(
                "the project has {} labels; a template looks at no more than {MAX_LABELS}",
                subject.labels.len()
            );
            return Err(TemplateError::limit(range.clone(), message));
        }
        let mut output = Capped(Vec::new());
        for piece in &template.pieces {
            let (written, range) = match piece {
                Piece::Text(text) => (output.write_all(text.as_bytes()).map_err(tera::Error::from), 0..0),
                Piece::Expression { range, expression } => {
                    let index = *expression as usize;
                    let written = self.pools[index / POOL].render_to(SLOTS[index % POOL], &self.context, &mut output);
                    (written, range.clone())
                }
            };
            written.map_err(|error| locate(&error, range.start, range.len()))?;
        }
        String::from_utf8(output.0)
            .map_err(|_| TemplateError::new(ErrorKind::Failed("the result is not UTF-8".to_owned()), 0..0))
    }

    fn show(&mut self, subject: &Subject<'_>) {
        let same = self.shown.as_ref().is_some_and(|shown| {
            shown.project == subject.project
                && shown.labels.iter().map(String::as_str).eq(subject.labels.iter().copied())
        });
        if !same {
            let labels = &subject.labels[..subject.labels.len().min(MAX_LABELS)];
            let project: BTreeMap<&str, tera::Value> = [
                ("name", tera::Value::normal_string(subject.project)),
                (
                    "labels",
                    tera::Value::from(labels.iter().map(|label| tera::Value::normal_string(label)).collect::<Vec<_>>()),
                ),
            ]
            .into();
            self.context.insert("project", &project);
            self.shown = Some(Shown {
                project: subject.project.to_owned(),
                labels: subject.labels.iter().map(|label| (*label).to_owned()).collect(),
            });
        }
        for (name, value) in [("region", subject.region), ("registry_set", subject.registry_set)] {
            match value {
                Some(text) => self.context.insert_value(name, tera::Value::normal_string(text)),
                None => drop(self.context.remove(name)),
            }
        }
    }
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("templates", &self.templates.len()).finish_non_exhaustive()
    }
}

fn to_tera(value: &Value) -> tera::Value {
    match value {
        Value::Text(text) => tera::Value::normal_string(text),
        Value::Integer(number) => tera::Value::from(*number),
        Value::Float(number) => tera::Value::from(*number),
        Value::Bool(truth) => tera::Value::from(*truth),
    }
}

/// Tera with expressions only, no escaping, and filters that can't grow a value beyond its bound.
fn bounded_tera() -> Tera {
    let mut tera = Tera::default();
    tera.autoescape_on(Vec::<&str>::new());
    // Control characters are refused by the scan, so these never occur.
    let never = Delimiters {
        block_start: "\u{1}\u{1}".into(),
        block_end: "\u{1}\u{2}".into(),
        comment_start: "\u{2}\u{1}".into(),
        comment_end: "\u{2}\u{2}".into(),
        ..Delimiters::default()
    };
    let set = tera.set_delimiters(never);
    debug_assert!(set.is_ok(), "the delimiters have two bytes each");
    tera.register_filter("replace", replace);
    tera.register_filter("join", join);
    debug_assert!(FILTERS.contains(&"replace") && FILTERS.contains(&"join"));
    for name in ["range", "throw"] {
        tera.register_function(name, |_: Kwargs, _: &State| -> tera::TeraResult<bool> {
            Err(tera::Error::message("a template has no functions"))
        });
    }
    tera
}

fn replace(text: &str, arguments: Kwargs, _: &State) -> tera::TeraResult<String> {
    let from = arguments.must_get::<&str>("from")?;
    let to = arguments.must_get::<&str>("to")?;
    let length = text.len() + text.matches(from).count() * to.len();
    if length > MAX_VALUE_BYTES {
        return Err(tera::Error::message(TOO_LONG));
    }
    Ok(text.replace(from, to))
}

fn join(items: &[tera::Value], arguments: Kwargs, _: &State) -> tera::TeraResult<String> {
    let separator = arguments.get::<&str>("sep")?.unwrap_or("");
    let mut joined = String::new();
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            joined.push_str(separator);
        }
        joined.push_str(&item.to_string());
        if joined.len() > MAX_VALUE_BYTES {
            return Err(tera::Error::message(TOO_LONG));
        }
    }
    Ok(joined)
}

/// Bytes up to a bound; more is an error of the kind that [`locate`] knows.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_OUTPUT_BYTES {
            return Err(io::Error::from(io::ErrorKind::FileTooLarge));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Tera's error in the words and places of the template text. `{{ ` before the expression is ours.
fn locate(error: &tera::Error, offset: usize, length: usize) -> TemplateError {
    let whole = offset..offset + length;
    match error.kind() {
        tera::ErrorKind::SyntaxError(report) => {
            TemplateError::syntax(shift(&report.span().range, &whole), plain(report.message()))
                .help("an expression is a value with filters or operators, such as `vars.a ~ \"-\" ~ region`")
        }
        tera::ErrorKind::RenderingError(report) => {
            let range = shift(&report.span().range, &whole);
            if report.message() == TOO_LONG {
                return TemplateError::limit(range, format!("{TOO_LONG} of {MAX_VALUE_BYTES} bytes"));
            }
            let error = TemplateError::new(ErrorKind::Failed(plain(report.message())), range);
            if report.message().starts_with("Math operations") {
                return error.help("numbers are written without quotes; texts are joined with `~`");
            }
            error
        }
        tera::ErrorKind::Io(_) => {
            TemplateError::limit(whole, format!("the template renders to more than {MAX_OUTPUT_BYTES} bytes"))
        }
        other => {
            let message = other.to_string();
            let first = message.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
            TemplateError::new(ErrorKind::Failed(first), whole)
        }
    }
}

/// Tera's sentences in ours: "Found identifier but expected }}." says it the wrong way round.
fn plain(message: &str) -> String {
    let message = message.trim_end_matches('.');
    if let Some((found, expected)) = message.strip_prefix("Found ").and_then(|rest| rest.split_once(" but expected ")) {
        let found = if found == "identifier" { "a name" } else { found };
        let expected = if expected == "}}" { "`}}`" } else { expected };
        return format!("{expected} is expected here, not {found}");
    }
    let mut letters = message.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

/// A range in `{{ inside }}` as a range in the template text.
fn shift(range: &Range<usize>, whole: &Range<usize>) -> Range<usize> {
    let move_one = |at: usize| (whole.start + at.saturating_sub(3)).min(whole.end);
    let (start, end) = (move_one(range.start), move_one(range.end));
    if start < end { start..end } else { whole.clone() }
}
