//! A secret in any of the encodings in which text echoes it.
//!
//! Each character may stand as it is or in any escaped form, so the matcher follows all readings of the text at once: a
//! handful of positions, moved forward by one character of the secret at a time.

use crate::model::Secret;

/// More readings of a text than this are not followed; ordinary secrets have one or two.
const MOST_READINGS: usize = 32;
/// An escape that the end of the text cuts off is at most this long.
const LONGEST_ESCAPE: usize = 12;

/// Where a secret was found.
pub(super) struct Found {
    /// The end of it, a character boundary.
    pub(super) end: usize,
    /// Whether all of it is there; otherwise the text ended within it.
    pub(super) complete: bool,
    /// How many of its characters are there.
    pub(super) matched: usize,
}

/// Looks for one secret.
pub(super) struct Matcher<'a> {
    secret: &'a str,
    now: Vec<usize>,
    next: Vec<usize>,
}

impl<'a> Matcher<'a> {
    pub(super) fn new(secret: &'a str) -> Self {
        Self { secret, now: Vec::new(), next: Vec::new() }
    }

    /// Whether the secret, or the beginning of it up to the end of the text, stands at byte `start`.
    pub(super) fn at(&mut self, text: &str, start: usize) -> Option<Found> {
        let bytes = text.as_bytes();
        self.now.clear();
        self.now.push(start);
        for (matched, c) in self.secret.chars().enumerate() {
            self.next.clear();
            for &position in &self.now {
                readings(bytes, position, c, &mut self.next);
            }
            if self.next.is_empty() {
                let ended = self.now.iter().any(|&position| ends_here(bytes, position));
                return (ended && matched > 0).then_some(Found { end: bytes.len(), complete: false, matched });
            }
            self.next.sort_unstable();
            self.next.dedup();
            self.next.truncate(MOST_READINGS);
            std::mem::swap(&mut self.now, &mut self.next);
        }
        let end = self.now.last().copied()?;
        Some(Found { end, complete: true, matched: self.secret.chars().count() })
    }
}

/// Whether nothing but an escape that is cut off is left.
fn ends_here(bytes: &[u8], position: usize) -> bool {
    match &bytes[position..] {
        [] => true,
        [b'\\' | b'%' | b'&', rest @ ..] => {
            rest.len() < LONGEST_ESCAPE
                && rest.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'\\' | b'%' | b'#' | b'&' | b';'))
        }
        // A character whose last bytes are missing was replaced when the text was decoded.
        rest => rest == "\u{fffd}".as_bytes(),
    }
}

/// Adds the ends of everything at `position` that can be read as `c`.
fn readings(bytes: &[u8], position: usize, c: char, ends: &mut Vec<usize>) {
    let rest = &bytes[position..];
    let mut buffer = [0; 4];
    let plain = c.encode_utf8(&mut buffer).as_bytes();
    if rest.starts_with(plain) {
        ends.push(position + plain.len());
    }
    match rest.first() {
        Some(b'\\') => backslash(rest, c, |length| ends.push(position + length)),
        Some(b'%') if rest.get(1).is_some_and(u8::is_ascii_hexdigit) => {
            ends.extend((0..=3).filter_map(|again| percent(rest, plain, again)).map(|length| position + length));
        }
        Some(b'&') => {
            if let Some(length) = entity(rest, c) {
                ends.push(position + length);
            }
        }
        Some(b'+') if c == ' ' => ends.push(position + 1),
        _ => {}
    }
}

/// `\/`, `\"`, `\\`, `\u002f`, and each of them escaped once or twice more.
fn backslash(rest: &[u8], c: char, mut found: impl FnMut(usize)) {
    let run = rest.iter().take(8).take_while(|&&byte| byte == b'\\').count();
    if c == '\\' {
        for length in [2, 4] {
            if run >= length {
                found(length);
            }
        }
    }
    let after = &rest[run..];
    let short = match c {
        '/' | '"' | '\'' => Some(c),
        '\n' => Some('n'),
        '\r' => Some('r'),
        '\t' => Some('t'),
        _ => None,
    };
    if short.is_some_and(|short| after.first().is_some_and(|&byte| char::from(byte) == short)) {
        found(run + 1);
    }
    let mut units = [0; 2];
    let mut length = 0;
    for (index, unit) in c.encode_utf16(&mut units).iter().enumerate() {
        // The second half of a surrogate pair has its own backslashes.
        let slashes = if index == 0 { run } else { rest[length..].iter().take_while(|&&b| b == b'\\').count() };
        let digits = rest.get(length + slashes..length + slashes + 5);
        let Some([b'u' | b'U', digits @ ..]) = digits else { return };
        if slashes == 0 || hex_value(digits) != Some(u32::from(*unit)) {
            return;
        }
        length += slashes + 5;
    }
    found(length);
}

