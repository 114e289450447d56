//! Scalars: the core schema, and the way from an offset in a value back to the source.
//!
//! The second half walks the source the way the parser does (quotes, escapes, folding, block indentation) and notes for
//! each decoded character which bytes it came from, up to the wanted one. It keeps nothing: positions inside a scalar are
//! wanted only when something is wrong with it.

use std::ops::Range;

use crate::source::Span;

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScalarStyle {
    /// Without quotes.
    Plain,
    /// `'…'`
    SingleQuoted,
    /// `"…"`
    DoubleQuoted,
    /// `|`
    Literal,
    /// `>`
    Folded,
}

/// What a plain scalar reads as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Plain {
    Null,
    Bool(bool),
    Number,
    Text,
}

/// The integer that a plain scalar of kind number is written as: `12`, `0012`, `0o14`, `0xC`, `0b1100`, `1_000`. `None` for
/// fractions, exponents and what is beyond 128 bits.
#[must_use]
pub fn integer(text: &str) -> Option<i128> {
    let text = text.replace('_', "");
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text.strip_prefix('+').unwrap_or(&text)),
    };
    let (radix, digits) = match digits.get(..2) {
        Some("0x") => (16, &digits[2..]),
        Some("0o") => (8, &digits[2..]),
        Some("0b") => (2, &digits[2..]),
        _ => (10, digits),
    };
    // `from_str_radix` alone would take another sign.
    let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_alphanumeric());
    plain.then(|| i128::from_str_radix(digits, radix).ok()).flatten().map(|value| sign * value)
}

/// Resolves a plain scalar by the core schema of YAML 1.2 (section 10.3.2).
///
/// Wider in one point: `1_000` and `0b11` are numbers to YAML 1.1 and to serde_yaml in part, so they are
/// numbers here too. An id written so must be quoted to mean the same to everybody.
pub(super) fn resolve(text: &str) -> Plain {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Plain::Null,
        "true" | "True" | "TRUE" => Plain::Bool(true),
        "false" | "False" | "FALSE" => Plain::Bool(false),
        _ if is_number(text) => Plain::Number,
        _ => Plain::Text,
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let bytes = unsigned.as_bytes();
    let digits = |rest: &[u8], ok: fn(&u8) -> bool| !rest.is_empty() && rest.iter().all(ok);
    match bytes {
        [b'0', b'x', rest @ ..] => return digits(rest, u8::is_ascii_hexdigit),
        [b'0', b'o', rest @ ..] => return digits(rest, |byte| matches!(byte, b'0'..=b'7')),
        [b'0', b'b', rest @ ..] => return digits(rest, |byte| matches!(byte, b'0' | b'1')),
        b".inf" | b".Inf" | b".INF" => return true,
        b".nan" | b".NaN" | b".NAN" => return unsigned.len() == text.len(),
        [b'0'..=b'9' | b'.', ..] => {}
        _ => return false,
    }
    let (mantissa, exponent) = match unsigned.find(['e', 'E']) {
        Some(at) => (&bytes[..at], Some(&bytes[at + 1..])),
        None => (bytes, None),
    };
    if let Some(exponent) = exponent {
        let exponent = exponent.strip_prefix(b"-").or_else(|| exponent.strip_prefix(b"+")).unwrap_or(exponent);
        if !digits(exponent, u8::is_ascii_digit) {
            return false;
        }
    }
    let dots = mantissa.iter().filter(|byte| **byte == b'.').count();
    dots <= 1
        && mantissa.iter().any(u8::is_ascii_digit)
        && mantissa.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'_'))
}

/// The bytes in `text` that produced `value_range` of a scalar's decoded value.
///
/// `text` is the whole source. Follows quotes, escapes, folding and block indentation. An empty range is the empty place
/// before its character. Where the way can't be followed, the scalar's whole span.
#[must_use]
pub fn source_span(text: &str, scalar: Span, style: ScalarStyle, value_range: Range<usize>) -> Span {
    if text.get(scalar.range()).is_none() {
        return scalar;
    }
    let mut finder = Finder { wanted: value_range, offset: 0, start: None, end: None, last: 0 };
    // `Err(Found)` only means that the walk ended early.
    let _: Result<(), Found> = match style {
        ScalarStyle::Plain => flow(text, scalar.range(), style, &mut finder),
        ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
            let range = scalar.range();
            flow(text, range.start + 1..range.end.saturating_sub(1), style, &mut finder)
        }
        ScalarStyle::Literal | ScalarStyle::Folded => block(text, scalar, style, &mut finder),
    };
    finder.span().unwrap_or(scalar)
}

