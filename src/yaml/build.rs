//! From parser events to the arena, one pass, within bounds.
//!
//! The parser is pulled event by event, never by its own recursive `load`. A frame for each open collection
//! counts depth and expanded size, so a bomb is refused at the place that lights it. Structural mistakes are collected;
//! the first syntax error or exceeded bound ends the pass.

use std::collections::HashMap;
use std::sync::Arc;

use saphyr_parser::{Event, Parser, ScalarStyle as ParserStyle, Span as ParserSpan, Tag};

use super::input::Text;
use super::merge;
use super::place::{Cursor, block_scalar_end, find_indicator, quoted_end, skip_properties, skip_space, trim_end};
use super::refuse::{self, MAX_DEPTH};
use super::scalar::{Plain, ScalarStyle, resolve};
use super::syntax;
use super::tree::{DataKind, NodeData, Tree};
use crate::diagnostic::{Diagnostic, Place};
use crate::source::{Source, SourceId, Span};

/// Nodes that all aliases together may stand for.
const MAX_ALIASED: u64 = 4_000_000;
/// Nodes of one file.
const MAX_NODES: usize = 10_000_000;
/// Diagnostics of one file; nobody reads more.
const MAX_DIAGNOSTICS: usize = 100;

/// Parses one plan text.
///
/// Bounds: 64 levels of nesting, four million nodes behind aliases, ten million nodes.
///
/// # Errors
/// Everything that is wrong with it as YAML, each with its exact place, in source order.
pub fn parse(id: SourceId, source: &Arc<Source>) -> Result<Tree, Vec<Diagnostic>> {
    let text = source.text();
    if let Some(diagnostic) = syntax::control_character(id, text) {
        return Err(vec![diagnostic]);
    }
    let mut builder = Builder::new(id, source);
    // A fatal diagnostic was noted before `Stop` came back.
    let _: Result<(), Stop> = builder.run();
    if builder.diagnostics.is_empty() {
        return Ok(builder.tree);
    }
    builder.diagnostics.sort_by_key(|diagnostic| match &diagnostic.place {
        Place::Text(label) => label.location.span.start,
        Place::File(_) => 0,
    });
    Err(builder.diagnostics)
}

/// The pass can't go on; the reason is among the diagnostics.
struct Stop;

/// An open collection.
struct Frame {
    node: u32,
    mapping: bool,
    flow: bool,
    /// Where its children start in `pending`.
    pending: usize,
    /// The key that waits for its value.
    key: Option<u32>,
    /// A key that isn't a scalar was met.
    complex: bool,
    anchor: usize,
    size: u64,
    height: usize,
}

/// What an alias stands for.
#[derive(Clone, Copy)]
struct Anchored {
    node: u32,
    size: u64,
    height: usize,
}

struct Builder<'s> {
    id: SourceId,
    text: &'s str,
    bytes: &'s [u8],
    cursor: Cursor<'s>,
    tree: Tree,
    frames: Vec<Frame>,
    /// Children of the open collections.
    pending: Vec<u32>,
    anchors: HashMap<usize, Anchored>,
    aliased: u64,
    /// Where the last node, or the opening of a collection, ends.
    last_end: usize,
    diagnostics: Vec<Diagnostic>,
}

impl<'s> Builder<'s> {
    fn new(id: SourceId, source: &'s Arc<Source>) -> Self {
        let text = source.text();
        Self {
            id,
            text,
            bytes: text.as_bytes(),
            cursor: Cursor::new(text),
            tree: Tree::new(Arc::clone(source)),
            frames: Vec::new(),
            pending: Vec::new(),
            anchors: HashMap::new(),
            aliased: 0,
            last_end: 0,
            diagnostics: Vec::new(),
        }
    }

