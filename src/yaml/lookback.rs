//! Where a mistake was made that the parser noticed later.
//!
//! A bracket or quote that stays open swallows the lines after it, and a tab or a wrong indentation shows up at the end
//! of the line before. This module reads the lines around the parser's place as a person would, one at a time: quotes
//! and comments end with their line, and no more than [`FAR`] bytes are looked at.

use super::lines::{Finding, Lines, bare_line};
use crate::source::Span;

/// As far as a person would look.
const FAR: usize = 64 * 1024;

/// The mistake behind the parser's error, where it is at another place than the error.
pub(super) fn earlier(lines: &Lines<'_>, info: &str) -> Option<Finding> {
    if info.contains("invalid trailing content") {
        return open_quote(lines);
    }
    if info.contains("comment") {
        return after_comment(lines);
    }
    if info.contains("expected '-' indicator") || info.contains("did not find expected key") {
        return bare_above(lines);
    }
    let concerns_brackets =
        ["flow", "mapping values are not allowed", "illegal placement of ':'", "invalid indentation"];
    if concerns_brackets.iter().any(|part| info.contains(part)) || info.contains("only valid inside a block") {
        return never_closed(lines, info);
    }
    None
}

/// The bracket that is still open at the parser's place: at the end of the text, or at a line that is indented no deeper
/// than the bracket's own line, where it is no item of it.
fn never_closed(lines: &Lines<'_>, info: &str) -> Option<Finding> {
    if info.contains("quoted") {
        return None;
    }
    let open = open_bracket(lines.text, lines.at)?;
    let own_start = line_start(lines.text, open);
    let at_end = lines.text[lines.at..].trim().is_empty();
    let is_outside = own_start < lines.start() && spaces(lines.text, lines.start()) <= spaces(lines.text, own_start);
    if !at_end && !is_outside {
        return None;
    }
    let (opening, closing, example) =
        if lines.text.as_bytes()[open] == b'[' { ('[', ']', "[a, b]") } else { ('{', '}', "{ key: value }") };
    Some(Finding {
        span: Span::new(open, open + 1),
        message: format!("this `{opening}` is never closed"),
        label: "opened here",
        help: format!("close it with `{closing}`, as in `{example}`"),
    })
}

/// The innermost bracket that is open before `at`.
fn open_bracket(text: &str, at: usize) -> Option<usize> {
    let mut end = at;
    let mut closed = 0;
    while end + FAR > at {
        let start = line_start(text, end);
        let mut open = Vec::new();
        let mut unmatched = 0;
        for (offset, bracket) in brackets(&text[start..end]) {
            match bracket {
                b'[' | b'{' => open.push(start + offset),
                _ if open.pop().is_none() => unmatched += 1,
                _ => {}
            }
        }
        let left = open.len().saturating_sub(closed);
        if left > 0 {
            return Some(open[left - 1]);
        }
        closed = closed - open.len() + unmatched;
        end = start.checked_sub(1)?;
    }
    None
}

/// The brackets of one line that are not inside quotes or a comment.
fn brackets(line: &str) -> impl Iterator<Item = (usize, u8)> {
    let mut found = Vec::new();
    let mut quote = None;
    let mut before = b' ';
    for (at, byte) in line.bytes().enumerate() {
        let starts_value = matches!(before, b' ' | b'\t' | b'[' | b'{' | b',');
        match (quote, byte) {
            (Some(open), _) if open == byte && before != b'\\' => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') if starts_value => quote = Some(byte),
            (None, b'#') if matches!(before, b' ' | b'\t') => break,
            (None, b'[' | b'{' | b']' | b'}') => found.push((at, byte)),
            (None, _) => {}
        }
        before = byte;
    }
    found.into_iter()
}

