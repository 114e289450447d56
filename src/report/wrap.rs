//! Text in lines of a given width, and single lines cut to it.
//!
//! Widths are terminal columns: a Chinese character takes two. `closing`, `table` and `explain` use these.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// Appends `text` in lines of at most `width` columns, the first after `first`, the others after `rest`.
///
/// What fits on one line stays as it is. Else lines break at spaces, several of which count as one, but not at those of
/// [`unbroken`]; a word that is wider than a line is broken where the line ends.
pub(crate) fn wrap(out: &mut String, first: &str, rest: &str, text: &str, width: usize) {
    out.push_str(first);
    if first.width() + text.width() <= width && !text.contains('\n') {
        out.extend(text.chars().map(shown));
        out.push('\n');
        return;
    }
    let (mut used, mut empty) = (first.width(), true);
    for word in text.split([' ', '\n']).filter(|word| !word.is_empty()) {
        let needed = word.width();
        let never_fits = rest.width() + needed > width;
        if !empty && (used + 1 + needed <= width || never_fits && used + 1 < width) {
            out.push(' ');
            used += 1;
        } else if !empty {
            out.push('\n');
            out.push_str(rest);
            used = rest.width();
        }
        used = push_word(out, word, used, rest, width);
        empty = false;
    }
    out.push('\n');
}

/// Appends a word at column `used`, with line ends where it doesn't fit; gives back the column after it.
fn push_word(out: &mut String, word: &str, mut used: usize, rest: &str, width: usize) -> usize {
    for c in word.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns > width && used > rest.width() {
            out.push('\n');
            out.push_str(rest);
            used = rest.width();
        }
        out.push(shown(c));
        used += columns;
    }
    used
}

/// Inside of [`wrap`] a space at which no line breaks.
const NO_BREAK: char = '\u{a0}';

/// The text with spaces at which [`wrap`] breaks no line: `4 min 12 s`.
pub(super) fn unbroken(text: &str) -> String {
    text.replace(' ', "\u{a0}")
}

fn shown(c: char) -> char {
    if c == NO_BREAK { ' ' } else { c }
}

/// Cuts a line to `width` columns; an ellipsis shows that something is missing.
pub(crate) fn fit(line: &str, width: usize) -> String {
    if line.width() <= width {
        return line.to_owned();
    }
    let mut cut = String::new();
    let mut used = 0;
    for c in line.chars() {
        let columns = c.width().unwrap_or(0);
        if used + columns + 1 > width {
            break;
        }
        used += columns;
        cut.push(c);
    }
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrapped(text: &str, width: usize) -> String {
        let mut out = String::new();
        wrap(&mut out, "- ", "  ", text, width);
        out
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("one two three", 9), "- one two\n  three\n");
        assert_eq!(wrapped("one two three", 8), "- one\n  two\n  three\n");
        assert_eq!(wrapped("one  two\nthree", 80), "- one two three\n");
        assert_eq!(wrapped("one  two", 10), "- one  two\n");
        assert_eq!(wrapped("one  two", 9), "- one two\n");
        assert_eq!(wrapped("", 8), "- \n");
    }

    #[test]
    fn what_has_no_spaces_is_broken_where_the_line_ends() {
        assert_eq!(wrapped("see abcdefghij", 8), "- see ab\n  cdefgh\n  ij\n");
        // Each of these characters is two columns wide.
        assert_eq!(wrapped("镜像仓镜像仓", 8), "- 镜像仓\n  镜像仓\n");
    }

    #[test]
    fn what_belongs_together_stays_together() {
        let duration = format!("after {} in all", unbroken("4 min 12 s"));
        assert_eq!(wrapped(&duration, 14), "- after\n  4 min 12 s\n  in all\n");
        assert_eq!(wrapped(&duration, 80), "- after 4 min 12 s in all\n");
    }

    #[test]
    fn a_width_of_nothing_still_ends() {
        assert_eq!(wrapped("ab", 0), "- a\n  b\n");
    }

    #[test]
    fn a_cut_line_says_so() {
        assert_eq!(fit("abcdef", 6), "abcdef");
        assert_eq!(fit("abcdefg", 6), "abcde…");
        assert_eq!(fit("镜像仓镜像仓", 6), "镜像…");
    }
}