/// `%2F` for each byte of a character, encoded `again` more times: `%252F`.
fn percent(rest: &[u8], plain: &[u8], again: usize) -> Option<usize> {
    let mut length = 0;
    for &byte in plain {
        let digits = rest[length..].strip_prefix(b"%")?.strip_prefix(&b"252525"[..again * 2])?.get(..2)?;
        if hex_value(digits) != Some(u32::from(byte)) {
            return None;
        }
        length += 3 + again * 2;
    }
    Some(length)
}

/// `&amp;`, `&#38;`, `&#x26;`, also with the ampersand escaped again: `&amp;lt;`.
fn entity(rest: &[u8], c: char) -> Option<usize> {
    let mut length = 1;
    for _ in 0..3 {
        if rest[length..].starts_with(b"amp;")
            && rest.get(length + 4).is_some_and(|b| *b == b'#' || b.is_ascii_alphabetic())
        {
            let name = named(rest, length + 4, c).or_else(|| numbered(rest, length + 4, c));
            if let Some(end) = name {
                return Some(end);
            }
            if c == '&' {
                break;
            }
            length += 4;
        }
    }
    named(rest, length, c).or_else(|| numbered(rest, length, c))
}

fn named(rest: &[u8], start: usize, c: char) -> Option<usize> {
    let names: &[&str] = match c {
        '&' => &["amp;"],
        '<' => &["lt;"],
        '>' => &["gt;"],
        '"' => &["quot;"],
        '\'' => &["apos;"],
        '/' => &["sol;"],
        '=' => &["equals;"],
        '+' => &["plus;"],
        _ => &[],
    };
    names.iter().find(|name| rest[start..].starts_with(name.as_bytes())).map(|name| start + name.len())
}

fn numbered(rest: &[u8], start: usize, c: char) -> Option<usize> {
    let [b'#', number @ ..] = &rest[start..] else { return None };
    let (digits, radix, skipped) = match number {
        [b'x' | b'X', digits @ ..] => (digits, 16, 2),
        digits => (digits, 10, 1),
    };
    let length = digits.iter().take(10).take_while(|byte| byte.is_ascii_hexdigit()).count();
    let value = u32::from_str_radix(std::str::from_utf8(&digits[..length]).ok()?, radix).ok()?;
    (value == u32::from(c) && digits.get(length) == Some(&b';')).then_some(start + skipped + length + 1)
}

fn hex_value(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, &digit| Some(value * 16 + char::from(digit).to_digit(16)?))
}

/// What of the base64 of a longer text is certain when the secret stands in it after any number of bytes: three
/// alignments, in both alphabets.
pub(super) fn base64_forms(secret: &[u8]) -> Vec<Secret> {
    let mut forms = Vec::new();
    for alphabet in [b"+/", b"-_"] {
        for before in 0..3 {
            let form = base64_core(secret, before, alphabet);
            if !forms.contains(&form) {
                forms.push(form);
            }
        }
    }
    forms.into_iter().map(Secret::new).collect()
}

fn base64_core(secret: &[u8], before: usize, last_two: &[u8; 2]) -> String {
    let digit = |value: u32| match value {
        0..26 => b'A' + value as u8,
        26..52 => b'a' + (value - 26) as u8,
        52..62 => b'0' + (value - 52) as u8,
        62 => last_two[0],
        _ => last_two[1],
    };
    let bits = |index: usize| -> Option<u32> {
        // Six bits from bit `index` on, when all of them are the secret's.
        let first = index.checked_sub(before * 8)?;
        (first + 6 <= secret.len() * 8).then(|| {
            let byte = |at: usize| u32::from(secret.get(at).copied().unwrap_or(0));
            let two = byte(first / 8) << 8 | byte(first / 8 + 1);
            two >> (10 - first % 8) & 0x3f
        })
    };
    let digits = (secret.len() + before) * 8 / 6 + 1;
    (0..digits).filter_map(|index| bits(index * 6)).map(|value| char::from(digit(value))).collect()
}
