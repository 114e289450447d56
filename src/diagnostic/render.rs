//! A diagnostic as text with its source snippet, in the layout that rustc made known.
//!
//! `annotate-snippets` draws; this module hands it a small window and never the whole source (30 000 times slower on a big
//! plan). Lines are cut around what is underlined, and everything that comes from a plan is neutralised, since a plan can
//! be a stranger's: no escape sequence, no bidi override reaches the terminal, and the output is bounded.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::{Diagnostic, Label, Place, Severity};
use crate::source::{Location, Source, SourceId, Sources, Span};

/// Whether escape sequences for colour are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With colour, which only repeats what the words say.
    Colour,
}

/// A line with more characters is cut around what is underlined.
const LONGEST_LINE: usize = 140;
/// Characters kept before and after it.
const CONTEXT: usize = 50;
/// Characters underlined at most.
const LONGEST_UNDERLINE: usize = 80;
/// Characters of a message, label, note, help or path.
const LONGEST_TEXT: usize = 2000;
/// Lines between two underlined ones of one snippet.
const LARGEST_GAP: u32 = 500;
/// Secondary places and notes shown.
const MOST_PARTS: usize = 10;

/// The diagnostic as people read it: code, message, `file:line:col`, snippet, notes, help. Ends with a line feed.
///
/// Whatever is in the plan, the result holds no control character but line feeds and, in colour, the renderer's own.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity() {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group =
        Group::with_title(level.primary_title(clean(&diagnostic.message)).id(diagnostic.code.as_str().to_owned()));
    let mut headers = Vec::new();
    match &diagnostic.place {
        Place::File(path) => group = group.element(Origin::path(clean(path))),
        Place::Text(primary) => {
            let mut views: Vec<View<'_>> = Vec::new();
            let labels = std::iter::once((primary, AnnotationKind::Primary))
                .chain(diagnostic.secondary.iter().take(MOST_PARTS).map(|label| (label, AnnotationKind::Context)));
            for (label, kind) in labels {
                View::place(&mut views, sources, label, kind);
            }
            for (number, view) in views.iter().enumerate() {
                headers.push(view.header());
                group = group.element(view.snippet(number));
            }
        }
    }
    for note in diagnostic.notes.iter().take(MOST_PARTS) {
        group = group.element(Level::NOTE.message(clean(note)));
    }
    if let Some(help) = &diagnostic.help {
        group = group.element(Level::HELP.message(clean(help)));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Colour => Renderer::styled().hyperlink(false),
    };
    // Lines are cut here already, with columns that stay right; the renderer shall not cut again.
    let mut text = renderer.term_width(10_000).render(&[group]);
    for (number, header) in headers.iter().enumerate() {
        put_header(&mut text, number, header);
    }
    text.push('\n');
    text
}

/// Stands for the path of a snippet until [`put_header`]; can't come from a plan, see [`is_invisible`].
fn header_mark(number: usize) -> String {
    format!("\u{e000}{number}\u{e001}")
}

/// Replaces what the renderer says about a snippet's place, which it counts in the cut line, by the true one.
fn put_header(text: &mut String, number: usize, header: &str) {
    let mark = header_mark(number);
    let Some(start) = text.find(&mark) else { return };
    let rest = &text[start + mark.len()..];
    let counted = rest.find(|c: char| !c.is_ascii_digit() && c != ':').unwrap_or(rest.len());
    text.replace_range(start..start + mark.len() + counted, header);
}

/// Neighbouring lines of one source that are shown together.
struct View<'s> {
    id: SourceId,
    source: &'s Source,
    /// Where the first label of the view points; the place after `-->`.
    origin: Span,
    lines: BTreeMap<u32, Cut>,
}

/// The part of a line that is shown.
struct Cut {
    part: Span,
    marks: Vec<Mark>,
}

struct Mark {
    span: Span,
    text: String,
    kind: AnnotationKind,
}

impl<'s> View<'s> {
    /// Adds a label to a view that can show it, or to a new one.
    fn place(views: &mut Vec<Self>, sources: &'s Sources, label: &Label, kind: AnnotationKind) {
        let Location { source: id, span } = label.location;
        let source = sources.get(id).as_ref();
        let line = source.position(span.start).line();
        let line_span = visible_line(source, line);
        let start = span.start.clamp(line_span.start, line_span.end);
        let mut text = clean(&label.text);
        let shown = clip(source, start, span.end.min(line_span.end));
        let last = source.position(span.end.saturating_sub(1).max(span.start)).line();
        if last > line {
            let _ = write!(text, "{}to line {last}", if text.is_empty() { "" } else { ", " });
        }
        let mark = Mark { span: shown, text, kind };
        let fits = |view: &Self| {
            let (first, last) = view.bounds();
            view.id == id
                && line + LARGEST_GAP >= first
                && line <= last + LARGEST_GAP
                && view.lines.get(&line).is_none_or(|cut| cut.part.start <= shown.start && shown.end <= cut.part.end)
        };
        let at = views.iter().position(fits).unwrap_or_else(|| {
            views.push(Self { id, source, origin: span, lines: BTreeMap::new() });
            views.len() - 1
        });
        let cut = || Cut { part: around(source, line_span, shown), marks: Vec::new() };
        views[at].lines.entry(line).or_insert_with(cut).marks.push(mark);
    }

