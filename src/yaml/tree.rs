//! The arena of nodes.
//!
//! All nodes, child lists and decoded texts lie in three vectors, so that a tree of millions of nodes is three
//! allocations, aliases are shared indices, and nothing is walked or dropped by recursion. A scalar that is written as it
//! reads, which nearly all are, is not copied: the tree holds on to its source. `build` fills it.

use std::sync::Arc;

use super::scalar::ScalarStyle;
use crate::source::{Source, Span};

/// Mappings with more entries carry a list of their entries sorted by key.
pub(super) const SORTED_FROM: usize = 16;

/// A parsed document.
#[derive(Debug)]
pub struct Tree {
    pub(super) source: Arc<Source>,
    pub(super) nodes: Vec<NodeData>,
    /// Items of sequences; key and value of each entry of mappings, then the sorted list of a large one.
    pub(super) links: Vec<u32>,
    /// Decoded scalars that the source doesn't hold as such, one after the other.
    pub(super) texts: String,
}

/// 20 bytes a node.
#[derive(Clone, Copy, Debug)]
pub(super) struct NodeData {
    pub(super) span: Span,
    /// Where a scalar's text starts in the source, or beyond its end in `texts`; or a collection's children in `links`.
    pub(super) first: u32,
    /// Length of the text in bytes, or number of items or entries.
    pub(super) count: u32,
    pub(super) kind: DataKind,
    pub(super) style: ScalarStyle,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DataKind {
    Null,
    True,
    False,
    Number,
    Text,
    Sequence,
    Mapping,
}

/// A node of a tree; copying it copies a reference.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tree: &'t Tree,
    index: u32,
}

/// What a node is, after resolving plain scalars by the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'t> {
    /// `null`, `~` or nothing.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A plain scalar that reads as a number; the text is [`Node::text`].
    Number,
    /// Any other scalar.
    Text(&'t str),
    /// A list.
    Sequence,
    /// A mapping.
    Mapping,
}

/// One entry of a mapping.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'t> {
    /// The key's text. Keys are always scalars.
    pub key: &'t str,
    /// Where the key is written.
    pub key_span: Span,
    /// The key's style: tells `on:` from `"on":`.
    pub key_style: ScalarStyle,
    /// The value.
    pub value: Node<'t>,
}

impl Tree {
    pub(super) fn new(source: Arc<Source>) -> Self {
        Self { source, nodes: Vec::new(), links: Vec::new(), texts: String::new() }
    }

    /// The root node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, index: 0 }
    }

    pub(super) fn text_of(&self, index: u32) -> &str {
        let data = &self.nodes[index as usize];
        let (source, start, count) = (self.source.text(), data.first as usize, data.count as usize);
        match start.checked_sub(source.len()) {
            None => &source[start..start + count],
            Some(start) => &self.texts[start..start + count],
        }
    }
}

impl<'t> Node<'t> {
    /// The bytes of the node: a scalar with its quotes, a flow collection with its brackets, a block collection from its
    /// first key or dash to the end of its last value, a block scalar from its indicator to the end of its last line that
    /// isn't blank. Anchors and tags are not part of it.
    ///
    /// Nothing at all, as in `key:`, is where it is missed: the key; the dash of an item; the anchor or tag if it has one.
    #[must_use]
    pub fn span(self) -> Span {
        self.data().span
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind<'t> {
        match self.data().kind {
            DataKind::Null => Kind::Null,
            DataKind::True => Kind::Bool(true),
            DataKind::False => Kind::Bool(false),
            DataKind::Number => Kind::Number,
            DataKind::Text => Kind::Text(self.tree.text_of(self.index)),
            DataKind::Sequence => Kind::Sequence,
            DataKind::Mapping => Kind::Mapping,
        }
    }

    /// A scalar's decoded text (whatever its kind: `12e5` for that number); `None` for collections.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        (!self.is_collection()).then(|| self.tree.text_of(self.index))
    }

    /// A scalar's style; `None` for collections.
    #[must_use]
    pub fn style(self) -> Option<ScalarStyle> {
        (!self.is_collection()).then(|| self.data().style)
    }

    /// The items of a sequence; empty for anything else.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'t>> + Clone {
        let tree = self.tree;
        self.links(DataKind::Sequence, 1).iter().map(move |index| Node { tree, index: *index })
    }

    /// The entries of a mapping in source order; empty for anything else. A merge key (`<<`) is replaced by the entries
    /// that it brings, without those whose key the mapping gives itself.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry<'t>> + Clone {
        let (pairs, _) = self.links(DataKind::Mapping, 2).as_chunks::<2>();
        pairs.iter().map(move |pair| self.entry_of(pair))
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of a key of a mapping. Large mappings are searched by halves.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        let (pairs, _) = self.links(DataKind::Mapping, 2).as_chunks::<2>();
        if pairs.len() <= SORTED_FROM {
            return pairs.iter().find(|[name, _]| self.tree.text_of(*name) == key).map(|pair| self.entry_of(pair));
        }
        let start = self.data().first as usize + pairs.len() * 2;
        let sorted = &self.tree.links[start..start + pairs.len()];
        let at = sorted.binary_search_by(|entry| self.tree.text_of(pairs[*entry as usize][0]).cmp(key)).ok()?;
        Some(self.entry_of(&pairs[sorted[at] as usize]))
    }

    /// The node behind a JSON pointer (RFC 6901) such as `/projects/0/name`, following what the jsonschema library reports.
    #[must_use]
    pub fn pointer(self, pointer: &str) -> Option<Node<'t>> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').try_fold(self, |node, token| match node.kind() {
            Kind::Sequence => {
                let canonical = token == "0" || !token.starts_with(['0', '+']);
                canonical.then(|| token.parse().ok()).flatten().and_then(|index: usize| node.items().nth(index))
            }
            Kind::Mapping if token.contains('~') => node.get(&token.replace("~1", "/").replace("~0", "~")),
            Kind::Mapping => node.get(token),
            _ => None,
        })
    }

    /// Tells this node from every other of all trees that are alive: its tree's address and its number in the tree.
    pub(super) fn identity_parts(self) -> (usize, u32) {
        (std::ptr::from_ref(self.tree) as usize, self.index)
    }

    /// The item of a sequence at `at`.
    pub(super) fn item_at(self, at: usize) -> Option<Node<'t>> {
        let index = *self.links(DataKind::Sequence, 1).get(at)?;
        Some(Node { tree: self.tree, index })
    }

    /// The entry of a mapping at `at`.
    pub(super) fn entry_at(self, at: usize) -> Option<Entry<'t>> {
        let (pairs, _) = self.links(DataKind::Mapping, 2).as_chunks::<2>();
        pairs.get(at).map(|pair| self.entry_of(pair))
    }

    fn is_collection(self) -> bool {
        matches!(self.data().kind, DataKind::Sequence | DataKind::Mapping)
    }

    fn data(self) -> &'t NodeData {
        &self.tree.nodes[self.index as usize]
    }

    fn links(self, kind: DataKind, width: usize) -> &'t [u32] {
        let data = self.data();
        if data.kind != kind {
            return &[];
        }
        let first = data.first as usize;
        &self.tree.links[first..first + data.count as usize * width]
    }

    fn entry_of(self, &[key, value]: &[u32; 2]) -> Entry<'t> {
        let data = &self.tree.nodes[key as usize];
        Entry {
            key: self.tree.text_of(key),
            key_span: data.span,
            key_style: data.style,
            value: Node { tree: self.tree, index: value },
        }
    }
}