    fn run(&mut self) -> Result<(), Stop> {
        let mut parser = Parser::new(Text::new(self.text));
        let mut documents = 0;
        while let Some(next) = parser.next_event() {
            let (event, span) = match next {
                Ok(next) => next,
                Err(error) => {
                    let at = self.cursor.byte(error.marker().index());
                    let diagnostic = syntax::explain(self.id, self.text, error.info(), at, self.last_end);
                    return self.fatal(diagnostic);
                }
            };
            match event {
                Event::DocumentStart(explicit) => {
                    documents += 1;
                    let at = self.cursor.byte(span.start.index());
                    if documents > 1 {
                        return self.fatal(refuse::second_document(self.id, self.text, at));
                    }
                    self.last_end = if explicit { at + 3 } else { 0 };
                }
                Event::Alias(anchor) => self.alias(anchor, span)?,
                Event::Scalar(value, style, anchor, tag) => self.scalar(&value, style, anchor, tag.as_deref(), span)?,
                Event::SequenceStart(anchor, tag) => self.open(false, anchor, tag.as_deref(), span)?,
                Event::MappingStart(anchor, tag) => self.open(true, anchor, tag.as_deref(), span)?,
                Event::SequenceEnd | Event::MappingEnd => self.close(span)?,
                Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Nothing => {}
            }
        }
        let empty = self.tree.nodes.first().is_none_or(|root| root.kind == DataKind::Null && root.count == 0);
        if empty && self.diagnostics.is_empty() {
            return self.fatal(refuse::empty_plan(self.id, self.text));
        }
        Ok(())
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ParserStyle,
        anchor: usize,
        tag: Option<&Tag>,
        span: ParserSpan,
    ) -> Result<(), Stop> {
        let event = self.cursor.byte(span.start.index());
        let (properties_end, start) =
            if anchor > 0 || tag.is_some() { skip_properties(self.bytes, event) } else { (event, event) };
        let is_key = self.expects_key();
        let (style, span) = match style {
            ParserStyle::Plain if value.is_empty() => {
                let has_properties = properties_end > event;
                (ScalarStyle::Plain, self.span_of_nothing(is_key, has_properties.then_some(event..properties_end)))
            }
            ParserStyle::Plain => {
                let end = self.cursor.byte(span.end.index());
                (ScalarStyle::Plain, Span::new(start, trim_end(self.bytes, start, end)))
            }
            ParserStyle::SingleQuoted => (ScalarStyle::SingleQuoted, Span::new(start, quoted_end(self.bytes, start))),
            ParserStyle::DoubleQuoted => (ScalarStyle::DoubleQuoted, Span::new(start, quoted_end(self.bytes, start))),
            ParserStyle::Literal | ParserStyle::Folded => {
                let literal = style == ParserStyle::Literal;
                let indicator = if literal { b"|" } else { b">" };
                let from = if properties_end > event { start } else { self.last_end };
                let start = find_indicator(self.bytes, from, indicator).unwrap_or(start);
                let end = self.cursor.byte(span.end.index());
                let style = if literal { ScalarStyle::Literal } else { ScalarStyle::Folded };
                (style, Span::new(start, block_scalar_end(self.bytes, start, end)))
            }
        };
        let plain = if style == ScalarStyle::Plain { resolve(value) } else { Plain::Text };
        let kind = self.tagged(tag, event, plain)?;
        if is_key && kind == DataKind::Null && value.is_empty() {
            self.note(refuse::missing_key(self.id, span))?;
        }
        let (first, count) = self.store(value, span, style);
        if !(value.is_empty() && style == ScalarStyle::Plain) || properties_end > event {
            self.last_end = span.end as usize;
        }
        let node = self.push(NodeData { span, first, count, kind, style })?;
        if anchor > 0 {
            self.anchors.insert(anchor, Anchored { node, size: 1, height: 0 });
        }
        self.attach(node, 1, 0);
        Ok(())
    }

    /// Where nothing at all is missed; moves on to where the search for the next node starts.
    fn span_of_nothing(&mut self, is_key: bool, properties: Option<std::ops::Range<usize>>) -> Span {
        if let Some(properties) = properties {
            return Span::new(properties.start, properties.end);
        }
        let next = skip_space(self.bytes, self.last_end);
        match self.frames.last() {
            Some(frame) if frame.mapping && !is_key => {
                if self.bytes.get(next) == Some(&b':') {
                    self.last_end = next + 1;
                }
                frame.key.map_or(Span::new(next, next), |key| self.tree.nodes[key as usize].span)
            }
            Some(frame) if !frame.mapping => {
                let dash = find_indicator(self.bytes, self.last_end, b"-").unwrap_or(self.last_end);
                self.last_end = dash + 1;
                Span::new(dash, dash + 1)
            }
            _ => Span::new(next, (next + 1).min(self.bytes.len())),
        }
    }

    /// What a node is, given its tag.
    fn tagged(&mut self, tag: Option<&Tag>, event: usize, plain: Plain) -> Result<DataKind, Stop> {
        let untagged = match plain {
            Plain::Null => DataKind::Null,
            Plain::Bool(true) => DataKind::True,
            Plain::Bool(false) => DataKind::False,
            Plain::Number => DataKind::Number,
            Plain::Text => DataKind::Text,
        };
        let Some(tag) = tag else { return Ok(untagged) };
        let core = if tag.is_yaml_core_schema() { tag.suffix.as_str() } else { "" };
        let kind = match (core, untagged) {
            ("str", _) => Some(DataKind::Text),
            ("null", DataKind::Null) | ("int" | "float", DataKind::Number) => Some(untagged),
            ("bool", DataKind::True | DataKind::False) => Some(untagged),
            // The non-specific tag `!` says: no resolving.
            _ if tag.handle.is_empty() && tag.suffix == "!" => Some(DataKind::Text),
            _ => None,
        };
        if kind.is_none() {
            self.note(refuse::unsupported_tag(self.id, self.text, event))?;
        }
        Ok(kind.unwrap_or(untagged))
    }

