//! Where keys, values and flow collections stand in a checked-in plan, found by a small reader of our own.
//!
//! It shares nothing with the program's parser, so that the two can contradict each other. It reads the YAML that our own
//! plans are written in: block mappings and lists, flow collections on one line, comments, one line a scalar.

use std::ops::Range;

/// What a part of the text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A key of a mapping.
    Key,
    /// A scalar: a value, or an item of a list.
    Scalar,
    /// A flow collection with its brackets.
    Flow,
}

/// A part of the text.
#[derive(Clone, Debug)]
pub(super) struct Piece {
    pub(super) part: Part,
    /// Where it stands.
    pub(super) range: Range<usize>,
    /// Keys that lead to it, joined by `/`; an item of a list is `-`.
    pub(super) path: String,
    /// Whether it stands inside brackets.
    pub(super) in_flow: bool,
    /// The start of what holds it: a bracket, or the first key of a block mapping.
    pub(super) holder: usize,
}

impl Piece {
    pub(super) fn key(&self) -> &str {
        self.path.rsplit('/').find(|part| *part != "-").unwrap_or_default()
    }
}

struct Level {
    indent: usize,
    /// The path of the mapping or list whose entries have this indentation.
    path: String,
    /// The first key of the mapping.
    holder: usize,
}

/// The pieces of a text in order.
pub(super) fn outline(text: &str) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut levels: Vec<Level> = Vec::new();
    let mut last_key = String::new();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        block_line(text, start, content_end(line), &mut levels, &mut last_key, &mut pieces);
        start += line.len();
    }
    pieces
}

/// Length of a line without its comment and trailing blanks.
fn content_end(line: &str) -> usize {
    let mut quote = None;
    let mut before = ' ';
    for (at, c) in line.char_indices() {
        match (quote, c) {
            (None, '#') if before.is_whitespace() => return line[..at].trim_end().len(),
            (None, '"' | '\'') if before.is_whitespace() || matches!(before, '[' | '{' | '(') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        before = c;
    }
    line.trim_end().len()
}

fn block_line(
    text: &str,
    start: usize,
    length: usize,
    levels: &mut Vec<Level>,
    last_key: &mut String,
    pieces: &mut Vec<Piece>,
) {
    let end = start + length;
    let mut at = start + text[start..end].find(|c| c != ' ').unwrap_or(length);
    if at >= end {
        return;
    }
    let mut dashed = false;
    while text[at..end].starts_with("- ") {
        let path = enter(levels, at - start, last_key, at, false);
        *last_key = format!("{path}/-");
        at += 2;
        dashed = true;
    }
    let (key_end, is_key) = key_at(text, at, end);
    if !is_key {
        return value(text, at..end, last_key, false, at, pieces);
    }
    let path = enter(levels, at - start, last_key, at, dashed);
    let holder = levels.last().map_or(at, |level| level.holder);
    *last_key = format!("{path}/{}", &text[at..key_end]);
    pieces.push(Piece { part: Part::Key, range: at..key_end, path: last_key.clone(), in_flow: false, holder });
    let after = text[key_end + 1..end].len() - text[key_end + 1..end].trim_start().len() + key_end + 1;
    let after = match text[after..end].strip_prefix('&') {
        Some(anchored) => after + 1 + anchored.find(' ').map_or(anchored.len(), |blank| blank + 1),
        None => after,
    };
    if after < end {
        value(text, after..end, last_key, false, holder, pieces);
    }
}

/// The path of the level with this indentation; deeper ones end.
fn enter(levels: &mut Vec<Level>, indent: usize, last_key: &str, at: usize, is_item: bool) -> String {
    while levels.last().is_some_and(|level| level.indent > indent) {
        levels.pop();
    }
    if levels.last().is_none_or(|level| level.indent < indent) {
        levels.push(Level { indent, path: last_key.to_owned(), holder: at });
    }
    let level = levels.last_mut().expect("one was pushed");
    // Each item of a list is a mapping of its own, although its keys have the same indentation.
    if is_item {
        level.path = last_key.to_owned();
        level.holder = at;
    }
    level.path.clone()
}

fn key_at(text: &str, at: usize, end: usize) -> (usize, bool) {
    if text[at..end].starts_with(['"', '[', '{', '*', '&']) {
        return (end, false);
    }
    let colon = text[at..end].find(": ").or_else(|| text[at..end].ends_with(':').then(|| end - at - 1));
    colon.map_or((end, false), |colon| (at + colon, true))
}

fn value(text: &str, range: Range<usize>, path: &str, in_flow: bool, holder: usize, pieces: &mut Vec<Piece>) {
    let part = if text[range.start..].starts_with(['[', '{']) { Part::Flow } else { Part::Scalar };
    pieces.push(Piece { part, range: range.clone(), path: path.to_owned(), in_flow, holder });
    if part == Part::Scalar {
        return;
    }
    let is_list = text[range.start..].starts_with('[');
    for item in items(text, range.start + 1..range.end - 1) {
        let (key_end, is_key) = key_at(text, item.start, item.end);
        if is_list || !is_key {
            value(text, item, &format!("{path}/-"), true, range.start, pieces);
            continue;
        }
        let path = format!("{path}/{}", &text[item.start..key_end]);
        let key = Piece {
            part: Part::Key,
            range: item.start..key_end,
            path: path.clone(),
            in_flow: true,
            holder: range.start,
        };
        pieces.push(key);
        value(text, key_end + 2..item.end, &path, true, range.start, pieces);
    }
}

/// The items of a flow collection, without the blanks around them.
fn items(text: &str, inside: Range<usize>) -> Vec<Range<usize>> {
    let (mut items, mut depth, mut quoted, mut start) = (Vec::new(), 0_usize, false, inside.start);
    let mut take = |start: usize, end: usize| {
        let item = &text[start..end];
        let from = start + item.len() - item.trim_start().len();
        items.push(from..from + item.trim().len());
    };
    for (offset, c) in text[inside.clone()].char_indices() {
        let at = inside.start + offset;
        match c {
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' | '{' => depth += 1,
            ']' | '}' => depth -= 1,
            ',' if depth == 0 => {
                take(start, at);
                start = at + 1;
            }
            _ => {}
        }
    }
    take(start, inside.end);
    items
}
