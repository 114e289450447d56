//! A template text as parts: literal text and checked expressions.
//!
//! The tokens are tera's own (its lexer is private); anything that only tera's parser can judge is left to it. A
//! difference between the two can't let anything through: what the scan takes for a name must be defined, what it
//! takes for a filter must be on the list, and tera has nothing registered beyond those lists.

use std::collections::BTreeMap;
use std::ops::Range;

use super::{ErrorKind, MAX_TEMPLATE_BYTES, Scope, TemplateError, Uses, Value};
use crate::diagnostic::nearest;

/// The filters that a template may use. Left out of tera's set: what escapes for HTML (`safe`, `escape`,
/// `escape_html`, `escape_xml`, `newlines_to_br`), what has no bound or multiplies (`indent`, `unique`: quadratic),
/// what depends on hash order (`group_by`), and what works on maps or prose (`get`, `keys`, `values`, `pairs`,
/// `pluralize`, `wordcount`).
pub(super) const FILTERS: [&str; 23] = [
    "abs",
    "capitalize",
    "default",
    "first",
    "float",
    "int",
    "join",
    "last",
    "length",
    "lower",
    "nth",
    "replace",
    "reverse",
    "round",
    "sort",
    "split",
    "str",
    "title",
    "trim",
    "trim_end",
    "trim_start",
    "truncate",
    "upper",
];

/// The tests that a template may use: all of tera's.
const TESTS: [&str; 17] = [
    "array",
    "bool",
    "containing",
    "defined",
    "divisible_by",
    "ending_with",
    "even",
    "float",
    "integer",
    "iterable",
    "map",
    "none",
    "number",
    "odd",
    "starting_with",
    "string",
    "undefined",
];

/// Most tokens of one expression: tera's parser and compiler recurse, and a long chain would exhaust the stack.
const MAX_TOKENS: usize = 96;

/// Most variables that an error offers.
const MAX_AVAILABLE: usize = 256;

/// Words of the expression language.
const KEYWORDS: [&str; 14] =
    ["and", "or", "not", "is", "in", "if", "else", "true", "True", "false", "False", "none", "None", "null"];

/// One part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// Text that stands as it is.
    Text(String),
    /// An expression: the range of its inside, without braces.
    Expression(Range<usize>),
}

/// A scanned template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scanned {
    pub(super) parts: Vec<Part>,
    pub(super) uses: Uses,
    /// Where `project.labels` is named, if it is.
    pub(super) labels: Option<Range<usize>>,
    /// The first name that is not defined. It is told only when tera has nothing to say: in `a b`, `b` is no missing
    /// name but a mistake in the expression.
    pub(super) undefined: Option<TemplateError>,
}

/// Splits `text` and checks everything that needs no evaluation.
pub(super) fn scan(text: &str, scope: Scope, variables: &BTreeMap<String, Value>) -> Result<Scanned, TemplateError> {
    if text.len() > MAX_TEMPLATE_BYTES {
        let message = format!("the template is {} bytes long, at most {MAX_TEMPLATE_BYTES} are allowed", text.len());
        return Err(TemplateError::limit(0..text.len(), message));
    }
    if let Some((at, c)) = text.char_indices().find(|(_, c)| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(TemplateError::syntax(at..at + c.len_utf8(), "a template can't hold control characters"));
    }
    let mut scanned = Scanned { parts: Vec::new(), uses: Uses::default(), labels: None, undefined: None };
    let mut at = 0;
    let mut trim_next = false;
    while at < text.len() {
        let start = text[at..].find("{{").map_or(text.len(), |offset| at + offset);
        let mut literal = &text[at..start];
        refuse_statements(literal, at)?;
        if trim_next {
            literal = literal.trim_start();
        }
        if start == text.len() {
            push_text(&mut scanned, literal);
            break;
        }
        let trims_before = text[start + 2..].starts_with('-');
        push_text(&mut scanned, if trims_before { literal.trim_end() } else { literal });
        let inside = start + 2 + usize::from(trims_before);
        let (tokens, end) = tokenize(text, start, inside)?;
        if tokens.is_empty() {
            let error = TemplateError::syntax(start..end + 2, "`{{ }}` is empty");
            return Err(error.help("write an expression into it, such as `vars.name`"));
        }
        if tokens.len() > MAX_TOKENS {
            let message = format!("the expression has {} parts, at most {MAX_TOKENS} are allowed", tokens.len());
            let error = TemplateError::limit(start..end + 2, message);
            return Err(error.help("shorten it, or put the value itself under `vars`"));
        }
        Checker { text, tokens: &tokens, scope, variables, scanned: &mut scanned }.check()?;
        trim_next = text[..end].ends_with('-') && tokens.last().is_none_or(|token| token.range.end < end);
        scanned.parts.push(Part::Expression(inside..end - usize::from(trim_next)));
        at = end + 2;
    }
    Ok(scanned)
}

