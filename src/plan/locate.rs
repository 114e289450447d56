//! From a JSON pointer, as the schema library reports places, to the node and key in the plan.
//!
//! The library's own split drops empty keys and takes numeric keys for indexes; here the node decides.

use std::collections::HashMap;

use crate::source::Span;
use crate::yaml::{Entry, Kind, Node, ScalarStyle};

/// A node with the entry that leads to it.
#[derive(Clone, Copy)]
pub(super) struct Spot<'t> {
    /// The node itself.
    pub(super) node: Node<'t>,
    /// Its entry, when its parent is a mapping.
    pub(super) entry: Option<Entry<'t>>,
}

/// Finds nodes by pointer; lists that it met once are found by index at once.
pub(super) struct Locator<'t> {
    root: Node<'t>,
    lists: HashMap<Span, Vec<Node<'t>>>,
}

impl<'t> Locator<'t> {
    pub(super) fn new(root: Node<'t>) -> Self {
        Self { root, lists: HashMap::new() }
    }

    /// The node behind `pointer`, or the nearest ancestor that exists.
    pub(super) fn find(&mut self, pointer: &str) -> Spot<'t> {
        let mut spot = Spot { node: self.root, entry: None };
        for segment in pointer.split('/').skip(1) {
            let segment = segment.replace("~1", "/").replace("~0", "~");
            let next = match spot.node.kind() {
                Kind::Mapping => spot.node.entry(&segment).map(|entry| Spot { node: entry.value, entry: Some(entry) }),
                Kind::Sequence => {
                    let list = self.lists.entry(spot.node.span()).or_insert_with(|| spot.node.items().collect());
                    let item = segment.parse().ok().and_then(|index: usize| list.get(index));
                    item.map(|node| Spot { node: *node, entry: None })
                }
                _ => None,
            };
            match next {
                Some(found) => spot = found,
                None => break,
            }
        }
        spot
    }
}

impl Spot<'_> {
    /// What a sentence about the node starts with: its key, or its noun.
    pub(super) fn subject(&self, noun: &str) -> String {
        match self.entry {
            Some(entry) => super::words::shown(entry.key),
            None if noun == "a plan" => noun.to_owned(),
            None => format!("this {}", super::words::bare(noun)),
        }
    }

    /// A short place for something that a mapping as a whole lacks: its key; of a list's item, the item.
    pub(super) fn head(&self) -> Span {
        match self.entry {
            Some(entry) => entry.key_span,
            None => self.start(),
        }
    }

    /// The node, short: what is written in brackets as a whole, of a block only its first key or dash.
    pub(super) fn start(&self) -> Span {
        let span = self.place();
        let (first, last) = match self.node.kind() {
            Kind::Mapping => match self.node.entries().next() {
                Some(first) if first.key_span.start == span.start => return first.key_span,
                _ => return span,
            },
            Kind::Sequence => (self.node.items().next(), self.node.items().last()),
            _ => return span,
        };
        match (first, last) {
            (Some(_), Some(last)) if last.span().end == span.end => span.sub(0, 1),
            _ => span,
        }
    }

    /// The node's own place, or its key where nothing is written.
    pub(super) fn place(&self) -> Span {
        let span = self.node.span();
        match self.entry {
            Some(entry) if span.is_empty() => entry.key_span,
            _ => span,
        }
    }
}

/// The bytes of `offset..offset + len` of a scalar's value, as far as that is certain without the source text: when the
/// scalar is on one line and holds no escape. Otherwise the whole scalar.
pub(super) fn part_of_scalar(node: Node<'_>, offset: usize, len: usize) -> Span {
    let span = node.span();
    let quotes = match node.style() {
        Some(ScalarStyle::Plain) => 0,
        Some(ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted) => 1,
        _ => return span,
    };
    match node.text() {
        Some(text) if text.len() + 2 * quotes == span.len() => span.sub(quotes + offset, len),
        _ => span,
    }
}
