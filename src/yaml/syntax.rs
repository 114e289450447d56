//! The parser's errors in plain words, and the characters that YAML forbids.
//!
//! The parser says what it expected; this module looks at the line and says what was probably meant. Its place is kept
//! except where the parser notices a mistake only later: `lookback` finds where it was made.

use super::lines::{Finding, Lines, bare_line};
use super::lookback;
use super::place::{skip_space, trim_end, word_end};
use super::refuse;
use crate::diagnostic::{Code, Diagnostic, nearest};
use crate::source::{SourceId, Span};

/// Bytes that are looked at together.
const BLOCK: usize = 256;

/// The first character that YAML forbids (YAML 1.2, section 5.1).
pub(super) fn control_character(id: SourceId, text: &str) -> Option<Diagnostic> {
    let suspicious =
        |byte: u8| (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r')) || matches!(byte, 0x7F | 0xC2 | 0xEF);
    let forbidden = |c: char| match c {
        '\t' | '\n' | '\r' | '\u{85}' => false,
        '\u{fffe}' | '\u{ffff}' => true,
        _ => c.is_control(),
    };
    // Whole blocks first: a compiler makes far less of that than of looking for the first such byte.
    let any = |block: &[u8]| block.iter().fold(false, |any, byte| any | suspicious(*byte));
    let bytes = text.as_bytes();
    let mut from = 0;
    while let Some(rest) = bytes.get(from..) {
        let block = &rest[..rest.len().min(BLOCK)];
        if block.is_empty() {
            break;
        }
        if !any(block) {
            from += block.len();
            continue;
        }
        let at = from + block.iter().position(|byte| suspicious(*byte))?;
        let c = text[at..].chars().next()?;
        if forbidden(c) {
            let message = format!("the character U+{:04X} is not allowed in YAML", u32::from(c));
            let escape =
                if c <= '\u{ff}' { format!("\\x{:02X}", u32::from(c)) } else { format!("\\u{:04X}", u32::from(c)) };
            return Some(
                Diagnostic::at(Code::ControlCharacter, id, Span::new(at, at + c.len_utf8()), message)
                    .label("this character is invisible")
                    .help(format!("delete it; if it is wanted, write it as an escape in double quotes: \"{escape}\"")),
            );
        }
        from = at + c.len_utf8();
    }
    None
}

/// The parser's error `info` at byte `at`; `last_end` is where the last complete node ends.
pub(super) fn explain(id: SourceId, text: &str, info: &str, at: usize, last_end: usize) -> Diagnostic {
    if info.contains("recursion limit") {
        let start = at.min(text.len().saturating_sub(1));
        return refuse::too_deep(id, refuse::character(text, start));
    }
    if info.contains("unknown anchor") {
        return unknown_anchor(id, text, at);
    }
    let at = if info.contains("escape") || info.contains("hexadecimal") { bad_escape(text.as_bytes(), at) } else { at };
    let lines = Lines { text, at };
    let finding = if let Some(finding) = lookback::earlier(&lines, info) {
        finding
    } else if info.contains("mapping values are not allowed") || info.contains("illegal placement of ':'") {
        misplaced_colon(&lines)
    } else if info.contains("simple key expect") {
        lost_line(text, at, last_end)
    } else {
        by_table(&lines, info)
    };
    Diagnostic::at(Code::YamlSyntax, id, finding.span, finding.message).label(finding.label).help(finding.help)
}

/// The first escape that YAML doesn't know in the double-quoted scalar that starts at `quote`; the parser names its start only.
fn bad_escape(bytes: &[u8], quote: usize) -> usize {
    let mut at = quote + 1;
    while at + 1 < bytes.len() {
        if bytes[at] != b'\\' {
            at += 1;
            continue;
        }
        let digits = match bytes[at + 1] {
            b'x' => 2,
            b'u' => 4,
            b'U' => 8,
            known if b"0abtnvfre \"/\\N_LP\t\r\n".contains(&known) => 0,
            _ => return at,
        };
        let hex = bytes.get(at + 2..at + 2 + digits).and_then(|hex| std::str::from_utf8(hex).ok());
        let code = hex.filter(|_| digits > 0).map(|hex| u32::from_str_radix(hex, 16).ok().and_then(char::from_u32));
        if digits > 0 && code.flatten().is_none() {
            return at;
        }
        at += 2 + digits;
    }
    quote
}

fn unknown_anchor(id: SourceId, text: &str, at: usize) -> Diagnostic {
    let span = Span::new(at, word_end(text.as_bytes(), at).max(at + 1).min(text.len()));
    let name = text[span.range()].trim_start_matches('*');
    let known: Vec<&str> = text[..at]
        .match_indices('&')
        .filter(|(start, _)| text[..*start].chars().next_back().is_none_or(|c| c.is_whitespace() || "[{,".contains(c)))
        .map(|(start, _)| &text[start + 1..word_end(text.as_bytes(), start)])
        .take(10_000)
        .collect();
    let help = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `*{near}`?"),
        None => {
            "an anchor `&name` must stand before its aliases `*name`; if this is text, put quotes around it".to_owned()
        }
    };
    Diagnostic::at(Code::UnknownAnchor, id, span, format!("the anchor `{name}` is not defined before this alias"))
        .label("no such anchor")
        .help(help)
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '-']).len()
}

