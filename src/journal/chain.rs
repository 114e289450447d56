//! The numbers and checksums of a journal's lines. Each sum is taken over the one before it, too: a line that is removed,
//! repeated, moved, edited or foreign breaks the chain.

use sha2::{Digest as _, Sha256};

/// A line's checksum as it stands in the line: the first 8 bytes of a SHA-256 in 16 hexadecimal digits.
type Sum = [u8; 16];

/// What stands between the rest of a line and its sum.
const BEFORE: &[u8] = b",\"sum\":\"";
/// What ends a line after its sum, without the line break.
const AFTER: &[u8] = b"\"}";

/// Where a journal stands: how many lines it has, and the sum of the last one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Chain {
    lines: u64,
    last: Option<Sum>,
}

/// A line that was taken apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    /// An object without its closing brace: what the sum is over.
    pub(super) content: &'a [u8],
    stated: Sum,
}

impl<'a> Sealed<'a> {
    /// Takes a line without its line break apart. `None` when it does not end as a line does.
    pub(super) fn open(line: &'a [u8]) -> Option<Self> {
        let line = line.strip_suffix(AFTER)?;
        let (line, stated) = line.split_last_chunk()?;
        let content = line.strip_suffix(BEFORE)?;
        stated
            .iter()
            .all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
            .then_some(Self { content, stated: *stated })
    }
}

impl Chain {
    /// Lines up to here; the next one has this number.
    pub(super) fn lines(&self) -> u64 {
        self.lines
    }

    /// Ends the line in `out[start..]`, an object without its closing brace, with its sum and a line break.
    pub(super) fn seal(&mut self, out: &mut Vec<u8>, start: usize) {
        let sum = self.sum(&out[start..]);
        out.extend_from_slice(BEFORE);
        out.extend_from_slice(&sum);
        out.extend_from_slice(AFTER);
        out.push(b'\n');
        self.advance(sum);
    }

    /// Whether a line is the one that was written after those up to here.
    pub(super) fn holds(&self, line: Sealed<'_>) -> bool {
        self.sum(line.content) == line.stated
    }

    /// Goes on after a line that holds.
    pub(super) fn pass(&mut self, line: Sealed<'_>) {
        self.advance(line.stated);
    }

    fn advance(&mut self, sum: Sum) {
        self.lines += 1;
        self.last = Some(sum);
    }

    /// Over the sum of the line before, if there is one, and the bytes of this one up to its own sum.
    fn sum(&self, content: &[u8]) -> Sum {
        let mut hash = Sha256::new();
        if let Some(last) = self.last {
            hash.update(last);
        }
        hash.update(content);
        let mut sum = Sum::default();
        for (digits, byte) in sum.chunks_exact_mut(2).zip(hash.finalize()) {
            digits[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
            digits[1] = b"0123456789abcdef"[usize::from(byte & 15)];
        }
        sum
    }
}