fn push_text(scanned: &mut Scanned, text: &str) {
    if !text.is_empty() {
        scanned.parts.push(Part::Text(text.to_owned()));
    }
}

fn refuse_statements(literal: &str, offset: usize) -> Result<(), TemplateError> {
    for (open, what) in [("{%", "statements"), ("{#", "comments")] {
        if let Some(at) = literal.find(open) {
            let message = format!("template {what} (`{open}`) are not rendered, only `{{{{ … }}}}` expressions");
            return Err(TemplateError::syntax(offset + at..offset + at + 2, message)
                .help("use an expression, such as `{{ \"a\" if region == \"cn-north-4\" else \"b\" }}`"));
        }
    }
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Word,
    Quoted,
    Number,
    Sign,
}

#[derive(Clone, Debug)]
struct Token {
    kind: Kind,
    range: Range<usize>,
}

/// The tokens of the expression that opens at `open`, and where its `}}` stands.
fn tokenize(text: &str, open: usize, inside: usize) -> Result<(Vec<Token>, usize), TemplateError> {
    let bytes = text.as_bytes();
    let mut tokens = Vec::new();
    let mut at = inside;
    loop {
        while bytes.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        let rest = &text[at..];
        if rest.starts_with("}}") {
            return Ok((tokens, at));
        }
        if rest.starts_with("-}}") {
            return Ok((tokens, at + 1));
        }
        let Some(&first) = bytes.get(at) else {
            let error = TemplateError::syntax(open..open + 2, "`{{` is never closed");
            return Err(error.help("close it with `}}`; literal braces are written `{{ \"{{\" }}`"));
        };
        let length_while = |good: fn(u8) -> bool| rest.bytes().take_while(|byte| good(*byte)).count();
        let (kind, length) = match first {
            b'\'' | b'"' | b'`' => match quoted_length(rest.as_bytes()) {
                Some(length) => (Kind::Quoted, length),
                None => {
                    let error = TemplateError::syntax(at..text.len(), "the quoted text is never closed");
                    return Err(error.help(format!("close it with `{}` before the `}}}}`", char::from(first))));
                }
            },
            b'0'..=b'9' => (Kind::Number, length_while(|byte| byte.is_ascii_digit() || byte == b'.')),
            b'a'..=b'z' | b'A'..=b'Z' | b'_' => {
                (Kind::Word, length_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            _ => (Kind::Sign, sign_length(rest)),
        };
        tokens.push(Token { kind, range: at..at + length });
        at += length;
    }
}

/// Length of the quoted text at the start, quotes included.
fn quoted_length(bytes: &[u8]) -> Option<usize> {
    let quote = *bytes.first()?;
    let mut at = 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            _ if byte == quote => return Some(at + 1),
            _ => at += 1,
        }
    }
    None
}

fn sign_length(rest: &str) -> usize {
    const LONG: [&str; 10] = ["...", "//", "**", "==", "!=", ">=", "<=", "</", "?.", "?["];
    let long = LONG.iter().find(|sign| rest.starts_with(**sign)).map(|sign| sign.len());
    long.unwrap_or_else(|| rest.chars().next().map_or(1, char::len_utf8))
}

/// Checks the words of one expression.
struct Checker<'a> {
    text: &'a str,
    tokens: &'a [Token],
    scope: Scope,
    variables: &'a BTreeMap<String, Value>,
    scanned: &'a mut Scanned,
}