    fn open(&mut self, mapping: bool, anchor: usize, tag: Option<&Tag>, span: ParserSpan) -> Result<(), Stop> {
        let event = self.cursor.byte(span.start.index());
        let has_properties = anchor > 0 || tag.is_some();
        let (_, mut start) = if has_properties { skip_properties(self.bytes, event) } else { (event, event) };
        let flow = matches!(self.bytes.get(start), Some(b'[' | b'{')) && !span.is_empty();
        let under_key = self.frames.last().is_some_and(|frame| frame.mapping && !frame.flow && frame.key.is_some());
        if !mapping && !flow && under_key {
            start = find_indicator(self.bytes, self.last_end, b"-").unwrap_or(start);
        }
        if let Some(tag) = tag {
            let expected = if mapping { "map" } else { "seq" };
            if !(tag.is_yaml_core_schema() && tag.suffix == expected) {
                self.note(refuse::unsupported_tag(self.id, self.text, event))?;
            }
        }
        if self.frames.len() >= MAX_DEPTH {
            return self.fatal(refuse::too_deep(self.id, refuse::character(self.text, start)));
        }
        if self.expects_key() {
            self.note(refuse::complex_key(self.id, self.text, start))?;
        }
        let kind = if mapping { DataKind::Mapping } else { DataKind::Sequence };
        let node =
            self.push(NodeData { span: Span::new(start, start), first: 0, count: 0, kind, style: ScalarStyle::Plain })?;
        // A block sequence is searched for its dashes from the first one on.
        self.last_end = if flow { start + 1 } else { start };
        self.frames.push(Frame {
            node,
            mapping,
            flow,
            pending: self.pending.len(),
            key: None,
            complex: false,
            anchor,
            size: 1,
            height: 1,
        });
        Ok(())
    }

