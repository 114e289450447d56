//! The sentences that all steps of a plan share.
//!
//! A noun comes with its article ("a project id"), as `x-noun` of the schema and `what` of
//! [`InvalidValue`] have it. Values are shown shortened and with control characters escaped, since a plan can be a stranger's.

use std::collections::HashSet;

use crate::diagnostic::{Diagnostic, bounded};
use crate::model::{
    CredentialName, Endpoint, EnterpriseProjectId, InvalidValue, Label, MaxFailures, ProjectId, ProjectName, Region,
    RegistryId, SetName, WaveName,
};

/// Most characters of a value that a message repeats.
const SHOWN_CHARS: usize = 60;

/// How a reason begins that tells what such a value is, and not what is wrong with this text.
const DEFINITIONS: [&str; 8] =
    ["is a number", "is a whole number", "is only ", "holds only ", "must ", "needs ", "can't ", "as a percentage"];

/// The text in backticks, on one line and not too long.
pub(super) fn shown(text: &str) -> String {
    let mut out = String::from("`");
    for (count, c) in text.chars().enumerate() {
        if count == SHOWN_CHARS {
            out.push('…');
            break;
        }
        if c.is_control() {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out.push('`');
    out
}

/// "`a b` is not a project id: it contains ' ', …"
pub(super) fn not_a(text: &str, error: &InvalidValue) -> String {
    let InvalidValue { what, reason } = error;
    if text.is_empty() {
        return format!("this {} is empty", bare(what));
    }
    let text = shown(text);
    if DEFINITIONS.iter().any(|definition| reason.starts_with(definition)) {
        format!("{text} is not {what}: {error}")
    } else {
        format!("{text} is not {what}: it {reason}")
    }
}

/// A noun without its article.
pub(super) fn bare(noun: &str) -> &str {
    ["a ", "an ", "the "].iter().find_map(|article| noun.strip_prefix(article)).unwrap_or(noun)
}

/// "`a`, `b` or `c`"
pub(super) fn one_of<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{name}`")).collect();
    match names.as_slice() {
        [] => String::new(),
        [only] => only.clone(),
        [first @ .., last] => format!("{} or {last}", first.join(", ")),
    }
}

/// What the model says against `text` as a value of the noun.
pub(super) fn objection(noun: &str, text: &str) -> Option<InvalidValue> {
    match noun {
        "a plan name" => plan_name(text).err(),
        "a variable name" => variable_name(text).err(),
        "a project name" => ProjectName::parse(text).err(),
        "a registry set name" => SetName::parse(text).err(),
        "a wave name" => WaveName::parse(text).err(),
        "a label" => Label::parse(text).err(),
        "a region" => Region::parse(text).err(),
        "a project id" => ProjectId::parse(text).err(),
        "an enterprise project id" => EnterpriseProjectId::parse(text).err(),
        "a registry id" => RegistryId::parse(text).err(),
        "a credential name" => CredentialName::parse(text).err(),
        "an endpoint" => Endpoint::parse(text).err(),
        "a duration" => crate::model::parse_duration(text).err(),
        "a number of failures" => MaxFailures::parse(text).err(),
        _ => None,
    }
}

/// A wave's name or pattern as a glob, if it is a pattern: `*` and `?` are wildcards, everything else stands for itself
/// (a name may hold `[`).
pub(crate) fn wildcards(pattern: &str) -> Option<Result<globset::Glob, globset::Error>> {
    if !pattern.contains(['*', '?']) {
        return None;
    }
    let mut escaped = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '*' if escaped.ends_with('*') => {}
            '*' | '?' => escaped.push(c),
            _ => escaped.push_str(&globset::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    Some(globset::Glob::new(&escaped))
}

/// Checks a plan's own name, which follows the rule of all names.
pub(super) fn plan_name(text: &str) -> Result<(), InvalidValue> {
    ProjectName::parse(text).map(drop).map_err(|error| InvalidValue::new("a plan name", error.reason))
}

/// Checks a variable's name: what a template can write after `vars.`.
pub(super) fn variable_name(text: &str) -> Result<(), InvalidValue> {
    let what = "a variable name";
    if text.len() > 64 {
        return Err(InvalidValue::new(what, format!("is {} characters long, at most 64 are allowed", text.len())));
    }
    let good = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if text.is_empty() || text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(good) {
        return Err(InvalidValue::new(what, "holds only letters, digits and `_`, and starts with no digit"));
    }
    Ok(())
}

/// Whether a reason of the model is about length.
pub(super) fn is_about_length(error: &InvalidValue) -> bool {
    error.reason == "is empty" || error.reason.contains("characters")
}

/// Where a template starts in a text, if one does.
pub(super) fn template_start(text: &str) -> Option<usize> {
    ["{{", "{%", "{#"].iter().filter_map(|opener| text.find(opener)).min()
}

/// The diagnostics in source order, each once, at most [`crate::diagnostic::MOST_SHOWN`] of them.
pub(super) fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(Diagnostic::start);
    let mut seen = HashSet::new();
    diagnostics.retain(|diagnostic| seen.insert((diagnostic.start(), diagnostic.code, diagnostic.message.clone())));
    bounded(diagnostics)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_say_what_is_wrong_or_what_is_right() {
        let say = |noun: &str, text: &str| not_a(text, &objection(noun, text).expect("refused"));
        assert_eq!(
            say("a project id", "a b"),
            "`a b` is not a project id: it contains ' ', which is never part of such an id"
        );
        assert_eq!(say("a duration", "10"), "`10` is not a duration: a duration needs a unit: `10s` or `10m`");
        assert_eq!(say("a registry id", ""), "this registry id is empty");
        assert_eq!(
            say("an endpoint", "https://example.com/v5"),
            "`https://example.com/v5` is not an endpoint: an endpoint is only scheme and host; \
             the path is added by hss-sync"
        );
        assert_eq!(
            say("a variable name", "1a"),
            "`1a` is not a variable name: a variable name holds only letters, digits and `_`, and starts with no digit"
        );
    }

    #[test]
    fn values_are_shown_on_one_short_line() {
        assert_eq!(shown("a\n\u{1b}[31m"), "`a\\n\\u{1b}[31m`");
        assert_eq!(shown(&"é".repeat(61)), format!("`{}…`", "é".repeat(60)));
        assert_eq!(one_of(["a", "b", "c"]), "`a`, `b` or `c`");
    }
}
