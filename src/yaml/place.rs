//! Exact places: the parser's character indices become byte offsets, and its rough spans exact ones.
//!
//! The parser's span of a node starts at its anchor or tag, leaves out the indicator of a block scalar, takes blanks
//! and a comment after a closing quote along, and is arbitrary for nothing at all. Each function here finds the true
//! bound by looking at the few bytes between two events; together they read the text about once.

use super::scalar::{break_len, char_len};

/// From character index to byte offset, by walking from the last one asked for.
pub(super) struct Cursor<'s> {
    bytes: &'s [u8],
    ascii: bool,
    character: usize,
    byte: usize,
}

impl<'s> Cursor<'s> {
    pub(super) fn new(text: &'s str) -> Self {
        Self { bytes: text.as_bytes(), ascii: text.is_ascii(), character: 0, byte: 0 }
    }

    /// The byte offset of a character; past the end is the end.
    pub(super) fn byte(&mut self, character: usize) -> usize {
        if self.ascii {
            return character.min(self.bytes.len());
        }
        while self.character < character && self.byte < self.bytes.len() {
            self.byte += char_len(self.bytes[self.byte]);
            self.character += 1;
        }
        while self.character > character {
            self.byte -= 1;
            while self.bytes[self.byte] & 0xC0 == 0x80 {
                self.byte -= 1;
            }
            self.character -= 1;
        }
        self.byte
    }
}

/// Past blanks, line breaks, comments and byte order marks.
pub(super) fn skip_space(bytes: &[u8], mut at: usize) -> usize {
    loop {
        match bytes.get(at) {
            Some(b' ' | b'\t' | b'\r' | b'\n') => at += 1,
            Some(0xEF) if bytes[at..].starts_with(b"\xEF\xBB\xBF") => at += 3,
            Some(b'#') if at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\r' | b'\n' | 0xBF) => {
                while at < bytes.len() && break_len(bytes, at) == 0 {
                    at += 1;
                }
            }
            _ => return at,
        }
    }
}

/// The end of an anchor, alias or tag that starts at `at`.
pub(super) fn word_end(bytes: &[u8], at: usize) -> usize {
    if bytes[at..].starts_with(b"!<") {
        return bytes[at..].iter().position(|byte| *byte == b'>').map_or(bytes.len(), |len| at + len + 1);
    }
    let rest = bytes.get(at..).unwrap_or_default();
    let len = rest
        .iter()
        .position(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b',' | b'[' | b']' | b'{' | b'}'))
        .unwrap_or(rest.len());
    at + len
}

/// Past anchors and tags: (end of the last one, start of what follows).
pub(super) fn skip_properties(bytes: &[u8], start: usize) -> (usize, usize) {
    let (mut end, mut at) = (start, start);
    while matches!(bytes.get(at), Some(b'&' | b'!')) {
        end = word_end(bytes, at);
        at = skip_space(bytes, end);
    }
    (end, at)
}

/// One past the closing quote of the quoted scalar that starts at `start`.
pub(super) fn quoted_end(bytes: &[u8], start: usize) -> usize {
    let quote = bytes.get(start).copied();
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        if byte == b'\\' && quote == Some(b'"') {
            at += 2;
        } else if Some(byte) == quote {
            if quote == Some(b'\'') && bytes.get(at + 1) == Some(&b'\'') {
                at += 2;
            } else {
                return at + 1;
            }
        } else {
            at += 1;
        }
    }
    bytes.len()
}

/// The first of `wanted` at or after `from`, past space, comments, properties and the indicators between nodes.
pub(super) fn find_indicator(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let mut at = from;
    loop {
        at = skip_space(bytes, at);
        match bytes.get(at)? {
            byte if wanted.contains(byte) => return Some(at),
            b'&' | b'!' => at = word_end(bytes, at),
            b':' | b'?' | b'-' | b',' => at += 1,
            _ => return None,
        }
    }
}

/// The end of a block scalar: of its last line that isn't blank, and at least of its header.
pub(super) fn block_scalar_end(bytes: &[u8], indicator: usize, end: usize) -> usize {
    let end = end.min(bytes.len()).max(indicator + 1);
    let mut header = indicator + 1;
    while matches!(bytes.get(header), Some(b'0'..=b'9' | b'+' | b'-')) {
        header += 1;
    }
    header.max(trim_end(bytes, indicator, end))
}

/// `end` without the blanks and line breaks before it.
pub(super) fn trim_end(bytes: &[u8], start: usize, mut end: usize) -> usize {
    while end > start && matches!(bytes[end - 1], b' ' | b'\t' | b'\r' | b'\n') {
        end -= 1;
    }
    end
}