/// Collects decoded characters in order until the wanted ones have passed.
struct Finder {
    wanted: Range<usize>,
    offset: usize,
    start: Option<usize>,
    end: Option<usize>,
    last: usize,
}

/// The wanted characters have passed; the walk can end.
struct Found;

impl Finder {
    /// The next `len` bytes of the value came from `source`.
    fn unit(&mut self, len: usize, source: Range<usize>) -> Result<(), Found> {
        let next = self.offset + len;
        if self.start.is_none() && self.wanted.start < next {
            self.start = Some(source.start);
            if self.wanted.is_empty() {
                self.end = Some(source.start);
                return Err(Found);
            }
        }
        self.offset = next;
        self.last = source.end;
        if self.start.is_some() && self.wanted.end <= next {
            self.end = Some(source.end);
            return Err(Found);
        }
        Ok(())
    }

    fn span(&self) -> Option<Span> {
        match (self.start, self.end) {
            (Some(start), Some(end)) => Some(Span::new(start, end)),
            // The empty place after the last character.
            (None, _) if self.wanted.is_empty() && self.offset > 0 && self.wanted.start == self.offset => {
                Some(Span::new(self.last, self.last))
            }
            _ => None,
        }
    }
}

/// Length of the line break at `at`, zero if there is none.
pub(super) fn break_len(bytes: &[u8], at: usize) -> usize {
    match bytes.get(at) {
        Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => 2,
        Some(b'\r' | b'\n') => 1,
        _ => 0,
    }
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t')) {
        at += 1;
    }
    at
}

/// Length in bytes of the character whose first byte is `lead`.
pub(super) fn char_len(lead: u8) -> usize {
    match lead {
        0xF0.. => 4,
        0xE0.. => 3,
        0xC0.. => 2,
        _ => 1,
    }
}

/// Plain and quoted scalars; `body` is without the quotes.
fn flow(text: &str, body: Range<usize>, style: ScalarStyle, finder: &mut Finder) -> Result<(), Found> {
    let bytes = &text.as_bytes()[..body.end.max(body.start)];
    let mut at = body.start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b' ' | b'\t' => {
                let end = skip_blanks(bytes, at);
                if break_len(bytes, end) == 0 {
                    for blank in at..end {
                        finder.unit(1, blank..blank + 1)?;
                    }
                }
                at = end;
            }
            b'\r' | b'\n' => at = fold_breaks(bytes, at, true, finder)?,
            b'\\' if style == ScalarStyle::DoubleQuoted => {
                if break_len(bytes, at + 1) > 0 {
                    at = fold_breaks(bytes, at + 1, false, finder)?;
                } else {
                    let (value_len, source_len) = escape(bytes, at);
                    finder.unit(value_len, at..at + source_len)?;
                    at += source_len;
                }
            }
            b'\'' if style == ScalarStyle::SingleQuoted => {
                finder.unit(1, at..at + 2)?;
                at += 2;
            }
            _ => {
                let len = char_len(byte);
                finder.unit(len, at..at + len)?;
                at += len;
            }
        }
    }
    Ok(())
}

/// A run of line breaks in a flow scalar: one folds to a space, each further one stands for itself. An escaped
/// first break (`counts` is false) stands for nothing. Returns where the next line's text starts.
fn fold_breaks(bytes: &[u8], first: usize, counts: bool, finder: &mut Finder) -> Result<usize, Found> {
    let mut at = first + break_len(bytes, first);
    let first = first..at;
    let mut further = false;
    loop {
        at = skip_blanks(bytes, at);
        let len = break_len(bytes, at);
        if len == 0 {
            break;
        }
        further = true;
        finder.unit(1, at..at + len)?;
        at += len;
    }
    if counts && !further {
        finder.unit(1, first)?;
    }
    Ok(at)
}

/// Value length and source length of the escape at `at`.
fn escape(bytes: &[u8], at: usize) -> (usize, usize) {
    let digits = match bytes.get(at + 1) {
        Some(b'x') => 2,
        Some(b'u') => 4,
        Some(b'U') => 8,
        Some(b'N' | b'_') => return (2, 2),
        Some(b'L' | b'P') => return (3, 2),
        _ => return (1, 2),
    };
    let value = bytes
        .get(at + 2..at + 2 + digits)
        .and_then(|hex| std::str::from_utf8(hex).ok())
        .and_then(|hex| u32::from_str_radix(hex, 16).ok())
        .and_then(char::from_u32)
        .map_or(1, char::len_utf8);
    (value, digits + 2)
}

