//! The text as the parser's scanner reads it.
//!
//! The parser's own input for a `str` makes room for 128 characters in each plain scalar and takes the text apart character by
//! character. Nearly all of a plan is short words of ASCII: this one looks at bytes, and asks for little room.

use saphyr_parser::input::{Input, SkipTabs, is_alpha, is_blank, is_blank_or_breakz, is_breakz, is_flow};

use super::scalar::char_len;

/// How much room the scanner makes in a plain scalar at each word: no more than it has made already for a short one.
const ROOM: usize = 16;

/// A text, read up to some byte.
#[derive(Clone, Copy, Debug)]
pub(super) struct Text<'s> {
    text: &'s str,
    bytes: &'s [u8],
    at: usize,
    /// The byte there; past the end NUL, as the scanner wants it.
    here: u8,
}

impl<'s> Text<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        let bytes = text.as_bytes();
        Self { text, bytes, at: 0, here: byte_at(bytes, 0) }
    }

    #[inline]
    fn go_to(&mut self, at: usize) {
        self.at = at;
        self.here = byte_at(self.bytes, at);
    }

    /// The character that begins at a byte; past the end NUL.
    #[inline]
    fn char_at(&self, at: usize) -> char {
        match byte_at(self.bytes, at) {
            byte if byte.is_ascii() => char::from(byte),
            _ => self.wide_char_at(at),
        }
    }

    #[cold]
    fn wide_char_at(&self, at: usize) -> char {
        self.text.get(at..).and_then(|rest| rest.chars().next()).unwrap_or('\0')
    }

    /// Where the character after the one at `at` begins.
    #[inline]
    fn after(&self, at: usize) -> usize {
        self.bytes.get(at).map_or(at, |lead| at + if lead.is_ascii() { 1 } else { char_len(*lead) })
    }

    /// Past the characters that are `good`; the number of them.
    fn skip_while(&mut self, good: fn(char) -> bool) -> usize {
        let rest = self.text.get(self.at..).unwrap_or_default();
        let len = rest.find(|c| !good(c)).unwrap_or(rest.len());
        self.go_to(self.at + len);
        rest[..len].chars().count()
    }

    /// As [`Self::skip_while`], and what was passed goes to `out`.
    fn take_while(&mut self, good: fn(char) -> bool, out: &mut String) -> usize {
        let start = self.at;
        let count = self.skip_while(good);
        out.push_str(&self.text[start..self.at]);
        count
    }
}

#[inline]
fn byte_at(bytes: &[u8], at: usize) -> u8 {
    bytes.get(at).copied().unwrap_or_default()
}

/// Neither the end of a line or of the text, nor a byte order mark.
fn is_non_break(c: char) -> bool {
    !is_breakz(c) && c != '\u{FEFF}'
}

fn is_non_space(c: char) -> bool {
    is_non_break(c) && !is_blank(c)
}