/// A `:` where no key can be.
fn misplaced_colon(lines: &Lines<'_>) -> Finding {
    let colon = lines.character();
    let before = lines.before();
    if let Some(first) = before.find(": ") {
        let value = before[first + 2..].trim();
        return Finding {
            span: colon,
            message: "a second `:` in one line; a value can't hold `: ` without quotes".to_owned(),
            label: "this colon",
            help: format!(
                "put quotes around the whole value, as in \"{value}: …\", or start a new line for a nested mapping"
            ),
        };
    }
    let Some((above_start, above)) = lines.above() else {
        return Finding {
            span: colon,
            message: "a `:` can't be here".to_owned(),
            label: "this colon",
            help: "put quotes around a text that holds a colon".to_owned(),
        };
    };
    let bare = above.trim_start_matches([' ', '-']);
    if let Some(glued) = bare.find(':').filter(|at| !bare.contains(": ") && *at + 1 < bare.len()) {
        let start = above_start + (above.len() - bare.len()) + glued;
        let (key, value) = (&bare[..glued], &bare[glued + 1..]);
        return Finding {
            span: Span::new(start, start + 1),
            message: "a space is missing after this colon, so the line is not read as `key: value`".to_owned(),
            label: "no space after it",
            help: format!("write `{key}: {value}`"),
        };
    }
    let key = lines.start() + (before.len() - before.trim_start().len());
    let deeper = indentation(before) > indentation(above);
    let message = if deeper {
        "this line is indented deeper than the value above it, so it continues that value and can't be a key"
    } else {
        "this line continues the value above it and can't be a key"
    };
    Finding {
        span: Span::new(key, lines.at.max(key + 1).min(lines.text.len())),
        message: message.to_owned(),
        label: "read as part of the line above",
        help: "give the line the same indentation as its neighbours, or close the value above".to_owned(),
    }
}

/// A line that should have been a key; the parser notices after it.
fn lost_line(text: &str, at: usize, last_end: usize) -> Finding {
    let start = skip_space(text.as_bytes(), last_end.min(at));
    let start = lookback::no_entry(text, start, at).unwrap_or(start);
    let start = if start < text.len() { start } else { trim_end(text.as_bytes(), 0, text.len()).saturating_sub(1) };
    let start = (0..=start).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    bare_line(text, start)
}

