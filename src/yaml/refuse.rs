//! What the tree refuses, in words: one function for each structural mistake.
//!
//! `build` decides that something is wrong and where; the sentences are here, so that they can be read side by side.

use super::place::{skip_space, word_end};
use super::scalar::char_len;
use crate::diagnostic::{Code, Diagnostic};
use crate::source::{Location, SourceId, Span};

/// Collections inside each other, aliases followed.
pub(super) const MAX_DEPTH: usize = 64;

/// The one character at `at`.
pub(super) fn character(text: &str, at: usize) -> Span {
    let len = text.as_bytes().get(at).map_or(0, |lead| char_len(*lead));
    Span::new(at, at + len)
}

pub(super) fn empty_plan(id: SourceId, text: &str) -> Diagnostic {
    let first = text.trim_start_matches('\u{feff}');
    let start = text.len() - first.len();
    let end = start + first.find(['\n', '\r']).unwrap_or(first.len());
    Diagnostic::at(Code::EmptyPlan, id, Span::new(start, end), "the file holds no plan, only comments or nothing")
        .help("a plan starts with `version: 1`; `hss-sync schema plan` shows what can follow")
}

pub(super) fn second_document(id: SourceId, text: &str, at: usize) -> Diagnostic {
    let marker = text[at..].starts_with("---");
    let span = if marker { Span::new(at, at + 3) } else { character(text, at) };
    Diagnostic::at(Code::MultipleDocuments, id, span, "a second YAML document starts here; a file holds one plan")
        .label("second document")
        .help("put each plan into a file of its own and give both files, or remove this `---`")
}

pub(super) fn too_deep(id: SourceId, span: Span) -> Diagnostic {
    let message = format!("more than {MAX_DEPTH} lists and mappings are inside each other here");
    Diagnostic::at(Code::NestingTooDeep, id, span, message)
        .label("one level too deep")
        .help("a plan needs about seven levels; check the brackets and the indentation before this place")
}

pub(super) fn too_many_nodes(id: SourceId, span: Span, bound: usize) -> Diagnostic {
    Diagnostic::at(Code::FileTooLarge, id, span, format!("the file holds more than {bound} values"))
        .label("one value too many")
        .help("split the plan into several files; they can be given together")
}

pub(super) fn missing_key(id: SourceId, span: Span) -> Diagnostic {
    Diagnostic::at(Code::ComplexKey, id, span, "a key is missing here")
        .help("write the key before the colon: `key: value`")
}

/// A list or mapping that starts at `start` stands where a key is meant.
pub(super) fn complex_key(id: SourceId, text: &str, start: usize) -> Diagnostic {
    // `{{ name }}` without quotes: a mapping that is the key of a mapping.
    let braces = start.checked_sub(1).filter(|outer| text.as_bytes()[*outer..].starts_with(b"{{"));
    let Some(outer) = braces else {
        return Diagnostic::at(Code::ComplexKey, id, character(text, start), "a list or a mapping can't be a key")
            .label("starts here")
            .help("keys are plain words; if this is meant as text, put quotes around it");
    };
    let line = text[outer..].lines().next().unwrap_or_default();
    let template = &line[..line.find("}}").map_or(2, |len| len + 2)];
    let message = "YAML reads these braces as a mapping, not as a template";
    Diagnostic::at(Code::ComplexKey, id, Span::new(outer, outer + template.len()), message)
        .label("quotes are missing")
        .help(if template.len() > 2 {
            format!("quote the value: \"{template}\"")
        } else {
            "put quotes around the whole value".to_owned()
        })
}

pub(super) fn duplicate_key(id: SourceId, name: &str, first: Span, second: Span) -> Diagnostic {
    let help = match name {
        "<<" => "merge several mappings at once: `<<: [*one, *other]`",
        _ => "keep one of the two, or give the second another name",
    };
    Diagnostic::at(Code::DuplicateKey, id, second, format!("the key `{name}` is given twice"))
        .label("given again")
        .also(Location::new(id, first), "first given here")
        .help(help)
}

pub(super) fn invalid_merge(id: SourceId, span: Span) -> Diagnostic {
    Diagnostic::at(Code::InvalidMerge, id, span, "`<<` can merge only a mapping or a list of mappings")
        .label("not a mapping")
        .help("merge an alias of a mapping: `<<: *name`; to use the key itself, quote it: `\"<<\"`")
}

/// A tag among the properties that start at `properties`.
pub(super) fn unsupported_tag(id: SourceId, text: &str, properties: usize) -> Diagnostic {
    let bytes = text.as_bytes();
    let mut start = properties;
    if bytes.get(start) == Some(&b'&') {
        start = skip_space(bytes, word_end(bytes, start));
    }
    let span = Span::new(start, word_end(bytes, start));
    let message = format!("the tag `{}` means nothing in a plan", &text[span.range()]);
    Diagnostic::at(Code::UnsupportedTag, id, span, message).label("a tag").help(
        "remove the tag; a value that comes from outside is a variable: declare it under `vars`, \
         write `{{ vars.name }}` and set it with `--var name=value` or HSS_SYNC_VAR_name",
    )
}

pub(super) fn endless_alias(id: SourceId, name: &str, span: Span) -> Diagnostic {
    let message = format!("the alias `{name}` is inside the value that it stands for");
    Diagnostic::at(Code::AliasBudget, id, span, message)
        .label("would never end")
        .help("write the value out, or move the anchor `&` to a part without this alias")
}

pub(super) fn too_many_aliased(id: SourceId, name: &str, span: Span, bound: u64) -> Diagnostic {
    let message = format!("with the alias `{name}` the aliases of this file stand for more than {bound} values");
    Diagnostic::at(Code::AliasBudget, id, span, message)
        .label("this one is too much")
        .help("write fewer aliases of aliases; a list of registries is better a registry set that projects name")
}
