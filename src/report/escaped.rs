//! One JSON document as one line that is safe to show: what could break the line, steer a terminal, turn text around or be taken
//! for a command by a CI runner is written as `\uXXXX`.
//!
//! Nothing is lost: a JSON parser gives back the text as it was.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::Formatter;

use crate::diagnostic::is_unsafe;

/// Writes `document` and a line break.
///
/// # Errors
/// When the writer fails.
pub(super) fn write_line(out: &mut dyn Write, document: &impl Serialize) -> io::Result<()> {
    document.serialize(&mut Serializer::with_formatter(&mut *out, Escaped))?;
    out.write_all(b"\n")
}

struct Escaped;

impl Formatter for Escaped {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut written = 0;
        for (at, c) in fragment.char_indices() {
            // A runner of GitHub Actions obeys `##[` anywhere in a line.
            if is_unsafe(c) || (c == '[' && fragment[..at].ends_with("##")) {
                writer.write_all(&fragment.as_bytes()[written..at])?;
                for unit in c.encode_utf16(&mut [0; 2]) {
                    write!(writer, "\\u{unit:04x}")?;
                }
                written = at + c.len_utf8();
            }
        }
        writer.write_all(&fragment.as_bytes()[written..])
    }
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
        ] {
            let mut out = Vec::new();
            write_line(&mut out, &text).expect("memory");
            let line = String::from_utf8(out).expect("text");
            assert_eq!(line, format!("{written}\n"));
            assert_eq!(serde_json::from_str::<String>(&line).expect("JSON"), text);
        }
    }
}
