//! Which variables a template mentions, without rendering it.
//!
//! For the warning about unused variables only, so it errs towards "used": `vars` in any way but `vars.NAME` and
//! `vars["NAME"]` uses them all. Whether a mentioned variable exists is found where templates are rendered.

use std::collections::HashSet;

/// The variables that the scanned templates mention.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Uses<'a> {
    names: HashSet<&'a str>,
    all: bool,
}

impl<'a> Uses<'a> {
    /// Whether a template mentions the variable.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }

    /// Takes in the variables of one text.
    pub(super) fn scan(&mut self, text: &'a str) {
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            rest = self.expression(&rest[start + 2..]);
        }
    }

    /// Reads one expression up to its `}}` and returns what follows.
    fn expression(&mut self, text: &'a str) -> &'a str {
        let mut rest = text;
        // Whether the last token was a dot: then a name is an attribute, not a root.
        let mut after_dot = false;
        while let Some(c) = rest.chars().next() {
            if let Some(after) = rest.strip_prefix("}}") {
                return after;
            }
            if matches!(c, '"' | '\'' | '`') {
                rest = string(rest).1;
                after_dot = false;
            } else if is_name(c) {
                let (word, after) = split_name(rest);
                rest = if word == "vars" && !after_dot { self.root(after) } else { after };
                after_dot = false;
            } else {
                rest = &rest[c.len_utf8()..];
                after_dot = c == '.' || (after_dot && c.is_whitespace());
            }
        }
        rest
    }

    /// Reads what follows the root `vars`.
    fn root(&mut self, after: &'a str) -> &'a str {
        let tail = after.trim_start();
        let tail = tail.strip_prefix('?').unwrap_or(tail);
        if let Some(tail) = tail.strip_prefix('.') {
            let (name, tail) = split_name(tail.trim_start());
            if !name.is_empty() {
                self.names.insert(name);
                return tail;
            }
        } else if let Some(tail) = tail.strip_prefix('[') {
            let tail = tail.trim_start();
            if tail.starts_with(['"', '\'', '`']) {
                let (name, tail) = string(tail);
                if tail.trim_start().starts_with(']') && !name.contains('\\') {
                    self.names.insert(name);
                    return tail;
                }
            }
        }
        self.all = true;
        after
    }
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn split_name(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c| !is_name(c)).unwrap_or(text.len()))
}

/// The inside of the string that `text` starts with, escapes as written, and what follows it.
fn string(text: &str) -> (&str, &str) {
    let quote = text.chars().next().unwrap_or('"');
    let mut escaped = false;
    for (offset, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if c == quote => return (&text[1..offset], &text[offset + 1..]),
            _ => {}
        }
    }
    ("", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uses(text: &str) -> (Vec<&str>, bool) {
        let mut uses = Uses::default();
        uses.scan(text);
        let mut names: Vec<&str> = uses.names.iter().copied().collect();
        names.sort_unstable();
        (names, uses.all)
    }

    #[test]
    fn names_are_found_in_every_way_to_write_them() {
        for (text, expected) in [
            ("{{ vars.a }}-{{vars.b}}", vec!["a", "b"]),
            ("{{ vars[\"a\"] ~ vars['b'] }}", vec!["a", "b"]),
            ("{{ vars?.a or 'x' }}", vec!["a"]),
            ("{{ vars . a }}", vec!["a"]),
            ("{{ vars.a | default(value=vars.b) }}", vec!["a", "b"]),
            ("vars.a", vec![]),
            ("{{ 'vars.a' }}", vec![]),
            ("{{ project.vars.a }}", vec![]),
            ("{{ myvars.a }}", vec![]),
            ("{{ '}}' ~ vars.a }}", vec!["a"]),
            ("{{ \"\\\"}}\" ~ vars.a }}", vec!["a"]),
            ("{{ region }} vars.a {{ vars.b", vec!["b"]),
        ] {
            assert_eq!(uses(text), (expected, false), "{text}");
        }
    }

    #[test]
    fn any_other_use_counts_for_all() {
        for text in ["{{ vars }}", "{{ vars[region] }}", "{{ vars | length }}", "{{ vars['a' ~ 'b'] }}", "{{ vars. }}"]
        {
            assert!(uses(text).1, "{text}");
        }
    }
}
