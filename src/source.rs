//! Source texts and the places in them.
//!
//! Everything that is read keeps its byte span; a one-based line and column is made only here, and only
//! when a person or a report asks for it. Neighbours: `yaml` produces spans, `diagnostic` shows them.

use std::sync::{Arc, OnceLock};

/// Stands before the text of some files, and is no part of it.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A half-open range of bytes in one source text.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Span {
    /// The span from `start` to `end`, in bytes.
    ///
    /// Sources are limited to far less than 4 GiB (see `io::fs`), so offsets saturate instead of failing.
    #[must_use]
    pub fn new(start: usize, end: usize) -> Self {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { start: clip(start), end: clip(end.max(start)) }
    }

    /// The bytes as a range for slicing.
    #[must_use]
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Length in bytes.
    #[must_use]
    pub fn len(self) -> usize {
        self.range().len()
    }

    /// Whether the span covers no byte.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The part of this span that starts `offset` bytes in and is `len` bytes long, kept inside it.
    #[must_use]
    pub fn sub(self, offset: usize, len: usize) -> Self {
        let start = (self.start as usize + offset).min(self.end as usize);
        Self::new(start, (start + len).min(self.end as usize))
    }
}

/// Which source of a [`Sources`] a place is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SourceId(u32);

/// A span in a known source.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    /// The source text.
    pub source: SourceId,
    /// The bytes in it.
    pub span: Span,
}

impl Location {
    /// The place `span` in `source`.
    #[must_use]
    pub fn new(source: SourceId, span: Span) -> Self {
        Self { source, span }
    }
}

/// A value together with the bytes that it was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spanned<T> {
    /// What was read.
    pub value: T,
    /// Where it was read.
    pub span: Span,
}

impl<T> Spanned<T> {
    /// `value`, read at `span`.
    pub fn new(value: T, span: Span) -> Self {
        Self { value, span }
    }

    /// The same place with another value.
    pub fn map<U>(self, f: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: f(self.value), span: self.span }
    }
}

/// A one-based line and column; a column counts Unicode characters. Made only by [`Source::position`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    line: u32,
    column: u32,
}

impl Position {
    /// One-based line.
    #[must_use]
    pub fn line(self) -> u32 {
        self.line
    }

    /// One-based column in Unicode characters.
    #[must_use]
    pub fn column(self) -> u32 {
        self.column
    }
}

/// One source text with its display path.
#[derive(Debug)]
pub struct Source {
    path: String,
    text: String,
    /// Where its lines begin, once somebody asks.
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    /// A source shown to people as `path`.
    #[must_use]
    pub fn new(path: impl Into<String>, text: String) -> Self {
        Self { path: path.into(), text, line_starts: OnceLock::new() }
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let after = |(offset, _)| u32::try_from(offset + 1).unwrap_or(u32::MAX);
            std::iter::once(0).chain(self.text.match_indices('\n').map(after)).collect()
        })
    }

    /// The path as the user gave it (`<stdin>` for standard input).
    #[must_use]
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The whole text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text under `span`; empty where the span does not fit the text.
    #[must_use]
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// The position of a byte offset. An offset past the end is the end of the text.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let line_starts = self.line_starts();
        let line = line_starts.partition_point(|start| *start as usize <= offset) - 1;
        let mut start = line_starts[line] as usize;
        if start == 0 && self.text.starts_with(BYTE_ORDER_MARK) {
            // Editors show no column for it.
            start = BYTE_ORDER_MARK.len_utf8().min(offset);
        }
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // Counting the bytes that start a character is right for any offset, boundary or not.
        let column = before.iter().filter(|byte| (**byte as i8) >= -0x40).count();
        Position {
            line: u32::try_from(line + 1).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }

    /// Number of lines (a text without a line feed has one).
    #[must_use]
    pub fn line_count(&self) -> usize {
        self.line_starts().len()
    }

    /// The bytes of the one-based `line`, without its line ending.
    #[must_use]
    pub fn line_span(&self, line: u32) -> Span {
        let line_starts = self.line_starts();
        let index = (line.max(1) as usize - 1).min(line_starts.len() - 1);
        let start = line_starts[index] as usize;
        let next = line_starts.get(index + 1).map_or(self.text.len(), |next| *next as usize);
        let line_text = self.text.get(start..next).unwrap_or("").trim_end_matches(['\n', '\r']);
        Span::new(start, start + line_text.len())
    }
}

/// All sources of one invocation, in the order in which they were read.
#[derive(Clone, Debug, Default)]
pub struct Sources(Vec<Arc<Source>>);

impl Sources {
    /// Adds a source and names it.
    pub fn add(&mut self, source: Source) -> SourceId {
        let id = SourceId(u32::try_from(self.0.len()).unwrap_or(u32::MAX));
        self.0.push(Arc::new(source));
        id
    }

    /// Takes a source of another invocation over; one with its path and text that is here already stands for it.
    pub fn take_over(&mut self, source: &Arc<Source>) -> SourceId {
        let same = |known: &Arc<Source>| {
            Arc::ptr_eq(known, source) || (known.path == source.path && known.text == source.text)
        };
        match self.ids().zip(&self.0).find(|(_, known)| same(known)) {
            Some((id, _)) => id,
            None => {
                self.0.push(Arc::clone(source));
                SourceId(u32::try_from(self.0.len() - 1).unwrap_or(u32::MAX))
            }
        }
    }

    /// All ids, in order.
    pub fn ids(&self) -> impl Iterator<Item = SourceId> + use<> {
        (0..u32::try_from(self.0.len()).unwrap_or(u32::MAX)).map(SourceId)
    }

    /// The source behind an id that [`Sources::add`] returned.
    #[must_use]
    pub fn get(&self, id: SourceId) -> &Arc<Source> {
        &self.0[id.0 as usize]
    }

    /// Path and start position of a location.
    #[must_use]
    pub fn place(&self, location: Location) -> (&str, Position) {
        let source = self.get(location.source);
        (source.path(), source.position(location.span.start))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_lines_from_one() {
        let source = Source::new("p.yaml", "a: 1\r\nб: é x\n".to_owned());
        let x = source.text().find('x').expect("x is there");
        let position = source.position(u32::try_from(x).expect("small"));
        // By hand: line 2, `б: é x`, x is the sixth character.
        assert_eq!((position.line(), position.column()), (2, 6));
        assert_eq!(source.slice(source.line_span(1)), "a: 1");
        assert_eq!(source.slice(source.line_span(2)), "б: é x");
        assert_eq!(source.line_count(), 3);
        let end = source.position(u32::MAX);
        assert_eq!((end.line(), end.column()), (3, 1));
    }

    #[test]
    fn a_byte_order_mark_has_no_column() {
        let source = Source::new("p.yaml", "\u{feff}a: 1\nb: 2\n".to_owned());
        let column = |offset| source.position(offset).column();
        // The mark is three bytes long; `a` is the first character that anyone sees.
        assert_eq!((column(0), column(3), column(6)), (1, 1, 4));
        assert_eq!(source.position(8).line(), 2);
        assert_eq!(column(8), 1);
    }

    #[test]
    fn a_sub_span_never_leaves_its_span() {
        let span = Span::new(10, 20);
        assert_eq!(span.sub(2, 3), Span::new(12, 15));
        assert_eq!(span.sub(8, 30), Span::new(18, 20));
        assert_eq!(span.sub(30, 3), Span::new(20, 20));
    }
}
