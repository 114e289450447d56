//! What the runners of GitHub Actions and Azure Pipelines obey in what they read along: `::` at the beginning of a line, and `##[` and
//! `##vso[` anywhere. Here a space breaks it up.

use std::borrow::Cow;
use std::io::{self, Write};

use crate::diagnostic::begins_command;

/// The longest that stands before the bracket of a command.
const BEFORE: usize = b"##vso".len();

/// A writer that lets no command through, however what is written comes in pieces.
#[derive(Debug)]
pub(super) struct Unobeyed<W> {
    out: W,
    /// The end of the line as far as it came.
    before: [u8; BEFORE],
    begin: Begin,
}

/// How far a line is in beginning with `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Begin {
    /// Nothing yet but spaces, of which Unicode has many: no byte beyond ASCII counts as more.
    Blank,
    Colon,
    Over,
}

impl<W: Write> Unobeyed<W> {
    pub(super) fn new(out: W) -> Self {
        Self { out, before: [0; BEFORE], begin: Begin::Blank }
    }

    /// Goes on by one byte; whether a space has to come before it.
    fn breaks(&mut self, byte: u8) -> bool {
        let begins = self.begin == Begin::Colon && byte == b':';
        let breaks = begins || (byte == b'[' && begins_command(&self.before));
        self.before.rotate_left(1);
        self.before[BEFORE - 1] = byte;
        self.begin = match (self.begin, byte) {
            (_, b'\n') => Begin::Blank,
            (Begin::Blank, b':') => Begin::Colon,
            (Begin::Blank, byte) if byte.is_ascii_whitespace() || !byte.is_ascii() => Begin::Blank,
            _ => Begin::Over,
        };
        breaks
    }
}

impl<W: Write> Write for Unobeyed<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut rest = 0;
        for (at, byte) in bytes.iter().enumerate() {
            if self.breaks(*byte) {
                self.out.write_all(&bytes[rest..at])?;
                self.out.write_all(b" ")?;
                rest = at;
            }
        }
        self.out.write_all(&bytes[rest..])?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The text without commands.
pub(super) fn without_commands(text: &str) -> Cow<'_, str> {
    let mut safe = Vec::with_capacity(text.len());
    // Writing into memory has no way to fail, and a space between two ASCII bytes leaves text as text.
    let written = Unobeyed::new(&mut safe).write_all(text.as_bytes());
    match String::from_utf8(safe) {
        Ok(safe) if written.is_ok() && safe.len() > text.len() => Cow::Owned(safe),
        _ => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_is_a_command_of_a_runner() {
        for (text, said) in [
            ("1 failed\n", "1 failed\n"),
            ("said: ::error::x\n", "said: ::error::x\n"),
            ("::error::x", ": :error::x"),
            ("a\n  ::stop-commands::x\r\nb", "a\n  : :stop-commands::x\r\nb"),
            ("\u{a0}\u{3000}::error::x", "\u{a0}\u{3000}: :error::x"),
            (":::x\n", ": ::x\n"),
            ("a ##[add-mask]x ###[y]", "a ## [add-mask]x ### [y]"),
            ("##\n[x] #[y] ##vs[z]", "##\n[x] #[y] ##vs[z]"),
            ("é ##vso[task.setvariable]x ##Vso[y] vso[z]", "é ##vso [task.setvariable]x ##Vso [y] vso[z]"),
        ] {
            assert_eq!(without_commands(text), said);
            // And in the smallest pieces.
            let mut pieces = Vec::new();
            let mut out = Unobeyed::new(&mut pieces);
            text.bytes().for_each(|byte| out.write_all(&[byte]).expect("memory"));
            assert_eq!(String::from_utf8_lossy(&pieces), said);
        }
    }
}
