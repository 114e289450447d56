//! JSON that is safe to show, as one line or as a document: what could break a line, steer a terminal, turn text around or be
//! taken for a command by a CI runner is written as `\uXXXX`.
//!
//! Nothing is lost: a JSON parser gives back the text as it was. It is the same in a file as in a stream, since a file is shown
//! sooner or later, too.

use std::io::{self, BufWriter, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::is_unsafe;

/// Writes `document` as one line, with its line break.
///
/// # Errors
/// When the writer fails.
pub fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(&mut *out, Line))?;
    out.write_all(b"\n")
}

/// Writes `document` over lines with indentation, and a line break.
///
/// # Errors
/// When the writer fails.
pub fn write_document(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    // It comes in a great many small pieces, which are not worth a call of an unknown writer each.
    let mut pieces = BufWriter::with_capacity(PIECES, out);
    document.serialize(&mut Serializer::with_formatter(&mut pieces, Indented(PrettyFormatter::new())))?;
    pieces.write_all(b"\n")?;
    pieces.into_inner().map(drop).map_err(io::IntoInnerError::into_error)
}

/// Bytes of a document that are gathered before they are handed on.
const PIECES: usize = 16 * 1024;

struct Line;

impl Formatter for Line {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(writer, fragment)
    }
}

struct Indented(PrettyFormatter<'static>);

impl Formatter for Indented {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        write_escaped(writer, fragment)
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

/// Writes a piece of a string in which nothing is left that JSON itself asks to be escaped.
fn write_escaped<W: ?Sized + Write>(writer: &mut W, fragment: &str) -> io::Result<()> {
    // Nearly all pieces are such: ids, URLs, times. To look at all bytes is faster than to stop at the first.
    if !fragment.bytes().fold(false, |found, byte| found | (byte >= 0x7f) | (byte == b'[')) {
        return writer.write_all(fragment.as_bytes());
    }
    let mut written = 0;
    for (at, c) in fragment.char_indices() {
        if is_unsafe(c) || (c == '[' && begins_command(&fragment.as_bytes()[..at])) {
            writer.write_all(&fragment.as_bytes()[written..at])?;
            for unit in c.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            written = at + c.len_utf8();
        }
    }
    writer.write_all(&fragment.as_bytes()[written..])
}

/// Whether a bracket after this text would make a command of it: runners of GitHub Actions and Azure Pipelines obey `##[` and
/// `##vso[` anywhere in a line.
pub(crate) fn begins_command(before: &[u8]) -> bool {
    let area = before.last_chunk::<3>().filter(|area| area.eq_ignore_ascii_case(b"vso"));
    before[..before.len() - area.map_or(0, |area| area.len())].ends_with(b"##")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_one_line_that_steers_nothing_and_loses_nothing() {
        for (text, written) in [
            ("支付 é #[a] #", r##""支付 é #[a] #""##),
            ("a\nb\r\tc\"\\", r#""a\nb\r\tc\"\\""#),
            ("\u{1b}[31m\u{7f}", r#""\u001b[31m\u007f""#),
            ("a\u{85}b\u{9b}31m", r#""a\u0085b\u009b31m""#),
            ("a\u{2028}b\u{2029}c", r#""a\u2028b\u2029c""#),
            ("\u{202e}\u{2066}\u{feff}", r#""\u202e\u2066\ufeff""#),
            ("###[error]##[x]", r####""###\u005berror]##\u005bx]""####),
            ("##vso[task.x]##VSO[y]#vso[vso[", r###""##vso\u005btask.x]##VSO\u005by]#vso[vso[""###),
        ] {
            let mut out = Vec::new();
            write_line(&mut out, &text).expect("memory");
            let line = String::from_utf8(out).expect("text");
            assert_eq!(line, format!("{written}\n"));
            assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
        }
    }

    #[test]
    fn a_document_is_laid_out_as_ever_and_escaped_in_keys_and_values() {
        let nasty = "a\u{9b}1m ##[error] é";
        let plain = serde_json::json!({ "a": [1, "two", [], {}], "b": { "c": null, "d": [true, { "e": "f" }] } });
        let document = serde_json::json!({ nasty: [nasty, { nasty: nasty }] });
        let written = |document: &serde_json::Value| {
            let mut out = Vec::new();
            write_document(&mut out, document).expect("memory");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(written(&plain), format!("{plain:#}\n"));
        let text = written(&document);
        assert!(!text.contains('\u{9b}') && !text.contains("##["), "{text}");
        assert_eq!(text.matches(r"a\u009b1m ##\u005berror] é").count(), 4, "{text}");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&text).expect("JSON"), document);
    }
}
