//! The arena of nodes.

use super::scalar::ScalarStyle;
use crate::diagnostic::Diagnostic;
use crate::source::{Source, SourceId, Span};

/// A parsed document.
#[derive(Debug)]
pub struct Tree {}

/// A node of a tree; copying it copies a reference.
#[derive(Clone, Copy, Debug)]
pub struct Node<'t> {
    tree: &'t Tree,
    index: u32,
}

/// What a node is, after resolving plain scalars by the YAML 1.2 core schema.
#[derive(Clone, Copy, Debug)]
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

/// Parses one plan text.
///
/// # Errors
/// Everything that is wrong with it as YAML, each with its exact place.
pub fn parse(id: SourceId, source: &Source) -> Result<Tree, Vec<Diagnostic>> {
    let _ = (id, source);
    todo!()
}

impl Tree {
    /// The root node.
    #[must_use]
    pub fn root(&self) -> Node<'_> {
        Node { tree: self, index: 0 }
    }
}

impl<'t> Node<'t> {
    /// The bytes of the node: a scalar with its quotes, a flow collection with its brackets, a block collection from its
    /// first key or dash to the end of its last value.
    #[must_use]
    pub fn span(self) -> Span {
        let _ = (self.tree, self.index);
        todo!()
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> Kind<'t> {
        todo!()
    }

    /// A scalar's decoded text (whatever its kind: `12e5` for that number); `None` for collections.
    #[must_use]
    pub fn text(self) -> Option<&'t str> {
        todo!()
    }

    /// A scalar's style; `None` for collections.
    #[must_use]
    pub fn style(self) -> Option<ScalarStyle> {
        todo!()
    }

    /// The items of a sequence; empty for anything else.
    pub fn items(self) -> impl ExactSizeIterator<Item = Node<'t>> {
        std::iter::empty()
    }

    /// The entries of a mapping in source order, merge keys applied; empty for anything else.
    pub fn entries(self) -> impl ExactSizeIterator<Item = Entry<'t>> {
        std::iter::empty()
    }

    /// The value of a key of a mapping.
    #[must_use]
    pub fn get(self, key: &str) -> Option<Node<'t>> {
        self.entry(key).map(|entry| entry.value)
    }

    /// The entry of a key of a mapping.
    #[must_use]
    pub fn entry(self, key: &str) -> Option<Entry<'t>> {
        self.entries().find(|entry| entry.key == key)
    }

    /// The node behind a JSON pointer such as `/projects/0/name`, following what the jsonschema library reports.
    #[must_use]
    pub fn pointer(self, pointer: &str) -> Option<Node<'t>> {
        let _ = pointer;
        todo!()
    }
}
