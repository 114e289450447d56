//! The lines around an offset, and what is found in them.
//!
//! `syntax` and `lookback` read a broken text as a person does, line by line; both speak in [`Finding`]s.

use super::place::trim_end;
use crate::source::Span;

/// Where and in which words an error is shown.
pub(super) struct Finding {
    pub(super) span: Span,
    pub(super) message: String,
    pub(super) label: &'static str,
    pub(super) help: String,
}

/// The text around an offset.
pub(super) struct Lines<'s> {
    pub(super) text: &'s str,
    pub(super) at: usize,
}

impl<'s> Lines<'s> {
    pub(super) fn start(&self) -> usize {
        self.text[..self.at].rfind('\n').map_or(0, |at| at + 1)
    }

    /// The line up to the offset.
    pub(super) fn before(&self) -> &'s str {
        &self.text[self.start()..self.at]
    }

    /// The last line above that isn't blank or a comment, and where it starts.
    pub(super) fn above(&self) -> Option<(usize, &'s str)> {
        let mut end = self.start().checked_sub(1)?;
        loop {
            let start = self.text[..end].rfind('\n').map_or(0, |at| at + 1);
            let line = self.text[start..end].trim_end();
            if !line.trim_start().is_empty() && !line.trim_start().starts_with('#') {
                return Some((start, line));
            }
            end = start.checked_sub(1)?;
        }
    }

    /// One character at the offset, or the last of the text.
    pub(super) fn character(&self) -> Span {
        let at = if self.at < self.text.len() { self.at } else { trim_end(self.text.as_bytes(), 0, self.at) };
        let start =
            if at == self.at { at } else { self.text[..at].char_indices().next_back().map_or(0, |(start, _)| start) };
        let len = self.text[start..].chars().next().map_or(0, char::len_utf8);
        Span::new(start, start + len)
    }
}

/// A line that is neither an entry nor an item, from its first character at `start`.
pub(super) fn bare_line(text: &str, start: usize) -> Finding {
    let line = text[start..].lines().next().unwrap_or_default().trim_end();
    let help = match (line.strip_prefix('-'), line.find(':')) {
        (Some(item), _) if !item.starts_with([' ', '-']) && !item.is_empty() => {
            format!("put a space after the dash: `- {item}`")
        }
        (_, Some(colon)) if colon + 1 < line.len() && !line[colon + 1..].starts_with(' ') => {
            format!("put a space after the colon: `{}: {}`", &line[..colon], &line[colon + 1..])
        }
        _ => "write `key: value`, or `- item` in a list, at the indentation of its neighbours".to_owned(),
    };
    Finding {
        span: Span::new(start, start + line.len().max(1).min(text.len() - start)),
        message: "this is neither `key: value` nor an item of a list".to_owned(),
        label: "no `: ` in it",
        help,
    }
}
