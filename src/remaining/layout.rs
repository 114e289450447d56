//! YAML as a person would write it: short lists in brackets, a registry or a wave a line, all else a key a line.
//!
//! Every scalar that is not plainly a word goes into double quotes. A general YAML writer quotes by the rules of its own
//! reader, and those differ: `12e45678`, `1_000` and the key `<<` come out bare, and mean a number or a merge to others, to
//! the reader of plans among them. What stays of such a writer is one screen of layout.

use std::borrow::Cow;
use std::fmt::Write as _;

use crate::diagnostic::visible;

/// Longest line of a list or mapping in brackets.
const WIDTH: usize = 110;

/// Words that some reader of YAML takes for a truth value or for nothing.
const RESERVED: [&str; 10] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n", "nan"];

/// A mapping under construction.
#[derive(Default)]
pub(super) struct Keys(pub(super) Vec<(String, Node)>);

impl Keys {
    pub(super) fn add(&mut self, key: &str, node: Node) {
        self.0.push((key.to_owned(), node));
    }

    pub(super) fn optional(&mut self, key: &str, node: Option<Node>) {
        if let Some(node) = node {
            self.add(key, node);
        }
    }
}

/// A piece of YAML.
pub(super) enum Node {
    /// As it is written.
    Scalar(String),
    /// In brackets if it fits and holds nothing but scalars, else an item a line.
    List(Vec<Node>),
    /// A key a line.
    Map(Vec<(String, Node)>),
    /// A mapping in braces if it fits on a line, else a key a line.
    Line(Vec<(String, Node)>),
}

/// What YAML reads as we write it: a number, a duration, a word of ours.
pub(super) fn bare(value: impl std::fmt::Display) -> Node {
    Node::Scalar(value.to_string())
}

/// Any text.
pub(super) fn word(text: &str) -> Node {
    Node::Scalar(scalar(text))
}

impl Node {
    pub(super) fn is_empty(&self) -> bool {
        match self {
            Self::Scalar(_) => false,
            Self::List(items) => items.is_empty(),
            Self::Map(entries) | Self::Line(entries) => entries.is_empty(),
        }
    }

    /// `key: …` at an indentation, with its line end.
    pub(super) fn entry(&self, key: &str, indent: usize, text: &mut String) {
        let key = scalar(key);
        let _ = write!(text, "{:indent$}{key}:", "");
        if let Some(line) = self.inline().filter(|line| indent + key.chars().count() + line.chars().count() < WIDTH) {
            let _ = writeln!(text, " {line}");
            return;
        }
        text.push('\n');
        self.block(indent + 2, text);
    }

    /// The lines of a list or mapping.
    fn block(&self, indent: usize, text: &mut String) {
        match self {
            Self::Scalar(scalar) => {
                let _ = writeln!(text, "{:indent$}{scalar}", "");
            }
            Self::Map(entries) | Self::Line(entries) => {
                entries.iter().for_each(|(key, node)| node.entry(key, indent, text));
            }
            Self::List(items) => {
                for item in items {
                    if let Some(line) = item.inline().filter(|line| indent + line.chars().count() < WIDTH) {
                        let _ = writeln!(text, "{:indent$}- {line}", "");
                        continue;
                    }
                    let mut lines = String::new();
                    item.block(indent + 2, &mut lines);
                    lines.replace_range(indent..indent + 1, "-");
                    text.push_str(&lines);
                }
            }
        }
    }

    /// On one line, if that is how it is written.
    fn inline(&self) -> Option<String> {
        match self {
            Self::Scalar(scalar) => Some(scalar.clone()),
            Self::List(items) => {
                let items: Option<Vec<&str>> = items.iter().map(Self::as_scalar).collect();
                Some(format!("[{}]", items?.join(", ")))
            }
            Self::Map(_) => None,
            Self::Line(entries) => {
                let entries: Option<Vec<String>> =
                    entries.iter().map(|(key, node)| Some(format!("{}: {}", scalar(key), node.inline()?))).collect();
                Some(format!("{{ {} }}", entries?.join(", ")))
            }
        }
    }

    fn as_scalar(&self) -> Option<&str> {
        match self {
            Self::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }
}

/// A text as a scalar that every reader takes for that text.
fn scalar(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { quoted(text) }
}

/// Whether a text needs no quotes: it begins with a letter, goes on with letters, digits, `-`, `_` and `.`, and is no word that
/// means something.
fn is_plain(text: &str) -> bool {
    text.starts_with(char::is_alphabetic)
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'))
        && !RESERVED.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn quoted(text: &str) -> String {
    let mut quoted = String::with_capacity(text.len() + 2);
    quoted.push('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\t' => quoted.push_str("\\t"),
            c if !is_printable(c) => escape(c, &mut quoted),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}

/// A checked name in a comment: on its line, and without a character that hides or reorders others.
pub(super) fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_printable(c) { shown.push(c) } else { escape(c, &mut shown) }
    }
    shown
}

/// Whether a character may stand in YAML as it is, and looks like what it is.
fn is_printable(c: char) -> bool {
    // The last two of each plane are no characters.
    let is_character = u32::from(c) & 0xfffe != 0xfffe && !matches!(c, '\u{fdd0}'..='\u{fdef}');
    is_character && matches!(visible(c.encode_utf8(&mut [0; 4])), Cow::Borrowed(_))
}

fn escape(c: char, into: &mut String) {
    let code = u32::from(c);
    let _ = if code > 0xffff { write!(into, "\\U{code:08x}") } else { write!(into, "\\u{code:04x}") };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_plainly_a_word_is_quoted() {
        for (text, written) in [
            ("harbor-1.a_b", "harbor-1.a_b"),
            ("支付", "支付"),
            ("", "\"\""),
            ("00012", "\"00012\""),
            ("12e45678", "\"12e45678\""),
            ("1_000", "\"1_000\""),
            ("True", "\"True\""),
            ("null", "\"null\""),
            ("off", "\"off\""),
            ("<<", "\"<<\""),
            ("-a", "\"-a\""),
            ("{{ vars.a ~ \"b\\n\" }}", "\"{{ vars.a ~ \\\"b\\\\n\\\" }}\""),
            ("a: b #c", "\"a: b #c\""),
            ("a\nb\u{1b}\u{202e}\u{ffff}\u{1f600}", "\"a\\nb\\u001b\\u202e\\uffff\u{1f600}\""),
        ] {
            assert_eq!(scalar(text), written);
        }
    }

    #[test]
    fn lists_and_mappings_break_where_a_line_is_too_long() {
        let list = |count: usize| Node::List((0..count).map(|n| word(&format!("name-{n}"))).collect());
        let lines = |node: Node| {
            let mut text = String::new();
            node.entry("key", 2, &mut text);
            text
        };
        assert_eq!(lines(list(2)), "  key: [name-0, name-1]\n");
        assert!(lines(list(20)).starts_with("  key:\n    - name-0\n    - name-1\n"));
        let wave = |count| Node::List(vec![Node::Line(vec![("a".to_owned(), bare(1)), ("b".to_owned(), list(count))])]);
        assert_eq!(lines(wave(1)), "  key:\n    - { a: 1, b: [name-0] }\n");
        assert!(lines(wave(20)).starts_with("  key:\n    - a: 1\n      b:\n        - name-0\n"));
    }
}