impl Input for Text<'_> {
    /// Nothing to do: the whole text is there.
    #[inline]
    fn lookahead(&mut self, _count: usize) {}

    /// Never zero, so that nothing is read around it.
    #[inline]
    fn buflen(&self) -> usize {
        usize::MAX
    }

    #[inline]
    fn bufmaxlen(&self) -> usize {
        ROOM
    }

    #[inline]
    fn raw_read_ch(&mut self) -> char {
        let c = self.peek();
        self.skip();
        c
    }

    #[inline]
    fn raw_read_non_breakz_ch(&mut self) -> Option<char> {
        let c = self.peek_opt().filter(|c| is_non_break(*c))?;
        self.skip();
        Some(c)
    }

    #[inline]
    fn skip(&mut self) {
        self.go_to(self.after(self.at));
    }

    #[inline]
    fn skip_n(&mut self, count: usize) {
        for _ in 0..count {
            self.skip();
        }
    }

    #[inline]
    fn peek(&self) -> char {
        if self.here.is_ascii() { char::from(self.here) } else { self.wide_char_at(self.at) }
    }

    #[inline]
    fn peek_nth(&self, n: usize) -> char {
        self.char_at((0..n).fold(self.at, |at, _| self.after(at)))
    }

    #[inline]
    fn peek_opt(&self) -> Option<char> {
        (self.at < self.bytes.len()).then(|| self.peek())
    }

    #[inline]
    fn next_is_blank_or_breakz(&self) -> bool {
        matches!(self.here, b' ' | b'\t' | b'\r' | b'\n' | b'\0')
    }

    #[inline]
    fn next_can_be_plain_scalar(&self, in_flow: bool) -> bool {
        let ends = |c: char| in_flow && is_flow(c);
        match self.here {
            b':' => {
                let next = self.char_at(self.at + 1);
                !(is_blank_or_breakz(next) || ends(next))
            }
            // The first byte of a byte order mark, and of thousands of other characters.
            0xEF => self.peek() != '\u{FEFF}',
            byte => !ends(char::from(byte)),
        }
    }

    fn skip_ws_to_eol(&mut self, skip_tabs: SkipTabs) -> (usize, Result<SkipTabs, &'static str>) {
        let start = self.at;
        let (mut tab, mut space) = (false, false);
        loop {
            match self.here {
                b' ' => space = true,
                b'\t' if skip_tabs == SkipTabs::Yes => tab = true,
                _ => break,
            }
            self.go_to(self.at + 1);
        }
        let mut count = self.at - start;
        if self.here == b'#' {
            if count == 0 {
                return (count, Err("comments must be separated from other tokens by whitespace"));
            }
            count += self.skip_while(is_non_break);
        }
        (count, Ok(SkipTabs::Result(tab, space)))
    }

    fn skip_while_non_breakz(&mut self) -> usize {
        self.skip_while(is_non_break)
    }

    fn skip_while_blank(&mut self) -> usize {
        self.skip_while(is_blank)
    }

    fn fetch_while_is_alpha(&mut self, out: &mut String) -> usize {
        self.take_while(is_alpha, out)
    }

    fn fetch_while_is_yaml_non_space(&mut self, out: &mut String) -> usize {
        self.take_while(is_non_space, out)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use saphyr_parser::Parser;

    use super::*;

    /// Events with their places, and the error that ends them.
    fn read(parser: Parser<'_, impl Input>) -> Vec<String> {
        parser
            .map(|event| format!("{event:?}"))
            .scan(false, |failed, event| {
                // An error is the last thing that is asked of a parser.
                (!std::mem::replace(failed, event.starts_with("Err"))).then_some(event)
            })
            .collect()
    }

    /// The parser's input for characters is the measure: its input for a `str` counts bytes as characters in a directive.
    fn assert_same(text: &str) {
        assert_eq!(read(Parser::new(Text::new(text))), read(Parser::new_from_iter(text.chars())), "{text:?}");
    }

    #[test]
    fn a_small_plan_has_the_events_that_the_parser_itself_gives() {
        assert_same(
            "a: [1, 'b''c', \"d\\n\\\n  e\"] # é\nf: &x\n  - |\n    one\n\n     two\n  - >-\n   é\n   b\n  - *x\n",
        );
    }

    /// What texts are made of: everything that means something to a scanner, and some words.
    const PIECES: [&str; 46] = [
        "\n",
        "\n  ",
        "\n    ",
        "\n                      ",
        "\r\n",
        "\t",
        " ",
        ": ",
        ":",
        "- ",
        "-",
        "? ",
        "#",
        " # c é",
        "[",
        "]",
        "{",
        "}",
        ",",
        "'",
        "\"",
        "\\",
        "\\x41",
        "|\n",
        ">-\n",
        "|2+\n",
        "&a ",
        "*a",
        "!t ",
        "!!str ",
        "!<x> ",
        "%YAML 1.2\n",
        "---",
        "...",
        "\n---\n",
        "\u{feff}",
        "ﻰ",
        "é",
        "日本",
        "🦀",
        "\0",
        "word",
        "a-long-word-of-more-than-thirty-two-characters",
        "<<",
        "%",
        "a: |\n                      ",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn any_text_has_the_events_that_the_parser_itself_gives(
            pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..40),
        ) {
            assert_same(&pieces.concat());
        }
    }
}