/// The quote of a line above that is closed by what was meant to open one here.
fn open_quote(lines: &Lines<'_>) -> Option<Finding> {
    let quote = *lines.text[..lines.at].trim_end().as_bytes().last()?;
    let is_odd = |part: &str| part.bytes().filter(|byte| *byte == quote).count() % 2 == 1;
    if !matches!(quote, b'"' | b'\'') || !is_odd(lines.before()) {
        return None;
    }
    let mut end = lines.start().checked_sub(1)?;
    while end + FAR > lines.at {
        let start = line_start(lines.text, end);
        if is_odd(&lines.text[start..end]) {
            let open = start + lines.text[start..end].rfind(char::from(quote))?;
            return Some(Finding {
                span: Span::new(open, open + 1),
                message: "this quote is not closed on its line, and the text runs on to the next quote".to_owned(),
                label: "opened here",
                help: "add the closing quote".to_owned(),
            });
        }
        end = start.checked_sub(1)?;
    }
    None
}

/// A comment behind a value ends it; a deeper line below would continue it.
fn after_comment(lines: &Lines<'_>) -> Option<Finding> {
    if lines.before().trim().is_empty() || !lines.before().ends_with([' ', '\t']) {
        return None;
    }
    let start = next_content(lines.text, lines.at)?;
    let line = lines.text[start..].lines().next().unwrap_or_default();
    Some(Finding {
        span: Span::new(start, start + line.trim_end().len()),
        message:
            "this line is indented deeper than its neighbours, and the comment above ends the value that it would \
                  continue"
                .to_owned(),
        label: "unexpected indentation",
        help: "give the line the same indentation as its neighbours".to_owned(),
    })
}

/// The line above has no colon, so that nothing can stand below it.
fn bare_above(lines: &Lines<'_>) -> Option<Finding> {
    let (start, above) = lines.above()?;
    let content = above.trim_start_matches([' ', '-']);
    let is_entry = content.contains(": ") || content.ends_with(':') || content.starts_with(['[', '{', '"', '\'', '*']);
    let is_over = spaces(lines.text, start) < spaces(lines.text, lines.start());
    (!is_entry && is_over).then(|| bare_line(lines.text, start + above.len() - content.len()))
}

/// The first tab in the indentation of the parser's line, or of the next line that has content.
pub(super) fn tab(lines: &Lines<'_>) -> Span {
    let tab_of = |start: usize| {
        let rest = &lines.text[start..];
        let offset = rest.find(|c| c != ' ').filter(|offset| rest[*offset..].starts_with('\t'))?;
        Some(Span::new(start + offset, start + offset + 1))
    };
    let below = || next_content(lines.text, lines.at).and_then(|at| tab_of(line_start(lines.text, at)));
    tab_of(lines.start()).or_else(below).unwrap_or_else(|| lines.character())
}

/// The first line from `from` to `to` that is no entry of a mapping or list, where it starts.
pub(super) fn no_entry(text: &str, from: usize, to: usize) -> Option<usize> {
    let mut at = from;
    while at < to.min(text.len()) && at < from + FAR {
        let line = text[at..].lines().next().unwrap_or_default();
        let content = line.trim();
        let is_entry = content.contains(": ") || content.ends_with(':') || content.starts_with("- ");
        if !content.is_empty() && !content.starts_with('#') && !is_entry {
            return Some(at + (line.len() - line.trim_start().len()));
        }
        at += text[at..].find('\n')? + 1;
    }
    None
}

/// Where the next line after `at` that is neither blank nor a comment has its first character that isn't blank.
fn next_content(text: &str, at: usize) -> Option<usize> {
    let mut start = at + text[at..].find('\n')? + 1;
    while start < text.len() && start < at + FAR {
        let line = text[start..].lines().next().unwrap_or_default();
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            return Some(start + (line.len() - content.len()));
        }
        start += text[start..].find('\n')? + 1;
    }
    None
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |feed| feed + 1)
}

fn spaces(text: &str, start: usize) -> usize {
    text[start..].bytes().take_while(|byte| *byte == b' ').count()
}