impl Checker<'_> {
    fn str(&self, index: usize) -> &str {
        self.tokens.get(index).map_or("", |token| &self.text[token.range.clone()])
    }

    fn check(&mut self) -> Result<(), TemplateError> {
        // First, so that the names which a comprehension binds are not called undefined.
        for (index, token) in self.tokens.iter().enumerate() {
            let attribute = index > 0 && matches!(self.str(index - 1), "." | "?.");
            if token.kind == Kind::Word && !attribute && self.str(index) == "for" {
                let message = "list comprehensions are not rendered, since their size has no bound";
                return Err(TemplateError::limit(token.range.clone(), message)
                    .help("use filters, such as `project.labels | join(sep=\"-\")`"));
            }
        }
        let mut index = 0;
        while index < self.tokens.len() {
            index = if self.tokens[index].kind == Kind::Word { self.word(index)? } else { index + 1 };
        }
        Ok(())
    }

    /// Checks the word at `index`; returns the index after what belongs to it.
    fn word(&mut self, index: usize) -> Result<usize, TemplateError> {
        let range = self.tokens[index].range.clone();
        let word = self.text[range.clone()].to_owned();
        let before = |back: usize| if index >= back { self.str(index - back) } else { "" };
        let (previous, earlier, next) = (before(1), before(2), self.str(index + 1));
        match previous {
            "." | "?." => return Ok(index + 1),
            "|" => return known(&word, range, "filter", &FILTERS).map(|()| index + 1),
            "is" => {
                return if word == "not" {
                    Ok(index + 1)
                } else {
                    known(&word, range, "test", &TESTS).map(|()| index + 1)
                };
            }
            "not" if earlier == "is" => return known(&word, range, "test", &TESTS).map(|()| index + 1),
            _ => {}
        }
        if KEYWORDS.contains(&word.as_str()) || next == "=" {
            return Ok(index + 1);
        }
        if next == "(" {
            let message = format!("there is no function `{word}`: a template has no functions, only names and filters");
            return Err(TemplateError::syntax(range, message).help("a filter stands behind a value: `region | upper`"));
        }
        self.name(index)
    }

    /// Checks the dotted name that starts at `index`.
    fn name(&mut self, index: usize) -> Result<usize, TemplateError> {
        let mut path = vec![self.str(index).to_owned()];
        let mut end = index + 1;
        loop {
            match self.str(end) {
                "." | "?." if self.tokens.get(end + 1).is_some_and(|token| token.kind == Kind::Word) => {
                    path.push(self.str(end + 1).to_owned());
                    end += 2;
                }
                "[" | "?["
                    if self.tokens.get(end + 1).is_some_and(|token| token.kind == Kind::Quoted)
                        && self.str(end + 2) == "]" =>
                {
                    let quoted = self.str(end + 1);
                    path.push(quoted[1..quoted.len() - 1].to_owned());
                    end += 3;
                }
                _ => break,
            }
        }
        let range = self.tokens[index].range.start..self.tokens[end - 1].range.end;
        let name = path.join(".");
        let alone = self.tokens.len() == end - index;
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        match path.as_slice() {
            ["region"] if self.scope >= Scope::Place => self.scanned.uses.region = true,
            ["registry_set"] if self.scope >= Scope::Registry => self.scanned.uses.registry_set = true,
            ["project", "name"] => self.scanned.uses.project = true,
            ["project", "labels"] if alone => {
                let message = "`project.labels` is a list, not a text";
                return Err(TemplateError::new(ErrorKind::Failed(message.to_owned()), range)
                    .help("pick or join: `project.labels | join(sep=\"-\")`"));
            }
            ["project", "labels"] => {
                self.scanned.uses.project = true;
                self.scanned.labels.get_or_insert(range);
            }
            ["vars"] | ["project"] => {
                let message = format!("`{name}` is a group of values, not a value");
                return Err(TemplateError::syntax(range, message).help(format!("name one of them: `{name}.…`")));
            }
            ["vars", variable] if self.variables.contains_key(*variable) => self.variable(variable, range)?,
            _ => {
                let available = self.available(path[0]);
                let error = TemplateError::new(ErrorKind::Undefined { name, available }, range);
                self.scanned.undefined.get_or_insert(error);
            }
        }
        Ok(end)
    }

    fn variable(&self, name: &str, range: Range<usize>) -> Result<(), TemplateError> {
        match self.variables.get(name) {
            Some(Value::Text(text)) if text.len() > MAX_TEMPLATE_BYTES => {
                let message = format!(
                    "`vars.{name}` is {} bytes long; a template uses variables of at most {MAX_TEMPLATE_BYTES}",
                    text.len()
                );
                Err(TemplateError::limit(range, message))
            }
            _ => Ok(()),
        }
    }

    /// What could have been meant: the variables after `vars`, else every name. Of a great many variables only the
    /// first, since a plan may have as many mistakes.
    fn available(&self, root: &str) -> Vec<String> {
        let variables = self.variables.keys().take(MAX_AVAILABLE).map(|name| format!("vars.{name}"));
        let project = ["project.labels", "project.name"].map(str::to_owned);
        match root {
            "vars" => variables.collect(),
            "project" => project.to_vec(),
            _ => {
                let mut names: Vec<String> = project.into();
                if self.scope >= Scope::Place {
                    names.push("region".to_owned());
                }
                if self.scope >= Scope::Registry {
                    names.push("registry_set".to_owned());
                }
                names.extend(variables);
                names
            }
        }
    }
}

fn known(word: &str, range: Range<usize>, what: &str, list: &[&str]) -> Result<(), TemplateError> {
    if list.contains(&word) {
        return Ok(());
    }
    let error = TemplateError::syntax(range, format!("there is no {what} `{word}`"));
    Err(match nearest(word, list.iter().copied()) {
        Some(candidate) => error.help(format!("did you mean `{candidate}`?")),
        None => error.help(format!("there are: {}", list.join(", "))),
    })
}