/// Literal and folded block scalars; `scalar` starts at the indicator.
fn block(text: &str, scalar: Span, style: ScalarStyle, finder: &mut Finder) -> Result<(), Found> {
    let bytes = text.as_bytes();
    let header_end = line_end(bytes, scalar.start as usize);
    let mut at = header_end + break_len(bytes, header_end);
    let indent = block_indent(text, scalar.start as usize, at);
    // The break after the last content line, and the breaks of the blank lines since.
    let mut pending: Option<Range<usize>> = None;
    let mut blank_lines: Vec<Range<usize>> = Vec::new();
    let mut previous_starts_blank = false;
    while at < bytes.len() {
        let mut content = at;
        while content < at + indent && bytes.get(content) == Some(&b' ') {
            content += 1;
        }
        let end = line_end(bytes, content);
        let line_break = end..end + break_len(bytes, end);
        if content == end {
            blank_lines.extend((!line_break.is_empty()).then(|| line_break.clone()));
        } else if content < at + indent {
            break;
        } else {
            let starts_blank = matches!(bytes[content], b' ' | b'\t');
            let folds = style == ScalarStyle::Folded && !previous_starts_blank && !starts_blank;
            if let Some(first) = pending.take()
                && (!folds || blank_lines.is_empty())
            {
                finder.unit(1, first)?;
            }
            for blank in blank_lines.drain(..) {
                finder.unit(1, blank)?;
            }
            let mut inner = content;
            while inner < end {
                let len = char_len(bytes[inner]);
                finder.unit(len, inner..inner + len)?;
                inner += len;
            }
            previous_starts_blank = starts_blank;
            pending = Some(line_break.clone());
        }
        if line_break.is_empty() {
            break;
        }
        at = line_break.end;
    }
    let chomping = header_indicators(bytes, scalar.start as usize).find(|byte| matches!(byte, b'+' | b'-'));
    if chomping != Some(b'+') {
        blank_lines.clear();
    }
    for tail in pending.filter(|_| chomping != Some(b'-')).into_iter().chain(blank_lines) {
        finder.unit(1, tail)?;
    }
    Ok(())
}

fn line_end(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at..).unwrap_or_default();
    rest.iter().position(|byte| matches!(byte, b'\r' | b'\n')).map_or(bytes.len(), |offset| at + offset)
}

/// The indentation and chomping indicators after the `|` or `>` at `header`.
fn header_indicators(bytes: &[u8], header: usize) -> impl Iterator<Item = u8> {
    bytes[header + 1..].iter().copied().take_while(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-'))
}

/// Columns of indentation of a block scalar's content.
fn block_indent(text: &str, header: usize, content: usize) -> usize {
    let bytes = text.as_bytes();
    let explicit = header_indicators(bytes, header).find(u8::is_ascii_digit);
    if let Some(digit) = explicit {
        return parent_indent(text, header) + usize::from(digit - b'0');
    }
    let mut at = content;
    loop {
        let start = at;
        while bytes.get(at) == Some(&b' ') {
            at += 1;
        }
        match break_len(bytes, at) {
            0 => return at - start,
            len => at += len,
        }
    }
}

/// The indentation of the collection that holds the block scalar whose indicator is at `header`.
fn parent_indent(text: &str, header: usize) -> usize {
    let mut before = &text[..header];
    loop {
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let line = &before[line_start..];
        let mut column = line.len() - line.trim_start_matches(' ').len();
        let mut last_dash = None;
        while line[column..].starts_with("- ") && !line.starts_with("---") {
            last_dash = Some(column);
            let rest = &line[column + 1..];
            column += 1 + rest.len() - rest.trim_start_matches(' ').len();
        }
        let rest = line[column..].trim();
        // Only anchors and tags before the indicator: the key is on a line above.
        let only_properties = rest.split_whitespace().all(|word| word.starts_with(['&', '!']));
        if !only_properties && !line.starts_with("---") && !rest.starts_with('#') {
            return column;
        }
        if let Some(dash) = last_dash {
            return dash;
        }
        if line_start == 0 || line.starts_with("---") {
            return 0;
        }
        before = &text[..line_start - 1];
    }
}