/// (part of the parser's message, ours, label, help)
const TABLE: &[(&str, &str, &str, &str)] = &[
    ("tab", "a tab is used for indentation", "tab", "YAML indents with spaces only; replace the tab by spaces"),
    ("unexpected document indicator", "this quote is never closed", "opened here", "add the closing quote"),
    (
        "quoted scalar, found unexpected end of stream",
        "this quote is never closed",
        "opened here",
        "add the closing quote",
    ),
    (
        "invalid indentation in quoted scalar",
        "this quote is not closed before a line that is indented less",
        "opened here",
        "add the closing quote, or indent the text's further lines",
    ),
    (
        "invalid trailing content",
        "text follows the closing quote",
        "after the quote",
        "put the whole value in one pair of quotes; inside single quotes a quote is written twice",
    ),
    (
        "unknown escape",
        "this backslash starts no escape that YAML knows",
        "unknown escape",
        "write `\\\\` for a backslash, or use single quotes, in which a backslash is only a backslash",
    ),
    (
        "hexadecimal number",
        "this escape needs more hexadecimal digits",
        "incomplete escape",
        "write two digits after `\\x`, four after `\\u`, eight after `\\U`",
    ),
    ("Unicode character escape", "this escape is no Unicode character", "no such character", "check the digits"),
    (
        "flow sequence, expected",
        "a `,` or the closing `]` is missing before this",
        "expected `,` or `]`",
        "separate the items by commas and close the list with `]`",
    ),
    (
        "flow mapping, did not find expected ','",
        "a `,` or the closing `}` is missing before this",
        "expected `,` or `}`",
        "separate the entries by commas and close the mapping with `}`",
    ),
    (
        "invalid indentation in flow",
        "a bracket is still open, and this line is not indented deeper than the line that opened it",
        "a bracket is open here",
        "close the `[` or `{` above, or indent this line",
    ),
    ("misplaced bracket", "this bracket closes nothing", "no open bracket", "remove it, or add the opening one"),
    (
        "block mapping, did not find expected key",
        "this line's indentation fits neither the mapping above nor one around it",
        "unexpected indentation",
        "align it with the keys that it belongs to",
    ),
    (
        "expected '-' indicator",
        "an item of the list is expected here, starting with `- `",
        "not an item",
        "start the line with `- `, or change its indentation so that it belongs to the mapping around the list",
    ),
    (
        "block sequence entries are not allowed",
        "a list can't start here",
        "this dash",
        "start the list on a line of its own, below its key",
    ),
    (
        "only valid inside a block",
        "`-` starts no item inside brackets",
        "this dash",
        "separate items by commas: `[a, b]`; quote a text that starts with a dash",
    ),
    (
        "unexpected character",
        "a value can't start with this character",
        "reserved by YAML",
        "put quotes around the value",
    ),
    (
        "anchor or alias",
        "a name is missing after this `*` or `&`",
        "alias or anchor without a name",
        "quote a text that starts with `*` or `&`: \"*\"",
    ),
    (
        "comment",
        "a comment can't be here",
        "this comment",
        "put a space before `#`, and the comment on a line of its own",
    ),
    (
        "block scalar",
        "this block of text (`|` or `>`) is indented wrongly",
        "in this block",
        "indent all its lines by the same number of spaces, deeper than the key",
    ),
    ("byte order mark", "a byte order mark in the middle of the file", "U+FEFF", "delete the invisible character"),
    (
        "document start",
        "the document has ended before this",
        "not part of the document",
        "check the indentation of this line; a plan is one mapping of `key: value` lines",
    ),
    (
        "must be followed by a valid YAML whitespace",
        "a space is missing after this",
        "no space after it",
        "write `key: value` and `- item`",
    ),
    ("node content", "a value is missing here", "expected a value", "write the value, or remove the comma or the tag"),
    ("mapping keys are not allowed", "a key can't be here", "this key", "start it on a line of its own"),
    ("invalid indentation", "this line is indented less than what it belongs to", "indentation", "indent it deeper"),
    ("tag", "this tag is not well formed", "this tag", "remove it; plans need no tags"),
    ("directive", "this directive is not well formed", "this directive", "remove the line; plans need no directives"),
];

fn by_table(lines: &Lines<'_>, info: &str) -> Finding {
    match TABLE.iter().find(|(part, ..)| info.contains(part)) {
        Some((part, message, label, help)) => {
            let span = if *part == "tab" { lookback::tab(lines) } else { lines.character() };
            Finding { span, message: (*message).to_owned(), label, help: (*help).to_owned() }
        }
        None => Finding {
            span: lines.character(),
            message: format!("this is not valid YAML: {info}"),
            label: "here",
            help: "check quotes, brackets and indentation at this place and in the line above".to_owned(),
        },
    }
}