    fn bounds(&self) -> (u32, u32) {
        let first = self.lines.first_key_value().map_or(1, |(line, _)| *line);
        let last = self.lines.last_key_value().map_or(first, |(line, _)| *line);
        (first, last)
    }

    /// `path:line:column` of the view's first label.
    fn header(&self) -> String {
        let position = self.source.position(self.origin.start);
        format!("{}:{}:{}", clean(self.source.path()), position.line(), position.column())
    }

    fn snippet(&self, number: usize) -> Snippet<'static, Annotation<'static>> {
        let (first, last) = self.bounds();
        let text = self.source.text();
        let mut window = String::new();
        let mut marks = Vec::new();
        for line in first..=last {
            let whole = visible_line(self.source, line);
            let plain = Cut { part: around(self.source, whole, Span { end: whole.start, ..whole }), marks: Vec::new() };
            let cut = self.lines.get(&line).unwrap_or(&plain);
            if cut.part.start > whole.start {
                window.push('…');
            }
            let base = window.len();
            let to_window = |offset: u32| base + neutralise(&text[cut.part.start as usize..offset as usize]).len();
            for mark in &cut.marks {
                let span = to_window(mark.span.start)..to_window(mark.span.end);
                let annotation = mark.kind.span(span).label((!mark.text.is_empty()).then(|| mark.text.clone()));
                marks.push(annotation);
            }
            window.push_str(&neutralise(&text[cut.part.range()]));
            if cut.part.end < whole.end {
                window.push('…');
            }
            window.push('\n');
        }
        Snippet::source(window).path(header_mark(number)).line_start(first as usize).annotations(marks)
    }
}

/// A line without the byte order mark that some files begin with.
fn visible_line(source: &Source, line: u32) -> Span {
    let span = source.line_span(line);
    let mark = '\u{feff}';
    let skip = if span.start == 0 && source.text().starts_with(mark) { mark.len_utf8() } else { 0 };
    span.sub(skip, span.len())
}

/// `start..end`, at most [`LONGEST_UNDERLINE`] characters of it.
fn clip(source: &Source, start: u32, end: u32) -> Span {
    let span = Span { start, end: end.max(start) };
    let text = source.slice(span);
    match text.char_indices().nth(LONGEST_UNDERLINE) {
        Some((len, _)) => span.sub(0, len),
        None => span,
    }
}

/// The part of a line to show so that `shown` has context on both sides.
fn around(source: &Source, line: Span, shown: Span) -> Span {
    let text = source.slice(line);
    if text.len() <= LONGEST_LINE || text.chars().nth(LONGEST_LINE).is_none() {
        return line;
    }
    let before = source.slice(Span { start: line.start, end: shown.start });
    let after = source.slice(Span { start: shown.end, end: line.end });
    let left = before.char_indices().rev().nth(CONTEXT - 1).map_or(0, |(at, _)| at);
    let right = after.char_indices().nth(CONTEXT).map_or(after.len(), |(at, _)| at);
    Span::new(line.start as usize + left, shown.end as usize + right)
}

/// A message of ours, with whatever it quotes made harmless and bounded in length.
fn clean(text: &str) -> String {
    let bounded = text.char_indices().nth(LONGEST_TEXT).map(|(len, _)| &text[..len]);
    let mut clean = neutralise(bounded.unwrap_or(text)).replace('\t', "\\t");
    if bounded.is_some() {
        clean.push('…');
    }
    clean
}

/// `text` with each character that could drive a terminal or reorder the text as a visible escape. Tabs stay.
fn neutralise(text: &str) -> String {
    let mut clean = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' => clean.push_str("\\n"),
            '\r' => clean.push_str("\\r"),
            '\t' => clean.push('\t'),
            _ if c.is_control() || is_invisible(c) => {
                let _ = write!(clean, "\\u{{{:x}}}", u32::from(c));
            }
            _ => clean.push(c),
        }
    }
    clean
}

/// Format characters: they have no glyph of their own, and some change the order of what is around them. Private-use ones too.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{e000}'..='\u{f8ff}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