    fn close(&mut self, span: ParserSpan) -> Result<(), Stop> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        if frame.flow {
            self.last_end = self.cursor.byte(span.start.index()) + 1;
        }
        let mut pending = std::mem::take(&mut self.pending);
        let children = &pending[frame.pending..];
        let start = self.tree.nodes[frame.node as usize].span.start as usize;
        let block_start = match children.first() {
            Some(first) if frame.mapping && !frame.flow && self.bytes.get(start) != Some(&b'?') => {
                self.tree.nodes[*first as usize].span.start as usize
            }
            _ => start,
        };
        let span = Span::new(block_start, self.last_end);
        let first = u32::try_from(self.tree.links.len()).unwrap_or(u32::MAX);
        let count = if frame.mapping { self.mapping(&frame, children)? } else { children.len() };
        if !frame.mapping {
            self.tree.links.extend_from_slice(children);
        }
        pending.truncate(frame.pending);
        self.pending = pending;
        let data = &mut self.tree.nodes[frame.node as usize];
        data.span = span;
        data.first = first;
        data.count = u32::try_from(count).unwrap_or(u32::MAX);
        if frame.anchor > 0 {
            let anchored = Anchored { node: frame.node, size: frame.size, height: frame.height };
            self.anchors.insert(frame.anchor, anchored);
        }
        self.attach(frame.node, frame.size, frame.height);
        Ok(())
    }

    /// Stores a mapping's entries; returns their number.
    fn mapping(&mut self, frame: &Frame, children: &[u32]) -> Result<usize, Stop> {
        let (pairs, _) = children.as_chunks::<2>();
        if frame.complex {
            // Refused already; its other keys are still looked at.
            let is_scalar = |pair: &&[u32; 2]| {
                !matches!(self.tree.nodes[pair[0] as usize].kind, DataKind::Mapping | DataKind::Sequence)
            };
            let scalars: Vec<[u32; 2]> = pairs.iter().filter(is_scalar).copied().collect();
            self.note_duplicates(&scalars)?;
            return Ok(0);
        }
        self.note_duplicates(pairs)?;
        if !pairs.iter().any(|pair| merge::is_merge_key(&self.tree, pair[0])) {
            return Ok(self.store_pairs(pairs));
        }
        match merge::apply(&self.tree, pairs) {
            Ok(merged) => Ok(self.store_pairs(&merged)),
            Err(value) => {
                let span = self.tree.nodes[value as usize].span;
                self.note(refuse::invalid_merge(self.id, span))?;
                Ok(0)
            }
        }
    }

    fn note_duplicates(&mut self, pairs: &[[u32; 2]]) -> Result<(), Stop> {
        for (first, second) in merge::duplicates(&self.tree, pairs) {
            let name = self.tree.text_of(pairs[second][0]).to_owned();
            let [first, second] = [first, second].map(|at| self.tree.nodes[pairs[at][0] as usize].span);
            self.note(refuse::duplicate_key(self.id, &name, first, second))?;
        }
        Ok(())
    }

    fn store_pairs(&mut self, pairs: &[[u32; 2]]) -> usize {
        self.tree.links.extend(pairs.iter().flatten());
        let sorted = merge::sorted(&self.tree, pairs);
        self.tree.links.extend(sorted);
        pairs.len()
    }

    fn alias(&mut self, anchor: usize, span: ParserSpan) -> Result<(), Stop> {
        let start = self.cursor.byte(span.start.index());
        let span = Span::new(start, self.cursor.byte(span.end.index()));
        let name = &self.text[span.range()];
        self.last_end = span.end as usize;
        let Some(Anchored { node, size, height }) = self.anchors.get(&anchor).copied() else {
            return self.fatal(refuse::endless_alias(self.id, name, span));
        };
        if self.expects_key() {
            return self.alias_as_key(node, span);
        }
        if self.frames.len() + height > MAX_DEPTH {
            return self.fatal(refuse::too_deep(self.id, span));
        }
        self.aliased = self.aliased.saturating_add(size);
        if self.aliased > MAX_ALIASED {
            return self.fatal(refuse::too_many_aliased(self.id, name, span, MAX_ALIASED));
        }
        self.attach(node, size, height);
        Ok(())
    }

    fn alias_as_key(&mut self, node: u32, span: Span) -> Result<(), Stop> {
        let data = self.tree.nodes[node as usize];
        if matches!(data.kind, DataKind::Mapping | DataKind::Sequence) {
            self.note(refuse::complex_key(self.id, self.text, span.start as usize))?;
        }
        let key = self.push(NodeData { span, ..data })?;
        self.attach(key, 1, 0);
        Ok(())
    }

    fn expects_key(&self) -> bool {
        self.frames.last().is_some_and(|frame| frame.mapping && frame.key.is_none())
    }

    /// Gives a finished node to the collection around it.
    fn attach(&mut self, node: u32, size: u64, height: usize) {
        let kind = self.tree.nodes[node as usize].kind;
        let Some(frame) = self.frames.last_mut() else { return };
        frame.size = frame.size.saturating_add(size);
        frame.height = frame.height.max(height + 1);
        match frame.key.take() {
            None if frame.mapping => {
                frame.complex |= matches!(kind, DataKind::Mapping | DataKind::Sequence);
                frame.key = Some(node);
            }
            None => self.pending.push(node),
            Some(key) => self.pending.extend([key, node]),
        }
    }

    fn push(&mut self, data: NodeData) -> Result<u32, Stop> {
        if self.tree.nodes.len() >= MAX_NODES {
            self.fatal(refuse::too_many_nodes(self.id, data.span, MAX_NODES))?;
        }
        self.tree.nodes.push(data);
        Ok(u32::try_from(self.tree.nodes.len() - 1).unwrap_or(u32::MAX))
    }

    /// Where a scalar's text is found: in the source if it is written there as it reads, else in a copy.
    fn store(&mut self, value: &str, span: Span, style: ScalarStyle) -> (u32, u32) {
        let as_u32 = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let start = span.start as usize + usize::from(style != ScalarStyle::Plain);
        let first = if self.bytes.get(start..start + value.len()) == Some(value.as_bytes()) {
            start
        } else {
            let first = self.bytes.len() + self.tree.texts.len();
            self.tree.texts.push_str(value);
            first
        };
        (as_u32(first), as_u32(value.len()))
    }

    fn note(&mut self, diagnostic: Diagnostic) -> Result<(), Stop> {
        self.diagnostics.push(diagnostic);
        if self.diagnostics.len() >= MAX_DIAGNOSTICS { Err(Stop) } else { Ok(()) }
    }

    fn fatal(&mut self, diagnostic: Diagnostic) -> Result<(), Stop> {
        self.diagnostics.push(diagnostic);
        Err(Stop)
    }
}
